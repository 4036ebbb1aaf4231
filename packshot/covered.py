"""How much of the product hides behind badges and plates: a cutout without them has bites taken out of it."""

import cv2
import numpy as np

_NEAR = 7
"""px, the kernel: between a cutout's edge and the plate it ends at lies the plate's own soft edge."""
_COMPACT = 0.9
"""Share of its convex hull that a plate before the product fills. One that the product stands before is cut by it."""


def covered_outline(product: np.ndarray, plates: list[np.ndarray]) -> float:
    """Share in [0, 1] of the outline of `product` bool (h, w), holes included, that ends at one of the `plates` bool
    (h, w) lying before it. Where the photo itself cuts the product is no outline."""
    binary = product.astype(np.uint8)
    eroded = cv2.erode(binary, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=1)
    edge = product & (eroded == 0)
    if not edge.any():
        return 0.0
    over = np.zeros_like(binary)
    for plate in plates:
        if plate.any() and _compact(plate):
            over |= plate.astype(np.uint8)
    return float((cv2.dilate(over, np.ones((_NEAR, _NEAR), np.uint8)) > 0)[edge].mean())


def _compact(plate: np.ndarray) -> bool:
    points = cv2.findNonZero(plate.astype(np.uint8))
    hull = cv2.fillConvexPoly(np.zeros(plate.shape, np.uint8), cv2.convexHull(points), 1)
    return int(plate.sum()) > _COMPACT * int(hull.sum())
