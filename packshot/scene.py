"""Which parts of a photo are product and which are overlays, from its foreground and its writing.

Works on a reduced picture. Writing lies on the background, on a plate, or on the product: the colours around it tell.
What is left in one piece is a candidate for the product by its size, place, colours and the share of writing in it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from packshot.agreement import Agreement, compare
from packshot.background import Background, to_lab
from packshot.badges import round_badges
from packshot.compose import drop_specks, fill_holes, signed_distance, thickness
from packshot.crossings import crossing_lines
from packshot.foreground import Foreground
from packshot.fusion import by_saliency, gaps, pale_parts, unsupported
from packshot.lenses import lenses
from packshot.marks import (
    Marks,
    add_drawn_plates,
    add_unseen_plates,
    find_marks,
    union,
    without_marks,
    without_writing,
)
from packshot.mirrors import mirror_image
from packshot.overwriting import writing_over
from packshot.plates import ellipse_fit, grown, is_geometric, thin_lines


@dataclass(slots=True)
class Part:
    """A piece of the foreground: bool mask (h, w), xyxy in its pixels, what it is, and how much it looks like that;
    `seen`, its mean saliency in [0, 1]; `strength`, its mean colour distance from the background."""

    mask: np.ndarray
    xyxy: tuple[int, int, int, int]
    label: str
    score: float
    seen: float = 0.0
    strength: float = 0.0


@dataclass(slots=True)
class Scene:
    """`product` and `overlay` bool (h, w) exclude each other. `products` are best first. `agreement` is None where no
    network looked, or nothing was found; `crossings` bool (h, w): callout lines and writing laid over the product."""

    product: np.ndarray
    overlay: np.ndarray
    products: list[Part] = field(default_factory=list)
    overlays: list[Part] = field(default_factory=list)
    agreement: Agreement | None = None
    crossings: np.ndarray | None = None


def read_scene(
    small: np.ndarray,
    found: Foreground,
    quads: list[np.ndarray],
    see: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Scene:
    """Tell product from overlays. `small` RGB uint8 (h, w, 3), `quads` the text boxes (4, 2) in its pixels.

    `see` maps a picture to its saliency, float32 (h, w) in [0, 1] (packshot.saliency); without it colours alone tell.
    """
    lab = to_lab(small)
    empty = np.zeros(small.shape[:2], bool)
    marks = find_marks(lab, found, quads)
    discs = lenses(small, lab, found.mask & ~marks.all, marks.quads)
    if not found.background.busy:
        discs += round_badges(lab, found.mask & ~union([marks.all, *discs], empty), marks.quads)
    for disc in discs:
        marks.add_plate(disc)
    body = without_writing(found.mask & ~marks.plates, marks.loose)
    lines = thin_lines(body, marks.all)
    body &= ~lines
    saliency = None
    if see is not None:
        saliency = _look(small, found, body, marks, see)
        # A chain or a cord stands as free as a callout line, but the network sees it.
        cords = _seen_lines(lines, marks, saliency)
        lines &= ~cords
        body |= cords
        if not found.background.sure:
            add_drawn_plates(marks, lab, saliency)
            body = by_saliency(small, lab, found, saliency, marks.all | lines)
        else:
            add_unseen_plates(marks, lab, found, saliency)
            body &= ~marks.plates
            body &= ~unsupported(lab, found, body, saliency, marks.text)
    body = drop_specks(body, max(6, int(0.0003 * body.size)))

    product_parts = _choose(_candidates(lab, body, marks, found.background, saliency), marks, lab)
    product = union([part.mask for part in product_parts], empty)
    product = _close_labels(product, marks.text & ~marks.plates)
    if saliency is not None and product.any():
        product |= pale_parts(found, product, saliency, marks.all | lines)
        product &= ~gaps(lab, found, product, saliency)
    mirrored = mirror_image(lab, found.background, product, marks.all | lines)
    product &= ~mirrored
    overlays = [_part(mask, "plate", 0.8) for mask in marks.plate_masks]
    overlays += [
        _part(mask & ~product, "text", 0.9)
        for mask in marks.writing
        if (mask & product).sum() < 0.7 * max(1, mask.sum())
    ]
    overlay = union([part.mask for part in overlays], empty) & ~product
    rest = drop_specks(found.mask & ~product & ~overlay, 8)
    for mask in _split(rest):
        overlays.append(_part(mask, _kind(mask), 0.5))
    if found.background.frame.any():
        overlays.append(_part(found.background.frame, "frame", 0.8))
    agreement = None
    if saliency is not None and product.any():
        settled = marks.all | lines | mirrored
        agreement = compare(small, product, saliency, found.mask, settled, found.background.explained)
    crossings = crossing_lines(lab, product, lines, found.background.distance)
    crossings |= writing_over(lab, product, marks, found.background.distance)
    return Scene(product, overlay | rest, product_parts, overlays, agreement, crossings)


def _look(
    small: np.ndarray, found: Foreground, body: np.ndarray, marks: Marks, see: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Saliency float32 (h, w) of the picture without its marks, looked at where there is something to see."""
    picture = without_marks(small, found, marks)
    saliency = np.zeros(small.shape[:2], np.float32)
    thick = drop_specks(body, max(6, int(0.0005 * body.size)))
    if not found.background.sure or not thick.any():
        return see(picture)
    # What was cut off with a shadow may be a foot or a shaft: the network is to judge it.
    shaded = ~found.background.mask & ~found.background.frame & ~marks.all
    thick = grown(thick | (shaded & ~found.mask), thick)
    x0, y0, x1, y1 = _bounds(thick)
    margin = round(0.08 * max(x1 - x0, y1 - y0)) + 4
    window = slice(max(0, y0 - margin), y1 + margin), slice(max(0, x0 - margin), x1 + margin)
    saliency[window] = see(np.ascontiguousarray(picture[window]))
    return saliency


