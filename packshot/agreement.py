"""How far two independent cutouts agree, and what that says about the cutout: its confidence.

One cutout is the product as it was chosen; the others are what the network sees (packshot.saliency), and what GrabCut
makes of the product's own colours against those around it. Where they differ, one of them is wrong.
"""

from dataclasses import astuple, dataclass

import cv2
import numpy as np

_SIDE = 192


@dataclass(frozen=True, slots=True)
class Agreement:
    """Shares in [0, 1]. `network` and `refined`: IoU of the product with what the network sees and with GrabCut's;
    `unsure`: how much of both the network neither sees nor not; `left_out`: of the foreground by colours, what is
    neither product nor overlay; `explained`: of the border, by one smooth background."""

    network: float
    refined: float
    unsure: float
    left_out: float
    explained: float


_WEIGHTS = (2.2, 4.6, -3.0, -2.3, 1.0)
_OFFSET = -5.0


def confidence(agreement: Agreement) -> float:
    """How likely the cutout is good (an IoU of at least 0.90), in [0, 1]: logistic in the agreements. The weights were
    fitted to 160 drawn photos when the network was the published one. Those that fit the tuned network best let more
    pass on some drawn photos, and more wrong ones on others and on real ones: so these stay (`python -m
    benchmarks.confidence` shows both)."""
    value = _OFFSET + sum(weight * share for weight, share in zip(_WEIGHTS, astuple(agreement), strict=True))
    return float(1 / (1 + np.exp(-value)))


def compare(
    small: np.ndarray,
    product: np.ndarray,
    saliency: np.ndarray,
    foreground: np.ndarray,
    marks: np.ndarray,
    explained: float,
) -> Agreement:
    """`small` RGB uint8 (h, w, 3); `product`, `foreground` (by colours) and `marks` (overlays) bool (h, w); `saliency`
    float32 (h, w)."""
    seen = (saliency > 0.5) & ~marks
    either = seen | product
    torn = (saliency > 0.15) & (saliency < 0.85) & either
    others = foreground & ~marks & ~product
    return Agreement(
        network=_iou(seen, product),
        refined=_iou(_refined(small, product, marks), product),
        unsure=float(torn.sum() / max(1, either.sum())),
        left_out=float(others.sum() / max(1, (others | product).sum())),
        explained=explained,
    )


def _refined(small: np.ndarray, product: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """bool (h, w): the product once more by GrabCut, which starts from it and may move its outline."""
    height, width = product.shape
    scale = min(1.0, _SIDE / max(height, width))
    size_wh = max(8, round(width * scale)), max(8, round(height * scale))
    tiny = cv2.resize(small, size_wh, interpolation=cv2.INTER_AREA)
    share = cv2.resize(product.astype(np.float32), size_wh, interpolation=cv2.INTER_AREA)
    hidden = cv2.resize(marks.astype(np.float32), size_wh, interpolation=cv2.INTER_AREA) > 0.5
    modes = np.where(share > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    far = cv2.dilate((share > 0.1).astype(np.uint8), np.ones((25, 25), np.uint8)) == 0
    modes[far | hidden] = cv2.GC_BGD
    inside = (modes == cv2.GC_PR_FGD).any()
    if not inside or not (modes != cv2.GC_PR_FGD).any():
        return product
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(cv2.cvtColor(tiny, cv2.COLOR_RGB2BGR), modes, None, *models, 2, cv2.GC_INIT_WITH_MASK)
    mask = ((modes == cv2.GC_FGD) | (modes == cv2.GC_PR_FGD)).astype(np.uint8)
    return cv2.resize(255 * mask, (width, height), interpolation=cv2.INTER_LINEAR) > 127


def _iou(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / max(1, (first | second).sum()))
