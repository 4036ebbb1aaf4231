"""Watermarks tiled over the photo: the same writing again and again, learnt beside the product and found over it."""

import cv2
import numpy as np

from packshot.marks import Marks
from packshot.quads import line_height

_LEAST = 5
"""Pieces of writing: fewer repeat nothing."""
_REPEATED = 0.6
"""Correlation of what is beside the product with itself, a step further; tiled watermarks are at 0.95 and
more."""
_STEPS, _ENDS = 100, 7
"""So many are tried, the shortest first, until so many end beside the product."""
_FAINTEST = 3.0
"""Lab units: watermarks have 6 and more."""
_KNOWN = 0.5
"""Of the product: of so much at least the tiles beside it tell; they are all over the photo."""
_SHOWN = 0.25
"""Correlation over the product with what the steps foretell; what is on a wall behind it does not show."""
_STRONGEST = 20
"""Lab units: stronger detail is no faint writing and is not to outweigh it."""
_GRAIN = 0.06
"""Of the writing's height: what is finer is the product's texture."""
_INK = 0.25
"""Of the darkest ink: its edge."""


def tiled_over(lab: np.ndarray, product: np.ndarray, marks: Marks) -> np.ndarray:
    """bool (h, w): strokes over `product` bool (h, w) of writing that is tiled over the photo. It may be darker than
    the background and lighter than the product, or only greyer than that. `lab` float32 (h, w, 3).

    What is beside the product looks the same again when it is moved by the steps of the tiles; what lies at the ends of
    such steps foretells what lies over the product.
    """
    nothing = np.zeros(product.shape, bool)
    if len(marks.quads) < _LEAST or not product.any():
        return nothing
    height = float(np.median([line_height(quad) for quad in marks.quads]))
    if height < 4:
        return nothing
    around = max(2.0, 0.25 * height)
    # The product's halo is not writing.
    halo = 2 * round(0.4 * height) + 1
    beside = (cv2.dilate(product.astype(np.uint8), np.ones((halo, halo), np.uint8)) == 0) & ~marks.plates
    light = on_its_side(_smooth(lab[..., 0], height), product, around)
    steps = _steps(np.clip(light, -_STRONGEST, _STRONGEST), beside, height)
    if len(steps) < 2:
        return nothing
    ink = _foretold(on_its_side(lab[..., 0], product, around), beside, product, steps)
    ink = ink if (ink[product] ** 3).sum() > 0 else -ink
    darkest = float(np.percentile(ink[product], 98))
    # What a plain background has again and again is the compression's noise.
    if darkest < _FAINTEST or (ink[product] != 0).mean() < _KNOWN:
        return nothing
    foretold = _foretold(light, beside, product, steps)
    chroma = on_its_side(_smooth(np.linalg.norm(lab[..., 1:], axis=2), height), product, around)
    inside = cv2.erode(product.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    inside &= foretold != 0
    if not inside.any() or max(_shown(seen, foretold, inside, height) for seen in (light, chroma)) < _SHOWN:
        return nothing
    strokes = (ink > _INK * darkest).astype(np.uint8)
    # Their edges are half transparent.
    return (cv2.dilate(strokes, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))) > 0) & product


def on_its_side(light: np.ndarray, product: np.ndarray, sigma: float) -> np.ndarray:
    """float32 (h, w): how much lighter a pixel is than around it, on the same side of the product's outline: else that
    would outshine all. `light` float32 (h, w), `product` bool (h, w), `sigma` px: how far around."""
    detail = np.zeros_like(light)
    for side in (product, ~product):
        weight = side.astype(np.float32)
        around = cv2.GaussianBlur(weight * light, (0, 0), sigma) / (cv2.GaussianBlur(weight, (0, 0), sigma) + 1e-3)
        detail[side] = (light - around)[side]
    return detail


