"""Presets: every rule is sourced; a file that breaks one is told of; what is delivered is marked and passes."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from packshot.artifacts import Raster, read_figures
from packshot.config import check_engines, fingerprints, load_profile, shaped
from packshot.delivery import Delivered, encode_picture, srgb_profile
from packshot.errors import ErrorCode, PhotoError, SettingError
from packshot.preset_check import check, has_border
from packshot.preset_files import check_files, find_pictures
from packshot.presets import load_preset, preset_names
from packshot.provenance import AI_COMPOSITE, COMPOSITE, source_type
from packshot.stages import stages_for
from packshot.stamp import stamp


def picture(size_wh=(1000, 1000), box=(300, 60, 700, 950), ground=(255, 255, 255)) -> np.ndarray:
    pixels = np.full((size_wh[1], size_wh[0], 3), ground, np.uint8)
    x0, y0, x1, y1 = box
    pixels[y0:y1, x0:x1] = np.linspace((120, 30, 40), (220, 80, 60), y1 - y0)[:, None]
    return pixels


def encoded(pixels: np.ndarray, format="JPEG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **options)
    return buffer.getvalue()


def broken(data: bytes, preset="amazon_main", binding=True) -> set[str]:
    return {finding.rule for finding in check(data, load_preset(preset)) if finding.binding == binding}


@pytest.mark.parametrize("name", preset_names())
def test_every_rule_says_where_it_comes_from(name):
    preset = load_preset(name)
    rules = [rule for rule in dict(preset.rules).values() if rule]
    assert rules and preset.title
    for rule in rules:
        assert rule.source and rule.checked.year >= 2026 and rule.confidence in ("official", "third-party")
    framing = preset.framing
    if framing and preset.rules.frame_share:
        assert framing.least_share >= preset.rules.frame_share.value, "what is made follows the rule"
    if preset.rules.aspect and preset.rules.aspect.binding:
        assert preset.make.aspect == preset.rules.aspect.value


def test_the_presets_of_the_issue_are_there():
    wanted = "amazon_main ebay google_merchant lifestyle ozon walmart white wildberries yandex_market"
    assert preset_names() == wanted.split()


def test_a_wrong_preset_is_named(tmp_path):
    with pytest.raises(SettingError, match="there is: amazon_main"):
        load_preset("amazon")
    with pytest.raises(SettingError, match="cannot be read"):
        load_preset(str(tmp_path / "none.toml"))
    mine = tmp_path / "mine.toml"
    mine.write_text('title = "Mine"\n[make]\nbackground = "green"\n')
    with pytest.raises(SettingError, match=r"make\.background"):
        load_preset(str(mine))
    mine.write_text("title =")
    load_preset.cache_clear()
    with pytest.raises(SettingError, match="not valid TOML"):
        load_preset(str(mine))


def test_what_breaks_a_rule_is_told():
    good = encoded(picture(), quality=95, icc_profile=srgb_profile())
    assert broken(good) == set() and broken(good, binding=False) == set()
    assert broken(encoded(picture((800, 800), (300, 20, 700, 780)))) == {"min_long_side"}
    assert broken(encoded(picture(ground=(244, 244, 244)))) >= {"white_background"}
    assert broken(encoded(picture(box=(400, 400, 600, 600)))) == {"frame_share"}
    assert broken(encoded(picture(), "WEBP")) == {"formats"}
    assert broken(encoded(picture((1000, 1400), (300, 60, 700, 1390))), binding=False) == {"aspect"}
    ai = encode_picture(picture(), "JPEG", 95, 1 << 40, AI_COMPOSITE)
    assert broken(ai) == {"ai_background"}
    noise = np.random.default_rng(0).integers(0, 255, (1500, 1500, 3)).astype(np.uint8)
    assert "max_bytes" in broken(encoded(noise, "PNG"), "walmart")


def test_colours_transparency_and_animation():
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    assert "srgb" in broken(encoded(picture(), icc_profile=lab), "walmart")
    grey = io.BytesIO()
    Image.fromarray(picture()).convert("CMYK").save(grey, "JPEG")
    assert "srgb" in broken(grey.getvalue(), "walmart")
    clear = io.BytesIO()
    Image.fromarray(np.dstack([picture(), np.full((1000, 1000), 90, np.uint8)])).save(clear, "PNG")
    assert "transparency" in broken(clear.getvalue(), "yandex_market")
    frames = [Image.fromarray(picture()), Image.fromarray(255 - picture())]
    moving = io.BytesIO()
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:])
    assert "animation" in broken(moving.getvalue())


def test_uncertain_rules_warn():
    small = encoded(picture((300, 400), (60, 40, 240, 380)))
    assert broken(small, "wildberries") == set()
    assert broken(small, "wildberries", binding=False) == {"min_width", "min_height"}
    framed = picture(box=(300, 100, 700, 900))
    framed[:40], framed[-40:], framed[:, :40], framed[:, -40:] = ((10, 90, 30),) * 4
    assert has_border(framed) and not has_border(picture())
    assert "border" in broken(encoded(framed), "ebay", binding=False)


def test_files_are_found_and_held_against_a_preset(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(encoded(picture()))
    (tmp_path / "in" / "b.png").write_bytes(encoded(picture((400, 400), (20, 20, 380, 380)), "PNG"))
    (tmp_path / "in" / "c.jpg").write_text("no picture")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    assert len(find_pictures([str(tmp_path), str(tmp_path / "in" / "*.jpg")])) == 3
    results = list(check_files(find_pictures([str(tmp_path)]), load_preset("amazon_main"), read=False))
    assert [result.passes for result in results] == [True, False, False]
    assert results[2].problem.startswith("not_an_image")
    with pytest.raises(SettingError, match="names no picture"):
        find_pictures([str(tmp_path / "*.bmp")])


def test_writing_beside_the_product_is_warned_of():
    import cv2

    from packshot.preset_files import OverlayTexts

    pixels = picture((900, 900), (300, 300, 600, 860))
    cv2.putText(pixels, "BEST PRICE 500", (120, 150), cv2.FONT_HERSHEY_SIMPLEX, 2.4, (200, 20, 20), 6, cv2.LINE_AA)
    found = check(encoded(pixels, "PNG"), load_preset("ebay"), OverlayTexts())
    assert [finding.rule for finding in found] == ["overlay_text"] and not found[0].binding
    assert "500" in found[0].message


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_delivered_file_is_srgb_and_says_how_it_came_to_be(format):
    data = stamp(Delivered(encode_picture(picture(), format, 95, 1 << 40, COMPOSITE), {"preset": "x"}).encode())
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert image.format == format and b"sRGB" in image.info["icc_profile"].replace(b"\0", b"")
        assert not image.has_transparency_data
        if format == "PNG":
            assert np.array_equal(np.asarray(image), picture())
    assert source_type(data) == "composite" and read_figures(data) == {"preset": "x"}
    assert read_figures(Delivered.decode(data).encode()) == {"preset": "x"}
    assert source_type(encode_picture(picture(), format, 95, 1 << 40, None)) is None
    placed = Raster(picture(), {"digital_source_type": AI_COMPOSITE}).encode()
    assert source_type(placed) == AI_COMPOSITE and np.array_equal(Raster.decode(placed).pixels, picture())


def test_quality_gives_way_to_the_byte_limit_and_not_without_end():
    noise = np.random.default_rng(0).integers(0, 255, (400, 400, 3)).astype(np.uint8)
    whole, limited = (len(encode_picture(noise, "JPEG", 95, most, None)) for most in (1 << 40, 200_000))
    assert limited <= 200_000 < whole
    with pytest.raises(PhotoError) as error:
        encode_picture(noise, "JPEG", 95, 20_000, None)
    assert error.value.code is ErrorCode.PRESET_FAILED and error.value.figures["bytes"] > 20_000


def test_a_preset_shapes_the_stage_and_its_fingerprint():
    plain, scene = load_profile("lite"), load_profile("lite", {"deliver.preset": "wildberries"})
    assert shaped(plain)["deliver"].reads == ("mask", "detect") and shaped(plain)["deliver"].suffix == "png"
    assert shaped(scene)["deliver"].reads == ("mask", "inpaint") and shaped(scene)["deliver"].suffix == "jpg"
    assert scene.stages["inpaint"].params["preset"] == "wildberries"
    before, after = fingerprints(plain), fingerprints(scene)
    assert {name for name in before if before[name] != after[name]} == {"inpaint", "deliver"}
    amazon = fingerprints(load_profile("lite", {"deliver.preset": "amazon_main"}))
    assert {name for name in before if before[name] != amazon[name]} == {"deliver"}
    stricter = fingerprints(load_profile("lite", {"gates.expansion": 0.01}))
    assert {name for name in before if before[name] != stricter[name]} == {"inpaint", "deliver"}
    check_engines(scene, stages_for(("place",)))
    with pytest.raises(SettingError, match="add the step place"):
        check_engines(scene, stages_for(("clean",)))
    with pytest.raises(SettingError, match=r"\[gates\] expansion"):
        load_profile("lite", {"gates.expansion": -1})
    with pytest.raises(SettingError, match="there is no preset"):
        load_profile("lite", {"deliver.preset": "amazn"})
    on_white = load_profile("lite", {"deliver.preset": "wildberries", "deliver.background": "white"})
    assert shaped(on_white)["deliver"].reads == ("mask", "detect")
