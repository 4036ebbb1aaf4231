"""The gate loop that every inpaint engine goes through, and what deliver hands out, on small real pictures."""

import cv2
import numpy as np
import pytest

from packshot.artifacts import Box, Caption, Detections, Raster, read_figures
from packshot.engines import make_engine
from packshot.engines.placing import Attempt, Painted, PlacingEngine, PlacingParams
from packshot.errors import ErrorCode, PhotoError
from packshot.fidelity import Gates
from packshot.preset_check import check
from packshot.presets import load_preset, preset_names
from packshot.provenance import AI_COMPOSITE, COMPOSITE, source_type

GATES = Gates().model_dump()
NOTHING = Detections([], [])


def photo(side=360, box=(120, 80, 250, 300), colour=(60, 90, 170)) -> tuple[np.ndarray, Raster]:
    """A shaded box on white, and its exact cutout."""
    image = np.full((side, side, 3), 255, np.uint8)
    x0, y0, x1, y1 = box
    shade = np.linspace(0.7, 1.2, x1 - x0)[None, :, None] * np.linspace(1.1, 0.9, y1 - y0)[:, None, None]
    image[y0:y1, x0:x1] = np.clip(np.float32(colour) * shade, 0, 255)
    cutout = np.zeros((side, side, 4), np.uint8)
    cutout[y0:y1, x0:x1, :3] = image[y0:y1, x0:x1]
    cutout[y0:y1, x0:x1, 3] = 255
    return image, Raster(cutout)


def place(engine, image, cutout, prompt="", found=NOTHING):
    return engine.run([image], [cutout], [Caption("a box")], [found], [prompt])[0]


def studio(**params):
    return make_engine("inpaint", "studio", {"gates": GATES} | params)


def deliver(preset, **params):
    return make_engine("deliver", "preset", {"preset": preset, "gates": GATES} | params)


def test_placing_keeps_product_pixels_and_follows_the_prompt():
    image, cutout = photo()
    solid = cutout.pixels[..., 3] == 255
    means = []
    for prompt in ("", "green", "dark", "white marble"):
        placed = place(studio(), image, cutout, prompt)
        assert np.array_equal(placed.pixels[solid], image[solid])
        assert placed.figures["gates"]["changed_pixels"] == 0 and placed.figures["attempts"] == 1
        assert source_type(placed.encode()) == COMPOSITE
        means.append(placed.pixels[~solid].mean(axis=0))
        assert np.array_equal(placed.pixels, place(studio(), image, cutout, prompt).pixels)
    assert means[1][1] > means[1][0] + 30 and means[1][1] > means[1][2] + 20
    assert means[2].mean() < 110 < means[3].mean()


def test_a_product_that_cannot_be_seen_gets_another_backdrop():
    image, cutout = photo(colour=(22, 22, 24))
    flat = cutout.pixels[..., 3] == 255
    image[flat] = cutout.pixels[flat, :3] = (22, 22, 24)
    engine = studio(gates=GATES | {"contrast": 12.0, "expansion": 10.0}, shadow=0.0)
    placed = place(engine, image, cutout, "solid black")
    assert placed.figures["setting"] in ("stricter", "plain") and placed.figures["attempts"] >= 3
    assert [t["failed"] for t in placed.figures["tries"]][:2] == [["contrast"]] * 2
    assert placed.figures["gates"]["contrast"] >= 12
    strict = studio(gates=GATES | {"contrast": 101.0}, fallback="none")
    failed = place(strict, image, cutout, "solid black")
    assert isinstance(failed, PhotoError) and failed.code is ErrorCode.GATE_FAILED
    assert [t["setting"] for t in failed.figures["tries"]] == ["as asked", "as asked", "stricter"]
    assert "contrast" in failed.message


