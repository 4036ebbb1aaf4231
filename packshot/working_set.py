"""What the batch at hand keeps decoded: its photos and the results of its stages, within a bound of bytes.

Decoding a photo once for eight stages is the point; a new batch starts empty, so memory does not follow the catalogue.
"""

import threading
from collections import OrderedDict
from typing import Any

import numpy as np

from packshot.errors import ErrorCode, PhotoError
from packshot.images import decode
from packshot.run import Run


class WorkingSet:
    """Decoded photos and results by key; the least recently used go when `max_bytes` is passed."""

    def __init__(self, max_bytes: int = 768 * 2**20):
        self._max_bytes = max_bytes
        self._bytes = 0
        self._held: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, key: str, value: Any) -> None:
        size = _size(value)
        with self._lock:
            if key in self._held:
                self._bytes -= self._held.pop(key)[1]
            self._held[key] = (value, size)
            self._bytes += size
            while self._bytes > self._max_bytes and len(self._held) > 1:
                self._bytes -= self._held.popitem(last=False)[1][1]

    def picture(self, run: Run, key: str) -> np.ndarray:
        """The photo, RGB uint8 (H, W, 3). Raises `PhotoError` (`store_error`) when its bytes are gone."""
        if (held := self._get(key)) is not None:
            return held
        data = run.store.get(key)
        if data is None:
            raise PhotoError(ErrorCode.STORE_ERROR, f"{key} is gone from the store; fetch it anew")
        pixels = decode(data, run.spec.profile.fetch.image_limits)
        self.put(key, pixels)
        return pixels

    def result(self, run: Run, key: str, kind: Any) -> Any:
        """An earlier stage's result. Raises `PhotoError` (`store_error`) when the artifact is gone."""
        if (held := self._get(key)) is not None:
            return held
        data = run.store.get(key)
        if data is None:
            raise PhotoError(ErrorCode.STORE_ERROR, f"{key} is gone from the store")
        value = kind.decode(data)
        self.put(key, value)
        return value

    def _get(self, key: str) -> Any | None:
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][0]


def _size(value: Any) -> int:
    """Bytes that a result holds, near enough: its arrays, and a little for the rest."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    names = getattr(type(value), "__slots__", ())
    return 500 + sum(field.nbytes for name in names if isinstance(field := getattr(value, name), np.ndarray))
