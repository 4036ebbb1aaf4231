"""Gates: is a picture true to its product, and good enough to publish? Figures first, then the profile's limits.

Pure functions. Pictures are RGB uint8 (H, W, 3); cutouts RGBA uint8 (H, W, 4), at the picture's own size, the product
where it stands. Shares are in [0, 1]. Lightness and colour distances are CIE Lab's (1976), 0-100.
"""

from typing import Any

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

LOOK_SIDE = 256
"""px; the long side at which a picture is segmented again."""


class Gates(BaseModel):
    """Limits of the gates, as [gates] in a profile states them. A figure at its limit passes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cutout_confidence: float = Field(0.5, ge=0, le=1, description="least agreement of two independent cutouts")
    covered_outline: float = Field(
        0.06, ge=0, le=1, description="most: share of the outline that ends at badges over it"
    )
    repaired_share: float = Field(
        0.5, ge=0, description="most: share of the product that is filled in where writing and lines lay over it"
    )
    frame_share: float = Field(0.05, ge=0, le=1, description="least: the product's larger extent over the frame's")
    edge_roughness: float = Field(0.8, ge=0, description="most: how much longer the outline is than when smoothed")
    halo: float = Field(0.12, ge=0, le=1, description="most: share of the outline lighter than either side of it")
    expansion: float = Field(0.06, ge=0, description="most: area that the product gained, over its own area")
    contrast: float = Field(2.0, ge=0, description="least: colour distance along the outline, product to backdrop")
    off_white: float = Field(0.0, ge=0, le=1, description="most: share of a white background that is not pure white")
    texts_left: int = Field(0, ge=0, description="most: overlay texts that can still be found in the cutout")
    texts_painted: int = Field(0, ge=0, description="most: pieces of writing that a model painted into the backdrop")
    seeds: int = Field(2, ge=1, le=8, description="pictures made with other seeds before the setting gets stricter")
    reader: str = Field("rapid", description="OCR engine that looks for text left over; empty: none looks")


OF_CUTOUT = ("cutout_confidence", "covered_outline", "repaired_share")
"""Figures that `mask` measures; the others are the picture's."""
_LEAST = frozenset({"cutout_confidence", "frame_share", "contrast"})
"""Figures that have to be large; the others have to be small."""
_FATAL = ("changed_pixels", "blank")
"""Figures that must be 0, whatever the profile says."""


def failures(figures: dict[str, Any], gates: Gates) -> list[str]:
    """Names of the figures that are beyond their limits. A figure that was not measured (None) fails nothing."""
    failed = [name for name in _FATAL if figures.get(name)]
    for name in Gates.model_fields:
        value, limit = figures.get(name), getattr(gates, name)
        if value is not None and (value < limit if name in _LEAST else value > limit):
            failed.append(name)
    return failed


def badness(figures: dict[str, Any], gates: Gates) -> float:
    """How close to failing, for the choice among candidates: the sum over figures of figure to limit, or limit to
    figure where it has to be large; each at most 10."""
    total = 0.0
    for name in Gates.model_fields:
        value, limit = figures.get(name), getattr(gates, name)
        if isinstance(value, int | float) and not isinstance(limit, str):
            big, small = (limit, value) if name in _LEAST else (value, limit)
            total += min(10.0, big / max(small, 1e-3))
    return total + 100 * any(figures.get(name) for name in _FATAL)


def changed_pixels(picture: np.ndarray, source: np.ndarray, alpha: np.ndarray) -> int:
    """How many product pixels differ from the source: those inside the solid part of `alpha` uint8 (H, W), eroded by a
    pixel. `source` RGB uint8 (H, W, 3) is the photo itself, cut or resampled to where the product stands."""
    solid = cv2.erode((alpha == 255).astype(np.uint8), np.ones((3, 3), np.uint8))
    gap = cv2.bitwise_and(*[cv2.absdiff(picture, source)] * 2, mask=solid)
    # Almost always there is none, and that is told without looking at pixels one by one.
    return int(gap.any(axis=2).sum()) if cv2.countNonZero(gap.reshape(gap.shape[0], -1)) else 0


