"""Stickers that sellers lay over a product's outline, where the outlines alone do not tell: in its own colour, or with
no notch where the two meet."""

import cv2
import numpy as np

from packshot.compose import fill_holes
from packshot.plates import flat_shape, grown, is_geometric, is_unshaded, lies_over, of_one_colour

_LEAST_OUT, _MOST_OUT = 0.05, 0.6
"""Of a sticker."""
_MOST = 0.25
"""Of its product."""
_MOST_MERGED = 0.42
"""Of a sticker's outline."""
_LEAST_OWN = 0.5
"""Of what is of its colour and hangs together."""
_TIPS = 0.25
"""Of a sticker's size: the points of a star."""


def sticker_under(lab: np.ndarray, foreground: np.ndarray, writing: np.ndarray, ring: np.ndarray) -> np.ndarray | None:
    """The shape without any shading on which a text lies, bool (h, w), if it lies across the outline of something four
    times as large. `lab` float32 (h, w, 3); `foreground`, `writing` (the text box) and `ring` (around it) bool
    (h, w)."""
    shape = flat_shape(lab, writing, ring)
    if shape is None:
        shape = _merged(lab, writing, ring)
    if shape is None or shape.sum() > _MOST * grown(foreground, shape).sum() or not is_unshaded(lab, shape, writing):
        return None
    if not (lies_over(shape, foreground) or _sticks_out(shape, foreground)):
        return None
    return cv2.dilate(shape.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0


def _merged(lab: np.ndarray, writing: np.ndarray, ring: np.ndarray) -> np.ndarray | None:
    """What is left of the colour around a text, once all is gone that its box does not fit in, if that is a rectangle,
    an ellipse or a star, bool (h, w)."""
    flat = of_one_colour(lab, writing | ring)
    if flat[writing | ring].mean() < 0.3:
        return None
    region = fill_holes(grown(flat | writing, writing))
    rows, cols = np.flatnonzero(writing.any(axis=1)), np.flatnonzero(writing.any(axis=0))
    kernel = np.ones((len(rows), len(cols)), np.uint8)
    # What lies beyond the picture is none of it.
    shape = cv2.morphologyEx(np.pad(region, 1).astype(np.uint8), cv2.MORPH_OPEN, kernel)[1:-1, 1:-1] > 0
    shape = grown(shape, writing)
    if not shape.any() or not is_geometric(shape):
        return None
    width = round(_TIPS * min(shape.any(axis=1).sum(), shape.any(axis=0).sum())) | 1
    shape = region & (cv2.dilate(shape.astype(np.uint8), np.ones((width, width), np.uint8)) > 0)
    # Writing on something of one colour that goes on around it has no shape of its own.
    rim = (cv2.dilate(shape.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~shape
    return shape if region[rim].mean() < _MOST_MERGED and shape.sum() > _LEAST_OWN * region.sum() else None


def _sticks_out(shape: np.ndarray, foreground: np.ndarray) -> bool:
    """Whether a shape reaches beyond the hull of what is behind it, and on one side: what is printed on a bulge does on
    both."""
    gap = max(2, round(0.01 * max(shape.shape)))
    near = cv2.dilate(shape.astype(np.uint8), np.ones((2 * gap + 1,) * 2, np.uint8)) > 0
    rest = grown(foreground | shape, shape) & ~near
    if not rest.any():
        return False
    outlines, _ = cv2.findContours(rest.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = np.zeros(shape.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.concatenate(outlines)), 1)
    beyond = shape & ~(cv2.dilate(hull, np.ones((3, 3), np.uint8)) > 0)
    _, _, stats, _ = cv2.connectedComponentsWithStats(beyond.astype(np.uint8), connectivity=8)
    largest = stats[1:, cv2.CC_STAT_AREA].max(initial=0)
    return bool(_LEAST_OUT < beyond.sum() / shape.sum() < _MOST_OUT and largest > 0.9 * beyond.sum())
