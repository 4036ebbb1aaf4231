"""The lite engines on drawn pictures: what they find, keep and leave untouched, and the cases at the edge."""

import cv2
import numpy as np
import pytest

from packshot.artifacts import Caption, Detections, Raster, Segmentation, Texts
from packshot.engines import make_engine
from packshot.engines.ocr_rapid import reading_is_sure
from packshot.errors import ErrorCode, PhotoError, SettingError

WHITE, BLUE = (255, 255, 255), (40, 90, 180)


@pytest.fixture(scope="module")
def engines():
    names = {
        "ocr": "rapid",
        "segment": "grabcut",
        "caption": "colours",
        "detect": "masks",
        "mask": "grabcut",
        "repair": "opencv",
    }
    return {stage: make_engine(stage, name, {}) for stage, name in names.items()}


def plain(shape_hw=(400, 400), background=WHITE) -> np.ndarray:
    return np.full((*shape_hw, 3), background, np.uint8)


def add_box(image: np.ndarray, xyxy: tuple[int, int, int, int], colour=BLUE) -> np.ndarray:
    """A box that is shaded from top to bottom, as a photographed one is; returns where it is, bool (H, W)."""
    x0, y0, x1, y1 = xyxy
    shade = np.linspace(0.7, 1.15, y1 - y0)[:, None, None] * np.linspace(0.9, 1.1, x1 - x0)[None, :, None]
    image[y0:y1, x0:x1] = np.clip(np.float32(colour) * shade, 0, 255).astype(np.uint8)
    where = np.zeros(image.shape[:2], bool)
    where[y0:y1, x0:x1] = True
    return where


def write(image: np.ndarray, text: str, at: tuple[int, int], scale=1.0, colour=(20, 20, 20), thick=2) -> np.ndarray:
    before = image.copy()
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thick, cv2.LINE_AA)
    return (image != before).any(axis=2)


def cut(engines, images):
    """Texts, segmentations, detections and cutouts of photos of which each has a product."""
    texts = engines["ocr"].run(images)
    segmentations = engines["segment"].run(images)
    captions = engines["caption"].run(images, texts, segmentations)
    detections = engines["detect"].run(images, texts, segmentations, captions)
    return texts, segmentations, captions, detections, engines["mask"].run(images, texts, segmentations, detections)


def iou(first: np.ndarray, second: np.ndarray) -> float:
    return (first & second).sum() / (first | second).sum()


@pytest.fixture(scope="module")
def infographic(engines):
    """A lettered box with a heading, a badge with text, and a plate with text; and what came of it."""
    image = plain((600, 600))
    product = add_box(image, (190, 150, 410, 520))
    printed = write(image, "AQUA 500", (215, 340), 1.1, (250, 250, 250), 3)
    heading = write(image, "BEST SIZE 250", (150, 70), 1.4, thick=3)
    cv2.circle(image, (100, 300), 60, (210, 30, 40), cv2.FILLED, cv2.LINE_AA)
    write(image, "250 ml", (58, 308), 0.75, WHITE, 2)
    cv2.rectangle(image, (440, 380), (590, 450), (30, 120, 60), cv2.FILLED)
    write(image, "SOFT", (470, 425), 1.0, WHITE, 2)
    overlay = heading.copy()
    overlay[240:361, 40:161] = True
    overlay[380:451, 440:591] = True
    return image, product, printed, overlay, cut(engines, [image])


def test_cutout_leaves_overlays_out_and_keeps_writing_on_the_product(infographic):
    image, product, printed, overlay, (_, _, _, detections, cutouts) = infographic
    alpha = cutouts[0].pixels[..., 3]
    assert iou(alpha > 127, product) > 0.97
    assert not (alpha[overlay] > 0).any()
    assert (alpha[printed] == 255).mean() > 0.98
    opaque = alpha == 255
    assert np.array_equal(cutouts[0].pixels[opaque, :3], image[opaque])
    x0, y0, x1, y1 = detections[0].products[0].xyxy
    assert np.allclose((x0, y0, x1, y1), (190, 150, 410, 520), atol=5)
    for box in detections[0].overlays:
        centre = ((box.xyxy[:2] + box.xyxy[2:]) / 2).astype(int)
        assert not product[centre[1], centre[0]]
    assert {"text", "plate"} <= {box.label for box in detections[0].overlays}


def test_reading(infographic):
    texts = infographic[4][0][0]
    read = " ".join(box.text for box in texts.boxes)
    assert "250" in read and "500" in read
    for box in texts.boxes:
        assert box.quad.shape == (4, 2) and (box.quad >= 0).all() and (box.quad <= 600).all()


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        ("500", True),
        ("2,5 ", True),
        ("Samsung", True),
        ("PA3MEPbI", False),
        ("poct", False),
        ("Bec 5", False),
        ("", False),
    ],
)
def test_latin_reading_of_cyrillic_is_not_believed(text, sure):
    assert reading_is_sure(text, 0.97) is sure
    assert not reading_is_sure("Samsung", 0.5)


