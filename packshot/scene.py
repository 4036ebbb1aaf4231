"""Which parts of a photo are product and which are overlays, from its foreground and its writing.

Works on a reduced picture. Writing lies on the background, on a plate, or on the product: the colours around it tell.
What is left in one piece is a candidate for the product by its size, place, colours and the share of writing in it.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from packshot.background import Background, to_lab
from packshot.compose import drop_specks, fill_holes, signed_distance
from packshot.foreground import Foreground
from packshot.plates import ellipse_fit, grown, is_geometric, plate_under, thin_lines


@dataclass(slots=True)
class Part:
    """A piece of the foreground: bool mask (h, w), xyxy in its pixels, what it is, and how much it looks like that."""

    mask: np.ndarray
    xyxy: tuple[int, int, int, int]
    label: str
    score: float


@dataclass(slots=True)
class Scene:
    """`product` and `overlay` bool (h, w) exclude each other. `products` are best first."""

    product: np.ndarray
    overlay: np.ndarray
    products: list[Part] = field(default_factory=list)
    overlays: list[Part] = field(default_factory=list)


def read_scene(small: np.ndarray, found: Foreground, quads: list[np.ndarray]) -> Scene:
    """Tell product from overlays. `small` RGB uint8 (h, w, 3), `quads` the text boxes (4, 2) in its pixels."""
    lab = to_lab(small)
    shape_hw = small.shape[:2]
    empty = np.zeros(shape_hw, bool)
    # No line of writing is that tall: a reader takes bare outlines for letters.
    quads = [quad for quad in quads if _line_height(quad) < 0.3 * max(shape_hw)]
    alike = found.background.mask | found.background.alike
    foreground = found.mask if found.background.busy else ~alike & ~found.background.frame

    writing = [_quad_mask(quad, shape_hw) for quad in quads]
    around = [_around(mask, quad) for mask, quad in zip(writing, quads, strict=True)]
    heights = [_line_height(quad) for quad in quads]
    lettered = [_has_strokes(foreground & mask, height) for mask, height in zip(writing, heights, strict=True)]
    floating = [
        bool(letters and (not ring.any() or (~foreground)[ring].mean() > 0.55))
        for letters, ring in zip(lettered, around, strict=True)
    ]
    plate_parts: list[Part] = []
    plates = empty.copy()
    for mask, ring, floats in zip(writing, around, floating, strict=True):
        if (plates & mask).sum() > 0.5 * mask.sum() or not (mask & foreground).any():
            continue
        plate = None if floats else plate_under(lab, foreground, mask, ring)
        if plate is not None:
            plates |= plate
            plate_parts.append(_part(plate, "plate", 0.8))
    loose = _union([mask for mask, floats in zip(writing, floating, strict=True) if floats], empty)
    body = _without_writing(found.mask & ~plates, loose)
    lines = thin_lines(body, plates | loose)
    body = drop_specks(body & ~lines, max(6, int(0.0003 * body.size)))

    all_text = _union(writing, empty)
    product_parts = _choose(_candidates(lab, body, all_text, found.background), all_text, lab)
    product = _union([part.mask for part in product_parts], empty)
    product = _close_labels(product, all_text & ~plates)
    overlays = [
        _part(mask & ~product, "text", 0.9) for mask in writing if (mask & product).sum() < 0.7 * max(1, mask.sum())
    ]
    overlays = plate_parts + overlays
    overlay = _union([part.mask for part in overlays], empty) & ~product
    rest = drop_specks(found.mask & ~product & ~overlay, 8)
    for mask in _split(rest):
        overlays.append(_part(mask, _kind(mask), 0.5))
    if found.background.frame.any():
        overlays.append(_part(found.background.frame, "frame", 0.8))
    return Scene(product, overlay | rest, product_parts, overlays)


def _union(masks: list[np.ndarray], empty: np.ndarray) -> np.ndarray:
    return np.any(masks, axis=0) if masks else empty.copy()


def _line_height(quad: np.ndarray) -> float:
    return float(min(np.linalg.norm(quad[0] - quad[3]), np.linalg.norm(quad[0] - quad[1])))


def _has_strokes(marks: np.ndarray, height: float) -> bool:
    """Whether the marks in a text box are as thin as letters are; a product that was taken for a letter is not."""
    return not marks.any() or _thickness(marks) < 0.42 * height + 1.5


def _close_labels(product: np.ndarray, writing: np.ndarray) -> np.ndarray:
    """Fill the product's holes in which there is writing: a label in the background's colour, not an opening."""
    filled = fill_holes(cv2.morphologyEx(product.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0)
    holes = filled & ~product
    if not (holes & writing).any():
        return product
    return product | grown(holes, holes & writing) | (filled & writing)


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


def _candidates(lab: np.ndarray, body: np.ndarray, writing: np.ndarray, background: Background) -> list[Part]:
    """The pieces of the body, each scored as a product in [0, 1]."""
    height, width = body.shape
    parts = []
    for mask in _split(body):
        x0, y0, x1, y1 = _bounds(mask)
        window = slice(y0, y1), slice(x0, x1)
        piece = mask[window]
        filled = fill_holes(piece)
        area = filled.sum() / mask.size
        y, x = np.nonzero(filled)
        off = max(abs((x0 + x.mean()) / width - 0.5), abs((y0 + y.mean()) / height - 0.5))
        text_share = min(1.0, float((writing[window] & filled).sum() / filled.sum()))
        thick = _thickness(piece) / max(height, width)
        colours = lab[window][piece]
        centre = np.median(colours, axis=0)
        flat = float((np.linalg.norm(colours - centre, axis=1) < 4).mean())
        score = float(np.sqrt(min(area, 0.5) / 0.5)) * (1.15 - 0.9 * off) * (1 - 0.7 * text_share)
        score *= float(np.clip(0.35 + piece.sum() / filled.sum(), 0, 1))
        score *= 1 - 0.6 * max(0.0, flat - 0.7) / 0.3
        score *= float(np.clip(thick / 0.02, 0.15, 1))
        part = _part(mask, "product", min(1.0, score))
        part.score *= 0.12 if _is_line_art(colours, background, window, piece) else 1.0
        part.score *= 0.3 if _is_card(part) else 1.0
        parts.append(part)
    return sorted(parts, key=lambda part: -part.score)


def _is_disc(part: Part) -> bool:
    x0, y0, x1, y1 = part.xyxy
    return 0.9 < (x1 - x0) / (y1 - y0) < 1.1 and ellipse_fit(fill_holes(part.mask)) > 0.94


def _is_line_art(colours: np.ndarray, background: Background, window: tuple[slice, slice], piece: np.ndarray) -> bool:
    """Whether a piece is a drawing: the background's own colour between strong grey lines."""
    if background.busy:
        return False
    distance = background.distance[window][piece]
    blank = distance < background.threshold[window][piece]
    if blank.mean() < 0.45 or not (~blank).any():
        return False
    chroma = np.linalg.norm(colours[~blank, 1:] - background.lab[window][piece][~blank, 1:], axis=1)
    return bool(np.percentile(distance[~blank], 60) > 15 and np.percentile(chroma, 90) < 10)


