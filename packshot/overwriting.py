"""Writing laid over the product: watermarks, and captions that run from the background onto it."""

import cv2
import numpy as np

from packshot.marks import Marks
from packshot.quads import line_height

_SLANT = 8.0
"""Degrees; what is printed on a product may lean, but not at the very angle of what floats beside it."""


def writing_over(lab: np.ndarray, product: np.ndarray, marks: Marks, unlike: np.ndarray) -> np.ndarray:
    """bool (h, w): strokes over `product` bool (h, w) that belong to writing beside it: a text box that reaches over
    the outline, or one at the slant and of the size of at least four that float.

    `lab` float32 (h, w, 3); `unlike` float32 (h, w), the colour distance from the background.
    """
    found = np.zeros(product.shape, bool)
    angles = np.array([_angle(quad) for quad in marks.quads])
    heights = np.array([max(1.0, line_height(quad)) for quad in marks.quads])
    shares = np.array([(mask & product).sum() / max(1, mask.sum()) for mask in marks.writing])
    floats = np.array([bool((mask & marks.loose).sum() > 0.9 * mask.sum()) for mask in marks.writing], bool)
    for k, mask in enumerate(marks.writing):
        if shares[k] < 0.05 or (mask & marks.plates).any():
            continue
        alike = floats & (shares < 0.5) & (_apart(angles, angles[k]) < 4) & (abs(heights / heights[k] - 1) < 0.35)
        tiled = abs(angles[k]) > _SLANT and alike.sum() >= 4
        crossing = floats[k] and shares[k] < 0.9
        if not (tiled or crossing):
            continue
        beside = mask & ~product
        for other in np.flatnonzero(alike) if tiled else ():
            beside |= marks.writing[other] & ~product
        found |= _strokes(lab, mask & product, beside, unlike, heights[k])
    return found


def _strokes(lab: np.ndarray, inside: np.ndarray, beside: np.ndarray, unlike: np.ndarray, height: float) -> np.ndarray:
    """bool (h, w): in `inside`, what is darker (or lighter, as the same writing is in `beside`) than around it."""
    if not inside.any() or not beside.any():
        return np.zeros_like(inside)
    reach = max(3, round(0.5 * height))
    rows, cols = np.flatnonzero((inside | beside).any(axis=1)), np.flatnonzero((inside | beside).any(axis=0))
    window = slice(max(0, rows[0] - reach), rows[-1] + reach + 1), slice(max(0, cols[0] - reach), cols[-1] + reach + 1)
    light = np.clip(np.round(2.55 * lab[window][..., 0]), 0, 255).astype(np.uint8)
    step = (light.astype(np.float32) - cv2.medianBlur(light, 2 * reach + 1)) / 2.55
    ink = step[beside[window] & (unlike[window] > 6)]
    if len(ink) < 8:
        return np.zeros_like(inside)
    sign = np.sign(np.median(ink))
    least = max(3.0, 0.3 * abs(float(np.median(ink))))
    strokes = (sign * step > least) & inside[window]
    if not 0.03 < strokes.sum() / max(1, inside.sum()) < 0.6:
        return np.zeros_like(inside)
    found = np.zeros_like(inside)
    found[window] = (cv2.dilate(strokes.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & inside[window]
    return found


def _angle(quad: np.ndarray) -> float:
    """Degrees in (-90, 90] of a text box's longer side."""
    along, down = quad[1] - quad[0], quad[3] - quad[0]
    x, y = along if np.linalg.norm(along) >= np.linalg.norm(down) else down
    angle = float(np.degrees(np.arctan2(y, x)))
    return angle - 180 if angle > 90 else angle + 180 if angle <= -90 else angle


def _apart(angles: np.ndarray, angle: float) -> np.ndarray:
    apart = abs(angles - angle) % 180
    return np.minimum(apart, 180 - apart)
