"""Round dials in their rings: what a network that sees the ring takes for an opening, or for the shadow beside it."""

import cv2
import numpy as np

from packshot.badges import circles_through, sampled

_TURNS = np.linspace(0, 2 * np.pi, 72, endpoint=False)
_RINGED = 0.72
"""Share of the rim."""
_RADII = 0.04, 0.3
"""Of the picture's longer side."""
_SHOWN = 0.5
"""Share of the rim."""


def dials(piece: np.ndarray, seen: np.ndarray, side: int, hidden: np.ndarray | None = None) -> np.ndarray:
    """bool (h, w): discs of foreground in a `piece` bool (h, w) of it that are not `seen`, bool (h, w), where what lies
    around them is for the most part: a highlight on the ring may be as pale as the background. `side` px: the
    picture's; `hidden` bool (h, w): overlays, of which nobody knows what is under them."""
    found = np.zeros_like(piece)
    blind = (piece & ~seen).astype(np.uint8)
    outlines, _ = cv2.findContours(blind, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    away, edged = max(1.5, 0.008 * side), np.pad(seen, 1)
    # What lies beyond the picture is hidden, too.
    shown = np.pad(np.ones_like(piece) if hidden is None else ~hidden, 1)
    near = cv2.dilate(seen.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    for outline in outlines:
        points = outline[:, 0].astype(np.float32)
        points = points[near[outline[:, 0, 1], outline[:, 0, 0]]]
        count = len(points)
        if count < max(48, 0.2 * side):
            continue
        trials = [
            circles_through(points, np.roll(points, -gap, axis=0), np.roll(points, -2 * gap, axis=0))[::3]
            for gap in (count // 16, count // 10, count // 6)
        ]
        circles = np.concatenate(trials)
        circles = circles[(circles[:, 2] > _RADII[0] * side) & (circles[:, 2] < _RADII[1] * side)]
        x, y, radius = (circles[:, [axis]] for axis in range(3))
        within, beyond = (sampled(edged, x + 1, y + 1, far, _TURNS) for far in (radius - away, radius + away))
        free = sampled(shown, x + 1, y + 1, radius + away, _TURNS)
        directions = np.maximum(1, free.sum(axis=1))
        share = (beyond & ~within & free).sum(axis=1) / directions
        share[((within & free).sum(axis=1) >= 0.1 * directions) | (free.mean(axis=1) < _SHOWN)] = 0
        if not len(share) or share.max() <= _RINGED:
            continue
        x, y, radius = np.round(circles[share.argmax()]).astype(int).tolist()
        disc = cv2.circle(np.zeros_like(blind), (x, y), radius, 1, cv2.FILLED) > 0
        if (disc & piece).sum() > 0.9 * disc.sum() and (disc & seen).sum() < 0.2 * disc.sum():
            found |= disc & piece
    return found
