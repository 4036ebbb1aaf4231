"""The synthetic catalogue: repeatable, labelled, exact, and served with faults by a real server."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image, ImageFile

from packshot.records import VERDICTS
from packshot.synth import backgrounds, make_photo, write_catalogue
from packshot.synth.backgrounds import Backdrop
from packshot.synth.broken import FAULTS, HOSTILE_SKUS, png_bomb
from packshot.synth.colours import HUES, draw_palette
from packshot.synth.compose import NATURAL_COUNTS
from packshot.synth.interiors import SETTINGS
from packshot.synth.lettering import FONT_FOLDER, FONTS, text_cover
from packshot.synth.poster import poster
from packshot.synth.products import KINDS, draw_subject
from packshot.synth.rooms import HOMES, STREETS
from packshot.synth.scene import Scene
from packshot.synth.server import serve

SMALL = (240, 320)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_photo_carries_its_truth(verdict):
    for seed in range(6):
        photo = make_photo(seed, verdict, SMALL)
        height, width = photo.image.shape[:2]
        assert photo.image.dtype == np.uint8 and (width, height) == SMALL
        assert photo.verdict == verdict and photo.clauses
        assert (
            photo.product_alpha.shape == photo.overlay_mask.shape == photo.packaging_text_mask.shape == (height, width)
        )
        assert (
            photo.product_alpha.dtype == np.float32 and 0 <= photo.product_alpha.min() <= photo.product_alpha.max() <= 1
        )
        assert photo.overlay_mask.dtype == photo.packaging_text_mask.dtype == bool
        for (x0, y0, x1, y1), kind in photo.overlay_boxes:
            assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height and kind
        infographics = verdict.endswith("_infographics")
        assert bool(photo.overlay_boxes) == infographics == bool(photo.overlay_mask.any())
        if not infographics:
            assert photo.product_alpha.max() > 0.99 and not photo.texts


@pytest.mark.parametrize("split", ["train", "test"])
def test_same_arguments_give_the_same_photo(split):
    one, two = make_photo(7, None, SMALL, split), make_photo(7, None, SMALL, split)
    assert one.verdict == two.verdict and one.clauses == two.clauses and one.overlay_boxes == two.overlay_boxes
    assert one.image.tobytes() == two.image.tobytes()
    assert one.product_alpha.tobytes() == two.product_alpha.tobytes()
    assert one.image.tobytes() != make_photo(8, None, SMALL, split).image.tobytes()


def test_boxes_hold_the_overlays():
    for seed in range(12):
        photo = make_photo(seed, "good_infographics", SMALL)
        inside = np.zeros_like(photo.overlay_mask)
        for (x0, y0, x1, y1), _ in photo.overlay_boxes:
            inside[max(0, int(y0) - 6) : int(y1) + 7, max(0, int(x0) - 6) : int(x1) + 7] = True
        assert (photo.overlay_mask & ~inside).mean() < 0.02, seed


def test_natural_shares_and_sizes():
    photos = [make_photo(seed) for seed in range(12)]
    assert all(600 <= side <= 1334 for p in photos for side in p.image.shape[:2])
    rng_counts = {v: NATURAL_COUNTS[v] for v in VERDICTS}
    assert max(rng_counts, key=rng_counts.get) == "clean_photo_good_background"
    assert {p.verdict for p in photos} <= set(VERDICTS)


@pytest.mark.parametrize(("arguments", "message"), [
    ((1, "nice"), "unknown verdict"), ((1, None, None, "dev"), "unknown split"), ((1, None, (20, 400)), "too small"),
])  # fmt: skip
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_photo(*arguments)


@pytest.mark.parametrize("split", ["train", "test"])
def test_alpha_is_exactly_what_was_blended(split):
    """Over black and over white the product's pixels differ by 1 - alpha and by nothing else."""
    for kind in sorted(KINDS[split]):
        subject = draw_subject(np.random.default_rng([3, len(kind)]), split, 150, kind)
        shown = []
        for level in (0.0, 1.0):
            rng = np.random.default_rng(0)
            scene = Scene(rng, split, (200, 200), draw_palette(rng, split))
            backdrop = scene.back(Backdrop(np.full((200, 200, 3), level, np.float32), ("even",), None, ("none",)))
            scene.place((20, 20, 180, 180), backdrop, shadow="none", subject=subject)
            shown.append(scene.picture)
        np.testing.assert_allclose((shown[1] - shown[0]).mean(2), 1 - scene.alpha, atol=2e-3, err_msg=kind)
        assert scene.alpha.max() > 0.99 and 0.005 < scene.alpha.mean() < 0.7, kind