class Grower(PlacingEngine):
    """Paints the product larger than it is until it is asked to be stricter; black at first."""

    name = "grower"
    version = 1
    Params = PlacingParams
    source_term = AI_COMPOSITE
    generative = True

    def paint(self, scenes, attempt: Attempt):
        found = []
        for scene in scenes:
            picture = np.full_like(scene.image, (215, 200, 180))
            if attempt.number == 0:
                picture[:] = 0
            elif attempt.setting == "as asked":
                alpha = scene.cutout[..., 3] > 127
                grown = cv2.dilate(alpha.astype(np.uint8), np.ones((1, 61), np.uint8)) > 0
                picture[grown] = scene.image[alpha].mean(axis=0)
            found.append([Painted(picture, attempt.number)])
        return found


def test_a_grown_product_is_painted_again_stricter():
    image, cutout = photo()
    engine = Grower(PlacingParams(gates=Gates(reader="")))
    placed = place(engine, image, cutout)
    assert placed.figures["setting"] == "stricter" and placed.figures["attempts"] == 3
    assert [t["failed"] for t in placed.figures["tries"]] == [["blank"], ["expansion"]]
    assert placed.figures["tries"][1]["expansion"] > 0.1
    assert source_type(placed.encode()) == AI_COMPOSITE


class Nothing(Grower):
    name = "nothing"

    def paint(self, scenes, attempt):
        return [[] for _ in scenes]


def test_an_engine_that_makes_nothing_falls_back_to_a_plain_studio_that_is_no_ai():
    image, cutout = photo()
    placed = place(Nothing(PlacingParams(gates=Gates(reader=""))), image, cutout)
    assert placed.figures["setting"] == "plain" and placed.figures["fallback"] == "studio"
    assert source_type(placed.encode()) == COMPOSITE
    assert isinstance(place(Nothing(PlacingParams(fallback="none")), image, cutout), PhotoError)


