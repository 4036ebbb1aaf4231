"""Photos at the limits of what can be cut out: a sensible cutout or the right code."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from packshot.artifacts import Raster
from packshot.config import load_profile
from packshot.engines import make_engine
from packshot.errors import ErrorCode, PhotoError
from packshot.images import decode
from packshot.synth import make_photo


@pytest.fixture(scope="module")
def engines():
    names = {"ocr": "rapid", "segment": "grabcut", "caption": "colours", "detect": "masks", "mask": "grabcut"}
    return {stage: make_engine(stage, name, {}) for stage, name in names.items()}


def cut_out(engines, image: np.ndarray) -> Raster | PhotoError:
    texts = engines["ocr"].run([image])
    segmentations = engines["segment"].run([image])
    captions = engines["caption"].run([image], texts, segmentations)
    (found,) = engines["detect"].run([image], texts, segmentations, captions)
    if isinstance(found, PhotoError):
        return found
    return engines["mask"].run([image], texts, segmentations, [found])[0]


def shaded_box(image: np.ndarray, xyxy: tuple[int, int, int, int], colour=(40, 90, 180)) -> np.ndarray:
    """Draw a box that is lit from above; returns where it is, bool (H, W)."""
    x0, y0, x1, y1 = xyxy
    light = np.linspace(1.15, 0.7, y1 - y0)[:, None, None] * np.linspace(0.9, 1.1, x1 - x0)[None, :, None]
    image[y0:y1, x0:x1] = np.clip(np.float32(colour) * light, 0, 255).astype(np.uint8)
    where = np.zeros(image.shape[:2], bool)
    where[y0:y1, x0:x1] = True
    return where


def iou(cutout: Raster | PhotoError, truth: np.ndarray) -> float:
    assert isinstance(cutout, Raster), cutout
    shown = cutout.pixels[..., 3] > 127
    return float((shown & truth).sum() / (shown | truth).sum())


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 40, 40)])
@pytest.mark.parametrize("shape_hw", [(300, 300), (40, 2000)])
def test_one_colour_has_no_product(engines, colour, shape_hw):
    result = cut_out(engines, np.full((*shape_hw, 3), colour, np.uint8))
    assert isinstance(result, PhotoError) and result.code is ErrorCode.NO_PRODUCT


def test_noise_alone_has_no_product(engines):
    noise = np.random.default_rng(1).normal(240, 3, (300, 300, 3)).clip(0, 255).astype(np.uint8)
    result = cut_out(engines, noise)
    assert isinstance(result, PhotoError) and result.code is ErrorCode.NO_PRODUCT


def test_two_products_are_both_kept(engines):
    image = np.full((500, 700, 3), 255, np.uint8)
    truth = shaded_box(image, (60, 120, 300, 400)) | shaded_box(image, (400, 130, 640, 400), (190, 70, 40))
    assert iou(cut_out(engines, image), truth) > 0.95


@pytest.mark.parametrize("box", [(150, 200, 450, 600), (300, 150, 600, 450), (0, 0, 300, 350)])
def test_product_cut_by_the_edge(engines, box):
    image = np.full((600, 600, 3), 250, np.uint8)
    truth = shaded_box(image, box)
    assert iou(cut_out(engines, image), truth) > 0.93


def test_product_that_fills_the_frame(engines):
    """Nothing shows what is behind: either all of it is kept, or the gate is told not to believe the cutout."""
    rng = np.random.default_rng(3)
    weave = cv2.resize(rng.integers(60, 200, (60, 60, 3)).astype(np.uint8), (500, 500), interpolation=cv2.INTER_CUBIC)
    result = cut_out(engines, weave)
    if isinstance(result, PhotoError):
        assert result.code is ErrorCode.NO_PRODUCT
    else:
        whole = (result.pixels[..., 3] > 127).mean() > 0.95
        assert whole or result.figures["cutout_confidence"] < 0.5


def test_transparent_png(engines):
    rgba = np.zeros((400, 400, 4), np.uint8)
    rgb = np.zeros((400, 400, 3), np.uint8)
    truth = shaded_box(rgb, (120, 90, 290, 330), (200, 120, 30))
    rgba[truth, :3], rgba[truth, 3] = rgb[truth], 255
    rgba[~truth, :3] = 77  # what lies under transparency must not show
    file = io.BytesIO()
    Image.fromarray(rgba).save(file, "PNG")
    image = decode(file.getvalue())
    assert iou(cut_out(engines, image), truth) > 0.95


@pytest.mark.parametrize(
    ("shape_hw", "box"), [((40, 2000), (900, 5, 1200, 36)), ((2000, 40), (4, 800, 37, 1150))], ids=["wide", "tall"]
)
def test_strips(engines, shape_hw, box):
    image = np.full((*shape_hw, 3), 255, np.uint8)
    truth = shaded_box(image, box)
    assert iou(cut_out(engines, image), truth) > 0.85


def test_white_on_white(engines):
    image = np.full((500, 500, 3), 255, np.uint8)
    disc = np.zeros((500, 500), np.uint8)
    cv2.circle(disc, (250, 250), 150, 1, cv2.FILLED)
    y, x = np.mgrid[-250:250, -250:250]
    ball = np.clip(252 - 0.0011 * ((x + 60) ** 2 + (y + 70) ** 2), 0, 255).astype(np.uint8)
    image[disc > 0] = ball[disc > 0, None]
    assert iou(cut_out(engines, image), disc > 0) > 0.9


def test_confidence_is_a_figure_of_the_cutout(engines):
    image = np.full((500, 500, 3), 255, np.uint8)
    shaded_box(image, (150, 120, 350, 400))
    result = cut_out(engines, image)
    assert 0.5 < result.figures["cutout_confidence"] <= 1
    assert Raster.decode(result.encode()).figures == result.figures


def test_a_hand_in_the_cutout_is_not_believed(engines):
    """The network takes a hand and what it holds for one thing."""
    photos = (make_photo(seed, "clean_photo_good_background", (480, 480), "test") for seed in range(200))
    held = [photo for photo in photos if "in_hand" in photo.clauses][:4]
    cutouts = [(photo, cut_out(engines, photo.image)) for photo in held]
    with_hand = [c for p, c in cutouts if isinstance(c, Raster) and iou(c, p.product_alpha > 0.5) < 0.6]
    assert with_hand, "else the network sees hands now, and the rule can go"
    limit = load_profile("lite").gates.cutout_confidence
    assert all(cutout.figures["cutout_confidence"] < limit for cutout in with_hand)
