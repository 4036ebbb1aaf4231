"""Round dials in their rings: what a network that sees the ring takes for an opening, or for the shadow beside it."""

import cv2
import numpy as np

from packshot.badges import circles_through, sampled

_TURNS = np.linspace(0, 2 * np.pi, 72, endpoint=False)
_RINGED = 0.72
"""Share of the rim."""
_RADII = 0.04, 0.3
"""Of the picture's longer side."""


def dials(piece: np.ndarray, seen: np.ndarray, side: int) -> np.ndarray:
    """bool (h, w): discs of foreground in a `piece` bool (h, w) of it that are not `seen`, bool (h, w), where what lies
    around them is for the most part: a highlight on the ring may be as pale as the background. `side` px: the
    picture's."""
    found = np.zeros_like(piece)
    blind = (piece & ~seen).astype(np.uint8)
    outlines, _ = cv2.findContours(blind, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    away, edged = max(1.5, 0.008 * side), np.pad(seen, 1)
    near = cv2.dilate(seen.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    for outline in outlines:
        points = outline[:, 0].astype(np.float32)
        points = points[near[outline[:, 0, 1], outline[:, 0, 0]]]
        count = len(points)
        if count < max(48, 0.2 * side):
            continue
        best, most = None, _RINGED
        for gap in (count // 16, count // 10, count // 6):
            circles = circles_through(points, np.roll(points, -gap, axis=0), np.roll(points, -2 * gap, axis=0))[::3]
            for x, y, radius in circles[(circles[:, 2] > _RADII[0] * side) & (circles[:, 2] < _RADII[1] * side)]:
                within, beyond = (sampled(edged, x + 1, y + 1, far, _TURNS) for far in (radius - away, radius + away))
                share = float((beyond & ~within).mean())
                if share > most and within.mean() < 0.1:
                    best, most = (x, y, radius), share
        if best is None:
            continue
        x, y, radius = best
        disc = cv2.circle(np.zeros_like(blind), (round(x), round(y)), round(radius), 1, cv2.FILLED) > 0
        if (disc & piece).sum() > 0.9 * disc.sum() and (disc & seen).sum() < 0.2 * disc.sum():
            found |= disc & piece
    return found
