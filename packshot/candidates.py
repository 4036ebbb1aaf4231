"""Which pieces of a photo's foreground are its product: each is scored by its size, place, colours and the share of
writing in it; the best is chosen, with the pieces that belong to it."""

import cv2
import numpy as np

from packshot.background import Background
from packshot.compose import fill_holes, thickness
from packshot.marks import Marks
from packshot.parts import (
    Part,
    bounds,
    is_card,
    is_cut,
    is_detail,
    is_disc,
    is_document,
    is_drawn,
    is_flat,
    is_line_art,
    make_part,
    split,
    written_share,
)
from packshot.plates import ellipse_fit, grown

SET_IN = 0.4
"""Share of what is around a part; the rest of a shadow is around one that stands before the background, too."""


def find_candidates(
    lab: np.ndarray, body: np.ndarray, marks: Marks, background: Background, saliency: np.ndarray | None
) -> list[Part]:
    """The pieces of the body, each scored as a product in [0, 1]."""
    height, width = body.shape
    parts = []
    for mask in split(body):
        x0, y0, x1, y1 = bounds(mask)
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
        part = make_part(mask, "product", min(1.0, score))
        part.score *= 0.12 if is_line_art(colours, background, window, piece) else 1.0
        part.score *= 0.3 if is_card(part) or is_document(part, marks) else 1.0
        part.strength = float(background.distance[window][piece].mean())
        if saliency is not None:
            # Letters across a product are not seen, it is.
            bare = piece & ~marks.text[window]
            part.seen = float(saliency[window][bare if bare.sum() > 0.5 * piece.sum() else piece].mean())
        if background.sure:
            part.set_in = _set_in(part, filled, body | marks.plates, background)
        parts.append(part)
    if any(part.seen > 0.5 and part.score > 0.06 for part in parts):
        for part in parts:
            part.score *= 0.4 + 0.6 * min(1.0, 1.25 * part.seen)
    _set_back_details(parts, lab)
    # Flat shapes with writing are plates, as long as there is something else.
    plates = [is_flat(part, lab) and written_share(part, marks.text) > 0.15 for part in parts]
    if any(part.score > 0.1 and not plate for part, plate in zip(parts, plates, strict=True)):
        for part, plate in zip(parts, plates, strict=True):
            part.score *= 0.3 if plate else 1.0
    return sorted(parts, key=lambda part: -part.score)


def _set_in(part: Part, filled: np.ndarray, body: np.ndarray, background: Background) -> float:
    """`filled` bool, the part without holes, in its own box; `body` bool (h, w), all pieces and plates."""
    x0, y0, x1, y1 = part.xyxy
    window = slice(max(0, y0 - 6), y1 + 6), slice(max(0, x0 - 6), x1 + 6)
    solid = np.zeros(body[window].shape, np.uint8)
    solid[y0 - window[0].start :, x0 - window[1].start :][: y1 - y0, : x1 - x0] = filled
    near, far = (cv2.dilate(solid, np.ones((k, k), np.uint8)) > 0 for k in (7, 13))
    ring = far & ~near & ~body[window]
    other = ~(background.mask | background.alike)[window]
    return float(other[ring].mean()) if ring.any() else 0.0


def _set_back_details(parts: list[Part], lab: np.ndarray) -> None:
    """Lower the scores of lenses and inset photos beside something else that is seen as a product, and not drawn in one
    colour, as the podium is before which a plate hangs."""
    details = [is_detail(part) for part in parts]
    others = [part for part, detail in zip(parts, details, strict=True) if not detail and part.seen > 0.5]
    if any(part.score > 0.03 and not is_flat(part, lab) for part in others):
        for part, detail in zip(parts, details, strict=True):
            part.score *= 0.12 if detail else 1.0