def _is_flat(part: Part, lab: np.ndarray) -> bool:
    """Whether all of a part but its rim is of one colour, as drawn letters and icons are."""
    inside = cv2.erode(part.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    colours = lab[inside]
    return len(colours) > 0 and bool((np.linalg.norm(colours - np.median(colours, axis=0), axis=1) < 4).mean() > 0.85)


def _is_card(part: Part) -> bool:
    """A rectangle drawn with a thin line, with little in it."""
    filled = fill_holes(part.mask)
    if part.mask.sum() > 0.55 * filled.sum() or not is_geometric(filled, 0.9):
        return False
    inwards = signed_distance(filled) / max(filled.shape)
    behind_line = (inwards > 0.012) & (inwards < 0.02)
    return bool(part.mask[behind_line].mean() < 0.35) if behind_line.any() else False


def _text_share(part: Part, writing: np.ndarray) -> float:
    filled = fill_holes(part.mask)
    return float((filled & writing).sum() / filled.sum())


def _thickness(mask: np.ndarray) -> float:
    """Twice the area-weighted mean distance to the outline: the width of strokes, in pixels."""
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)
    return float(4 * distance.sum() / max(1, mask.sum()))


def _choose(candidates: list[Part], writing: np.ndarray, lab: np.ndarray) -> list[Part]:
    """The best candidate, and those that belong with it: pieces close by, and its likes in pairs and sets."""
    if not candidates or candidates[0].score < 0.06:
        return []
    best = candidates[0]
    best_area = fill_holes(best.mask).sum()
    chosen = [best]
    reach = max(2, round(0.012 * max(writing.shape)))
    near = cv2.dilate(fill_holes(best.mask).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
    round_best = ellipse_fit(fill_holes(best.mask)) > 0.9
    flat_best = _is_flat(best, lab)
    written_best = _text_share(best, writing) > 0.06
    for part in candidates[1:]:
        # Things of a set are of one size; a lens with a detail or a swatch is a neat shape beside a product.
        alike = part.score > 0.5 * best.score and fill_holes(part.mask).sum() > 0.3 * best_area
        alike &= written_best or _text_share(part, writing) < 0.12
        alike &= not _is_card(part) and (flat_best or not _is_flat(part, lab))
        alike &= round_best or not _is_disc(part)
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
