"""Round dials in their rings: what a network that sees the ring takes for an opening, or for the shadow beside it."""

import cv2
import numpy as np

from packshot.badges import circles_through

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
    near = cv2.dilate(seen.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    for outline in outlines:
        points = outline[:, 0].astype(np.float32)
        points = points[near[outline[:, 0, 1], outline[:, 0, 0]]]
        count = len(points)
        if count < 0.2 * side:
            continue
        best, most = None, _RINGED
        for gap in (count // 16, count // 10, count // 6):
            circles = circles_through(points, np.roll(points, -gap, axis=0), np.roll(points, -2 * gap, axis=0))[::3]
            for x, y, radius in circles[(circles[:, 2] > _RADII[0] * side) & (circles[:, 2] < _RADII[1] * side)]:
                within, beyond = _along(seen, x, y, radius - 4), _along(seen, x, y, radius + 4)
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


def _along(mask: np.ndarray, x: float, y: float, radius: float) -> np.ndarray:
    """`mask` bool (h, w) along a circle, (72,); what lies outside is False."""
    cols = np.round(x + radius * np.cos(_TURNS)).astype(int)
    rows = np.round(y + radius * np.sin(_TURNS)).astype(int)
    inside = (cols >= 0) & (rows >= 0) & (cols < mask.shape[1]) & (rows < mask.shape[0])
    return inside & mask[rows.clip(0, mask.shape[0] - 1), cols.clip(0, mask.shape[1] - 1)]
