"""Where writing is on a small photo, of which readers find hardly any: marked by a small network.

Letters of three pixels cannot be read, but a person sees lines of writing all the same. The network looks at the photo
enlarged to twice its size. Its weights are shipped (packshot/shipped/NOTICE.md) and made by packshot.writing_training.
"""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from packshot.onnx_session import cpu_session
from packshot.outline import as_fed

WEIGHTS = Path(__file__).parent / "shipped" / "writing_net.onnx"
LONGEST = 240
"""px, the long side; on larger photos the reader finds more."""
ZOOM = 2
_LEAST = 12
"""px of the enlarged photo; smaller marks are no line."""


class SmallWriting:
    """Maps RGB uint8 (h, w, 3) to how likely each pixel lies in a line of writing, float32 (ZOOM * h, ZOOM * w) in
    [0, 1]. Threads may share it."""

    def __init__(self, threads: int = 1):
        self._session = cpu_session(WEIGHTS, threads)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        large = enlarged(image)
        height, width = large.shape[:2]
        return self._session.run(None, {"seen": as_fed(large)[None]})[0][0, 0, :height, :width]


def enlarged(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC)


def lines_in(likely: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Lines of writing in a map of SmallWriting: corners float32 (4, 2) in pixels of the photo, clockwise from top
    left, and the map's mean within."""
    marked = (likely > 0.5).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(marked, connectivity=4)
    lines = []
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] < _LEAST:
            continue
        mask = labels == label
        points = cv2.findNonZero(mask.astype(np.uint8))
        # A pixel's corners, not its centre, bound it.
        (x, y), (w, h), angle = cv2.minAreaRect(points)
        corners = cv2.boxPoints(((x + 0.5, y + 0.5), (w + 1, h + 1), angle)) / ZOOM
        lines.append((_from_top_left(corners), float(likely[mask].mean())))
    return lines


def _from_top_left(corners: np.ndarray) -> np.ndarray:
    """Corners (4, 2) in order around, turned so that the first is the one next to the top left."""
    return np.roll(corners, -int(corners.sum(axis=1).argmin()), axis=0).astype(np.float32)


@lru_cache(maxsize=1)
def shared_small_writing() -> SmallWriting:
    """The process's own, loaded at the first call."""
    return SmallWriting()