def choose(candidates: list[Part], marks: Marks, lab: np.ndarray) -> list[Part]:
    """The best candidate, and those that belong with it: pieces close by or cut off by a plate, and its likes in pairs,
    sets and ranges."""
    # A product in a small corner of its photo scores low, but the network is sure of it.
    if not candidates or candidates[0].score < (0.02 if candidates[0].seen > 0.85 else 0.06):
        return []
    best = _not_set_in(candidates)
    candidates = [best, *(part for part in candidates if part is not best)]
    best_area = fill_holes(best.mask).sum()
    chosen = [best]
    reach = max(2, round(0.012 * max(marks.text.shape)))
    round_best = ellipse_fit(fill_holes(best.mask)) > 0.9
    flat_best = is_flat(best, lab)
    written_best = written_share(best, marks.text) > 0.06
    # A range of products is shown in rows: its pieces are many, of a size, and none of them is in the middle.
    drawn = [is_drawn(part, lab) for part in candidates]
    sizes = [fill_holes(part.mask).sum() / best_area for part in candidates]
    pieces = sum(size > 0.25 and not bare for size, bare in zip(sizes, drawn, strict=True))
    # Tools are thin, and as long as the rest.
    boxes = [_box_area(part) / _box_area(best) for part in candidates]
    long = [box > 0.25 and part.seen > 0.5 for part, box in zip(candidates, boxes, strict=True)]
    pieces = max(pieces, sum(one and not bare for one, bare in zip(long, drawn, strict=True)))
    many = pieces >= 4
    many |= sum(part.seen > 0.85 and not bare for part, bare in zip(candidates, drawn, strict=True)) >= 5
    for part, size, bare in zip(candidates[1:], sizes[1:], drawn[1:], strict=True):
        if _is_unseen(part, best) and (not many or _hangs_on(part, candidates)):
            continue  # a mirror image; of a range's things, the network misses some
        if is_cut(part) and not is_cut(best) and not many:
            continue  # something else in the room
        smaller = size < 0.45 or part.score > best.score
        if best.set_in < SET_IN and (part.set_in > 0.9 or (part.set_in > 0.7 and smaller)):
            continue  # in a panel of its own: an inset photo
        flat, text_share = is_flat(part, lab), written_share(part, marks.text)
        whole = not is_card(part) and (round_best or not is_detail(part))
        # Things of a set are of one size; a lens with a detail or a swatch is a neat shape beside a product.
        alike = part.score > 0.5 * best.score and size > 0.3
        alike &= (written_best or text_share < 0.12) and (flat_best or not flat)
        # What the network is sure of may be smaller than the best, and of one colour.
        clear = part.seen > 0.8 and size > (0.02 if many else 0.1) and (not flat or text_share < 0.12)
        # A plate in a range of products is as round as a lens.
        in_range = many and size > 0.1 and text_share < 0.4
        in_range &= not bare or (pieces >= 4 and is_disc(part) and not flat)
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


def _is_unseen(part: Part, best: Part) -> bool:
    """Whether the network, which sees the best, does not see a part that is paler: a mirror image, most often."""
    return part.seen < 0.1 and best.seen > 0.5 and part.strength < 0.65 * best.strength


def _box_area(part: Part) -> int:
    x0, y0, x1, y1 = part.xyxy
    return (x1 - x0) * (y1 - y0)


def _hangs_on(part: Part, others: list[Part]) -> bool:
    """Whether a part begins where another one over it ends, to a tenth of its height, as mirror images do."""
    x0, y0, x1, y1 = part.xyxy
    near = 0.1 * (y1 - y0)
    return any(
        abs(other.xyxy[3] - y0) < near and min(x1, other.xyxy[2]) - max(x0, other.xyxy[0]) > 0.5 * (x1 - x0)
        for other in others
        if other is not part
    )


def _not_set_in(candidates: list[Part]) -> Part:
    """The best candidate; where a panel of its own is around it, a good one that stands before the background: an inset
    photo may show a thing larger than the product is."""
    best = candidates[0]
    if best.set_in < 0.9:
        return best
    free = [part for part in candidates if part.set_in < SET_IN and part.seen > 0.8 and part.score > 0.5 * best.score]
    return next((part for part in free if not is_detail(part)), best)


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
    if _is_unseen(part, best):
        return False  # a mirror image
    if is_flat(part, lab) and written_share(part, text) > 0.15:
        return False  # a plate
    if (near & part.mask).sum() > 0.25 * part.mask.sum():
        return True
    # A foot or a stand that shade cut off: it touches the product all along its top.
    if 2 * (near & part.mask).sum() > reach * reach and part.seen > 0.25 and part.mask.sum() < 0.3 * best.mask.sum():
        return not is_drawn(part, lab)
    touches = int((covered & part.mask).sum()) > 2 * reach
    return touches and part.score > 0.02 and part.mask.sum() < best.mask.sum() and not is_drawn(part, lab)
