"""One sentence about a photo from its segmentation and its writing: colours, shape, background. No model."""

from typing import Any

import cv2
import numpy as np
from pydantic import Field

from packshot.artifacts import Caption, Segmentation, Texts
from packshot.background import Background, learn_background, reduce
from packshot.colour_words import names_of
from packshot.compose import drop_specks, fill_holes
from packshot.engines.base import Engine, EngineParams, map_photos


class ColourCaptionerParams(EngineParams):
    side: int = Field(192, ge=64, le=1024, description="px; the long side at which the photo is looked at")
    words: int = Field(6, ge=0, le=50, description="how many of the words that were read are quoted")


class ColourCaptioner(Engine):
    """ "A tall blue and white product on a light grey background, with the words …"; phrases name product and pack."""

    stage = "caption"
    name = "colours"
    version = 1
    max_batch = 16
    Params = ColourCaptionerParams
    params: ColourCaptionerParams

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Caption]:
        texts, segmentations = upstream
        return map_photos(self._describe, images, texts, segmentations)

    def _describe(self, image: np.ndarray, texts: Texts, segmentation: Segmentation) -> Caption:
        small = reduce(image, self.params.side)
        mask = _small_mask(segmentation, small.shape[:2])
        background = learn_background(small)
        backdrop = _backdrop(small, mask, background)
        if not mask.any():
            return Caption(f"a {backdrop} picture without a product in front", ["product"])
        colours = [name for name, share in names_of(small[mask]) if share >= 0.18][:2] or ["colourful"]
        count = _count(mask)
        shape = _shape(mask) if count == 1 else ""
        look = " and ".join(colours)
        subject = f"{_number(count)} {look} products" if count > 1 else f"a {shape} {look} product".replace("  ", " ")
        sentence = f"{subject} on a {backdrop} background"
        read = [box.text for box in texts.boxes if box.readable and any(c.isalnum() for c in box.text)]
        if self.params.words and read:
            sentence += f', with the words "{" ".join(read[: self.params.words])}"'
        elif texts.boxes:
            sentence += ", with writing"
        phrases = [f"{look} product", "product"]
        if texts.boxes:
            phrases.append("packaging")
        return Caption(sentence, phrases)


def _small_mask(segmentation: Segmentation, shape_hw: tuple[int, int]) -> np.ndarray:
    """The main object (second mask) at the reduced size."""
    height, width = segmentation.shape_hw
    long_side = max(height, width)
    rows, cols = max(1, round(256 * height / long_side)), max(1, round(256 * width / long_side))
    logits = segmentation.low_res_logits[1][:rows, :cols]
    return cv2.resize(np.ascontiguousarray(logits), shape_hw[::-1], interpolation=cv2.INTER_LINEAR) > 0


def _backdrop(small: np.ndarray, mask: np.ndarray, background: Background) -> str:
    if background.busy or background.modes > 2:
        return "busy"
    names = names_of(small[~mask], 1)
    return f"plain {names[0][0]}" if names else "plain"


def _count(mask: np.ndarray) -> int:
    filled = fill_holes(drop_specks(mask, max(4, int(0.004 * mask.size))))
    count, _, stats, _ = cv2.connectedComponentsWithStats(filled.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    return int((areas > 0.25 * areas.max()).sum()) if count > 1 else 1


def _shape(mask: np.ndarray) -> str:
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=cv2.contourArea)
    (_, size, _) = cv2.minAreaRect(contour)
    x0, y0, width, height = cv2.boundingRect(contour)
    area = max(1.0, cv2.contourArea(contour))
    if min(width, height) > 0.85 * max(width, height) and area > 0.74 * width * height:
        return "round" if area < 0.84 * width * height else "square"
    if height > 1.7 * width:
        return "tall"
    if width > 1.7 * height:
        return "wide"
    return "rectangular" if area > 0.9 * max(1.0, float(np.prod(size))) else ""


def _number(count: int) -> str:
    return {2: "two", 3: "three", 4: "four", 5: "five"}.get(count, "several")
