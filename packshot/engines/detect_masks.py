"""Boxes of the product and of overlays, from colours, from what catches the eye, and from text boxes: no download."""

from typing import Any

import numpy as np
from pydantic import Field

from packshot.artifacts import Box, Detections, Texts
from packshot.background import reduce
from packshot.engines.base import Engine, EngineParams, map_photos
from packshot.errors import ErrorCode, PhotoError
from packshot.foreground import find_foreground
from packshot.latest_scenes import LATEST
from packshot.outline import shared_outline
from packshot.parts import Part, bounds
from packshot.saliency import shared_saliency
from packshot.scene import read_scene


class MaskDetectorParams(EngineParams):
    side: int = Field(512, ge=128, le=1024, description="px; the long side at which the photo is looked at")
    least_share: float = Field(0.004, ge=0, le=1, description="least share of the photo that a product fills")


class MaskDetector(Engine):
    """Products best first: one box around all its parts, then each part. Overlays: text, plates, icons, badges,
    callout lines and frames. Fails with `no_product` where nothing but background, text or line art is found."""

    stage = "detect"
    name = "masks"
    version = 20
    max_batch = 16
    Params = MaskDetectorParams
    params: MaskDetectorParams

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Detections]:
        texts, _, _ = upstream
        return map_photos(self._detect, images, texts)

    def _detect(self, image: np.ndarray, texts: Texts) -> Detections:
        small = reduce(image, self.params.side)
        scale = np.float32([small.shape[1] / image.shape[1], small.shape[0] / image.shape[0]])
        quads = [box.quad * scale for box in texts.boxes]
        scene = read_scene(small, find_foreground(small), quads, shared_saliency(), shared_outline())
        LATEST.keep(small, quads, scene)
        if not scene.products or scene.product.mean() < self.params.least_share:
            raise PhotoError(
                ErrorCode.NO_PRODUCT,
                "nothing but background, writing or line art was found; leave the photo out, or cut it out by hand",
            )
        scale = np.tile(scale, 2)

        def boxes(parts: list[Part]) -> list[Box]:
            return [Box(np.float32(part.xyxy) / scale, part.score, part.label) for part in parts]

        # The first box holds all that is product: several pieces, and pale parts that no piece had.
        whole = Box(np.float32(bounds(scene.product)) / scale, scene.products[0].score, "product")
        products = [whole, *(boxes(scene.products) if len(scene.products) > 1 else [])]
        return Detections(products, boxes(scene.overlays))