def test_cyrillic_is_found_and_not_believed(engines):
    from PIL import Image, ImageDraw, ImageFont

    from packshot import synth

    font = ImageFont.truetype(synth.__path__[0] + "/fonts/DejaVuSans-Bold.ttf", 48)
    picture = Image.new("RGB", (600, 300), "white")
    ImageDraw.Draw(picture).text((40, 100), "Крепкая ручка", font=font, fill="black")
    boxes = engines["ocr"].run([np.array(picture)])[0].boxes
    assert boxes and not any(box.readable for box in boxes)
    x0, y0, x1, y1 = np.concatenate([np.min([b.xyxy[:2] for b in boxes], 0), np.max([b.xyxy[2:] for b in boxes], 0)])
    assert x0 < 70 and x1 > 380 and 80 < y0 < 130 and 140 < y1 < 190


def test_boxes_are_in_the_pixels_of_large_and_small_photos(engines):
    image = plain((1500, 2000))
    where = write(image, "CAPACITY 7500", (200, 800), 5.0, thick=14)
    rows, cols = np.nonzero(where)
    for size_wh in ((2000, 1500), (400, 300)):
        photo = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
        boxes = engines["ocr"].run([photo])[0].boxes
        scale = size_wh[0] / 2000
        found = np.concatenate([np.min([b.xyxy[:2] for b in boxes], 0), np.max([b.xyxy[2:] for b in boxes], 0)])
        truth = np.array([cols.min(), rows.min(), cols.max(), rows.max()]) * scale
        assert np.abs(found - truth).max() < 0.03 * size_wh[0]


def test_segmentation_has_the_shapes_of_sam(infographic):
    segmentation = infographic[4][1][0]
    assert segmentation.low_res_logits.shape == (3, 256, 256) and segmentation.shape_hw == (600, 600)
    assert ((segmentation.scores >= 0) & (segmentation.scores <= 1)).all()
    core, main, whole = segmentation.masks
    assert core.sum() < main.sum() < whole.sum()
    assert iou(main, infographic[1]) > 0.9


def test_panorama_logits_are_padded_at_the_bottom(engines):
    image = plain((300, 1000))
    product = add_box(image, (420, 60, 560, 250))
    segmentation = engines["segment"].run([image])[0]
    assert (segmentation.low_res_logits[:, 80:] < 0).all()
    assert iou(segmentation.masks[1], product) > 0.9


def test_caption_names_colour_and_background(infographic):
    caption = infographic[4][2][0]
    assert "blue" in caption.text and "white background" in caption.text
    assert any("blue" in phrase for phrase in caption.phrases)


def test_handles_stay_open_and_pairs_stay_together(engines):
    image = plain()
    cv2.ellipse(image, (260, 200), (70, 80), 0, 0, 360, (150, 60, 40), 22, cv2.LINE_AA)
    cup = add_box(image, (100, 120, 260, 320), (150, 60, 40))
    pair = plain((300, 500))
    left, right = add_box(pair, (60, 80, 190, 260)), add_box(pair, (300, 90, 430, 260), (60, 130, 60))
    *_, cutouts = cut(engines, [image, pair])
    alpha = cutouts[0].pixels[..., 3]
    assert (alpha[cup] == 255).mean() > 0.97
    assert alpha[200, 290] == 0  # through the handle
    assert alpha[200, 330] == 255  # the handle itself
    assert iou(cutouts[1].pixels[..., 3] > 127, left | right) > 0.96


def test_soft_shadow_and_gradient_are_background(engines):
    y, x = np.mgrid[0:400, 0:400].astype(np.float32)
    light = 235 - 0.12 * y - 0.05 * x
    shadow = np.exp(-(((x - 200) / 110) ** 2) - ((y - 330) / 22) ** 2)
    image = np.repeat((light * (1 - 0.3 * shadow))[..., None], 3, axis=2).astype(np.uint8)
    product = add_box(image, (120, 90, 280, 330), (200, 120, 30))
    *_, cutouts = cut(engines, [image])
    assert iou(cutouts[0].pixels[..., 3] > 127, product) > 0.95


@pytest.mark.parametrize(
    "image", [plain(), plain(background=(0, 0, 0)), plain(background=(200, 40, 40)), plain((3, 3))]
)
def test_blank_photos_have_no_product(engines, image):
    texts = engines["ocr"].run([image])
    segmentations = engines["segment"].run([image])
    captions = engines["caption"].run([image], texts, segmentations)
    (result,) = engines["detect"].run([image], texts, segmentations, captions)
    assert isinstance(result, PhotoError) and result.code is ErrorCode.NO_PRODUCT


def test_a_page_of_text_has_no_product(engines):
    image = plain((500, 500))
    for row in range(8):
        write(image, "guarantee of quality", (40, 60 + 52 * row), 1.0)
    texts = engines["ocr"].run([image])
    segmentations = engines["segment"].run([image])
    captions = engines["caption"].run([image], texts, segmentations)
    (result,) = engines["detect"].run([image], texts, segmentations, captions)
    assert isinstance(result, PhotoError) and result.code is ErrorCode.NO_PRODUCT


