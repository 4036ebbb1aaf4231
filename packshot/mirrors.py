"""The product's mirror image on a shiny floor: its own picture upside down, much paler."""

import numpy as np

from packshot.background import Background

_SHOWN = 2
"""Lab units."""


def mirror_image(lab: np.ndarray, background: Background, product: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """The part of `product` that is its mirror image, bool (h, w); all false if it has none.

    For each row that may be the floor's edge, what is below is compared with what is above, as differences from the
    background. `lab` float32 (h, w, 3), `product` and `marks` (overlays) bool (h, w).
    """
    none = np.zeros_like(product)
    if not background.sure or not product.any():
        return none
    rows, cols = np.flatnonzero(product.any(axis=1)), np.flatnonzero(product.any(axis=0))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    window = slice(int(cols[0]), int(cols[-1]) + 1)
    shown = product | (background.distance > _SHOWN)
    away = np.where((shown & ~marks)[..., None], lab - background.lab, 0)[:, window]
    standing, hidden = product[:, window], marks[:, window]
    energy = (away * away).sum(axis=(1, 2))
    floor, best = None, 0.75
    for row in range(max(top + (bottom - top) // 3, (bottom + 1) // 2), bottom - 3):
        upper, lower = slice(2 * row - bottom, row), slice(row, bottom)
        # A quarter as strong, all in all.
        if energy[lower].sum() > 0.25**2 * energy[upper].sum():
            continue
        # What overlays hide is like anything.
        if (standing & hidden)[lower].sum() > 0.5 * standing[lower].sum():
            continue
        above, below = away[upper][::-1], away[lower]
        alike = _likeness(above, below, energy[upper][::-1], energy[lower])
        if alike > best and _is_paler(above, below, standing[lower]) and _is_as_wide(above, below):
            floor, best = row, alike
    if floor is None:
        return none
    none[floor:] = product[floor:]
    return none


def _likeness(above: np.ndarray, below: np.ndarray, energy: np.ndarray, weight: np.ndarray) -> float:
    """Mean correlation of the rows, weighted by how much is below; at most 1. `energy` and `weight` (h,): the sums of
    squares of the rows of both."""
    both = (above * below).sum(axis=(1, 2))
    return float((both / np.sqrt(energy * weight + 1e-6) * weight).sum() / (weight.sum() + 1e-6))


def _is_paler(above: np.ndarray, below: np.ndarray, product: np.ndarray) -> bool:
    """Whether there is less where the product's pixels are than above, and so right below the floor's edge; legs are as
    dark as what they carry, and so is the strap below a dial as the strap above it."""
    strength = np.linalg.norm(below, axis=2) / (np.linalg.norm(above, axis=2) + 1)
    near = max(3, len(strength) // 6)
    shown, first = strength[product], strength[:near][product[:near]]
    return bool(shown.size and np.median(shown) < 0.5 and (not first.size or np.median(first) < 0.6))


def _is_as_wide(above: np.ndarray, below: np.ndarray) -> bool:
    """Whether nearly all rows reach as far below as above, but for those that fade out. Both float32 (n, w, 3), Lab
    units from the background, the rows nearest the floor's edge first."""
    far_above, far_below = ((np.linalg.norm(rows, axis=2) > _SHOWN).sum(axis=1) for rows in (above, below))
    energy = (below * below).sum(axis=(1, 2))
    there = energy > 0.02 * energy.max()
    return bool((far_below[there] > 0.7 * far_above[there]).mean() > 0.8)
