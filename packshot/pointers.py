"""What joins a magnified detail with the place that it shows: a small ring there, and a line from it to the detail, in
the colour of its rim."""

import cv2
import numpy as np

from packshot.badges import sampled
from packshot.marks import rim_colour

_ALIKE = 14.0  # distance in Lab
_SIZES = 0.2, 0.65  # radius of the ring, of the detail's
_TURNS = np.linspace(0, 2 * np.pi, 72, endpoint=False)
_SHOWN = 0.4
"""Share of a ring."""
_WAY = np.linspace(0.3, 0.6, 40)
"""Of the way from the ring to the detail's middle: where the line is."""


def pointers(lab: np.ndarray, windows: list[np.ndarray], alike: np.ndarray) -> np.ndarray:
    """bool (h, w): the rings and lines of the magnified details in `windows`, each bool (h, w). `lab` float32
    (h, w, 3); `alike` bool (h, w), the background's colour: rings in it are not looked for."""
    found = np.zeros(alike.shape, np.uint8)
    covered = np.any(windows, axis=0) if windows else np.zeros_like(alike)
    for window in windows:
        drawn = (np.linalg.norm(lab - rim_colour(lab, window), axis=2) < _ALIKE) & ~covered
        if (drawn & alike).sum() > 0.3 * drawn.sum():
            continue
        radius = float(np.sqrt(window.sum() / np.pi))
        middle = np.argwhere(window)[:, ::-1].mean(axis=0)
        for x, y, small in _rings(drawn, covered, radius):
            points = np.float32([x, y]) + _WAY[:, None] * (middle - (x, y))
            cols, rows = np.round(points).astype(int).T
            seen = ~covered[rows, cols]
            near = cv2.dilate(drawn.astype(np.uint8), np.ones((3, 3), np.uint8))[rows, cols] > 0
            if seen.any() and near[seen].mean() < 0.8:
                continue
            width = max(5, round(radius / 14) + 2)
            cv2.circle(found, (round(x), round(y)), round(small), 1, width)
            ends = (tuple(np.round(points[k]).astype(int).tolist()) for k in (0, -1))
            cv2.line(found, *ends, 1, width)
    return found > 0


def _rings(drawn: np.ndarray, covered: np.ndarray, radius: float) -> list[tuple[float, float, float]]:
    """x, y, radius of thin circles in `drawn` bool (h, w) that are much smaller than the given radius, whole or
    `covered`, bool (h, w), for a part."""
    lowest, highest = (round(share * radius) for share in _SIZES)
    circles = cv2.HoughCircles(
        cv2.GaussianBlur(255 * drawn.astype(np.uint8), (3, 3), 0),
        cv2.HOUGH_GRADIENT_ALT,
        dp=1.5,
        minDist=max(1, lowest // 2),
        param1=100,
        param2=0.6,
        minRadius=lowest,
        maxRadius=highest,
    )
    near = np.pad(cv2.dilate(drawn.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, 1)
    shown, drawn = np.pad(~covered, 1), np.pad(drawn, 1)
    away = max(4, round(radius / 14) + 2)
    rings = []
    for x, y, small in [] if circles is None else circles[0].astype(float):
        free = sampled(shown, x + 1, y + 1, small, _TURNS)
        if free.mean() < _SHOWN:
            continue
        on = sampled(near, x + 1, y + 1, small, _TURNS)[free].mean()
        beside = max(sampled(drawn, x + 1, y + 1, small + step, _TURNS)[free].mean() for step in (-away, away))
        if on > 0.85 and beside < 0.5:
            rings.append((x, y, small))
    return rings


def without_pointers(product: np.ndarray, pointing: np.ndarray) -> np.ndarray:
    """`product` bool (h, w) without rings and lines, but for where they lie on it."""
    bare = product & ~pointing
    around = cv2.morphologyEx(bare.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((13, 13), np.uint8)) > 0
    return bare | (pointing & around)
