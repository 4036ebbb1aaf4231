"""What catches the eye as a product: U²-Net's small variant, fine-tuned, in 8 bits, run by ONNX Runtime on the CPU.

X. Qin et al., "U2-Net: Going deeper with nested U-structure for salient object detection", 2020; the weights are
shipped (packshot/shipped/NOTICE.md) and made by packshot.saliency_training.
"""

import hashlib
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from packshot.onnx_session import cpu_session

WEIGHTS = Path(__file__).parent / "shipped" / "product_net.onnx"
_SIDE = 320
_KEPT = 256
_MEAN, _SPREAD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


class Saliency:
    """Maps RGB uint8 (h, w, 3) to float32 (h, w) in [0, 1]. The latest maps are kept: `detect` and `mask` ask for the
    same ones, a batch apart. May be called from several threads."""

    def __init__(self, threads: int = 1):
        self._session = cpu_session(WEIGHTS, threads)
        self._input, self._output = self._session.get_inputs()[0].name, self._session.get_outputs()[0].name
        self._maps: OrderedDict[bytes, np.ndarray] = OrderedDict()
        self._lock = Lock()

    def __call__(self, small: np.ndarray) -> np.ndarray:
        height, width = small.shape[:2]
        padded = lengthened(small)
        fed = cv2.resize(padded, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        found = cv2.resize(self._look(fed), padded.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return found[:height, :width].astype(np.float32) / 255

    def _look(self, fed: np.ndarray) -> np.ndarray:
        key = hashlib.sha256(fed.tobytes()).digest()
        with self._lock:
            if key in self._maps:
                self._maps.move_to_end(key)
                return self._maps[key]
        # The mirrored picture is another look at the same product: where the two differ, neither is sure.
        found = (self._run(fed) + self._run(fed[:, ::-1])[:, ::-1]) / 2
        # The last layer is a sigmoid: a blank picture stays blank, it is not stretched.
        found = np.round(255 * np.clip(found, 0, 1)).astype(np.uint8)
        with self._lock:
            self._maps[key] = found
            while len(self._maps) > _KEPT:
                self._maps.popitem(last=False)
        return found

    def _run(self, fed: np.ndarray) -> np.ndarray:
        return self._session.run([self._output], {self._input: normalised(fed)[None]})[0][0, 0]


def lengthened(picture: np.ndarray) -> np.ndarray:
    """The network squeezes pictures into a square: strips are lengthened by their own border first, down or right."""
    height, width = picture.shape[:2]
    across, down = max(0, (height + 1) // 2 - width), max(0, (width + 1) // 2 - height)
    return cv2.copyMakeBorder(picture, 0, down, 0, across, cv2.BORDER_REPLICATE)


def normalised(fed: np.ndarray) -> np.ndarray:
    """RGB uint8 (h, w, 3) as the network takes it: float32 (3, h, w)."""
    values = (fed.astype(np.float32) / max(1, int(fed.max())) - _MEAN) / _SPREAD
    return np.ascontiguousarray(values.transpose(2, 0, 1))


@lru_cache(maxsize=1)
def shared_saliency() -> Saliency:
    """The process's own, loaded at the first call."""
    return Saliency()
