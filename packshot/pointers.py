"""What joins a magnified detail with the place that it shows: a small ring there, and a line from it to the detail, in
the colour of its rim."""

import cv2
import numpy as np

from packshot.marks import rim_colour

_ALIKE = 14.0  # distance in Lab
_SIZES = 0.2, 0.65  # radius of the ring, of the detail's
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
        for x, y, small in _rings(drawn, radius):
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


def _rings(drawn: np.ndarray, radius: float) -> list[tuple[float, float, float]]:
    """x, y, radius of thin circles in `drawn` bool (h, w) that are much smaller than the given radius."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(drawn.astype(np.uint8), connectivity=8)
    rings = []
    for label in range(1, count):
        x, y, w, h, _ = stats[label]
        if not 2 * _SIZES[0] * radius < max(w, h) < 2 * _SIZES[1] * radius or min(w, h) < 0.8 * max(w, h):
            continue
        points = np.argwhere(labels[y : y + h, x : x + w] == label)[:, ::-1] + (x, y)
        middle = np.array([x + (w - 1) / 2, y + (h - 1) / 2])
        away = points - middle
        apart = np.hypot(*away.T)
        size = float(np.median(apart))
        on = np.abs(apart - size) < max(2.0, 0.06 * radius)
        turns = np.unique(np.floor(np.arctan2(away[on, 1], away[on, 0]) / (2 * np.pi) * 36))
        if on.mean() > 0.9 and len(turns) > 30:
            rings.append((float(middle[0]), float(middle[1]), size))
    return rings


def without_pointers(product: np.ndarray, pointing: np.ndarray) -> np.ndarray:
    """`product` bool (h, w) without rings and lines, but for where they lie on it."""
    bare = product & ~pointing
    around = cv2.morphologyEx(bare.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((13, 13), np.uint8)) > 0
    return bare | (pointing & around)