@pytest.mark.parametrize("kind", ["mug", "basket", "photo_frame", "bicycle", "shears"])
def test_one_looks_through_holes(kind):
    import cv2

    holes = 0
    for seed in range(6):
        layer = draw_subject(np.random.default_rng(seed), "train", 300, kind).layer
        clear = (np.pad(layer.alpha, 2) < 0.1).astype(np.uint8)
        holes += cv2.connectedComponents(clear)[0] - 2
    assert holes > 0


def test_writing_on_the_pack_is_no_infographic():
    seen = 0
    for seed in range(10):
        photo = make_photo(seed, "clean_photo_good_background", SMALL)
        seen += photo.packaging_text_mask.any()
        assert not (photo.packaging_text_mask & (photo.product_alpha < 0.3)).any()
    assert seen


def test_train_and_test_share_nothing():
    families = [{name.split("-")[0][:3] for use in FONTS[s].values() for name in use} for s in ("train", "test")]
    assert not families[0] & families[1]
    for lists in (KINDS, HUES, HOMES, STREETS, SETTINGS):
        assert not set(lists["train"]) & set(lists["test"])
    a = make_photo(1, "good_infographics", SMALL, "train")
    b = make_photo(1, "good_infographics", SMALL, "test")
    assert a.product_kind in KINDS["train"] and b.product_kind in KINDS["test"]


def test_every_font_has_cyrillic_and_a_licence():
    for name in {n for split in FONTS.values() for use in split.values() for n in use}:
        drawn = [text_cover(letter, name, 40) for letter in "ЖщЯёABg"]
        missing = text_cover("\ue123", name, 40)
        assert all(d.shape != missing.shape or not np.array_equal(d, missing) for d in drawn), name
    assert len(list(FONT_FOLDER.glob("LICENCE-*.txt"))) >= 6
    assert sum(f.stat().st_size for f in FONT_FOLDER.glob("*.ttf")) < 4 * 2**20


