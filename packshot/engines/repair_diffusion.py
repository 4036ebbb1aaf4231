"""The photo without its overlays, painted over by a diffusion model. Everything else keeps its pixels."""

import logging
from typing import Any

import cv2
import numpy as np
from pydantic import Field

from packshot.artifacts import Detections, Raster
from packshot.device import CpuNotice
from packshot.engines.base import Engine
from packshot.engines.diffusion import DiffusionParams, Request, diffusion_revision, seed_of, shared_diffusion
from packshot.engines.repair_opencv import OpenCvRepair, OpenCvRepairParams

_log = logging.getLogger(__name__)


class RepairDiffusionParams(DiffusionParams):
    prompt: str = Field("empty plain background", description="what is painted where overlays were")
    margin: float = Field(0.012, ge=0, le=0.1, description="by how much of the long side overlay boxes are widened")


class RepairDiffusion(Engine):
    """Overlay boxes are repainted, product pixels are not touched, photos without overlays come back unchanged. What a
    safety checker blackened is filled by OpenCV instead.

    Figures of a picture: the `seed` where something was painted; or `fallback` and its cause, where OpenCV did it.
    """

    stage = "repair"
    name = "diffusion"
    version = 2
    max_batch = 8
    Params = RepairDiffusionParams
    params: RepairDiffusionParams

    def __init__(self, params: RepairDiffusionParams):
        super().__init__(params)
        self.model = shared_diffusion(params)
        self._notice = CpuNotice(self.stage, self.model.device)
        self._opencv = OpenCvRepair(OpenCvRepairParams())

    @classmethod
    def weights_revision(cls, params: RepairDiffusionParams) -> str:
        return f"{diffusion_revision(params)} opencv {OpenCvRepair.version}"

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Raster]:
        detections, cutouts = upstream
        masks = [self._mask(*row) for row in zip(images, detections, cutouts, strict=True)]
        work = [i for i, mask in enumerate(masks) if mask.any()]
        prompt, seed = self.params.prompt, self.params.seed
        seeds = {i: seed_of(images[i], prompt, seed) for i in work}
        requests = [Request(images[i], masks[i], prompt, seeds[i]) for i in work]
        results = [Raster(image.copy()) for image in images]
        if not requests:
            return results
        with self._notice.over(len(requests)):
            painted = self.model.paint(requests, self.params)
        for i, picture in zip(work, painted, strict=True):
            if picture is None:
                _log.warning("the safety checker blackened a repaired photo: OpenCV fills it instead")
                results[i] = self._opencv.run([images[i]], [detections[i]], [cutouts[i]])[0]
                results[i].figures |= {"fallback": "opencv", "fallback_cause": "safety checker"}
            else:
                results[i] = Raster(_blend(images[i], picture, masks[i]), {"seed": seeds[i]})
        return results

    def _mask(self, image: np.ndarray, found: Detections, cutout: Raster) -> np.ndarray:
        """bool (H, W): overlay boxes, widened, without the product."""
        height, width = image.shape[:2]
        margin = self.params.margin * max(height, width)
        mask = np.zeros((height, width), bool)
        for box in found.overlays:
            x0, y0, x1, y1 = box.xyxy
            rows = slice(max(0, int(y0 - margin)), max(0, int(np.ceil(y1 + margin))))
            mask[rows, max(0, int(x0 - margin)) : max(0, int(np.ceil(x1 + margin)))] = True
        return mask & (cutout.pixels[..., 3] == 0)


def _blend(image: np.ndarray, picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`picture` where the mask is, faded in over its border; every pixel outside stays exactly what it is."""
    sigma = max(1.0, 0.003 * max(mask.shape))
    inner = cv2.distanceTransform(np.pad(mask, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    share = np.clip(inner / (3 * sigma), 0, 1)[..., None] * mask[..., None]
    blended = image.astype(np.float32) * (1 - share) + picture.astype(np.float32) * share
    return np.where(mask[..., None], np.round(blended).astype(np.uint8), image)
