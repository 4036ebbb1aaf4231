"""Inset photos: other pictures in panels of their own, laid beside the product or over it."""

import cv2
import numpy as np

from packshot.compose import fill_holes
from packshot.foreground import Foreground
from packshot.parts import bounds

_EVEN = 1.2
"""Lab units; a panel's own background is as smooth."""
_SHARES = 0.02, 0.35
"""Of the picture."""
_RECTANGLE = 0.93
"""Share of its box that a panel fills."""
_LEAST_SHOWN = 0.12
"""Share of the panel."""
_LEAST_BESIDE = 0.005
"""Of the picture."""
_SEEN, _UNSEEN = 0.6, 0.3
"""Saliency: what a panel shows, and what it shows it before."""


def inset_panels(lab: np.ndarray, found: Foreground, body: np.ndarray, saliency: np.ndarray) -> list[np.ndarray]:
    """Upright rectangles of an even colour, not the background's, each bool (h, w), that show something which the
    network sees, while it does not see the rest of them; a screen has its case around it, and is seen as a whole. None
    where nothing thick is beside them in `body` bool (h, w), the foreground without marks. `lab` float32 (h, w, 3),
    `saliency` float32 (h, w)."""
    even = np.linalg.norm(lab - cv2.blur(lab, (5, 5)), axis=2) < _EVEN
    even &= ~found.background.mask & (saliency < _UNSEEN)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(even.astype(np.uint8), connectivity=4)
    low, high = _SHARES
    panels = []
    for label in range(1, count):
        if not 0.3 * low < stats[label, cv2.CC_STAT_AREA] / even.size < high:
            continue
        panel = _as_panel(labels == label, low, high)
        if panel is None:
            continue
        shown = panel & (saliency > _SEEN)
        ring = (cv2.dilate(panel.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0) & ~panel
        beside = (found.background.mask | found.background.alike)[ring].mean() if ring.any() else 0.0
        if shown.sum() > _LEAST_SHOWN * panel.sum() and beside > 0.4:
            panels.append(panel)
    # Somewhere the product itself must be: what stands before a coloured card is no inset photo.
    inside = np.any(panels, axis=0) if panels else np.zeros_like(even)
    rest = cv2.morphologyEx((body & ~inside).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    return panels if rest.sum() > _LEAST_BESIDE * even.size else []


def _as_panel(flat: np.ndarray, low: float, high: float) -> np.ndarray | None:
    """The rectangle, bool (h, w), of which a `flat` area is the background; None where it has another form, or fills
    less or more than these shares of the picture."""
    x0, y0, x1, y1 = bounds(flat)
    box = (x1 - x0) * (y1 - y0)
    if not low < box / flat.size < high or fill_holes(flat[y0:y1, x0:x1]).sum() < _RECTANGLE * box:
        return None
    panel = np.zeros_like(flat)
    panel[max(0, y0 - 3) : y1 + 3, max(0, x0 - 3) : x1 + 3] = True
    return panel