def frame_share(alpha: np.ndarray) -> float:
    """The product's larger extent over the frame's, of `alpha` uint8 (H, W)."""
    _, _, width, height = cv2.boundingRect((alpha > 127).astype(np.uint8))
    return max(width / alpha.shape[1], height / alpha.shape[0])


def edge_roughness(alpha: np.ndarray) -> float:
    """How much longer the outline of `alpha` uint8 (H, W) is than the same outline smoothed, minus 1.

    0 is a clean edge; a mask with stairs, bites or fringes has 1 and more. Taken at a long side of at most 512 px,
    smoothed over 1 % of it. Hair and leaves are rough too: the limit leaves them room.
    """
    scale = min(1.0, 512 / max(alpha.shape))
    small = cv2.resize(alpha, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else alpha
    outline = _outline_length(small)
    smooth = cv2.GaussianBlur(small, (0, 0), max(1.0, 0.01 * max(small.shape)))
    return max(0.0, outline / max(1.0, _outline_length(smooth)) - 1)


def halo(picture: np.ndarray, alpha: np.ndarray) -> float:
    """The share of the outline that is lighter, by 10 of 255, than both the product and the backdrop beside it: the
    rim of the old background that a cutout kept. Measured within 4 px of the edge of `alpha` uint8 (H, W)."""
    light = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    inside, outside = alpha == 255, alpha == 0
    inside = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    rim = ~inside & ~outside
    if not rim.any():
        return 0.0
    near = np.ones((9, 9), np.uint8)
    within = cv2.dilate(np.where(inside, light, 0), near)
    beyond = cv2.dilate(np.where(outside, light, 0), near)
    known = (within > 0) & (beyond > 0) & rim
    lighter = light.astype(np.int16) > np.maximum(within, beyond).astype(np.int16) + 10
    return float(lighter[known].mean()) if known.any() else 0.0


def contrast(picture: np.ndarray, alpha: np.ndarray) -> float:
    """Lab distance between product and backdrop beside the outline: its 75th percentile, so that a product which melts
    into the backdrop along a part of its outline only does not count as unseen."""
    small, mask = _small(picture, alpha)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    inner, outer = cv2.erode(mask, _DISC3), 1 - cv2.dilate(mask, _DISC3)
    ends = [_spread(lab, part) for part in (inner, outer)]
    rim = (cv2.dilate(mask, _DISC3) - inner) > 0
    if not rim.any() or not inner.any() or not outer.any():
        return 100.0
    return float(np.percentile(np.linalg.norm(ends[0] - ends[1], axis=2)[rim], 75))


def expansion(picture: np.ndarray, alpha: np.ndarray) -> float:
    """The area that the product gained in a generated picture, over its own area.

    The picture is segmented again by GrabCut (Rother et al. 2004), which knows the product's inside, and the backdrop
    far from it. What it takes for product around the old outline, more than 2 px off and joined to it, was gained, if
    its colour is nearer by half to the product's beside it than to any of the backdrop: a shadow's is not. Measured at
    a long side of 256 px. 0 where there is too little of either to tell.
    """
    small, mask = _small(picture, alpha)
    area = int(mask.sum())
    reach = max(4, round(0.1 * max(mask.shape)))
    far = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))) == 0
    inner = cv2.erode(mask, _DISC3)
    if not area or far.sum() < 50 or inner.sum() < 50:
        return 0.0
    trimap = np.full(mask.shape, cv2.GC_PR_FGD, np.uint8)
    trimap[inner > 0] = cv2.GC_FGD
    trimap[far] = cv2.GC_BGD
    cv2.setRNGSeed(0)
    cv2.grabCut(small, trimap, None, np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
    found = ((trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)).astype(np.uint8)
    around = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    to_product = np.linalg.norm(lab - _spread(lab, mask, 2 * reach + 9), axis=2)
    to_backdrop = np.min([np.linalg.norm(lab - colour, axis=2) for colour in _palette(lab[far])], axis=0)
    alike = (found > 0) & ((mask > 0) | (to_product < 0.5 * to_backdrop))
    _, labels = cv2.connectedComponents(alike.astype(np.uint8), connectivity=4)
    joined = alike & np.isin(labels, np.unique(labels[(mask > 0) & alike]))
    return float((joined & (around == 0)).sum() / area)


def off_white(picture: np.ndarray, alpha: np.ndarray) -> float:
    """The share of the background (`alpha` uint8 (H, W) of 0) that is not exactly (255, 255, 255)."""
    around = (alpha == 0).astype(np.uint8)
    area = cv2.countNonZero(around)
    white = cv2.bitwise_and(cv2.inRange(picture, (255, 255, 255), (255, 255, 255)), around)
    return 1 - cv2.countNonZero(white) / area if area else 0.0


def blank(picture: np.ndarray, alpha: np.ndarray) -> bool:
    """Whether generation failed: a backdrop that is all but black throughout."""
    step = max(1, max(alpha.shape) // 160)
    around = alpha[::step, ::step] == 0
    return bool(around.any() and (picture[::step, ::step][around].max(axis=1) < 3).mean() > 0.98)


def drift(picture: np.ndarray, cutout: np.ndarray) -> float:
    """How far a picture that a model painted departs from the product before that is laid over it: mean grey levels
    (0-255) over the product's pixels. A model that repainted the product painted the rest for another one."""
    step = max(1, max(picture.shape[:2]) // 512)
    small, product = picture[::step, ::step], cutout[::step, ::step]
    inside = product[..., 3] == 255
    if not inside.any():
        return 0.0
    return float(cv2.absdiff(small, np.ascontiguousarray(product[..., :3]))[inside].mean())


def covered_texts(boxes: list[np.ndarray], alpha: np.ndarray, least: float = 0.3) -> list[np.ndarray]:
    """Those of the overlay text boxes (xyxy in the pixels of `alpha` uint8 (H, W)) of which the cutout still holds a
    part of at least `least`: where to look whether writing was left in it."""
    kept = []
    for box in boxes:
        x0, y0, x1, y1 = np.clip(np.round(box), 0, np.tile(alpha.shape[::-1], 2)).astype(int)
        inside = alpha[y0:y1, x0:x1]
        if inside.size and (inside > 127).mean() > least:
            kept.append(box)
    return kept


_DISC3 = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))


def _small(picture: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture at LOOK_SIDE or less, and the product there: uint8 (h, w), 0 or 1."""
    scale = min(1.0, LOOK_SIDE / max(alpha.shape))
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        alpha = cv2.resize(alpha, picture.shape[1::-1], interpolation=cv2.INTER_AREA)
    return picture, (alpha > 127).astype(np.uint8)


def _spread(values: np.ndarray, where: np.ndarray, window: int = 9) -> np.ndarray:
    """float32 (h, w, 3): the mean of the values where `where` uint8 (h, w) is 1, within a window of px around each."""
    weight = cv2.blur(where.astype(np.float32), (window, window))
    return cv2.blur(values * where[..., None], (window, window)) / np.maximum(weight, 1e-6)[..., None]


def _palette(colours: np.ndarray, count: int = 8) -> np.ndarray:
    """The main colours, float32 (k, 3), of float32 (n, 3): k-means."""
    some = np.ascontiguousarray(colours[:: max(1, len(colours) // 2000)])
    stop = (cv2.TERM_CRITERIA_COUNT, 8, 0.0)
    cv2.setRNGSeed(0)
    return cv2.kmeans(some, min(count, len(some)), None, stop, 1, cv2.KMEANS_PP_CENTERS)[2]


def _outline_length(alpha: np.ndarray) -> float:
    outlines, _ = cv2.findContours((alpha > 127).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return sum(cv2.arcLength(outline, True) for outline in outlines)
