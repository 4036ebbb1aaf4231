"""The product's outline, settled by a small network that sees all that rules and the first network found.

It looks at the reduced picture at its own size, together with what colours tell (packshot.foreground), what catches
the eye (packshot.saliency), where infographics lie (packshot.marks), and the product as rules chose it; where these
contradict each other it says which one is right. Its weights are shipped (packshot/shipped/NOTICE.md) and made by
packshot.outline_training.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from packshot.foreground import Foreground
from packshot.marks import Marks
from packshot.onnx_session import cpu_session

WEIGHTS = Path(__file__).parent / "shipped" / "outline_net.onnx"
LAYERS = 14
MULTIPLE = 32
"""px; pictures are lengthened to a multiple of it by their own border."""
_DISTANCE_STEP = 5


def layers(
    small: np.ndarray,
    found: Foreground,
    saliency: np.ndarray,
    whole: np.ndarray,
    marks: Marks,
    others: np.ndarray,
    product: np.ndarray,
) -> np.ndarray:
    """What the network sees, uint8 (h, w, LAYERS): RGB; distance from the background's colour; saliency where marks are
    painted over, and that of the `whole` photo as it is; then 0 or 255: the product as chosen, foreground, background,
    plates and frames, floating writing, other writing, `others` bool (h, w) (lines and mirror images); and everywhere
    the same, how well the background is known.
    """
    background = found.background
    known = 255 if background.sure else 0 if background.busy else 128
    return np.dstack(
        [
            small,
            np.minimum(255, _DISTANCE_STEP * background.distance).astype(np.uint8),
            np.round(255 * saliency).astype(np.uint8),
            np.round(255 * whole).astype(np.uint8),
            *(
                255 * mask.astype(np.uint8)
                for mask in (
                    product,
                    found.mask,
                    background.mask,
                    marks.plates | background.frame,
                    marks.loose,
                    marks.text & ~marks.loose,
                    others,
                )
            ),
            np.full(product.shape, known, np.uint8),
        ]
    )


class Outline:
    """Maps layers uint8 (h, w, LAYERS) to what is product, float32 (h, w) in [0, 1]. Threads may share it."""

    def __init__(self, threads: int = 1):
        self._session = cpu_session(WEIGHTS, threads)

    def __call__(self, seen: np.ndarray) -> np.ndarray:
        height, width = seen.shape[:2]
        fed = as_fed(seen)[None]
        return np.ascontiguousarray(self._session.run(None, {"seen": fed})[0][0, 0, :height, :width])


def as_fed(seen: np.ndarray) -> np.ndarray:
    """Layers uint8 (h, w, n) as a U-Net takes them: lengthened down and right, then each square of 2x2 px as one of
    four times the layers, float32 (4 * n, h / 2, w / 2) in [0, 1]."""
    count = seen.shape[2]
    down, across = -seen.shape[0] % MULTIPLE, -seen.shape[1] % MULTIPLE
    padded = np.pad(seen, ((0, down), (0, across), (0, 0)), mode="edge")
    rows, cols = padded.shape[0] // 2, padded.shape[1] // 2
    squares = padded.reshape(rows, 2, cols, 2, count).transpose(1, 3, 4, 0, 2).reshape(4 * count, rows, cols)
    return squares.astype(np.float32) / 255


@lru_cache(maxsize=1)
def shared_outline() -> Outline:
    """The process's own, loaded at the first call."""
    return Outline()
