"""Bar codes: upright grey bars of one height, and nothing else in their rectangle. Free ones are pieces of the
foreground; those that touch something else are found by their edges."""

import cv2
import numpy as np

_GAP, _WIDE_GAP = 9, 21
"""px; wider than the gaps between bars on reduced pictures, and than the widest of them."""
_EDGE = 12
"""Lab units from a pixel to the next."""
_LEAST_TURNS = 14
"""Between dark and pale, along a bar code."""


def bar_codes(lab: np.ndarray, foreground: np.ndarray) -> list[np.ndarray]:
    """Their rectangles, bool (h, w). `lab` float32 (h, w, 3), `foreground` bool (h, w)."""
    found = _codes_in(lab, cv2.morphologyEx(foreground.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((1, _GAP), np.uint8)))
    edges = np.abs(np.diff(lab[..., 0], axis=1, prepend=lab[:, :1, 0])) > _EDGE
    joined = cv2.morphologyEx(edges.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((1, _WIDE_GAP), np.uint8))
    touching = _codes_in(lab, cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((7, 15), np.uint8)))
    return found + [code for code in touching if not any((code & other).any() for other in found)]


def _codes_in(lab: np.ndarray, joined: np.ndarray) -> list[np.ndarray]:
    """Bar codes among the pieces of `joined` uint8 (h, w)."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=4)
    found = []
    for x, y, w, h, area in stats[1:count]:
        if w < 30 or h < 10 or w < 0.8 * h or area < 0.78 * w * h or w * h > 0.15 * joined.size:
            continue
        # Its upper and lower ends are soft.
        if _is_code(lab[y + h // 8 + 1 : y + h - h // 8 - 1, x : x + w]):
            code = np.zeros(joined.shape, bool)
            code[max(0, y - 2) : y + h + 2, max(0, x - 2) : x + w + 2] = True
            found.append(code)
    return found


def _is_code(colours: np.ndarray) -> bool:
    """Whether a rectangle, Lab float32 (h, w, 3), is the same in every row, grey, and changes often along it, at uneven
    distances; grids and grilles are even."""
    light = colours[..., 0]
    profile = light.mean(axis=0)
    if profile.var() < 0.85 * light.var() or np.ptp(profile) < 40:
        return False
    if np.percentile(np.hypot(colours[..., 1], colours[..., 2]), 90) > 12:
        return False
    dark = profile < (profile.min() + profile.max()) / 2
    turns = np.flatnonzero(dark[1:] != dark[:-1])
    return len(turns) >= _LEAST_TURNS and float(np.diff(turns).std()) > 0.3 * float(np.diff(turns).mean())
