"""Callout lines over a product: followed from where they come in, filled, and told from the product's own lines."""

import cv2
import numpy as np
import pytest

from packshot.background import to_lab
from packshot.crossings import crossing_lines, fill_crossings


@pytest.fixture
def pictured():
    """A green box with a red line drawn into it from the left: photo, bare photo, product, line, line outside."""
    bare = np.full((400, 400, 3), 255, np.uint8)
    bare[120:330, 150:320] = (40, 130, 70)
    line = np.zeros((400, 400), np.uint8)
    cv2.line(line, (30, 100), (240, 220), 1, 2)
    image = bare.copy()
    image[line > 0] = (210, 40, 30)
    product = np.zeros((400, 400), bool)
    product[120:330, 150:320] = True
    return image, bare, product, line > 0


def crossings_of(image, product, outside):
    lab = to_lab(image)
    strength = np.linalg.norm(lab - lab[0, 0], axis=2)
    return crossing_lines(lab, product, outside, strength)


def test_a_line_is_followed_over_the_product_and_filled(pictured):
    image, bare, product, line = pictured
    found = crossings_of(image, product, line & ~product)
    assert found[line & product].mean() > 0.9
    assert found.sum() < 4 * (line & product).sum()
    cutout = np.dstack([image, np.uint8(255) * product])
    filled, share = fill_crossings(image, cutout, product, found)
    inner = cv2.erode(product.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert np.abs(filled[inner, :3].astype(int) - bare[inner]).max() < 40
    assert 0 < share < 0.1
    # What was filled in is not said to be the photo's own.
    own = filled[..., 3] == 255
    assert np.array_equal(filled[own, :3], image[own])


def test_lines_of_the_product_are_left_alone(pictured):
    image, _, product, line = pictured
    assert not crossings_of(image, product, np.zeros_like(product)).any()
    # A line that ends at the outline goes on nowhere.
    image[product] = (40, 130, 70)
    assert not crossings_of(image, product, line & ~product).any()