def test_catalogue_with_broken_rows(tmp_path):
    with serve(tmp_path) as base:
        path = write_catalogue(tmp_path, 12, 5, broken=True, base_url=base, alphas=True, size_wh=SMALL)
        lines = path.read_text(encoding="utf-8").splitlines()
        truth = [json.loads(t) for t in (tmp_path / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
        rows = [json.loads(line) for line in lines[:12]]
        assert len(truth) == len(lines)
        assert sorted(r["verdict"] for r in rows) == sorted(VERDICTS * 2)
        for row, meant in zip(rows, truth[:12], strict=True):
            assert row["pic_url"].startswith("//127.0.0.1:") and isinstance(row["market_sku_id"], int)
            body = urllib.request.urlopen("http:" + row["pic_url"]).read()
            (tmp_path / "got").write_bytes(body)
            with Image.open(tmp_path / "got") as picture:
                assert picture.size == SMALL
            assert meant["verdict"] == row["verdict"] and meant["clauses"]
            assert Image.open(tmp_path / meant["alpha"]).size == SMALL
    cases = [t["case"] for t in truth[12:]]
    assert [c for c in cases if c.startswith("fault:")] == [f"fault:{f}" for f in FAULTS]
    assert {"missing_url", "duplicate", "bad_line", "unreachable", "unknown_verdict"} <= set(cases)
    skus = [json.loads(line).get("market_sku_id") for line in lines[12:-1]]
    assert set(HOSTILE_SKUS) <= set(skus)
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[-1])
    again = write_catalogue(tmp_path / "again", 12, 5, broken=True, base_url=base, size_wh=SMALL)
    assert again.read_bytes() == path.read_bytes()
    for photo in sorted((tmp_path / "photos").iterdir()):
        assert photo.read_bytes() == (tmp_path / "again" / "photos" / photo.name).read_bytes(), photo.name


def test_odd_files_are_what_they_claim(tmp_path):
    write_catalogue(tmp_path, 1, 1, broken=True, size_wh=SMALL)
    photos = tmp_path / "photos"
    with Image.open(photos / "cmyk.jpg") as p:
        assert p.mode == "CMYK"
    with Image.open(photos / "palette.png") as p:
        assert p.mode == "P"
    with Image.open(photos / "sixteen_bit.png") as p:
        assert p.mode.startswith("I")
    with Image.open(photos / "transparent.png") as p:
        assert p.mode == "RGBA" and p.getextrema()[3][0] == 0
    with Image.open(photos / "animated.gif") as p:
        assert p.n_frames > 1
    with Image.open(photos / "exif_rotated.jpg") as p:
        assert p.getexif()[0x0112] == 6
    with Image.open(photos / "tiny.png") as p:
        assert p.size == (3, 3)
    with pytest.raises(OSError), Image.open(photos / "cut_short.jpg") as p:
        assert not ImageFile.LOAD_TRUNCATED_IMAGES
        p.load()
    assert (photos / "bomb.png").stat().st_size < 300_000


def test_the_bomb_is_a_valid_picture():
    import io

    with Image.open(io.BytesIO(png_bomb(2500))) as small:
        small.load()
        assert small.size == (2500, 2500) and small.getextrema() == (0, 0)


def test_an_empty_catalogue_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 1 photo"):
        write_catalogue(tmp_path, 0, 1)


def test_the_command_writes_a_catalogue_and_pages(tmp_path):
    def run(*arguments):
        command = [sys.executable, "-m", "packshot.synth", str(tmp_path), "--count", "2", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "pictures_market.jsonl" in run("--natural", "--seed", "4")
    assert len((tmp_path / "pictures_market.jsonl").read_text(encoding="utf-8").splitlines()) == 2
    assert "6 contact sheets" in run("--sheets", "--split", "test")
    for verdict in VERDICTS:
        with Image.open(tmp_path / f"test_{verdict}.png") as page:
            assert page.size == (8 * 240, 240)


def test_covered_photos_are_covered_by_more_than_half():
    found = 0
    for seed in range(60):
        photo = make_photo(seed, "bad_infographics", SMALL)
        if "covers_half" in photo.clauses:
            under = np.zeros_like(photo.overlay_mask)
            for (x0, y0, x1, y1), _ in photo.overlay_boxes:
                under[int(y0) : int(y1), int(x0) : int(x1)] = True
            assert under.mean() > 0.5, seed
            found += 1
    assert found


def test_freely_composed_elements_leave_each_other_and_the_product_room():
    clauses, hidden = set(), []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scene = Scene(rng, "train", SMALL[::-1], draw_palette(rng, "train"))
        poster(scene, scene.back(backgrounds.even(rng, scene.shape_hw, "train", "white")))
        clauses |= set(scene.clauses)
        product = scene.alpha > 0.5
        hidden.append((product & (scene.board.layer.alpha > 0.5)).sum() / product.sum())
        solid = [box for box, kind in scene.board.boxes if kind in ("plate", "magnifier")]
        for number, (x0, y0, x1, y1) in enumerate(solid):
            for ax0, ay0, ax1, ay1 in solid[:number]:
                assert min(x1, ax1) - max(x0, ax0) < 1 or min(y1, ay1) - max(y0, ay0) < 1, seed
    assert np.mean(hidden) < 0.1 and max(hidden) < 0.5
    assert {"plates", "icons", "magnified_detail", "size_shown", "characteristics"} <= clauses


def _get(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_server_faults(tmp_path):
    with serve(tmp_path) as base:
        for code in (404, 403, 500, 429):
            status, headers, _ = _get(f"{base}/fault/{code}")
            assert status == code and (code != 429 or headers["Retry-After"])
        status, headers, body = _get(f"{base}/fault/html")
        assert status == 200 and headers["Content-Type"] == "image/jpeg" and body.startswith(b"<!doctype html")
        assert _get(f"{base}/fault/empty")[2] == b""
        import http.client

        with pytest.raises(http.client.IncompleteRead):
            _get(f"{base}/fault/truncated.jpg")
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected, urllib.error.URLError)):
            _get(f"{base}/fault/reset")
        status, headers, _ = _get(f"{base}/fault/loop")
        assert status == 302 and headers["Location"] == "/fault/loop"
        assert _get(f"{base}/fault/nonsense")[0] == 404


def test_server_never_answers_a_timeout_but_stops(tmp_path):
    with serve(tmp_path) as base:
        port = int(base.rsplit(":", 1)[1])
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"GET /fault/timeout HTTP/1.1\r\nHost: x\r\n\r\n")
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.recv(1)
        before = time.monotonic()
    assert time.monotonic() - before < 30
    client.settimeout(10)
    assert client.recv(1) == b""
    client.close()


def test_server_knows_unchanged_files_and_stays_in_its_folder(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("no")
    (folder / "a.jpg").write_bytes(b"picture")
    with serve(folder) as base:
        status, headers, body = _get(f"{base}/a.jpg")
        assert (status, body) == (200, b"picture") and headers["Content-Type"] == "image/jpeg"
        assert _get(f"{base}/a.jpg", **{"If-None-Match": headers["ETag"]})[0] == 304
        assert _get(f"{base}/a.jpg", **{"If-Modified-Since": headers["Last-Modified"]})[0] == 304
        assert _get(f"{base}/a.jpg", **{"If-None-Match": '"other"'})[0] == 200
        assert _get(f"{base}/none.jpg")[0] == 404
        assert _get(f"{base}/%2e%2e/secret.txt")[0] == 404
    with pytest.raises(FileNotFoundError, match="Write a catalogue"), serve(tmp_path / "nowhere"):
        pass
