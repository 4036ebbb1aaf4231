"""Watermarks tiled over the whole photo: learnt beside the product, found over it."""

import cv2
import numpy as np
import pytest

from packshot.background import to_lab
from packshot.foreground import find_foreground
from packshot.marks import find_marks
from packshot.watermarks import tiled_over


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.float32([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


@pytest.fixture
def tin():
    """A dark mottled tin with its own word on white: RGB uint8 (500, 500, 3), and its mask."""
    image = np.full((500, 500, 3), 255, np.uint8)
    mottle = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 14, (500, 500)).astype(np.float32), (0, 0), 1.5)
    image[100:400, 150:350] = (np.clip(60 + mottle, 0, 255)[100:400, 150:350, None] * (1.0, 0.8, 0.7)).astype(np.uint8)
    product = (image != 255).any(axis=2)
    cv2.putText(image, "TEA", (215, 225), cv2.FONT_HERSHEY_SIMPLEX, 1.3, (190, 180, 120), 3)
    return image, product


def write(image: np.ndarray, words: list[str], where: np.ndarray | None = None) -> tuple[list[np.ndarray], np.ndarray]:
    """Writes `words` in turn in rows that begin here and there, grey and see-through; returns boxes and ink, bool."""
    quads, ink = [], np.zeros(image.shape[:2], np.uint8)
    for row, top in enumerate(range(20, 500, 60)):
        for column, left in enumerate(range(10 + 60 * (row % 2), 400, 120)):
            word = words[(3 * row + column) % len(words)]
            cv2.putText(ink, word, (left, top), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 2)
            quads.append(box(left - 2, top - 18, left + 92, top + 6))
    if where is not None:
        ink[~where] = 0
    share = 0.5 * ink[..., None] / 255
    image[:] = np.round(image * (1 - share) + 128 * share).astype(np.uint8)
    return quads, ink > 127


def over_product(image: np.ndarray, product: np.ndarray, quads: list[np.ndarray]) -> np.ndarray:
    """What is found where the reader read nothing on the product."""
    lab = to_lab(image)
    beside = [quad for quad in quads if not on(product, quad)]
    return tiled_over(lab, product, find_marks(lab, find_foreground(image), beside))


def on(product: np.ndarray, quad: np.ndarray) -> bool:
    (x0, y0), (x1, y1) = quad.min(axis=0).astype(int), quad.max(axis=0).astype(int)
    return bool(product[max(0, y0) : y1 + 1, max(0, x0) : x1 + 1].any())


def test_what_is_dark_on_the_background_and_light_on_the_product_is_found(tin):
    image, product = tin
    own = (image[..., 0] == 190) & product
    quads, ink = write(image, ["shop24"])
    over = over_product(image, product, quads)
    assert over[ink & product].mean() > 0.9
    edged = cv2.dilate(ink.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert (over & ~edged).sum() < 0.1 * over.sum()
    assert over[own & ~ink].mean() < 0.1


def test_how_the_reader_boxed_it_does_not_matter(tin):
    image, product = tin
    quads, ink = write(image, ["shop24"])
    # Two words in one box, half a word, a word and a half: no two boxes are alike.
    torn = [
        box(quad[0, 0], quad[0, 1] - 1, quad[1, 0] + 9 * k - 60, quad[2, 1] + k % 4) for k, quad in enumerate(quads)
    ]
    assert over_product(image, product, torn)[ink & product].mean() > 0.9


def test_captions_of_one_length_are_no_watermark(tin):
    image, product = tin
    quads, _ = write(image, ["mirror", "wooden", "bottle", "fabric", "ground", "lights", "square"], ~product)
    assert not over_product(image, product, quads).any()


@pytest.mark.parametrize("flat", [False, True])
def test_writing_on_the_wall_behind_the_product_is_not_over_it(tin, flat):
    image, product = tin
    if flat:
        image[product] = (60, 48, 42)
    quads, _ = write(image, ["shop24"], ~product)
    assert not over_product(image, product, quads).any()


def test_specks_that_a_reader_took_for_writing_are_none(tin):
    image, product = tin
    specks = [box(20 + 15 * k, 30, 20 + 15 * k + k % 3, 30 + k % 2) for k in range(9)]
    assert not over_product(image, product, specks).any()


def test_the_noise_of_a_plain_background_is_no_watermark(tin):
    image, product = tin
    quads, _ = write(image, ["mirror", "wooden", "bottle", "fabric", "ground"], np.zeros_like(product))
    image[product] = (60, 48, 42)
    # Compression leaves the same faint pattern in every block.
    for row, column in np.ndindex(12, 12):
        image[20 + 40 * row : 26 + 40 * row, 20 + 40 * column : 26 + 40 * column] -= 3
    assert not over_product(image, product, quads).any()
