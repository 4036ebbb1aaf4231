"""The outline network as shipped: it settles what rules and the first network contradict each other about."""

import cv2
import numpy as np

from packshot.foreground import find_foreground
from packshot.outline import LAYERS, as_fed, shared_outline
from packshot.saliency import shared_saliency
from packshot.scene import Scene, read_scene


def headband() -> tuple[np.ndarray, np.ndarray]:
    """Headphones on white, the shadow on the ground joining their cups, and their mask, bool (420, 420)."""
    mask = np.zeros((420, 420), np.uint8)
    cv2.ellipse(mask, (210, 190), (120, 130), 0, 180, 360, 1, 14)
    for x in (90, 330):
        cv2.line(mask, (x, 190), (x, 250), 1, 14)
        cv2.ellipse(mask, (x, 280), (30, 50), 0, 0, 360, 1, cv2.FILLED)
    shadow = np.zeros((420, 420), np.float32)
    cv2.ellipse(shadow, (210, 322), (150, 24), 0, 0, 360, 1, cv2.FILLED)
    image = np.full((420, 420, 3), 255, np.float32) * (1 - 0.85 * cv2.GaussianBlur(shadow, (0, 0), 10))[..., None]
    shade = np.linspace(0.6, 1.3, 420, dtype=np.float32)[None, :, None]
    image = np.where(mask[..., None] > 0, np.float32([120, 60, 70]) * shade, image)
    return np.clip(image, 0, 255).astype(np.uint8), mask > 0


def read(image: np.ndarray) -> Scene:
    return read_scene(image, find_foreground(image), [], shared_saliency(), shared_outline())


def iou(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


def test_maps_have_the_pictures_size_and_repeat():
    seen = np.random.default_rng(0).integers(0, 256, (75, 130, LAYERS), np.uint8)
    found = shared_outline()(seen)
    assert found.shape == (75, 130) and 0 <= found.min() and found.max() <= 1
    assert np.array_equal(found, shared_outline()(seen))


def test_each_square_of_pixels_is_fed_as_channels():
    seen = np.arange(6 * 4 * LAYERS, dtype=np.int64).reshape(6, 4, LAYERS) % 251
    fed = as_fed(seen.astype(np.uint8))
    assert fed.shape == (4 * LAYERS, 16, 16)
    for channel, (row, column, layer) in enumerate(np.ndindex(2, 2, LAYERS)):
        assert np.allclose(255 * fed[channel, 1, 1], seen[2 + row, 2 + column, layer], atol=1e-3)
    assert (fed[:, 3:] == fed[:, 3:4]).all()  # lengthened by its own border


def test_an_opening_closed_by_a_shadow_is_open():
    image, mask = headband()
    scene = read(image)
    assert iou(scene.product, mask) > 0.9
    assert not scene.product[200:240, 150:270].any()
    # What rules had chosen was another thing, and the confidence hears of it.
    assert scene.agreement is not None and scene.agreement.rules < 0.9


def test_pieces_are_those_of_the_settled_product():
    image, _ = headband()
    scene = read(image)
    union = np.any([part.mask for part in scene.products], axis=0)
    assert np.array_equal(union, scene.product)
    assert not (scene.product & scene.overlay).any()
