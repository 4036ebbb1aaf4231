"""Three masks in the shapes and semantics of SAM, from the border's colours and GrabCut: no model, no download."""

from typing import Any

import cv2
import numpy as np
from pydantic import Field

from packshot.artifacts import Segmentation
from packshot.background import reduce
from packshot.compose import fill_holes, signed_distance
from packshot.engines.base import Engine, EngineParams, map_photos
from packshot.foreground import find_foreground

_LOGITS = 256


class GrabCutSegmenterParams(EngineParams):
    reach: float = Field(12, gt=0, le=32, description="largest absolute logit; 1 is one of the 256 pixels")


class GrabCutSegmenter(Engine):
    """Masks of growing extent: the core of the main object, the main object, everything that is not background.

    Logits are signed distances to the outlines in pixels of the 256; scores, like SAM's, foresee the IoU: how much of
    the border the background model explains, how steady the outline is under another threshold, and for the core how
    much of the object it is.
    """

    stage = "segment"
    name = "grabcut"
    version = 1
    max_batch = 16
    Params = GrabCutSegmenterParams
    params: GrabCutSegmenterParams

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Segmentation]:
        return map_photos(self._segment, images)

    def _segment(self, image: np.ndarray) -> Segmentation:
        small = reduce(image, _LOGITS)
        found = find_foreground(small)
        whole = found.mask
        main = main_object(whole)
        core = cv2.erode(main.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))) > 0
        core &= found.background.distance > 2 * found.background.threshold
        height, width = image.shape[:2]
        scale = _LOGITS / max(height, width)
        size_wh = max(1, round(width * scale)), max(1, round(height * scale))
        logits = np.full((3, _LOGITS, _LOGITS), -self.params.reach, np.float32)
        for logit, mask in zip(logits, (core, main, whole), strict=True):
            distance = cv2.resize(signed_distance(mask), size_wh, interpolation=cv2.INTER_LINEAR)
            distance *= size_wh[0] / mask.shape[1]
            logit[: size_wh[1], : size_wh[0]] = np.clip(distance, -self.params.reach, self.params.reach)
        share = core.sum() / max(1, main.sum())
        main_share = main.sum() / max(1, whole.sum())
        scores = found.certainty * np.array([0.5 + 0.5 * share, 0.6 + 0.4 * main_share, 1.0]) * bool(whole.any())
        return Segmentation.from_logits(logits, np.clip(scores, 0, 1), (height, width))


def main_object(foreground: np.ndarray) -> np.ndarray:
    """The component of `foreground` bool (h, w) that is largest and most central, with its likes beside it (sets)."""
    count, labels, stats, centres = cv2.connectedComponentsWithStats(foreground.astype(np.uint8), connectivity=8)
    if count < 2:
        return foreground
    filled = fill_holes(foreground)
    solid = np.bincount(labels[filled], minlength=count)[1:].astype(np.float64)
    off = np.abs(centres[1:] / np.array(foreground.shape[::-1]) - 0.5).max(axis=1)
    weight = solid * (1.2 - off)
    keep = np.r_[False, weight >= 0.45 * weight.max()]
    return keep[labels]
