"""SAM's engines against `SamPredictor` on the same weights, and what they do with odd boxes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor
from toy_models import toy_photo, toy_sam

from packshot.artifacts import Box, Detections, Segmentation, Texts
from packshot.engines.mask_sam import SamMask, SamMaskParams
from packshot.engines.sam import SamModel, SamParams, build_sam, read_state
from packshot.engines.segment_sam import SamSegmenter
from packshot.errors import ErrorCode, PhotoError, SettingError

SIZES_WH = ((96, 72), (60, 100), (300, 200), (64, 64))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(toy_sam(tmp_path_factory.mktemp("weights") / "sam_toy.pth"))


@pytest.fixture(scope="module")
def predictor(weights: str) -> SamPredictor:
    path = Path(weights)
    return SamPredictor(build_sam(read_state(path), path).eval())


@pytest.mark.parametrize("size_wh", SIZES_WH)
def test_unprompted_masks_are_those_of_sam_predictor(
    weights: str, predictor: SamPredictor, size_wh: tuple[int, int]
) -> None:
    image = toy_photo(1, size_wh)
    predictor.set_image(image)
    masks, scores, logits = predictor.predict(multimask_output=True)
    model = SamModel(SamParams(weights=weights))
    ours, our_scores = model.predict(model.encode([image])[0], image.shape[:2])
    assert np.abs(ours[0].numpy() - logits).max() < 1e-4
    assert np.abs(our_scores[0].numpy() - scores).max() < 1e-4
    assert np.array_equal(model.enlarge(ours, image.shape[:2])[0], masks)
    assert masks.any() and not masks.all(), "the toy's masks must have an outline to compare"


def test_box_prompts_are_those_of_sam_predictor(weights: str, predictor: SamPredictor) -> None:
    image = toy_photo(2, (300, 200))
    boxes = np.float32([[20, 10, 250, 180], [1, 1, 80, 40], [100.5, 60.25, 160, 120]] * 7)
    predictor.set_image(image)
    model = SamModel(SamParams(weights=weights))
    logits, scores = model.predict(model.encode([image])[0], image.shape[:2], boxes)
    masks = model.enlarge(logits, image.shape[:2])
    for i in range(3):
        expected_masks, expected_scores, expected = predictor.predict(box=boxes[i], multimask_output=True)
        assert np.abs(logits[i].numpy() - expected).max() < 1e-4
        assert np.abs(scores[i].numpy() - expected_scores).max() < 1e-4
        assert np.array_equal(masks[i], expected_masks)


def test_a_batch_of_four_is_four_singles(weights: str) -> None:
    images = [toy_photo(i, size_wh) for i, size_wh in enumerate(SIZES_WH)]
    engine = SamSegmenter(SamParams(weights=weights))
    engine.model = SamModel(SamParams(weights=weights, batch=4))
    together = engine.run(images)
    encoded = engine.model.encode(images)
    engine.model = SamModel(SamParams(weights=weights))
    for image, result, encoding in zip(images, together, encoded, strict=True):
        (alone,) = engine.run([image])
        assert np.array_equal(alone.masks, result.masks)
        assert np.abs(alone.low_res_logits - result.low_res_logits).max() <= result.scale.max() * 1.01
        assert result.shape_hw == image.shape[:2] and result.scores.min() >= 0 and result.scores.max() <= 1
        assert float((engine.model.encode([image])[0] - encoding).abs().max()) < 1e-4
    assert engine.model.encoded == 4


def box(xyxy: tuple[float, ...], score: float = 0.9, label: str = "product") -> Box:
    return Box(np.float32(xyxy), score, label)


def cut(engine: SamMask, image: np.ndarray, detections: Detections) -> object:
    segmentation = Segmentation.from_logits(np.ones((3, 256, 256), np.float32), np.ones(3), image.shape[:2])
    return engine.run([image], [Texts([])], [segmentation], [detections])[0]


def test_the_encoder_runs_once_a_photo_for_segment_and_mask(tmp_path: Path) -> None:
    weights = str(toy_sam(tmp_path / "sam_count.pth", seed=3))
    segment, mask = SamSegmenter(SamParams(weights=weights)), SamMask(SamMaskParams(weights=weights))
    assert segment.model is mask.model
    images = [toy_photo(i) for i in range(5)] + [toy_photo(0)]
    found = segment.run(images)
    assert segment.model.encoded == 5, "equal photos are encoded once"
    detections = [Detections([box((10, 5, 90, 70))], [])] * len(images)
    mask.run(images, [Texts([])] * len(images), found, detections)
    assert mask.model.encoded == 5
    assert not mask.model._held, "after mask nothing asks for the encodings again"


def test_encodings_are_bounded(tmp_path: Path) -> None:
    weights = str(toy_sam(tmp_path / "sam_bound.pth"))
    one = 32 * 64 * 64 * 4
    model = SamModel(SamParams(weights=weights, embeddings_gb=2.5 * one / 1e9))
    model.encode([toy_photo(i) for i in range(4)])
    assert len(model._held) == 2
    model.encode([toy_photo(3)])
    assert model.encoded == 4
    model.encode([toy_photo(0)])
    assert model.encoded == 5


def test_the_cutout_is_the_best_mask_of_the_box(weights: str, predictor: SamPredictor) -> None:
    image = toy_photo(4, (300, 200))
    engine = SamMask(SamMaskParams(weights=weights, specks=0))
    corners = (40, 10, 260, 190)
    predictor.set_image(image)
    masks, scores, _ = predictor.predict(box=np.float32(corners), multimask_output=True)
    best = masks[scores.argmax()]
    (mask,) = engine.best_masks(engine.model.encode([image])[0], image.shape[:2], np.float32([corners]))
    assert np.array_equal(mask, best)
    cutout = cut(engine, image, Detections([box(corners)], [])).pixels
    assert cutout.shape == (200, 300, 4)
    opaque = cutout[..., 3] == 255
    assert opaque.any() and np.array_equal(cutout[opaque, :3], image[opaque])
    deep = _eroded(best, 4)
    assert (cutout[..., 3][deep] == 255).all() and not cutout[..., 3][_eroded(~best, 4)].any()


def _eroded(mask: np.ndarray, by: int) -> np.ndarray:
    import cv2

    return cv2.erode(mask.astype(np.uint8), np.ones((2 * by + 1,) * 2), borderValue=1) > 0


def test_a_box_outside_the_photo_is_no_product(weights: str) -> None:
    engine = SamMask(SamMaskParams(weights=weights))
    image = toy_photo(5)
    for corners in ((200, 200, 300, 300), (-50, -50, -1, -1), (10, 10, 10.2, 50)):
        result = cut(engine, image, Detections([box(corners)], []))
        assert isinstance(result, PhotoError) and result.code is ErrorCode.NO_PRODUCT
    assert isinstance(cut(engine, image, Detections([], [])), PhotoError)
    over_the_edge = cut(engine, image, Detections([box((-40, -40, 60, 50))], []))
    whole = cut(engine, image, Detections([box((0, 0, 60, 50))], []))
    assert np.array_equal(over_the_edge.pixels, whole.pixels), "a box over the edge is cut to the photo"


def test_fifty_boxes(weights: str) -> None:
    engine = SamMask(SamMaskParams(weights=weights, max_boxes=50))
    image = toy_photo(6, (200, 150))
    products = [box((i, i, 120 + i, 90 + i)) for i in range(50)]
    overlays = [box((2 * i, 0, 2 * i + 20, 12), label="text") for i in range(50)]
    result = cut(engine, image, Detections(products, overlays))
    assert isinstance(result, PhotoError) or result.pixels.shape == (150, 200, 4)
    with_three = engine.best_masks(
        engine.model.encode([image])[0], (150, 200), np.stack([p.xyxy for p in products[:3]])
    )
    with_fifty = engine.best_masks(engine.model.encode([image])[0], (150, 200), np.stack([p.xyxy for p in products]))
    assert with_fifty.shape == (50, 150, 200) and np.array_equal(with_fifty[:3], with_three)


def test_overlays_are_taken_away_unless_they_lie_on_the_product(weights: str) -> None:
    image = toy_photo(7, (200, 150))
    product, overlay = box((30, 20, 180, 140)), box((2, 2, 60, 40), label="text plate")
    keep = SamMask(SamMaskParams(weights=weights, on_product=0.0))
    drop = SamMask(SamMaskParams(weights=weights, on_product=1.0))
    plain = cut(keep, image, Detections([product], []))
    kept, dropped = (cut(e, image, Detections([product], [overlay])) for e in (keep, drop))
    assert np.array_equal(kept.pixels, plain.pixels)
    if not isinstance(dropped, PhotoError):
        assert (dropped.pixels[..., 3] > 0).sum() < (plain.pixels[..., 3] > 0).sum()


def test_weights_that_are_not_sam_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(SettingError, match="holds no weights of Segment Anything"):
        SamModel(SamParams(weights=str(path)))

    class Hostile:
        def __reduce__(self) -> tuple:
            return print, ("code from a pickle must not run",)

    torch.save({"weight": Hostile()}, path)
    with pytest.raises(SettingError, match="read safely"):
        SamModel(SamParams(weights=str(path)))
