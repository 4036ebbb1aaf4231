"""How good a cutout of a synthetic photo is, against its exact truth. Pure functions, no engines.

Truth: `product_alpha`, what infographics cover included; `overlay_mask`; `packaging_text_mask`. What an overlay hides
of the product can be left open or repaired, so those pixels count neither way, unless the overlay itself is shown.
"""

from dataclasses import dataclass, fields

import cv2
import numpy as np

from packshot.background import to_lab
from packshot.synth import SynthPhoto

NO_PRODUCT = 0.002
"""Photos of which less is product show none: the right result is the code `no_product`."""
_BAND = 10
"""px either side of the true outline: where alpha is judged."""
_EDGE = 0.003
"""Of the photo's diagonal: how far an outline may lie off and still count (boundary F-measure)."""


@dataclass(slots=True)
class CutoutFigures:
    """Shares in [0, 1], nan where there is nothing to count.

    `iou`, `boundary_f` (F-measure of the outline); `alpha_mad`, mean absolute error of alpha in the band along the
    true outline, and `alpha_sad`, its sum over the photo in thousands; `overlay_left`, overlay pixels shown in the
    cutout over all overlay pixels, and `overlay_share`, over the cutout's pixels; `product_lost`, visible product
    pixels that are not in the cutout; `writing_kept`, of the writing printed on the product; `changed`, visible
    product pixels of another colour than the photo's; `repaired`, of the cutout's pixels, those under an overlay that
    are filled in.
    """

    iou: float
    boundary_f: float
    alpha_mad: float
    alpha_sad: float
    overlay_left: float
    overlay_share: float
    product_lost: float
    writing_kept: float
    changed: float
    repaired: float


def measure(photo: SynthPhoto, cutout: np.ndarray) -> CutoutFigures:
    """`cutout` RGBA uint8 of the photo's size, all transparent where the pipeline found no product."""
    alpha = cutout[..., 3].astype(np.float32) / 255
    shown, overlay = alpha > 0.5, photo.overlay_mask
    product = photo.product_alpha > 0.5
    # Edges are mixed and freed of their background; what is (nearly) opaque is either the photo's own or filled in.
    other = (cutout[..., 3] >= 254) & (cutout[..., :3] != photo.image).any(axis=2)
    # Overlays are antialiased and compressed: their border is neither theirs nor the product's.
    beside = cv2.dilate(overlay.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    repaired = other & beside
    visible = product & ~overlay
    left = shown & overlay & ~repaired
    judged = (shown | visible) & ~(overlay & product & repaired)
    count = max(1, int(shown.sum()))
    writing = photo.packaging_text_mask
    error = np.where(overlay, 0, np.abs(alpha - photo.product_alpha))
    band = _outline_band(product, _BAND) & ~beside
    return CutoutFigures(
        iou=float((shown & visible).sum() / max(1, judged.sum())),
        boundary_f=_boundary_f(shown, product, beside),
        alpha_mad=float(error[band].mean()) if band.any() else np.nan,
        alpha_sad=float(error.sum() / 1000),
        overlay_left=float(left.sum() / overlay.sum()) if overlay.any() else np.nan,
        overlay_share=float(left.sum() / count) if overlay.any() else np.nan,
        product_lost=float((visible & ~shown).sum() / max(1, visible.sum())),
        writing_kept=float((shown & writing).sum() / writing.sum()) if writing.any() else np.nan,
        changed=float((other & visible & ~beside).sum() / count),
        repaired=float(repaired.sum() / count),
    )


def has_product(photo: SynthPhoto) -> bool:
    return bool((photo.product_alpha > 0.5).mean() >= NO_PRODUCT)


def is_even(photo: SynthPhoto) -> bool:
    """Whether nine tenths of the visible background lie within 6 Lab units of a quadratic surface."""
    near = cv2.dilate((photo.product_alpha > 0).astype(np.uint8), np.ones((31, 31), np.uint8))
    near |= cv2.dilate(photo.overlay_mask.astype(np.uint8), np.ones((5, 5), np.uint8))
    index = np.flatnonzero(near == 0)[::37]
    if len(index) < 50:
        return False
    height, width = near.shape
    y, x = np.divmod(index, width)
    x, y = 2 * x / width - 1, 2 * y / height - 1
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)
    colours = to_lab(photo.image).reshape(-1, 3)[index].astype(np.float64)
    keep = np.ones(len(index), bool)
    for _ in range(3):
        weights = np.linalg.lstsq(terms[keep], colours[keep], rcond=None)[0]
        rest = np.linalg.norm(colours - np.einsum("ni,ij->nj", terms, weights), axis=1)
        keep = rest < max(3.0, float(np.percentile(rest, 80)))
    return bool(np.percentile(rest, 90) < 6)


def mean_figures(rows: list[CutoutFigures]) -> dict[str, float]:
    """Means by name, photos without a figure left out."""
    table = {f.name: np.float64([getattr(row, f.name) for row in rows]) for f in fields(CutoutFigures)}
    return {name: float(np.nanmean(values)) if np.isfinite(values).any() else np.nan for name, values in table.items()}


def _outline(mask: np.ndarray) -> np.ndarray:
    inner = cv2.erode(np.pad(mask, 1, mode="edge").astype(np.uint8), np.ones((3, 3), np.uint8))[1:-1, 1:-1]
    return mask & (inner == 0)


def _outline_band(mask: np.ndarray, reach: int) -> np.ndarray:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    return cv2.dilate(_outline(mask).astype(np.uint8), kernel) > 0


def _boundary_f(found: np.ndarray, truth: np.ndarray, ignored: np.ndarray) -> float:
    """F-measure of outlines within a tolerance (F. Perazzi et al., "A benchmark dataset and evaluation methodology for
    video object segmentation", CVPR 2016); outlines at overlays are not judged."""
    reach = max(1, round(_EDGE * float(np.hypot(*truth.shape))))
    ours, theirs = _outline(found) & ~ignored, _outline(truth) & ~ignored
    if not ours.any() or not theirs.any():
        return float(ours.any() == theirs.any())
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    near_ours = cv2.dilate((_outline(found)).astype(np.uint8), kernel) > 0
    near_theirs = cv2.dilate((_outline(truth)).astype(np.uint8), kernel) > 0
    precision, recall = near_theirs[ours].mean(), near_ours[theirs].mean()
    return float(2 * precision * recall / max(1e-9, precision + recall))
