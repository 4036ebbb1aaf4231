"""Which parts of a photo are product and which are overlays, from its foreground and its writing.

Works on a reduced picture. Writing lies on the background, on a plate, or on the product: the colours around it tell.
What is left in one piece is a candidate for the product (packshot.candidates).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from packshot.agreement import Agreement, compare
from packshot.background import to_lab
from packshot.badges import like_icons, round_badges
from packshot.barcodes import bar_codes
from packshot.candidates import SET_IN, choose, find_candidates
from packshot.compose import drop_specks, fill_holes, thickness
from packshot.covered import covered_outline
from packshot.crossings import crossing_lines
from packshot.foreground import Foreground
from packshot.fusion import by_saliency, gaps, pale_insides, pale_parts, rest_of_close_up, unsupported
from packshot.insets import inset_panels
from packshot.lenses import is_watch, lenses
from packshot.lost_parts import FAINT, STRONG, bold_rest, dials_with_hands, lost_dials, pale_tubes
from packshot.magnified import magnified
from packshot.marks import (
    Marks,
    accents,
    add_drawn_plates,
    add_unseen_plates,
    find_marks,
    union,
    without_marks,
    without_writing,
)
from packshot.mirrors import mirror_image
from packshot.outline import layers
from packshot.overwriting import letters_beside, writing_over
from packshot.parts import Part, bounds, is_clipped, is_detail, is_flat, make_part, split, usual_size
from packshot.plates import ACCENTED, grown, is_unshaded, thin_lines
from packshot.pointers import pointers, without_pointers
from packshot.watermarks import tiled_over

_LEAST_ADDED = 0.2
"""Share of the product."""
_SURE = 0.9
_HALF_SURE = 0.2
_SEEN = 0.5


@dataclass(slots=True)
class Scene:
    """`product` and `overlay` bool (h, w) exclude each other. `products` are best first. `agreement` is None where no
    network looked, or nothing was found; `crossings` bool (h, w): callout lines and writing laid over the product;
    `covered`: share of its outline that ends at plates before it."""

    product: np.ndarray
    overlay: np.ndarray
    products: list[Part] = field(default_factory=list)
    overlays: list[Part] = field(default_factory=list)
    agreement: Agreement | None = None
    crossings: np.ndarray | None = None
    covered: float = 0.0


def read_scene(
    small: np.ndarray,
    found: Foreground,
    quads: list[np.ndarray],
    see: Callable[[np.ndarray], np.ndarray] | None = None,
    settle: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Scene:
    """Tell product from overlays. `small` RGB uint8 (h, w, 3), `quads` the text boxes (4, 2) in its pixels.

    `see` maps a picture to its saliency, float32 (h, w) in [0, 1] (packshot.saliency); without it colours alone tell.
    `settle` maps all that was found to what is product, float32 (h, w) in [0, 1] (packshot.outline); without it, or
    where nothing was seen, what rules choose is the product.
    """
    lab = to_lab(small)
    empty = np.zeros(small.shape[:2], bool)
    marks = find_marks(lab, found, quads)
    for code in bar_codes(lab, found.mask & ~marks.all):
        marks.add_plate(code)
    windows = lenses(small, lab, found.mask & ~marks.all, marks.quads)
    for window in windows:
        marks.add_window(window)
    if not found.background.busy:
        for disc in round_badges(lab, found.mask & ~marks.all, marks.quads):
            marks.add_plate(disc)
        for icon in like_icons(lab, found.mask & ~marks.loose, marks.plate_masks):
            marks.add_plate(icon)
    # A watch's numerals are read as writing, and its dial is as flat as a plate.
    dials = [plate for plate in marks.plate_masks if see is not None and is_watch(plate, found.mask)]
    marks.take_back([dial for dial in dials if see(small)[dial].mean() > _SEEN])
    body = without_writing(found.mask & ~marks.plates, marks.loose)
    accented = accents(lab, found, marks)
    lines = thin_lines(body, marks.all, accented)
    body &= ~lines
    saliency, panels = None, []
    if see is not None:
        saliency = _look(small, found, body, marks, see)
        if found.background.sure and (panels := inset_panels(lab, found, body, saliency)):
            for panel in panels:
                marks.add_window(panel)
            body &= ~marks.plates
            # They drew the network's eye away from the product.
            saliency = _look(small, found, body, marks, see)
        # A chain or a cord stands as free as a callout line, but the network sees it.
        cords = _seen_lines(lines, marks.all, accented, saliency)
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

    candidates = find_candidates(lab, body, marks, found.background, saliency)
    details = magnified(small, candidates, marks.quads) if not found.background.busy else []
    for detail in details:
        marks.add_window(detail)
    shown_again = union(details, empty)
    candidates = [part for part in candidates if (part.mask & shown_again).sum() < 0.9 * part.mask.sum()]
    product_parts = choose(candidates, marks, lab)
    product = union([part.mask for part in product_parts], empty)
    product = _close_labels(product, marks.text & ~marks.plates)
    left_flat = union([part.mask for part in candidates if is_flat(part, lab)], empty) & ~product
    if saliency is not None and product.any():
        product |= pale_parts(found, product, saliency, marks.all | lines | left_flat)
        product &= ~gaps(lab, found, product, saliency)
        product |= pale_insides(found, product, saliency) & ~(marks.all | lines)
    mirrored = mirror_image(lab, found.background, product, marks.all | lines)
    product &= ~mirrored
    chosen, likely = product, product.astype(np.float32)
    details = [window for window in marks.windows if not any(window is panel for panel in panels)]
    pointing = pointers(lab, details, found.background.alike)
    if see is not None and settle is not None and product.any():
        whole = see(small)
        likely = settle(layers(small, found, saliency, whole, marks, lines | mirrored, product))
        product = drop_specks(
            likely > _least_likely(lab, found, marks, chosen, left_flat, saliency), max(6, int(0.0003 * body.size))
        )
        settled = product
        product = settled & ~_additions(product, chosen, likely if found.background.sure else None)
        product &= ~mirror_image(lab, found.background, product, marks.all | lines)
        product &= ~(
            shown_again
            | union(windows + panels + marks.stickers, empty)
            | _insets(found, product, candidates, product_parts)
        )
        product |= _rest_of_range(product, chosen)
        if found.background.sure:
            product |= bold_rest(lab, found, marks, product, chosen)
            product |= lost_dials(lab, found, product, chosen, marks.all)
            product |= pale_tubes(found, product, chosen, marks.all | lines | mirrored)
        else:
            product |= rest_of_close_up(product, np.maximum(saliency, whole), marks.all | lines | (settled & ~product))
        product |= dials_with_hands(lab, product, found.mask, marks.all)
        product = without_pointers(product, pointing)
        product &= ~letters_beside(lab, product, likely, marks, found.background.distance)
        product_parts = _pieces(product, product_parts)
    overlays = [make_part(mask, "plate", 0.8) for mask in marks.covers]
    overlays += [
        make_part(mask & ~product, "text", 0.9)
        for mask in marks.writing
        if (mask & ~product).any() and (mask & product).sum() < 0.7 * mask.sum()
    ]
    overlay = union([part.mask for part in overlays], empty) & ~product
    rest = drop_specks(found.mask & ~product & ~overlay, 8)
    for mask in split(rest):
        overlays.append(make_part(mask, _kind(mask), 0.5))
    if found.background.frame.any():
        overlays.append(make_part(found.background.frame, "frame", 0.8))
    agreement = None
    if saliency is not None and product.any():
        agreement = compare(small, product, chosen, likely, saliency, found, marks.all | lines | mirrored, candidates)
    crossings = crossing_lines(lab, product, lines, found.background.distance)
    crossings |= writing_over(lab, product, marks, found.background.distance)
    crossings |= tiled_over(lab, product, marks)
    crossings |= pointing & product
    covered = covered_outline(product, marks.covers)
    return Scene(product, overlay | rest, product_parts, overlays, agreement, crossings, covered)


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
    # Writing across it does not end it.
    thick = grown(thick | (shaded & ~found.mask) | marks.loose, thick)
    x0, y0, x1, y1 = bounds(thick)
    margin = round(0.08 * max(x1 - x0, y1 - y0)) + 4
    window = slice(max(0, y0 - margin), y1 + margin), slice(max(0, x0 - margin), x1 + margin)
    saliency[window] = see(np.ascontiguousarray(picture[window]))
    return saliency


def _least_likely(
    lab: np.ndarray,
    found: Foreground,
    marks: Marks,
    chosen: np.ndarray,
    left_flat: np.ndarray,
    saliency: np.ndarray,
) -> np.ndarray:
    """float32 (h, w): how likely a pixel must be to be product. Plates are known by their writing, so what is neat and
    looks like a box must be more than likely; and so must what the first network does not see, and rules had not
    `chosen` or only as faint: shadows, and the background between things; and faint pieces of one colour that rules
    had `left_flat`: shapes drawn on the background. What is no background by far, what rules had chosen and the first
    network half sees, is product unless the second one is sure that it is none. `saliency` float32 (h, w).

    Where nobody knows the background, the networks are as sure of plates as of products: there what is of one very
    colour is none. `lab` float32 (h, w, 3)."""
    least = np.where(marks.plates, np.float32(_SURE), np.float32(0.5))
    if found.background.sure:
        faint = found.background.distance < FAINT
        least[((saliency < 0.1) & (~chosen | faint)) | (left_flat & faint)] = _SURE
        least[chosen & (found.background.distance > STRONG) & (saliency > 0.3) & ~marks.all & ~marks.text] = _HALF_SURE
    else:
        drawn = union(
            [plate for plate in marks.plate_masks if is_unshaded(lab, plate, marks.text)], np.zeros_like(marks.plates)
        )
        least[cv2.erode(drawn.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0] = 1.0
    return least


def _additions(product: np.ndarray, chosen: np.ndarray, likely: np.ndarray | None) -> np.ndarray:
    """bool (h, w): small pieces that rules had not `chosen`. They know what lenses, barcodes and other things beside
    the product are; the networks go by looks, and are believed where the background is known, they are sure, and it
    looks like no lens: `likely` float32 (h, w), None elsewhere. Of a range, only what is smaller than its things; none
    where rules and networks saw different products."""
    if (product & chosen).sum() < 0.9 * chosen.sum():
        return np.zeros_like(product)
    limit = _LEAST_ADDED * product.sum()
    usual = usual_size(chosen)
    if usual is not None:
        limit = min(limit, 0.25 * usual)
    added = [piece for piece in split(product) if piece.sum() < limit and (piece & chosen).sum() < 0.2 * piece.sum()]
    if likely is not None:
        added = [piece for piece in added if likely[piece].mean() < _SURE or is_detail(make_part(piece, "", 0.0))]
    return union(added, np.zeros_like(product))


def _insets(found: Foreground, product: np.ndarray, candidates: list[Part], chosen: list[Part]) -> np.ndarray:
    """bool (h, w): pieces beside a product that stands before the background: inset photos in panels of their own,
    magnified details that it clips, and lenses and insets smaller than the product, which the networks see too: rules
    had left these. They look like products to the networks."""
    if chosen[0].set_in > SET_IN:
        return np.zeros_like(product)
    left = [part for part in candidates if not any(part is one for one in chosen) and (part.mask & product).any()]
    best = chosen[0].mask
    most = best.sum() if (best & product).sum() > 0.5 * best.sum() else 0
    lying = union(
        [
            part.mask
            for part in left
            if part.set_in > 0.9 or is_clipped(part) or (part.mask.sum() < most and is_detail(part))
        ],
        np.zeros_like(product),
    )
    panels = [panel for panel in _panels(found.mask) if not (panel & chosen[0].mask).any()]
    return union(
        [
            piece
            for piece in split(product)
            if (piece & lying).sum() > 0.5 * piece.sum()
            or any((piece & panel).sum() > 0.95 * piece.sum() and piece.sum() < 0.7 * panel.sum() for panel in panels)
        ],
        np.zeros_like(product),
    )


def _panels(foreground: np.ndarray) -> list[np.ndarray]:
    """Pieces of the `foreground` bool (h, w) that fill an upright rectangle, each bool (h, w), without holes: of a
    fiftieth of the picture or more, and so much less than half of it that they are no half of a collage."""
    panels = []
    for piece in split(foreground):
        x0, y0, x1, y1 = bounds(piece)
        share = (x1 - x0) * (y1 - y0) / piece.size
        if 0.02 < share < 0.3 and fill_holes(piece).sum() > 0.95 * (x1 - x0) * (y1 - y0):
            panels.append(fill_holes(piece))
    return panels


def _rest_of_range(product: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """bool (h, w): of a range, those things that rules had `chosen` and the network lost, or a third of them: it sees
    each of them small.
    Nothing much larger than all of them, which is ground; none of a product that is not a range."""
    usual = usual_size(product)
    if usual is None:
        return np.zeros_like(product)
    most = max(4 * usual, 1.5 * max(piece.sum() for piece in split(product)))
    lost = [
        piece
        for piece in split(chosen)
        if 0.25 * usual < piece.sum() < most and (piece & product).sum() < 0.7 * piece.sum()
    ]
    return union(lost, np.zeros_like(product))


def _pieces(product: np.ndarray, chosen: list[Part]) -> list[Part]:
    """The pieces of `product` bool (h, w), best first, each with the score of what was chosen there."""
    scored = [
        (max((part.score for part in chosen if (part.mask & piece).any()), default=chosen[-1].score), piece)
        for piece in split(product)
    ]
    return [make_part(piece, chosen[0].label, score) for score, piece in sorted(scored, key=lambda one: -one[0])]


def _seen_lines(lines: np.ndarray, marks: np.ndarray, accented: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    """Those of the `lines` bool (h, w) that the network takes for product, that begin at no overlay in `marks`, and are
    not in the overlays' colours."""
    count, labels = cv2.connectedComponents(lines.astype(np.uint8), connectivity=8)
    areas = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    keep = np.bincount(labels.ravel(), saliency.ravel(), minlength=count) / areas > 0.75
    keep &= np.bincount(labels[accented], minlength=count) / areas < ACCENTED
    near = cv2.dilate(marks.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
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


def _kind(mask: np.ndarray) -> str:
    height, width = mask.shape
    x0, y0, x1, y1 = bounds(mask)
    if max(x1 - x0, y1 - y0) > 0.9 * max(height, width) and mask.sum() < 0.2 * (x1 - x0) * (y1 - y0):
        return "frame"
    if thickness(mask) < 0.012 * max(height, width) and max(x1 - x0, y1 - y0) > 0.08 * max(height, width):
        return "callout line"
    return "icon" if mask.mean() < 0.02 else "badge"