def _seen_lines(lines: np.ndarray, marks: Marks, saliency: np.ndarray) -> np.ndarray:
    """Those of the `lines` bool (h, w) that the network takes for product, and that begin at no overlay."""
    count, labels = cv2.connectedComponents(lines.astype(np.uint8), connectivity=8)
    areas = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    keep = np.bincount(labels.ravel(), saliency.ravel(), minlength=count) / areas > 0.75
    near = cv2.dilate(marks.all.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    keep[np.unique(labels[near])] = False
    keep[0] = False
    return keep[labels]


def _close_labels(product: np.ndarray, writing: np.ndarray) -> np.ndarray:
    """Fill the product's holes in which there is writing: a label in the background's colour, not an opening."""
    filled = fill_holes(cv2.morphologyEx(product.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0)
    holes = filled & ~product
    if not (holes & writing).any():
        return product
    return product | grown(holes, holes & writing) | (filled & writing)


def _candidates(
    lab: np.ndarray, body: np.ndarray, marks: Marks, background: Background, saliency: np.ndarray | None
) -> list[Part]:
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
        text_share = min(1.0, float((marks.text[window] & filled).sum() / filled.sum()))
        thick = thickness(piece) / max(height, width)
        colours = lab[window][piece]
        centre = np.median(colours, axis=0)
        flat = float((np.linalg.norm(colours - centre, axis=1) < 4).mean())
        score = float(np.sqrt(min(area, 0.5) / 0.5)) * (1.15 - 0.9 * off) * (1 - 0.7 * text_share)
        score *= float(np.clip(0.35 + piece.sum() / filled.sum(), 0, 1))
        score *= 1 - 0.6 * max(0.0, flat - 0.7) / 0.3
        score *= float(np.clip(thick / 0.02, 0.15, 1))
        part = _part(mask, "product", min(1.0, score))
        part.score *= 0.12 if _is_line_art(colours, background, window, piece) else 1.0
        part.score *= 0.3 if _is_card(part) or _is_document(part, marks) else 1.0
        part.strength = float(background.distance[window][piece].mean())
        part.seen = float(saliency[window][piece].mean()) if saliency is not None else 0.0
        parts.append(part)
    if any(part.seen > 0.5 and part.score > 0.06 for part in parts):
        for part in parts:
            part.score *= 0.4 + 0.6 * min(1.0, 1.25 * part.seen)
    _set_back_details(parts)
    # Flat shapes with writing are plates, as long as there is something else.
    plates = [_is_flat(part, lab) and _text_share(part, marks.text) > 0.15 for part in parts]
    if any(part.score > 0.1 and not plate for part, plate in zip(parts, plates, strict=True)):
        for part, plate in zip(parts, plates, strict=True):
            part.score *= 0.3 if plate else 1.0
    return sorted(parts, key=lambda part: -part.score)


def _is_disc(part: Part) -> bool:
    """A pale detail leaves a gap in a lens: its hull counts."""
    x0, y0, x1, y1 = part.xyxy
    if not 0.9 < (x1 - x0) / (y1 - y0) < 1.1:
        return False
    piece = part.mask[y0:y1, x0:x1].astype(np.uint8)
    hull = cv2.convexHull(cv2.findNonZero(piece))
    round_ = cv2.fillConvexPoly(np.zeros_like(piece), hull, 1) > 0
    return fill_holes(piece > 0).sum() > 0.6 * round_.sum() and ellipse_fit(np.pad(round_, 1)) > 0.95


def _is_inset(part: Part) -> bool:
    """An upright rectangle by an edge of the photo: another photo, set into this one."""
    x0, y0, x1, y1 = part.xyxy
    height, width = part.mask.shape
    margin = 0.04 * max(height, width)
    at_edge = x0 <= margin or y0 <= margin or x1 >= width - margin or y1 >= height - margin
    share = (x1 - x0) * (y1 - y0) / part.mask.size
    return at_edge and 0.05 < share < 0.7 and fill_holes(part.mask[y0:y1, x0:x1]).mean() > 0.97


def _is_detail(part: Part) -> bool:
    """A lens, or an inset photo."""
    return _is_disc(part) or _is_inset(part)


def _set_back_details(parts: list[Part]) -> None:
    """Lower the scores of lenses and inset photos beside something else that is seen as a product."""
    details = [_is_detail(part) for part in parts]
    others = [part for part, detail in zip(parts, details, strict=True) if not detail and part.seen > 0.5]
    if any(part.score > 0.03 for part in others):
        for part, detail in zip(parts, details, strict=True):
            part.score *= 0.12 if detail else 1.0


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


def _is_document(part: Part, marks: Marks) -> bool:
    """A rectangle with many lines of writing: a certificate, a table."""
    lines = sum((mask & part.mask).sum() > 0.3 * max(1, mask.sum()) for mask in marks.writing)
    return lines >= 6 and is_geometric(fill_holes(part.mask), 0.9)


def _text_share(part: Part, writing: np.ndarray) -> float:
    filled = fill_holes(part.mask)
    return float((filled & writing).sum() / filled.sum())


def _choose(candidates: list[Part], marks: Marks, lab: np.ndarray) -> list[Part]:
    """The best candidate, and those that belong with it: pieces close by or cut off by a plate, and its likes in pairs,
    sets and ranges."""
    # A product in a small corner of its photo scores low, but the network is sure of it.
    if not candidates or candidates[0].score < (0.02 if candidates[0].seen > 0.85 else 0.06):
        return []
    best = candidates[0]
    best_area = fill_holes(best.mask).sum()
    chosen = [best]
    reach = max(2, round(0.012 * max(marks.text.shape)))
    round_best = ellipse_fit(fill_holes(best.mask)) > 0.9
    flat_best = _is_flat(best, lab)
    written_best = _text_share(best, marks.text) > 0.06
    # A range of products is shown in rows: its pieces are many, of a size, and none of them is in the middle.
    drawn = [_is_drawn(part, lab) for part in candidates]
    sizes = [fill_holes(part.mask).sum() / best_area for part in candidates]
    pieces = sum(size > 0.25 and not bare for size, bare in zip(sizes, drawn, strict=True))
    many = pieces >= 4
    many |= sum(part.seen > 0.85 and not bare for part, bare in zip(candidates, drawn, strict=True)) >= 5
    for part, size, bare in zip(candidates[1:], sizes[1:], drawn[1:], strict=True):
        if part.seen < 0.1 and best.seen > 0.5 and part.strength < 0.65 * best.strength:
            continue
        if _is_cut(part) and not _is_cut(best) and not many:
            continue  # something else in the room
        flat, text_share = _is_flat(part, lab), _text_share(part, marks.text)
        whole = not _is_card(part) and (round_best or not _is_detail(part))
        # Things of a set are of one size; a lens with a detail or a swatch is a neat shape beside a product.
        alike = part.score > 0.5 * best.score and size > 0.3
        alike &= (written_best or text_share < 0.12) and (flat_best or not flat)
        # What the network is sure of may be smaller than the best, and of one colour.
        clear = part.seen > 0.8 and size > (0.02 if many else 0.1) and (not flat or text_share < 0.12)
        # A plate in a range of products is as round as a lens.
        in_range = many and size > 0.1 and text_share < 0.4
        in_range &= not bare or (pieces >= 4 and _is_disc(part) and not flat)
        if (whole and (alike or clear)) or in_range:
            chosen.append(part)
    # One small thing beside the product was only near; several are a set.
    if len(chosen) == 2 and chosen[1].score < 0.45 * best.score and chosen[1].mask.sum() < 0.35 * best.mask.sum():
        chosen.pop()
    left = [part for part in candidates[1:] if not any(part is other for other in chosen)]
    while left:
        # Pieces may hang on each other, so once more after each that joined.
        near, covered = _joined(chosen, marks, reach)
        more = [part for part in left if _belongs(part, best, near, covered, marks.text, lab, reach)]
        if not more:
            break
        chosen += more
        left = [part for part in left if not any(part is other for other in more)]
    return chosen


def _is_cut(part: Part) -> bool:
    """Whether the photo's edge cuts a part off."""
    x0, y0, x1, y1 = part.xyxy
    height, width = part.mask.shape
    return x0 <= 1 or y0 <= 1 or x1 >= width - 1 or y1 >= height - 1


def _is_drawn(part: Part, lab: np.ndarray) -> bool:
    return _is_flat(part, lab) or _is_card(part) or _is_disc(part)


def _joined(chosen: list[Part], marks: Marks, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """bool (h, w): near the chosen parts; and beside an overlay that lies over them."""
    solid = np.zeros(marks.text.shape, bool)
    for part in chosen:
        solid |= fill_holes(part.mask)
    kernel = np.ones((2 * reach + 1,) * 2, np.uint8)
    near = cv2.dilate(solid.astype(np.uint8), kernel) > 0
    over = grown(marks.all, marks.all & near) if (marks.all & near).any() else np.zeros_like(near)
    return near, cv2.dilate(over.astype(np.uint8), kernel) > 0


def _belongs(
    part: Part, best: Part, near: np.ndarray, covered: np.ndarray, text: np.ndarray, lab: np.ndarray, reach: int
) -> bool:
    """Whether a piece lies near the product, or ends where something covers it."""
    if part.seen < 0.1 and best.seen > 0.5 and part.strength < 0.65 * best.strength:
        return False  # a mirror image
    if _is_flat(part, lab) and _text_share(part, text) > 0.15:
        return False  # a plate
    if (near & part.mask).sum() > 0.25 * part.mask.sum():
        return True
    # A foot or a stand that shade cut off: it touches the product all along its top.
    if 2 * (near & part.mask).sum() > reach * reach and part.seen > 0.25 and part.mask.sum() < 0.3 * best.mask.sum():
        return not _is_drawn(part, lab)
    touches = int((covered & part.mask).sum()) > 2 * reach
    return touches and part.score > 0.02 and part.mask.sum() < best.mask.sum() and not _is_drawn(part, lab)


def _split(mask: np.ndarray) -> list[np.ndarray]:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    order = np.bincount(labels.ravel(), minlength=count)[1:].argsort()[::-1][:60]
    return [labels == label + 1 for label in order]


def _kind(mask: np.ndarray) -> str:
    height, width = mask.shape
    x0, y0, x1, y1 = _bounds(mask)
    if max(x1 - x0, y1 - y0) > 0.9 * max(height, width) and mask.sum() < 0.2 * (x1 - x0) * (y1 - y0):
        return "frame"
    if thickness(mask) < 0.012 * max(height, width) and max(x1 - x0, y1 - y0) > 0.08 * max(height, width):
        return "callout line"
    return "icon" if mask.mean() < 0.02 else "badge"


def _bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1


def _part(mask: np.ndarray, label: str, score: float) -> Part:
    return Part(mask, _bounds(mask), label, score)
