"""What a network that knows real photographs makes of a photo: the embedding of EfficientNet-Lite0, by ONNX Runtime on
the CPU.

M. Tan, Q. Le, "EfficientNet: Rethinking model scaling for convolutional neural networks", ICML 2019. It learnt from
ImageNet's photographs; the published weights are shipped, in 16 bits (packshot/shipped/NOTICE.md), written by
packshot.photo_net_export.
"""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from packshot.background import reduce
from packshot.onnx_session import cpu_session

WEIGHTS = Path(__file__).parent / "shipped" / "photo_net.onnx"
WIDTH = 1280
"""Numbers of an embedding."""
_SIDE = 224
_LONGEST = 96
"""px; larger photos are reduced to it first. Thumbnails and originals are then seen alike, and so are drawn and real
photos: what tells these apart is fine."""
REVISION = f"efficientnet-lite0 57934424, at {_LONGEST} px"
"""What heads and stored embeddings are told by: it changes with the weights and with how photos are fed."""


class PhotoNet:
    """Maps a photo, RGB uint8 (h, w, 3), to its embedding, float32 (WIDTH,), each number in [0, 6]. Threads may share
    it."""

    def __init__(self, threads: int = 1):
        self._session = cpu_session(WEIGHTS, threads)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        return self._session.run(None, {"photo": as_fed(image)[None]})[0][0]


def as_fed(image: np.ndarray) -> np.ndarray:
    """The photo as the network takes it: as a thumbnail, squashed into its square, float32 (3, side, side) in about
    [-1, 1]."""
    square = cv2.resize(reduce(image, _LONGEST), (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(((square.astype(np.float32) - 127) / 128).transpose(2, 0, 1))


@lru_cache(maxsize=1)
def shared_photo_net() -> PhotoNet:
    """The process's own, loaded at the first call."""
    return PhotoNet()