class Letters(Grower):
    name = "letters"

    def paint(self, scenes, attempt):
        picture = np.full_like(scenes[0].image, (215, 200, 180))
        if attempt.number == 0:
            cv2.putText(picture, "SALE 50", (10, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (20, 20, 20), 4, cv2.LINE_AA)
        return [[Painted(picture, attempt.number)]]


def test_painted_letters_are_read_and_painted_over_with_another_seed():
    image, cutout = photo()
    placed = place(Letters(PlacingParams(gates=Gates())), image, cutout)
    assert placed.figures["attempts"] == 2 and placed.figures["tries"][0]["failed"] == ["texts_painted"]


def test_an_overlay_left_in_the_cutout_and_a_cutout_that_is_not_sure_are_refused_at_once():
    image, cutout = photo()
    cv2.putText(image, "250 ml", (128, 180), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (255, 255, 255), 3)
    cutout.pixels[80:300, 120:250, :3] = image[80:300, 120:250]
    found = Detections([], [Box(np.float32([125, 150, 245, 190]), 0.9, "text")])
    failed = place(studio(), image, cutout, found=found)
    assert isinstance(failed, PhotoError) and failed.figures["tries"][0]["failed"] == ["texts_left"]
    assert isinstance(place(studio(), image, cutout), Raster), "writing that is no overlay is the product's own"
    (on_white,) = deliver("white").run([image], [cutout], [found])
    assert on_white.code is ErrorCode.GATE_FAILED and on_white.figures["gates"]["texts_left"] == 1
    unsure = Raster(cutout.pixels, {"cutout_confidence": 0.1})
    failed = place(studio(), image, unsure)
    assert failed.code is ErrorCode.GATE_FAILED and "cutout_confidence 0.1" in failed.message
    on_white = deliver("white").run([image], [unsure], [NOTHING])[0]
    assert on_white.code is ErrorCode.GATE_FAILED and on_white.figures["gates"]["cutout_confidence"] == 0.1


@pytest.mark.parametrize("preset", preset_names())
def test_what_is_delivered_passes_its_own_preset(preset):
    image, cutout = photo(1200, (300, 150, 860, 1130))
    prompt = "light oak table"
    upscale = 4.0 if preset == "walmart" else 1.0
    engine = deliver(preset, max_upscale=upscale)
    if engine.preset.make.background == "scene":
        placed = place(studio(preset=preset), image, cutout, prompt)
        x, y = placed.figures["placement"]["at"]
        assert placed.figures["placement"]["scale"] == 1
        assert np.array_equal(placed.pixels[y : y + 980, x : x + 560], image[150:1130, 300:860]), "not a pixel changed"
        (file,) = engine.run([image], [cutout], [placed], [prompt])
    else:
        (file,) = engine.run([image], [cutout], [NOTHING])
    data = file.encode()
    assert not [f for f in check(data, load_preset(preset)) if f.binding]
    assert read_figures(data)["preset"] == preset
    assert (source_type(data) == COMPOSITE) == (engine.preset.make.background == "scene")


def test_a_small_product_is_too_small_unless_enlarging_is_allowed():
    image, cutout = photo()
    (failed,) = deliver("amazon_main").run([image], [cutout], [NOTHING])
    assert failed.code is ErrorCode.TOO_SMALL and failed.figures["upscale"] > 3
    (file,) = deliver("amazon_main", max_upscale=4.5).run([image], [cutout], [NOTHING])
    assert not [f for f in check(file.encode(), load_preset("amazon_main")) if f.binding]


@pytest.mark.parametrize(
    ("box", "code"),
    [
        ((0, 0, 360, 360), ErrorCode.PRESET_FAILED),  # the product fills the frame: nothing is left to be white
        ((0, 100, 360, 260), ErrorCode.PRESET_FAILED),  # cut left and right, and a square is asked for
    ],
)
def test_products_that_fill_or_cross_the_frame(box, code):
    image, cutout = photo(box=box)
    preset = "white" if box[1] == 0 else "ebay"
    (result,) = deliver(preset, gates=None).run(
        [image[20:340]] if preset == "ebay" else [image], [_cropped(cutout, preset)], [NOTHING]
    )
    assert isinstance(result, PhotoError) and result.code is code
    placed = place(studio(), image, cutout)
    solid = cutout.pixels[..., 3] == 255
    assert np.array_equal(placed.pixels[solid], image[solid])


def _cropped(cutout: Raster, preset: str) -> Raster:
    return Raster(np.ascontiguousarray(cutout.pixels[20:340])) if preset == "ebay" else cutout


def test_a_product_that_the_lower_edge_cuts_is_placed_at_the_lower_edge():
    image, cutout = photo(box=(120, 150, 250, 360))
    placed = place(studio(preset="lifestyle"), image, cutout, "white marble")
    where = placed.figures["placement"]
    assert where["at"][1] + 210 == where["canvas_wh"][1] == placed.pixels.shape[0]
    (file,) = deliver("white").run([image], [cutout], [NOTHING])
    assert file.figures["cut_by"] == ["bottom"]
    (failed,) = deliver("amazon_main", max_upscale=8).run([image], [cutout], [NOTHING])
    assert failed.code is ErrorCode.PRESET_FAILED and "cuts the product: bottom" in failed.message


def test_an_empty_cutout_has_no_product():
    image, _ = photo()
    empty = Raster(np.zeros((360, 360, 4), np.uint8))
    for result in (place(studio(), image, empty), place(studio(preset="lifestyle"), image, empty)):
        assert isinstance(result, PhotoError) and result.code is ErrorCode.NO_PRODUCT


def test_white_is_never_taken_from_a_painted_picture():
    assert "inpaint" not in deliver("amazon_main").shape(_stage(), deliver("amazon_main").params).reads
    with pytest.raises(ValueError, match="cannot be 'scene'"):
        deliver("amazon_main", background="scene")


def _stage():
    from packshot.stages import STAGES

    return STAGES["deliver"]
