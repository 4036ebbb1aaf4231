"""The same photo without its overlays, filled in from around them (OpenCV inpainting, A. Telea 2004)."""

from typing import Any

import cv2
import numpy as np
from pydantic import Field

from packshot.artifacts import Detections, Raster
from packshot.background import reduce
from packshot.engines.base import Engine, EngineParams, map_photos


class OpenCvRepairParams(EngineParams):
    side: int = Field(640, ge=64, le=2048, description="px; the long side at which the filling is worked out")
    radius: float = Field(4, ge=1, le=32, description="px at that size; how far around a hole colours are taken from")
    margin: float = Field(0.008, ge=0, le=0.1, description="by how much of the long side overlay boxes are widened")


class OpenCvRepair(Engine):
    """Overlay boxes are filled; product pixels are not touched. Photos without overlays come back unchanged."""

    stage = "repair"
    name = "opencv"
    version = 1
    max_batch = 16
    Params = OpenCvRepairParams
    params: OpenCvRepairParams

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Raster]:
        detections, cutouts = upstream
        return map_photos(self._repair, images, detections, cutouts)

    def _repair(self, image: np.ndarray, detections: Detections, cutout: Raster) -> Raster:
        height, width = image.shape[:2]
        margin = self.params.margin * max(height, width)
        mask = np.zeros((height, width), np.uint8)
        for box in detections.overlays:
            x0, y0, x1, y1 = box.xyxy
            rows = slice(max(0, int(y0 - margin)), max(0, int(np.ceil(y1 + margin))))
            mask[rows, max(0, int(x0 - margin)) : max(0, int(np.ceil(x1 + margin)))] = 255
        mask[cutout.pixels[..., 3] > 0] = 0
        if not mask.any():
            return Raster(image.copy())
        small = reduce(image, self.params.side)
        # The product is hidden from the filling, lest its colours bleed into the background around it.
        size_wh = small.shape[1::-1]
        holes = cv2.resize(mask, size_wh, interpolation=cv2.INTER_AREA) > 0
        product = cv2.resize(cutout.pixels[..., 3], size_wh, interpolation=cv2.INTER_AREA) > 0
        hidden = cv2.dilate((holes | product).astype(np.uint8), np.ones((5, 5), np.uint8))
        filled = cv2.inpaint(small, hidden, self.params.radius, cv2.INPAINT_TELEA)
        filled = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR)
        repaired = image.copy()
        cv2.copyTo(filled, mask, repaired)
        return Raster(repaired)
