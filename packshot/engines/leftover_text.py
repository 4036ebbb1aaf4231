"""The second look for writing: what an overlay left in the cutout, and what a model painted around it."""

from functools import cached_property

import cv2
import numpy as np

from packshot.compositing import on_white
from packshot.engines.base import Engine
from packshot.fidelity import covered_texts

_MARGIN = 0.25


class LeftoverText:
    """Reads pictures again with an OCR engine, which is loaded when it is first needed. It reads a cutout only where an
    overlay's text was found at first and the cutout still holds a part of that place: most photos cost nothing."""

    def __init__(self, reader: str):
        self._name = reader

    @cached_property
    def _engine(self) -> Engine:
        from packshot.engines import make_engine

        return make_engine("ocr", self._name, {})

    def left_in(self, cutout: np.ndarray, texts: list[np.ndarray]) -> int:
        """How many of the overlay texts (xyxy, px of the photo) can still be found in the cutout RGBA (H, W, 4)."""
        left = 0
        for box in covered_texts(texts, np.ascontiguousarray(cutout[..., 3])):
            margin = _MARGIN * float(max(box[2] - box[0], box[3] - box[1]))
            limit = np.tile(cutout.shape[1::-1], 2)
            x0, y0, x1, y1 = np.clip(np.round(box + margin * np.float32([-1, -1, 1, 1])), 0, limit).astype(int)
            picture = on_white(np.ascontiguousarray(cutout[y0:y1, x0:x1]))
            inner = box - np.tile([x0, y0], 2)
            left += any(_overlap(found.xyxy, inner) > 0.3 for found in self._engine.run([picture])[0].boxes)
        return left

    def painted(self, picture: np.ndarray, alpha: np.ndarray) -> int:
        """How many pieces of writing stand in a picture RGB (H, W, 3) off the product of `alpha` uint8 (H, W)."""
        around = cv2.blur((alpha < 128).astype(np.float32), (3, 3))
        boxes = [box.xyxy.astype(int) for box in self._engine.run([picture])[0].boxes]
        return sum(float(around[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)].mean()) > 0.7 for x0, y0, x1, y1 in boxes)


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    """The part of the smaller box that lies in the other."""
    wide = min(first[2], second[2]) - max(first[0], second[0])
    tall = min(first[3], second[3]) - max(first[1], second[1])
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (first, second)]
    return max(0.0, wide) * max(0.0, tall) / max(1e-6, min(areas))
