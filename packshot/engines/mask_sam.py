"""The cutout by SAM: each detected box is a prompt, the product's parts are joined, overlays are taken away."""

from typing import Any

import numpy as np
from pydantic import Field

from packshot.artifacts import Box, Detections, Raster, Segmentation, Texts
from packshot.compose import SPECK_PIXELS, drop_specks, soft_cutout
from packshot.device import CpuNotice
from packshot.engines.base import Engine
from packshot.engines.sam import SamParams, sam_revision, shared_sam
from packshot.errors import ErrorCode, PhotoError


class SamMaskParams(SamParams):
    side: int = Field(1024, ge=128, le=4096, description="px; the long side at which the outline is worked out")
    reach: float = Field(2.0, ge=1, le=6, description="px at that size; how far the edge may lie off the outline found")
    specks: int = Field(SPECK_PIXELS, ge=0, description="px of the photo; smaller components are dropped")
    max_boxes: int = Field(24, ge=1, le=256, description="boxes of each kind that are asked for, best first")
    part_score: float = Field(0.5, ge=0, le=1, description="least score of a part, as a share of the best box's")
    on_product: float = Field(0.6, ge=0, le=1, description="an overlay that lies on the product by more stays there")


class SamMask(Engine):
    """RGBA at the photo's own size. A box's mask is the one of three whose foreseen IoU is highest (METHOD.md)."""

    stage = "mask"
    name = "sam"
    version = 2
    max_batch = 32
    Params = SamMaskParams
    params: SamMaskParams

    def __init__(self, params: SamMaskParams):
        super().__init__(params)
        self.model = shared_sam(params)
        self._notice = CpuNotice(self.stage, self.model.device)

    @classmethod
    def weights_revision(cls, params: SamMaskParams) -> str:
        return sam_revision(params)

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Raster | PhotoError]:
        texts, segmentations, detections = upstream
        with self._notice.over(len(images)):
            encodings = self.model.encode(images)
            results = [self._cut(*row) for row in zip(images, encodings, texts, segmentations, detections, strict=True)]
        self.model.drop(images)
        return results

    def _cut(
        self, image: np.ndarray, encoding: Any, texts: Texts, segmentation: Segmentation, found: Detections
    ) -> Raster | PhotoError:
        height, width = image.shape[:2]
        products = self._parts(found.products, (height, width))
        if not products:
            return PhotoError(ErrorCode.NO_PRODUCT, "no box of a product lies in the photo; cut it out by hand")
        overlays = [box for box in _inside(found.overlays, (height, width)) if not _covers(box, products[0])]
        overlays = overlays[: self.params.max_boxes]
        scale = min(1.0, self.params.side / max(height, width))
        out_hw = max(1, round(height * scale)), max(1, round(width * scale))
        masks = self.best_masks(encoding, (height, width), np.stack([*products, *overlays]), out_hw)
        mask = masks[: len(products)].any(axis=0)
        for overlay in masks[len(products) :]:
            area = int(overlay.sum())
            if area and (overlay & mask).sum() <= self.params.on_product * area:
                mask &= ~overlay
        mask = drop_specks(mask, max(1, round(self.params.specks * scale**2)))
        if not mask.any():
            return PhotoError(ErrorCode.NO_PRODUCT, "nothing was left of the product in its box; cut it out by hand")
        return Raster(soft_cutout(image, mask, self.params.reach))

    def best_masks(
        self, encoding: Any, shape_hw: tuple[int, int], boxes: np.ndarray, out_hw: tuple[int, int] | None = None
    ) -> np.ndarray:
        """bool (n, H, W): for each box xyxy (n, 4) the mask of the highest foreseen IoU."""
        logits, scores = self.model.predict(encoding, shape_hw, boxes)
        best = scores.argmax(dim=1)
        chosen = logits[range(len(boxes)), best][:, None]
        return np.concatenate([self.model.enlarge(part, shape_hw, out_hw)[:, 0] for part in chosen.split(8)])

    def _parts(self, products: list[Box], shape_hw: tuple[int, int]) -> list[np.ndarray]:
        """The best box, and those of parts that score nearly as well."""
        least = self.params.part_score * max((box.score for box in products), default=0.0)
        return _inside([box for box in products if box.score >= least], shape_hw)[: self.params.max_boxes]


def _inside(boxes: list[Box], shape_hw: tuple[int, int]) -> list[np.ndarray]:
    """Corners cut to the photo; boxes that lie outside it, or hold less than a pixel, are left out."""
    height, width = shape_hw
    cut = [np.clip(np.asarray(b.xyxy, np.float32), 0, np.float32([width, height] * 2)) for b in boxes]
    return [c for c in cut if np.isfinite(c).all() and (c[2:] - c[:2]).min() >= 1]


def _covers(overlay: np.ndarray, product: np.ndarray) -> bool:
    """Whether the overlay's box holds all of the product's: a frame around everything, whose mask could be anything."""
    return bool((overlay[:2] <= product[:2]).all() and (overlay[2:] >= product[2:]).all())
