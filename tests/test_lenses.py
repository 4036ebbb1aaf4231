"""Lenses are told from dials by what goes on around them."""

import cv2
import numpy as np

from packshot.background import to_lab
from packshot.foreground import find_foreground
from packshot.lenses import _has_straps, is_watch, lenses


def test_straps_go_on_opposite_sides():
    watch, rack = np.zeros((300, 300), bool), np.zeros((300, 300), bool)
    watch[130:170] = True
    rack[110:125, :150] = rack[180:195, :150] = True
    assert _has_straps(watch, 150, 150, 60)
    assert _has_straps(watch.T.copy(), 150, 150, 60)
    assert not _has_straps(rack, 150, 150, 60)
    assert not _has_straps(np.zeros_like(rack), 150, 150, 60)


def test_a_ring_with_nothing_in_it_is_no_window():
    for filled in (True, False):
        image = np.full((500, 500, 3), 255, np.uint8)
        image[60:440, 40:240] = np.linspace((120, 60, 30), (220, 150, 90), 200).astype(np.uint8)
        if filled:
            disc = cv2.circle(np.zeros((500, 500), np.uint8), (360, 250), 80, 1, cv2.FILLED) > 0
            image[disc] = np.linspace((60, 30, 20), (250, 180, 120), 500).astype(np.uint8)[None].repeat(500, 0)[disc]
        cv2.circle(image, (360, 250), 80, (20, 90, 200), 5, cv2.LINE_AA)
        found = lenses(image, to_lab(image), find_foreground(image).mask, [])
        assert [window[250, 360] for window in found] == [True] * filled


def test_a_badge_on_a_product_is_no_watch():
    for straps, case, is_one in ((40, 90, True), (40, 80, False), (140, 90, False)):
        image = np.zeros((400, 400), np.uint8)
        image[:, 200 - straps : 200 + straps] = 1
        cv2.circle(image, (200, 200), case, 1, cv2.FILLED)
        dial = cv2.circle(np.zeros_like(image), (200, 200), 80, 1, cv2.FILLED) > 0
        assert is_watch(dial, image > 0) == is_one
