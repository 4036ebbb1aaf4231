"""What `detect` saw in a photo, kept for `mask`, which would read the very same scene a batch later."""

import hashlib
from collections import OrderedDict
from threading import Lock

import numpy as np

from packshot.agreement import Agreement
from packshot.scene import Scene

_KEPT = 256
"""Two batches; a scene of 512 × 512 takes 64 kB."""

Seen = tuple[np.ndarray, np.ndarray | None, Agreement | None, float]


class LatestScenes:
    """The product, the lines that cross it (both bool (h, w)), the agreement and the covered share, by reduced picture
    and text boxes.

    Reading a scene is repeatable, so what is found here is what would be read. May be called from several threads.
    """

    def __init__(self) -> None:
        self._held: OrderedDict[bytes, Seen] = OrderedDict()
        self._lock = Lock()

    def keep(self, small: np.ndarray, quads: list[np.ndarray], scene: Scene) -> None:
        packed = np.packbits(scene.product), _packed(scene.crossings), scene.agreement, scene.covered
        with self._lock:
            self._held[_key(small, quads)] = packed
            while len(self._held) > _KEPT:
                self._held.popitem(last=False)

    def find(self, small: np.ndarray, quads: list[np.ndarray]) -> Seen | None:
        with self._lock:
            held = self._held.get(_key(small, quads))
        if held is None:
            return None
        product, crossings, agreement, covered = held
        shape_hw = small.shape[:2]
        lines = None if crossings is None else _unpacked(crossings, shape_hw)
        return _unpacked(product, shape_hw), lines, agreement, covered


LATEST = LatestScenes()
"""The process's own."""


def _key(small: np.ndarray, quads: list[np.ndarray]) -> bytes:
    digest = hashlib.sha256(repr(small.shape).encode())
    digest.update(np.ascontiguousarray(small))
    for quad in quads:
        digest.update(np.ascontiguousarray(quad))
    return digest.digest()


def _packed(mask: np.ndarray | None) -> np.ndarray | None:
    return None if mask is None else np.packbits(mask)


def _unpacked(bits: np.ndarray, shape_hw: tuple[int, int]) -> np.ndarray:
    return np.unpackbits(bits, count=shape_hw[0] * shape_hw[1]).reshape(shape_hw) > 0
