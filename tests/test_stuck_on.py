"""Stickers over a product's outline are told from what is printed on it."""

import cv2
import numpy as np
import pytest

from packshot.background import to_lab
from packshot.stuck_on import sticker_under

INK = 20, 20, 20


def lettered(image: np.ndarray, x: int, y: int, colour: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The box of "SALE", written with its left lower corner at x, y, and the ring around it, bool (h, w)."""
    cv2.putText(image, "SALE", (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.8, colour, 2, cv2.LINE_AA)
    box = np.zeros(image.shape[:2], np.uint8)
    box[y - 22 : y + 5, x - 3 : x + 68] = 1
    return box > 0, (cv2.dilate(box, np.ones((9, 9), np.uint8)) > 0) & (box == 0)


def shaded(shape: np.ndarray) -> np.ndarray:
    """A picture of a brown thing on white, darker to the right. `shape` bool (h, w)."""
    image = np.full((*shape.shape, 3), 255, np.uint8)
    ramp = np.linspace(1.0, 0.6, shape.shape[1])[None, :, None]
    image[shape] = np.broadcast_to(np.uint8(ramp * (170, 120, 80)), image.shape)[shape]
    return image


def plate() -> np.ndarray:
    return cv2.ellipse(np.zeros((400, 400), np.uint8), (190, 200), (150, 110), 0, 0, 360, 1, cv2.FILLED) > 0


def found_in(image: np.ndarray, box: np.ndarray, ring: np.ndarray) -> np.ndarray | None:
    return sticker_under(to_lab(image), (image != 255).any(axis=2), box, ring)


def test_a_sticker_that_reaches_beyond_its_product_on_one_side_needs_no_notch():
    image = shaded(plate())
    cv2.rectangle(image, (250, 190), (355, 232), (240, 80, 30), cv2.FILLED)
    sticker = found_in(image, *lettered(image, 262, 220, (255, 255, 255)))
    drawn = np.zeros((400, 400), bool)
    drawn[190:233, 250:356] = True
    assert sticker is not None and sticker[drawn].all() and sticker.sum() < 1.2 * drawn.sum()


def test_a_sticker_in_its_products_own_colour_ends_where_its_writing_no_longer_fits():
    shape = np.zeros((400, 400), bool)
    shape[60:340, 60:260] = True
    image = shaded(shape)
    image[130:260, 200:220] = INK  # a part of the product, as black as the sticker that touches it
    cv2.rectangle(image, (210, 190), (330, 240), INK, cv2.FILLED)
    sticker = found_in(image, *lettered(image, 240, 222, (255, 255, 255)))
    assert sticker is not None and sticker[190:241, 222:331].all()
    assert not sticker[120:170].any() and not sticker[255:].any()


@pytest.mark.parametrize("case", ("label", "belt", "shaded", "face", "screen"))
def test_what_is_printed_on_a_product_is_no_sticker(case):
    image = shaded(plate())
    colour = 240, 80, 30
    if case == "label":  # within the outline
        cv2.rectangle(image, (110, 180), (250, 230), colour, cv2.FILLED)
    elif case == "belt":  # reaches the outline where it bulges, on both sides
        belt = plate()
        belt[:185] = belt[220:] = False
        image[belt] = colour
    elif case == "shaded":  # lies in the product's own light
        image[190:233, 250:356] = np.uint8(np.linspace(1.0, 0.75, 106)[None, :, None] * colour)
    elif case == "screen":  # of one colour, which goes on around the writing; a caption's box sticks out
        image[:] = 255
        image[40:380, 40:360] = np.uint8([30, 30, 34])
        image[50:370, 50:350] = 233, 203, 186
        for y in (150, 250):
            cv2.rectangle(image, (50, y), (130, y + 30), (230, 110, 40), cv2.FILLED)
    else:  # most of what it is on
        image[:] = 255
        cv2.rectangle(image, (90, 120), (290, 300), colour, cv2.FILLED)
        cv2.rectangle(image, (160, 80), (220, 120), colour, cv2.FILLED)
    box = (262, 220) if case == "shaded" else (150, 210)
    assert found_in(image, *lettered(image, *box, (255, 255, 255))) is None
