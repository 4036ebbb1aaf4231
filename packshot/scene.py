"""Which parts of a photo are product and which are overlays, from its foreground and its writing.

Works on a reduced picture. Writing lies on the background, on a plate, or on the product: the colours around it tell.
What is left in one piece is a candidate for the product by its size, place, colours and the share of writing in it.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from packshot.background import to_lab
from packshot.compose import drop_specks, fill_holes
from packshot.foreground import Foreground


@dataclass(slots=True)
class Part:
    """A piece of the foreground: bool mask (h, w), xyxy in its pixels, what it is, and how much it looks like that."""

    mask: np.ndarray
    xyxy: tuple[int, int, int, int]
    label: str
    score: float


@dataclass(slots=True)
class Scene:
    """`product` and `overlay` bool (h, w) exclude each other. `products` are best first. `text_off` says of each text
    whether it is an overlay."""

    product: np.ndarray
    overlay: np.ndarray
    products: list[Part] = field(default_factory=list)
    overlays: list[Part] = field(default_factory=list)
    text_off: list[bool] = field(default_factory=list)


def read_scene(small: np.ndarray, found: Foreground, quads: list[np.ndarray]) -> Scene:
    """Tell product from overlays. `small` RGB uint8 (h, w, 3), `quads` the text boxes (4, 2) in its pixels."""
    lab = to_lab(small)
    shape_hw = small.shape[:2]
    background = found.background.mask | (found.background.distance < found.background.threshold)
    if found.background.explained < 0.7:
        background = ~found.mask
    writing = [_quad_mask(quad, shape_hw) for quad in quads]
    around = [_around(mask, quad) for mask, quad in zip(writing, quads, strict=True)]
    floating = [bool(background[ring].mean() > 0.7) if ring.any() else True for ring in around]

    all_text = np.any(writing, axis=0) if writing else np.zeros(shape_hw, bool)
    loose = np.any([w for w, f in zip(writing, floating, strict=True) if f], axis=0) if any(floating) else all_text & False
    plates = _plates(lab, background, writing, around, floating)
    plate_mask = np.any([p.mask for p in plates], axis=0) if plates else np.zeros(shape_hw, bool)
    body = _without_writing(found.mask, loose) & ~plate_mask
    candidates = _candidates(lab, body, all_text & ~loose, background)
    product_parts = _choose(candidates, shape_hw)

    product = np.any([p.mask for p in product_parts], axis=0) if product_parts else np.zeros(shape_hw, bool)
    silhouette = fill_holes(cv2.morphologyEx(product.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0)
    text_off = [
        bool((silhouette & mask).sum() < 0.7 * max(1, mask.sum())) and (floats or bool((plate_mask & mask).any()) or True)
        for mask, floats in zip(writing, floating, strict=True)
    ]
    product |= silhouette & all_text & ~plate_mask
    overlays = [
        _part(mask & ~product, "text", 0.9) for mask, off in zip(writing, text_off, strict=True) if off and (mask & ~product).any()
    ]
    overlays += plates
    overlay = np.any([p.mask for p in overlays], axis=0) if overlays else np.zeros(shape_hw, bool)
    overlay &= ~product
    for part in _split(drop_specks(found.mask & ~product & ~overlay, 8)):
        overlays.append(_part(part, _kind(part), 0.5))
        overlay |= part
    if found.background.frame.any():
        overlays.append(_part(found.background.frame, "frame", 0.8))
    return Scene(product, overlay, product_parts, overlays, text_off)


def _quad_mask(quad: np.ndarray, shape_hw: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape_hw, np.uint8)
    cv2.fillPoly(mask, [np.round(quad).astype(np.int32)], 1)
    return mask > 0


def _around(mask: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """A ring outside a text box: a gap, then as wide as a quarter of the line is high."""
    height = min(np.linalg.norm(quad[0] - quad[3]), np.linalg.norm(quad[0] - quad[1]))
    gap, width = 1, max(2, int(0.25 * height))
    solid = mask.astype(np.uint8)
    near = cv2.dilate(solid, np.ones((2 * gap + 1,) * 2, np.uint8))
    far = cv2.dilate(solid, np.ones((2 * (gap + width) + 1,) * 2, np.uint8))
    return (far > 0) & (near == 0)


def _without_writing(foreground: np.ndarray, loose: np.ndarray) -> np.ndarray:
    """The foreground without strokes of floating text: whole components of it, and pieces inside the text boxes."""
    if not loose.any():
        return foreground
    count, labels = cv2.connectedComponents(foreground.astype(np.uint8), connectivity=8)
    areas = np.bincount(labels.ravel(), minlength=count)
    within = np.bincount(labels[loose], minlength=count)
    gone = within > 0.5 * areas
    gone[0] = False
    body = foreground & ~gone[labels]
    pieces = body & loose
    if pieces.any():
        count, labels = cv2.connectedComponents(pieces.astype(np.uint8), connectivity=8)
        outside = cv2.dilate((body & ~loose).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        touching = np.zeros(count, bool)
        touching[np.unique(labels[outside & pieces])] = True
        body &= ~(pieces & ~touching[labels])
    return body


def _plates(
    lab: np.ndarray, background: np.ndarray, writing: list[np.ndarray], around: list[np.ndarray], floating: list[bool]
) -> list[Part]:
    """Flat shapes under text that are no part of the product: free of it, or sticking out of its silhouette."""
    plates: list[Part] = []
    taken = np.zeros(background.shape, bool)
    foreground = ~background
    for mask, ring, floats in zip(writing, around, floating, strict=True):
        if floats or taken[mask].mean() > 0.5:
            continue
        colour = np.median(lab[ring], axis=0)
        flat = np.linalg.norm(lab - colour, axis=2) < 6
        if flat[ring].mean() < 0.6:
            continue
        region = _grown(flat | mask, mask)
        share = region.mean()
        if share > 0.45:
            continue
        region = fill_holes(cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)
        if not _is_plate(region, foreground):
            continue
        taken |= region
        plates.append(_part(region, "plate", 0.8))
    return plates


def _is_plate(region: np.ndarray, foreground: np.ndarray) -> bool:
    contours, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return False
    contour = max(contours, key=cv2.contourArea)
    area = max(1.0, cv2.contourArea(contour))
    box_fit = area / max(1.0, np.prod(cv2.minAreaRect(contour)[1]))
    ellipse_fit = 0.0
    if len(contour) >= 5:
        (_, axes, _) = cv2.fitEllipse(contour)
        ellipse = np.pi / 4 * np.prod(axes)
        ellipse_fit = min(area, ellipse) / max(area, ellipse, 1.0)
    if max(box_fit, ellipse_fit) < 0.85:
        return False
    rim = (cv2.dilate(region.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0) & ~region
    free = 1 - foreground[rim].mean() if rim.any() else 1.0
    if free > 0.9:
        return True
    if free < 0.2:
        return False
    # Where a plate lies over a product, their common outline has notches; a label or a side of a pack makes none.
    whole = _grown(foreground, region)
    hull = _hull(whole)
    rest = whole & ~cv2.dilate(region.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    if rest.sum() < 0.3 * region.sum():
        return False
    covered = (_hull(rest) & region).sum() / region.sum()
    return bool(whole.sum() / hull.sum() < 0.93 and covered < 0.75)


def _hull(mask: np.ndarray) -> np.ndarray:
    points = cv2.findNonZero(mask.astype(np.uint8))
    drawn = np.zeros(mask.shape, np.uint8)
    if points is not None:
        cv2.fillConvexPoly(drawn, cv2.convexHull(points), 1)
    return drawn > 0


def _grown(mask: np.ndarray, seed: np.ndarray) -> np.ndarray:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    keep = np.zeros(count, bool)
    keep[np.unique(labels[seed & mask])] = True
    keep[0] = False
    return keep[labels]


def _candidates(lab: np.ndarray, body: np.ndarray, writing: np.ndarray, background: np.ndarray) -> list[Part]:
    """The pieces of the body, each scored as a product in [0, 1]."""
    height, width = body.shape
    parts = []
    for mask in _split(drop_specks(body, max(6, int(0.0004 * body.size)))):
        filled = fill_holes(mask)
        area = filled.mean()
        y, x = np.nonzero(filled)
        off = max(abs(x.mean() / width - 0.5), abs(y.mean() / height - 0.5))
        text_share = min(1.0, float((writing & filled).sum() / filled.sum()))
        thick = _thickness(mask) / max(height, width)
        colours = lab[mask]
        centre = np.median(colours, axis=0)
        flat = float((np.linalg.norm(colours - centre, axis=1) < 4).mean())
        score = float(np.sqrt(min(area, 0.5) / 0.5)) * (1.15 - 0.9 * off) * (1 - 0.7 * text_share)
        score *= 1 - 0.6 * max(0.0, flat - 0.7) / 0.3
        score *= float(np.clip(thick / 0.02, 0.15, 1))
        parts.append(_part(mask, "product", min(1.0, score)))
    return sorted(parts, key=lambda part: -part.score)


def _thickness(mask: np.ndarray) -> float:
    """Twice the area-weighted mean distance to the outline: the width of strokes, in pixels."""
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)
    return float(4 * distance.sum() / max(1, mask.sum()))


def _choose(candidates: list[Part], shape_hw: tuple[int, int]) -> list[Part]:
    """The best candidate, and those that belong with it: pieces close by, and its likes in pairs and sets."""
    if not candidates or candidates[0].score < 0.06:
        return []
    best = candidates[0]
    best_area = best.mask.sum()
    chosen = [best]
    reach = max(2, round(0.012 * max(shape_hw)))
    near = cv2.dilate(fill_holes(best.mask).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
    for part in candidates[1:]:
        alike = part.score > 0.5 * best.score and part.mask.sum() > 0.3 * best_area
        joined = (near & part.mask).sum() > 0.25 * part.mask.sum()
        if alike or joined:
            chosen.append(part)
    return chosen


def _split(mask: np.ndarray) -> list[np.ndarray]:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    order = np.bincount(labels.ravel(), minlength=count)[1:].argsort()[::-1][:60]
    return [labels == label + 1 for label in order]


def _kind(mask: np.ndarray) -> str:
    height, width = mask.shape
    x0, y0, x1, y1 = _bounds(mask)
    if max(x1 - x0, y1 - y0) > 0.9 * max(height, width) and mask.sum() < 0.2 * (x1 - x0) * (y1 - y0):
        return "frame"
    if _thickness(mask) < 0.012 * max(height, width) and max(x1 - x0, y1 - y0) > 0.08 * max(height, width):
        return "callout line"
    return "icon" if mask.mean() < 0.02 else "badge"


def _bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1


def _part(mask: np.ndarray, label: str, score: float) -> Part:
    return Part(mask, _bounds(mask), label, score)
