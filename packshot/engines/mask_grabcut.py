"""The cutout: border colours, saliency and GrabCut at a reduced size, then soft edges at the photo's own size."""

from typing import Any

import cv2
import numpy as np
from pydantic import Field

from packshot.agreement import confidence
from packshot.artifacts import Detections, Raster, Texts
from packshot.background import reduce
from packshot.compose import SPECK_PIXELS, drop_specks, hard_cutout, soft_cutout
from packshot.crossings import fill_crossings
from packshot.engines.base import Engine, EngineParams, map_photos
from packshot.errors import ErrorCode, PhotoError
from packshot.foreground import find_foreground
from packshot.latest_scenes import LATEST, Seen
from packshot.outline import shared_outline
from packshot.saliency import shared_saliency
from packshot.scene import read_scene


class GrabCutMaskParams(EngineParams):
    side: int = Field(512, ge=128, le=1536, description="px; the long side at which the outline is found")
    reach: float = Field(2.0, ge=1, le=6, description="px at that size; how far the edge may lie off the outline found")
    specks: int = Field(SPECK_PIXELS, ge=0, description="px of the photo; smaller components are dropped")
    matting: bool = Field(True, description="soft edges, freed of the old background; false: the bare outline")
    margin: float = Field(0.02, ge=0, le=0.5, description="by how much of the long side product boxes are widened")


class GrabCutMask(Engine):
    """RGBA at the photo's own size; where alpha is 255 the colours are the photo's own pixels, unchanged."""

    stage = "mask"
    name = "grabcut"
    version = 20
    max_batch = 16
    Params = GrabCutMaskParams
    params: GrabCutMaskParams

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Raster]:
        texts, _, detections = upstream
        return map_photos(self._cut, images, texts, detections)

    def _cut(self, image: np.ndarray, texts: Texts, detections: Detections) -> Raster:
        small = reduce(image, self.params.side)
        scale = np.float32([small.shape[1] / image.shape[1], small.shape[0] / image.shape[0]])
        product, crossings, agreement, covered = self._read(small, [box.quad * scale for box in texts.boxes])
        mask = product & self._allowed(detections, scale, small.shape[:2])
        # A speck's size is counted in the photo's pixels.
        mask = drop_specks(mask, max(1, round(self.params.specks * float(scale.prod()))))
        if not mask.any():
            raise PhotoError(ErrorCode.NO_PRODUCT, "nothing was left of the product in its box; cut it out by hand")
        figures = {"covered_outline": round(covered, 3), "repaired_share": 0.0}
        if agreement is not None:
            figures |= {
                "cutout_confidence": round(confidence(agreement), 3),
                "network_agreement": round(agreement.network, 3),
                "refined_agreement": round(agreement.refined, 3),
            }
        cut = soft_cutout(image, mask, self.params.reach) if self.params.matting else hard_cutout(image, mask)
        if crossings is not None and (crossings & mask).any():
            cut, share = fill_crossings(image, cut, mask, crossings & mask)
            figures["repaired_share"] = round(share, 4)
        return Raster(cut, figures)

    def _read(self, small: np.ndarray, quads: list[np.ndarray]) -> Seen:
        """The scene that `detect` read, if it was at the same size in this process; else it is read again."""
        if (seen := LATEST.find(small, quads)) is not None:
            return seen
        scene = read_scene(small, find_foreground(small), quads, shared_saliency(), shared_outline())
        return scene.product, scene.crossings, scene.agreement, scene.covered

    def _allowed(self, detections: Detections, scale: np.ndarray, shape_hw: tuple[int, int]) -> np.ndarray:
        """Where the detected product may be."""
        allowed = np.zeros(shape_hw, np.uint8)
        margin = self.params.margin * max(shape_hw)
        for box in detections.products[:1]:
            x0, y0, x1, y1 = box.xyxy * np.tile(scale, 2)
            corners = (int(x0 - margin), int(y0 - margin)), (int(np.ceil(x1 + margin)), int(np.ceil(y1 + margin)))
            cv2.rectangle(allowed, *corners, 1, cv2.FILLED)
        return allowed > 0
