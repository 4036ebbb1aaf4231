"""SAM's three unprompted masks with their logits and foreseen IoUs: the classifier's third input (METHOD.md)."""

from typing import Any

import numpy as np

from packshot.artifacts import Segmentation
from packshot.device import CpuNotice
from packshot.engines.base import Engine
from packshot.engines.sam import SamParams, sam_revision, shared_sam


class SamSegmenter(Engine):
    """What `SamPredictor.predict(multimask_output=True)` gives without a prompt; scores are cut to [0, 1]."""

    stage = "segment"
    name = "sam"
    version = 1
    max_batch = 32
    Params = SamParams
    params: SamParams

    def __init__(self, params: SamParams):
        super().__init__(params)
        self.model = shared_sam(params)
        self._notice = CpuNotice(self.stage, self.model.device)

    @classmethod
    def weights_revision(cls, params: SamParams) -> str:
        return sam_revision(params)

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Segmentation]:
        with self._notice.over(len(images)):
            results = []
            for image, encoding in zip(images, self.model.encode(images), strict=True):
                logits, scores = self.model.predict(encoding, image.shape[:2])
                results.append(
                    Segmentation.from_logits(
                        logits[0].cpu().numpy(), np.clip(scores[0].cpu().numpy(), 0, 1), image.shape[:2]
                    )
                )
        return results
