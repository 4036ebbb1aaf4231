"""Features of photos made by hand, whose values can be counted."""

import numpy as np
import pytest

from packshot.artifacts import Segmentation, TextBox, Texts
from packshot.classifier.features import (
    Features,
    confidence_map,
    make_features,
    normalised_picture,
    square_logits,
    text_mask,
)
from packshot.errors import SettingError
from packshot.photo_net import shared_photo_net


def box(x0: float, y0: float, x1: float, y1: float, confidence: float) -> TextBox:
    return TextBox(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32), "", confidence)


def segmentation(shape_hw: tuple[int, int], scores=(1.0, 0.5, 0.25)) -> Segmentation:
    """Three masks: everything, the left half, nothing."""
    logits = np.full((3, 256, 256), -5.0, np.float32)
    cols = round(256 * shape_hw[1] / max(shape_hw))
    logits[0] = 5
    logits[1, :, : cols // 2] = 5
    return Segmentation.from_logits(logits, np.array(scores), shape_hw)


def test_confidence_map_counts_the_pixels_of_a_box():
    total = confidence_map(Texts([box(2, 1, 6, 3, 0.5), box(5, 2, 8, 4, 0.25)]), (5, 10), (5, 10))
    wanted = np.zeros((5, 10))
    wanted[1:3, 2:6] += 0.5
    wanted[2:4, 5:8] += 0.25
    np.testing.assert_allclose(total, wanted)


def test_confidence_map_of_a_turned_box_has_its_area():
    quad = np.array([[50, 10], [90, 50], [50, 90], [10, 50]], np.float32)
    total = confidence_map(Texts([TextBox(quad, "", 1.0)]), (100, 100), (100, 100))
    assert total.sum() == pytest.approx(3200, rel=0.03)


def test_text_mask_is_mask_times_score_times_confidence():
    mask = text_mask(Texts([box(0, 0, 128, 64, 0.8)]), segmentation((128, 128)))
    assert mask.shape == (64, 64, 3)
    np.testing.assert_allclose(mask[:31, :, 0], 0.8, atol=1e-6)
    np.testing.assert_allclose(mask[:31, :31, 1], 0.4, atol=1e-6)
    assert not mask[33:].any() and not mask[:, 33:, 1].any() and not mask[:, :, 2].any()


def test_text_mask_reduces_by_area():
    """A box that covers a quarter of a cell leaves a quarter of its confidence there: none is lost."""
    mask = text_mask(Texts([box(10, 10, 15, 15, 1.0)]), segmentation((640, 640)))
    assert mask[1, 1, 0] == pytest.approx(0.25)
    assert mask[:, :, 0].sum() == pytest.approx(0.25)


def test_text_mask_of_a_large_photo_is_that_of_the_photo():
    texts = Texts([box(301, 202, 1703, 606, 0.9)])
    large = text_mask(texts, segmentation((2000, 3000)))
    halved = text_mask(Texts([box(301 / 3, 202 / 3, 1703 / 3, 202, 0.9)]), segmentation((667, 1000)))
    np.testing.assert_allclose(large, halved, atol=0.12)
    assert large.sum() == pytest.approx(halved.sum(), rel=0.02)


def test_no_text_is_all_zero():
    assert not text_mask(Texts([]), segmentation((40, 60))).any()


def test_picture_is_stretched_to_the_full_range():
    image = np.full((100, 50, 3), 100, np.uint8)
    image[50:] = 180
    small = normalised_picture(image)
    assert small.shape == (64, 64, 3) and small.min() == 0 and small.max() == 1
    assert not normalised_picture(np.full((20, 20, 3), 77, np.uint8)).any()


@pytest.mark.parametrize("shape_hw", [(128, 256), (256, 128), (200, 200), (16, 1000)])
def test_logits_lose_their_padding(shape_hw):
    """The border between the left half and the rest lies in the middle of the square, whatever the photo's shape."""
    quantised, scale = square_logits(segmentation(shape_hw))
    assert quantised.shape == (256, 256, 3) and quantised.dtype == np.int8 and scale.shape == (3,)
    assert (quantised[:, :120, 1] > 0).all() and (quantised[:, 136:, 1] < 0).all()
    assert (quantised[:, :, 0] > 0).all() and (quantised[:, :, 2] < 0).all()


def test_quantised_features_are_near_and_come_back_from_bytes():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)
    texts, segments = Texts([box(5, 5, 60, 40, 0.7), box(5, 5, 30, 40, 0.6)]), segmentation((90, 120))
    features = make_features(image, texts, segments)
    embedding = shared_photo_net()(image)
    np.testing.assert_allclose(features.dequantised_embedding(), embedding, atol=embedding.max() / 255)
    picture, mask, logits = features.dequantise()
    np.testing.assert_allclose(picture, normalised_picture(image), atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose(mask, text_mask(texts, segments), atol=mask.max() / 255)
    assert set(np.unique(logits[:, :, 0])) == {np.float32(127) * segments.scale[0]}
    np.testing.assert_allclose([logits.min(), logits.max()], [-5, 5], rtol=0.001)
    data = features.encode()
    assert len(data) < 60_000
    back = Features.decode(data)
    for before, after in zip(features.dequantise(), back.dequantise(), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(back.dequantised_embedding(), features.dequantised_embedding())


def test_a_segmentation_of_another_photo_is_refused():
    picture = np.zeros((10, 20, 3), np.uint8)
    with pytest.raises(SettingError, match="is of a photo"):
        make_features(picture, Texts([]), segmentation((20, 10)))
    with pytest.raises(SettingError, match="RGB"):
        make_features(picture[..., 0], Texts([]), segmentation((10, 20)))