def _smooth(values: np.ndarray, height: float) -> np.ndarray:
    """`values` float32 (h, w) without what is finer than writing of this `height`, px."""
    return cv2.GaussianBlur(values, (0, 0), max(0.4, _GRAIN * height))


def _steps(detail: np.ndarray, beside: np.ndarray, height: float) -> np.ndarray:
    """int (n, 2): by how much, (x, y) px, `detail` float32 (h, w) can be moved and be the same where it lies `beside`
    the product, bool (h, w), before and after; both ways, the shortest first."""
    rows, cols = (cv2.getOptimalDFTSize(2 * side) for side in detail.shape)
    known = beside.astype(np.float32)
    shown = detail * known
    spectra = [np.fft.rfft2(values, (rows, cols)) for values in (shown, known, shown * shown)]
    alike, shared, first = (
        np.fft.fftshift(np.fft.irfft2(one * np.conj(other), (rows, cols)))
        for one, other in ((spectra[0], spectra[0]), (spectra[1], spectra[1]), (spectra[2], spectra[1]))
    )
    # What lies in both, of the picture and of the moved one; the second is the first, mirrored.
    middle = rows // 2, cols // 2
    second = np.roll(first[::-1, ::-1], (1 - rows % 2, 1 - cols % 2), (0, 1))
    level = alike / np.sqrt(np.maximum(first * second, (1e-3 * first[middle]) ** 2) + 1e-9)
    level[shared < 0.05 * shared[middle]] = 0
    reach = max(3, round(0.6 * height)) | 1
    ys, xs = np.nonzero((level == cv2.dilate(level, np.ones((reach, reach), np.uint8))) & (level > _REPEATED))
    steps, levels = np.stack([xs - middle[1], ys - middle[0]], axis=1), level[ys, xs]
    lengths = np.hypot(*steps.T)
    far = lengths > 1.2 * height
    if not far.any():
        return steps[:0]
    far &= levels > levels[far].max() - 0.2
    return steps[far][np.argsort(lengths[far], kind="stable")[:_STEPS]]


def _foretold(detail: np.ndarray, beside: np.ndarray, product: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """float32 (h, w): on the product, bool (h, w), the median of `detail` float32 (h, w) at the nearest ends of the
    `steps` int (n, 2) that lie `beside` it, bool (h, w); 0 where none does."""
    rows, cols = np.nonzero(product)
    ends = np.full((_ENDS, len(rows)), np.nan, np.float32)
    count = np.zeros(len(rows), int)
    for x, y in steps:
        there = (rows + y >= 0) & (rows + y < len(detail)) & (cols + x >= 0) & (cols + x < detail.shape[1])
        there &= count < _ENDS
        at = np.flatnonzero(there)
        at = at[beside[rows[at] + y, cols[at] + x]]
        ends[count[at], at] = detail[rows[at] + y, cols[at] + x]
        count[at] += 1
    # What is missing is sorted last.
    ends.sort(axis=0)
    each = np.arange(len(rows))
    middle = (ends[np.maximum(count - 1, 0) // 2, each] + ends[np.minimum(count // 2, _ENDS - 1), each]) / 2
    foretold = np.zeros_like(detail)
    foretold[rows, cols] = np.where(count > 0, middle, 0)
    return foretold


def _shown(detail: np.ndarray, foretold: np.ndarray, where: np.ndarray, height: float) -> float:
    """How much alike two pictures float32 (h, w) are, with or against each other, in [0, 1]: what darkens one thing
    lightens the next, so that is asked piece by piece, as large as three times the writing. `where` bool (h, w)."""
    side = 3 * round(height)
    first, second = (np.clip(values, -_STRONGEST, _STRONGEST) * where for values in (detail, foretold))
    both, ones, twos = (
        cv2.boxFilter(product, -1, (side, side)) for product in (first * second, first * first, second * second)
    )
    alike = np.abs(both) / np.sqrt(ones * twos + 1e-3)
    return float(np.average(alike[where], weights=twos[where] + 1e-6))
