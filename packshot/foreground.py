"""What in a photo is not background: by the border's colours where they are even, by GrabCut where they are not.

GrabCut: Rother, Kolmogorov, Blake, "GrabCut: interactive foreground extraction using iterated graph cuts", 2004; here
nobody draws the rectangle, the border's colours do.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from packshot.background import Background, learn_background, to_lab
from packshot.compose import drop_specks, fill_holes
from packshot.shadows import trim_contact_shadow, trim_reflection

_BUSY_SIDE = 200


@dataclass(slots=True)
class Foreground:
    """`mask` bool (h, w): everything that is not background, overlays too; see-through holes are open.
    `see_through` bool (h, w): background colour, enclosed or not. `certainty` in [0, 1]."""

    mask: np.ndarray
    see_through: np.ndarray
    background: Background
    certainty: float


def find_foreground(small: np.ndarray, seed: int = 0) -> Foreground:
    """The foreground of a reduced picture, RGB uint8 (h, w, 3). OpenCV's generator is seeded: results repeat."""
    cv2.setRNGSeed(seed)
    background = learn_background(small)
    if not background.busy:
        mask = _by_colour(small, background)
        see_through = ~mask
        stable = _overlap(
            background.distance > 0.75 * background.threshold, background.distance > 1.5 * background.threshold
        )
        certainty = background.explained * (0.5 + 0.5 * stable)
    else:
        mask = _by_grabcut(small, background)
        see_through = ~mask
        certainty = 0.5 * background.explained
    return Foreground(mask, see_through, background, float(certainty))


def _by_colour(small: np.ndarray, background: Background) -> np.ndarray:
    mask = drop_specks(~background.mask & ~background.frame, 4)
    lab = to_lab(small)
    mask = fill_holes(mask, background.mask)
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    areas = np.bincount(labels.ravel(), minlength=count)
    for label in range(1, count):
        if areas[label] < 0.01 * mask.size:
            continue
        piece = labels == label
        trimmed = trim_reflection(lab, background.lab, trim_contact_shadow(lab, background.lab, piece))
        mask &= ~piece | trimmed
    return mask


def _by_grabcut(small: np.ndarray, background: Background) -> np.ndarray:
    """For busy backgrounds: what differs from the border's palette and lies in the middle starts as foreground."""
    height, width = small.shape[:2]
    scale = min(1.0, _BUSY_SIDE / max(height, width))
    size_wh = max(8, round(width * scale)), max(8, round(height * scale))
    tiny = cv2.resize(small, size_wh, interpolation=cv2.INTER_AREA)
    lab = to_lab(tiny)
    rows, cols = tiny.shape[:2]
    depth = max(1, round(0.04 * max(rows, cols)))
    border = np.ones((rows, cols), bool)
    border[depth:-depth, depth:-depth] = False
    _, _, palette = cv2.kmeans(
        lab[border], min(8, int(border.sum())), None, (cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0), 1, cv2.KMEANS_PP_CENTERS
    )
    unlike = np.min([np.linalg.norm(lab - colour, axis=2) for colour in palette], axis=0)
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : cols * 1j]
    middle = np.exp(-(x * x + y * y) / 0.7)
    likely = cv2.GaussianBlur((unlike * middle).astype(np.float32), (0, 0), 2)
    level = float(np.percentile(likely, 70))
    marks = np.where(likely > max(level, 1e-3), cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    marks[border] = cv2.GC_BGD
    if not (marks == cv2.GC_PR_FGD).any():
        return np.zeros((height, width), bool)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(cv2.cvtColor(tiny, cv2.COLOR_RGB2BGR), marks, None, *models, 4, cv2.GC_INIT_WITH_MASK)
    mask = ((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
    mask = cv2.resize(mask * 255, (width, height), interpolation=cv2.INTER_LINEAR) > 127
    return fill_holes(drop_specks(mask, 20))


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    union = int((first | second).sum())
    return float((first & second).sum() / union) if union else 0.0
