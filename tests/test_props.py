"""Users' own pictures in the synthetic catalogue, and props made from 3D models."""

import importlib.util
import os
import zipfile
from ctypes.util import find_library
from pathlib import Path

import cv2
import numpy as np
import pytest

from packshot.errors import SourceError
from packshot.records import VERDICTS
from packshot.synth import make_photo, props
from packshot.synth.products import FURNITURE, KINDS, LARGE

PINK = (255, 0, 200)
SIZE = (200, 240)
can_render = importlib.util.find_spec("pyvista") and find_library("OSMesa")
renders = pytest.mark.skipif(
    not can_render and not os.environ.get("PACKSHOT_TEST_RENDERING"),
    reason="models are not rendered without the extra `props` and libosmesa6",
)


@pytest.fixture
def as_before():
    """What props add to the catalogue of this process is taken away again."""
    kept = [dict(KINDS["train"]), set(LARGE), list(FURNITURE)]
    yield
    for known, before in zip((KINDS["train"], LARGE), kept, strict=False):
        known.clear()
        known.update(before)
    FURNITURE[:] = kept[2]
    props.ROOMS["train"].clear()
    props.STAGED["train"].clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pink ball and a pink wardrobe, cut out; a yellow room; a pink box in a green room."""
    for name in ("small", "large", "rooms"):
        (tmp_path / name).mkdir()
    ball = np.zeros((120, 120, 4), np.uint8)
    cv2.circle(ball, (60, 60), 58, (*PINK[::-1], 255), -1)
    cv2.imwrite(str(tmp_path / "small" / "ball.png"), ball)
    cv2.imwrite(str(tmp_path / "large" / "wardrobe.png"), np.full((200, 90, 4), (*PINK[::-1], 255), np.uint8))
    cv2.imwrite(str(tmp_path / "rooms" / "empty.jpg"), np.full((240, 320, 3), (0, 200, 220), np.uint8))
    staged, mask = np.full((240, 320, 3), (40, 160, 40), np.uint8), np.zeros((240, 320), np.uint8)
    staged[100:220, 120:220], mask[100:220, 120:220] = PINK[::-1], 255
    cv2.imwrite(str(tmp_path / "rooms" / "staged.jpg"), staged)
    cv2.imwrite(str(tmp_path / "rooms" / "staged.png"), mask)
    return tmp_path


def test_props_join_the_training_products_and_no_others(folder, as_before):
    drawn, tested = set(KINDS["train"]), make_photo(5, split="test", size_wh=SIZE).image
    props.add_props(folder)
    assert set(KINDS["train"]) - drawn == {"prop_small_0", "prop_large_0"}
    assert "prop_large_0" in LARGE and "prop_large_0" in FURNITURE and "prop_small_0" not in LARGE
    assert not any(kind.startswith("prop") for kind in KINDS["test"])
    assert np.array_equal(make_photo(5, split="test", size_wh=SIZE).image, tested)


def test_a_cutout_is_drawn_with_its_own_outline(folder, as_before):
    props.add_props(folder)
    photos = (make_photo(seed, "clean_photo_good_background", SIZE) for seed in range(400))
    photo = next(photo for photo in photos if photo.product_kind == "prop_small_0")
    contours, _ = cv2.findContours((photo.product_alpha > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, 2)
    largest = max(contours, key=cv2.contourArea)
    (_, _), radius = cv2.minEnclosingCircle(largest)
    assert cv2.contourArea(largest) > 0.6 * np.pi * radius**2, "a ball, or several, but no square and no speck"


def test_staged_rooms_keep_their_product_whole_and_in_its_place(folder, as_before):
    props.add_props(folder)
    photos = (make_photo(seed, "clean_photo_image_background", SIZE) for seed in range(60))
    photo = next(photo for photo in photos if photo.product_kind == "staged")
    inside, outside = photo.image[photo.product_alpha > 0.99], photo.image[photo.product_alpha < 0.01]
    assert np.abs(np.median(inside, axis=0) - PINK).max() < 25
    assert np.median(outside, axis=0)[1] > 100, "the rest is the green room"
    ys, xs = np.nonzero(photo.product_alpha > 0.5)
    assert ys.min() > 0 and ys.max() < SIZE[1] - 1 and xs.min() > 0 and xs.max() < SIZE[0] - 1
    assert abs(np.ptp(ys) / np.ptp(xs) - 120 / 100) < 0.08, "its proportions are kept"


def test_empty_rooms_are_backgrounds(folder, as_before):
    props.add_props(folder)
    photos = [make_photo(seed, "clean_photo_image_background", SIZE) for seed in range(40)]
    shown = [photo for photo in photos if "setting_room" in photo.clauses and photo.product_kind != "staged"]
    assert shown
    for photo in shown:
        red, green, blue = np.median(photo.image[photo.product_alpha < 0.01], axis=0)
        assert photo.product_alpha.max() > 0.5 and red > 1.5 * blue and green > 1.4 * blue, "the yellow room"


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_can_be_drawn_with_props_again_and_again(folder, as_before, verdict):
    props.add_props(folder)
    one, two = (make_photo(11, verdict, SIZE).image for _ in range(2))
    assert np.array_equal(one, two)


def test_what_cannot_be_used_is_told_before_anything_is_drawn(folder, as_before):
    assert props.check_props(folder) == props.check_props(folder) != ""
    cv2.imwrite(str(folder / "rooms" / "staged.png"), np.zeros((24, 32), np.uint8))
    with pytest.raises(SourceError, match=r"staged\.png is not as large as its photo"):
        props.check_props(folder)
    cv2.imwrite(str(folder / "small" / "opaque.png"), np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(SourceError, match=r"opaque\.png is not a picture with transparency"):
        props.add_props(folder)
    (folder / "small" / "opaque.png").write_text("no picture")
    with pytest.raises(SourceError, match=r"opaque\.png is not a picture that can be read"):
        props.check_props(folder)
    with pytest.raises(SourceError, match="holds no props"):
        props.check_props(folder / "small")


def test_photos_with_and_without_props_are_not_mixed(folder, tmp_path, monkeypatch):
    from packshot.saliency_training import photos

    monkeypatch.setattr(photos, "_SHARD", 1)
    assert len(photos.load(tmp_path / "drawn", "train", 1, folder)) == 1
    assert len(photos.load(tmp_path / "drawn", "train", 1, folder)) == 1
    with pytest.raises(SourceError, match="drawn with other props"):
        photos.load(tmp_path / "drawn", "train", 1)


CUBE = """mtllib box.mtl
v -1 0 -1\nv 1 0 -1\nv 1 2 -1\nv -1 2 -1\nv -1 0 1\nv 1 0 1\nv 1 2 1\nv -1 2 1
usemtl red
f 5 6 7 8\nf 2 1 4 3\nf 1 5 8 4\nf 6 2 3 7\nf 4 8 7 3\nf 1 2 6 5
"""


@renders
def test_a_library_of_models_becomes_cutouts_and_rooms(tmp_path):
    from packshot.synth.furniture import main

    entry = "model#1=/box/box.obj\ncategory#1=Living room\nwidth#1=120\ndepth#1=60\nheight#1=90\n"
    with zipfile.ZipFile(tmp_path / "boxes.sh3f", "w") as archive:
        archive.writestr("PluginFurnitureCatalog.properties", "id=boxes\nid#1=box\nname#1=Box\n" + entry)
        archive.writestr("box/box.obj", CUBE)
        archive.writestr("box/box.mtl", "newmtl red\nKd 0.9 0.05 0.05\nKa 0 0 0\nKs 0 0 0\nd 1\nillum 1\n")
    out = tmp_path / "props"
    order = [str(tmp_path / "boxes.sh3f"), "--out", str(out), "--views", "2", "--rooms", "12", "--workers", "1"]
    assert main(order) == 0
    cutouts = sorted((out / "large").glob("*.png"))
    assert len(cutouts) == 2 and not list((out / "small").iterdir())
    cutout = cv2.imread(str(cutouts[0]), cv2.IMREAD_UNCHANGED)
    solid = cutout[..., 3] > 250
    edge = (cutout[..., 3] > 20) & (cutout[..., 3] < 200)
    assert solid.mean() > 0.5 and edge.any()
    for part in (solid, edge):
        assert cutout[part][:, 2].mean() > 2 * cutout[part][:, 1].mean(), "a red box, lit, to its very edge"
    masks = sorted((out / "rooms").glob("*.png"))
    assert masks and len(list((out / "rooms").glob("*.jpg"))) > len(masks), "rooms with a product, and without"
    for path in masks:
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 128
        shown = cv2.imread(str(path.with_suffix(".jpg")))[mask]
        assert shown[:, 2].mean() > 1.5 * shown[:, 1].mean(), "the mask shows where the red box is"
    before = [path.stat().st_mtime_ns for path in cutouts]
    assert main(order) == 0
    assert [path.stat().st_mtime_ns for path in cutouts] == before, "what is there is not made again"


@renders
def test_what_is_no_library_is_told(tmp_path, capsys):
    from packshot.synth.furniture import main

    (tmp_path / "no.sh3f").write_text("no")
    assert main([str(tmp_path / "no.sh3f"), "--out", str(tmp_path / "props")]) == 2
    assert "no.sh3f is no furniture library" in capsys.readouterr().err
