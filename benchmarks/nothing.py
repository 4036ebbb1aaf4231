"""Engines that do nothing but leave a valid result, so that what is left to measure is packshot and Prefect.

`calls` counts what each stage's engine was asked for; tests read it. PACKSHOT_NOTHING_LOG names a file that gets a line
a call, for tests over several processes; PACKSHOT_NOTHING_SLEEP makes each photo take that many seconds.
"""

import os
import time
from collections import Counter
from pathlib import Path

import numpy as np

from packshot.artifacts import Box, Caption, Classification, Detections, Raster, Segmentation, Texts
from packshot.engines.base import Engine, EngineParams

calls: Counter[str] = Counter()


class NothingParams(EngineParams):
    """`setting` changes the fingerprint and nothing else; `sleep` is seconds a photo, added to what is set for all."""

    setting: int = 0
    sleep: float = 0


class Nothing(Engine):
    """Counts its photos, then gives each the same result."""

    name = "nothing"
    version = 1
    max_batch = 16
    Params = NothingParams

    def result(self, image: np.ndarray) -> object:
        raise NotImplementedError

    def run(self, images: list, *upstream: list) -> list:
        calls[self.stage] += len(images)
        if log := os.environ.get("PACKSHOT_NOTHING_LOG"):
            with Path(log).open("a") as file:
                file.write("".join(f"{self.stage} {image.tobytes().hex()[:32]}\n" for image in images))
        time.sleep((float(os.environ.get("PACKSHOT_NOTHING_SLEEP", "0")) + self.params.sleep) * len(images))
        return [self.result(image) for image in images]


class Ocr(Nothing):
    stage = "ocr"

    def result(self, image: np.ndarray) -> Texts:
        return Texts([])


class Segment(Nothing):
    stage = "segment"

    def result(self, image: np.ndarray) -> Segmentation:
        logits = np.full((3, 256, 256), -1, np.float32)
        return Segmentation.from_logits(logits, np.ones(3, np.float32), image.shape[:2])


class Classify(Nothing):
    stage = "classify"

    def result(self, image: np.ndarray) -> Classification:
        return Classification.from_array(np.full(6, 1 / 6))


class Describe(Nothing):
    stage = "caption"

    def result(self, image: np.ndarray) -> Caption:
        return Caption("a product", ["product"])


class Detect(Nothing):
    stage = "detect"

    def result(self, image: np.ndarray) -> Detections:
        height, width = image.shape[:2]
        return Detections([Box(np.array([0, 0, width, height], np.float32), 1.0, "product")], [])


class Mask(Nothing):
    stage = "mask"

    def result(self, image: np.ndarray) -> Raster:
        return Raster(np.dstack([image, np.full(image.shape[:2], 255, np.uint8)]))


class Same(Nothing):
    """The photo as it is."""

    def result(self, image: np.ndarray) -> Raster:
        return Raster(image)


class Repair(Same):
    stage = "repair"


class Inpaint(Same):
    stage = "inpaint"


class Deliver(Same):
    stage = "deliver"


PROFILE = str(Path(__file__).with_suffix(".toml"))
"""The profile whose engines these are."""
