"""Which of a detector's boxes are the product, which are its parts, and which are overlays. Pure functions.

The published method took the first detection for the product, though it often was the infographic (METHOD.md).
"""

import numpy as np

from packshot.artifacts import Box, Detections

_SAME = 0.7
"""Boxes that share more than this (IoU) show the same thing."""


def choose_boxes(
    boxes: list[Box], overlay_labels: tuple[str, ...], text_boxes: list[np.ndarray], shape_hw: tuple[int, int]
) -> Detections:
    """Sort a detector's boxes. `text_boxes` xyxy are where writing was read.

    Products are ranked by score, by how large and central they are, and by how little of them is writing. Overlays are
    boxes named so, and writing whose centre lies off the best product: what is printed on the product stays there.
    """
    height, width = shape_hw
    boxes = [b for b in (_cut(box, shape_hw) for box in boxes) if b is not None]
    named = [b for b in boxes if b.label in overlay_labels]
    products = [b for b in boxes if b.label not in overlay_labels]
    products.sort(key=lambda b: -_worth(b, text_boxes, shape_hw))
    products = _distinct(products)
    if not products:
        return Detections([], _distinct(named))
    best = products[0].xyxy
    # An overlay that holds the product is the whole picture, named after what is on it.
    overlays = [b for b in named if _share(best, b.xyxy) < 0.9]
    for xyxy in text_boxes:
        x, y = (xyxy[0] + xyxy[2]) / 2, (xyxy[1] + xyxy[3]) / 2
        if not (best[0] <= x <= best[2] and best[1] <= y <= best[3]):
            overlays.append(Box(np.float32(xyxy), 0.5, "text"))
    return Detections(products, _distinct(sorted(overlays, key=lambda b: -b.score)))


def _worth(box: Box, text_boxes: list[np.ndarray], shape_hw: tuple[int, int]) -> float:
    """Score, times size (a product fills much of its photo), times centrality, less what of it is writing."""
    height, width = shape_hw
    x0, y0, x1, y1 = box.xyxy
    area = (x1 - x0) * (y1 - y0)
    off = max(abs((x0 + x1) / 2 / width - 0.5), abs((y0 + y1) / 2 / height - 0.5))
    covered = min(1.0, sum(_overlap(box.xyxy, text) for text in text_boxes) / area)
    return box.score * (area / (width * height)) ** 0.25 * (1.2 - off) * (1 - covered)


def _distinct(boxes: list[Box]) -> list[Box]:
    """Of boxes that show the same thing, the first."""
    kept: list[Box] = []
    for box in boxes:
        if all(_iou(box.xyxy, other.xyxy) <= _SAME for other in kept):
            kept.append(box)
    return kept


def _cut(box: Box, shape_hw: tuple[int, int]) -> Box | None:
    """The box cut to the photo, or None where less than a pixel of it lies there."""
    height, width = shape_hw
    xyxy = np.clip(np.asarray(box.xyxy, np.float32), 0, np.float32([width, height, width, height]))
    if not np.isfinite(xyxy).all() or (xyxy[2:] - xyxy[:2]).min() < 1:
        return None
    return Box(xyxy, box.score, box.label)


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float(max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1])))


def _area(a: np.ndarray) -> float:
    return float((a[2] - a[0]) * (a[3] - a[1]))


def _share(inner: np.ndarray, outer: np.ndarray) -> float:
    """How much of `inner` lies in `outer`."""
    return _overlap(inner, outer) / max(_area(inner), 1e-6)


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    both = _overlap(a, b)
    return both / max(_area(a) + _area(b) - both, 1e-6)