@pytest.mark.parametrize(
    ("shape_hw", "box"),
    [((400, 400), (100, 150, 300, 400)), ((40, 36), (8, 6, 28, 34)), ((600, 2000), (800, 150, 1200, 520))],
    ids=["cut by the edge", "tiny", "panorama"],
)
def test_shapes_at_the_edge(engines, shape_hw, box):
    image = plain(shape_hw)
    product = add_box(image, box)
    _, _, captions, detections, cutouts = cut(engines, [image])
    pixels = cutouts[0].pixels
    assert pixels.shape == (*shape_hw, 4)
    assert iou(pixels[..., 3] > 127, product) > 0.9
    bare = Detections(detections[0].products, [])
    assert np.array_equal(engines["repair"].run([image], [bare], cutouts)[0].pixels, image)


def test_repair_takes_overlays_off_and_leaves_the_product(engines, infographic):
    image, product, _, overlay, (_, _, _, detections, cutouts) = infographic
    (repaired,) = engines["repair"].run([image], detections, cutouts)
    inner = cv2.erode(product.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert np.array_equal(repaired.pixels[inner], image[inner])
    assert (repaired.pixels[overlay].min(axis=1) > 235).mean() > 0.95
    assert (image[overlay].min(axis=1) > 235).mean() < 0.5


def test_results_do_not_depend_on_grouping(engines, infographic):
    rng = np.random.default_rng(3)
    busy = cv2.resize(rng.integers(0, 255, (12, 12, 3)).astype(np.uint8), (320, 320), interpolation=cv2.INTER_CUBIC)
    add_box(busy, (110, 90, 210, 250))
    images = [infographic[0], busy, plain(), busy[:, ::-1].copy()]
    together = engines["segment"].run(images)
    alone = [engines["segment"].run([image])[0] for image in images]
    for first, second in zip(together, alone, strict=True):
        assert first.encode() == second.encode()
    texts = engines["ocr"].run(images)
    assert [t.encode() for t in texts] == [engines["ocr"].run([image])[0].encode() for image in images]
    captions = engines["caption"].run(images, texts, together)
    detections = engines["detect"].run(images, texts, together, captions)
    singles = [
        engines["detect"].run([i], [t], [s], [c])[0]
        for i, t, s, c in zip(images, texts, together, captions, strict=True)
    ]
    for first, second in zip(detections, singles, strict=True):
        assert type(first) is type(second)
        assert isinstance(first, PhotoError) or first.encode() == second.encode()


def test_artifacts_come_back_from_their_files(infographic):
    _, _, _, _, (texts, segmentations, captions, detections, cutouts) = infographic
    kinds = (Texts, Segmentation, Caption, Detections, Raster)
    for kind, results in zip(kinds, (texts, segmentations, captions, detections, cutouts), strict=True):
        data = results[0].encode()
        assert kind.decode(data).encode() == data
    assert np.array_equal(Raster.decode(cutouts[0].encode()).pixels, cutouts[0].pixels)
    back = Segmentation.decode(segmentations[0].encode())
    assert np.array_equal(back.masks, segmentations[0].masks)


def test_settings_are_checked():
    with pytest.raises(SettingError, match="weights"):
        make_engine("ocr", "easyocr", {"weights": "/nonexistent"})
    with pytest.raises(ValueError, match="extra"):
        make_engine("mask", "grabcut", {"sides": 3})


def test_a_cutout_is_the_same_whether_detect_ran_in_this_process_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from packshot.latest_scenes import LatestScenes
    from packshot.synth import make_photo

    image = make_photo(31, "good_infographics", (320, 320)).image
    (texts,) = make_engine("ocr", "rapid", {}).run([image])
    (found,) = make_engine("detect", "masks", {}).run([image], [texts], [None], [None])
    mask = make_engine("mask", "grabcut", {})
    (remembered,) = mask.run([image], [texts], [None], [found])
    monkeypatch.setattr("packshot.engines.mask_grabcut.LATEST", LatestScenes())
    (read_again,) = mask.run([image], [texts], [None], [found])
    assert np.array_equal(remembered.pixels, read_again.pixels)
    assert remembered.figures == read_again.figures


def test_a_shaft_as_grey_as_a_shadow_is_not_cut_off_with_its_box(engines):
    """The piece found by colours is the handle alone; the shaft comes by the network, and the box must hold it."""
    from packshot.synth import make_photo

    photo = make_photo(1_000_000 + 10_000 * 120 + 145, "other_infographics", None, "test")
    assert photo.product_kind == "screwdriver"
    (texts,) = engines["ocr"].run([photo.image])
    (found,) = engines["detect"].run([photo.image], [texts], [None], [None])
    (cutout,) = engines["mask"].run([photo.image], [texts], [None], [found])
    assert iou(cutout.pixels[..., 3] > 127, photo.product_alpha > 0.5) > 0.95


def test_nothing_found_is_no_product_at_any_least_share():
    (found,) = make_engine("detect", "masks", {"least_share": 0}).run([plain()], [Texts([])], [None], [None])
    assert isinstance(found, PhotoError) and found.code is ErrorCode.NO_PRODUCT
