"""Overlays that hang on the product's outline or lie over it: discs, watermarks, callout lines."""

import cv2
import numpy as np
import pytest

from packshot.background import to_lab
from packshot.badges import round_badges
from packshot.foreground import find_foreground
from packshot.marks import find_marks
from packshot.overwriting import writing_over
from packshot.plates import thin_lines


def quad(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.float32([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


@pytest.fixture
def tin():
    """A striped tin on white: photo and its mask."""
    image = np.full((400, 400, 3), 255, np.uint8)
    for row in range(110, 340):
        image[row, 90:250] = (150 + 60 * (row // 20 % 2), 90, 60 + row // 4)
    return image, (image != 255).any(axis=2)


def test_a_disc_with_writing_on_the_outline_is_found(tin):
    image, product = tin
    cv2.circle(image, (265, 200), 60, (20, 60, 160), cv2.FILLED)
    cv2.putText(image, "MIX", (235, 210), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 2)
    disc = np.zeros(product.shape, np.uint8)
    cv2.circle(disc, (265, 200), 60, 1, cv2.FILLED)
    (found,) = round_badges(to_lab(image), product | (disc > 0), [quad(232, 186, 298, 214)])
    assert (found & (disc > 0)).sum() > 0.95 * (found | (disc > 0)).sum()
    # Without writing in it, it may be a knob.
    assert not round_badges(to_lab(image), product | (disc > 0), [quad(120, 300, 180, 320)])


def test_a_pack_with_a_round_end_is_no_badge():
    image = np.full((400, 400, 3), 255, np.uint8)
    cv2.ellipse(image, (200, 150), (70, 70), 0, 0, 360, (20, 90, 160), cv2.FILLED)
    cv2.rectangle(image, (130, 150), (270, 340), (20, 90, 160), cv2.FILLED)
    cv2.putText(image, "VEDA", (150, 170), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 2)
    assert not round_badges(to_lab(image), (image != 255).any(axis=2), [quad(148, 145, 240, 175)])


def tiled(image: np.ndarray, word: str) -> list[np.ndarray]:
    """Writes a grey watermark at a slant all over `image`; returns its text boxes."""
    quads, ink = [], np.zeros(image.shape[:2], np.uint8)
    turn = cv2.getRotationMatrix2D((0, 0), 30, 1)[:, :2]
    for top in range(20, 400, 70):
        for left in range(20, 400, 110):
            one = np.zeros((400, 400), np.uint8)
            cv2.putText(one, word, (0, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 2)
            moved = np.c_[turn, (left, top + 40)]
            ink |= cv2.warpAffine(one, moved, (400, 400))
            quads.append((quad(0, 2, 14 * len(word), 24) @ turn.T + (left, top + 40)).astype(np.float32))
    share = 0.5 * ink[..., None] / 255
    image[:] = np.round(image * (1 - share) + 90 * share).astype(np.uint8)
    return quads


def test_a_watermark_over_the_product_is_told_from_its_own_writing(tin):
    image, product = tin
    rounded = np.linspace(0.5, 1.2, 400)[None, :, None] * np.float32([210, 190, 120])
    image[product] = np.clip(rounded, 0, 255).astype(np.uint8).repeat(400, axis=0)[product]
    cv2.putText(image, "TEA", (110, 240), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (60, 20, 20), 3)
    own = (image[..., 0] == 60) & product
    bare = image.copy()
    quads = tiled(image, "DEMO")
    found = find_foreground(image)
    lab = to_lab(image)
    label = quad(108, 208, 185, 244)
    over = writing_over(lab, product, find_marks(lab, found, [*quads, label]), found.background.distance)
    inked = product & (np.abs(image.astype(int) - bare).max(axis=2) > 30) & ~own
    assert over[inked].mean() > 0.7
    assert over[own].mean() < 0.35
    # The same letters on the pack alone are the pack's.
    lone = find_marks(to_lab(bare), find_foreground(bare), [label])
    assert not writing_over(to_lab(bare), product, lone, find_foreground(bare).background.distance).any()


def test_a_callout_line_may_begin_beside_its_caption(tin):
    _, product = tin
    line = np.zeros(product.shape, np.uint8)
    cv2.line(line, (60, 60), (120, 112), 1, 2)
    caption = np.zeros(product.shape, bool)
    caption[50:64, 2:30] = True
    found = thin_lines(product | (line > 0), caption)
    outside = (line > 0) & ~product
    assert found[outside].mean() > 0.7 and not found[product & (line == 0)].any()
    # Far from any writing it is a part of the product.
    assert not thin_lines(product | (line > 0), np.zeros_like(product)).any()
