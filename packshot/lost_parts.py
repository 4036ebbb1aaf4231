"""Parts of a product that both networks lost: dials, screens, large parts in bold colours, and the insides of pale
tubes. What rules had chosen is believed where the background is known; a dial with hands in its case, everywhere."""

import cv2
import numpy as np

from packshot.background import tint
from packshot.compose import drop_specks, fill_holes
from packshot.dials import dials
from packshot.foreground import Foreground
from packshot.fusion import TINT
from packshot.marks import Marks, union
from packshot.parts import is_flat, make_part, split, usual_size
from packshot.plates import commonest

FAINT, STRONG = 30, 40
"""Lab units from the background."""
_COLOURED = 12
"""Lab units."""
_FADING = 4
"""Lab units; a grey dial is of one colour."""
_LEAST_LOST = 0.1
"""Share of what rules had chosen."""
_LEAST_OF_RANGE = 0.3
"""Share of a range's usual thing."""
_LEAST_DIAL = 0.05
"""Share of the product."""
_ONE_SCENE = 6
"""Lab units."""
_FACE, _HANDS, _OTHER_THAN_AROUND = 8, 20, 8
"""Lab units from a dial's own colour: its face, its hands and marks, the background."""
_LEAST_FACE, _LEAST_HANDS = 0.75, 0.02
"""Shares of a dial."""
_LEAST_LOST_FACE = 0.01
"""Share of the product."""
_MOST_LOST = 3
_ENCLOSED, _HALF_ENCLOSED = 0.78, 0.65
"""Share of what is around a dial, and is no overlay."""
_TUBE = 0.04
"""Share of the picture's longer side: tubes are at most as wide."""
_OWN_OUTLINE = 0.3
"""Share of what is around a tube."""
_LINE = 7
"""px; a tube's outlines are thinner."""
_PALE, _ONE_SHADE = 2.0, 1.5
"""Lab units: at least from the background, and within a tube."""


def lost_dials(
    lab: np.ndarray, found: Foreground, product: np.ndarray, chosen: np.ndarray, marks: np.ndarray
) -> np.ndarray:
    """bool (h, w): holes in the product that rules had `chosen` whole, and large or round ones that are all but closed.
    Rules know the background's colour; the networks take dials, bowls and screens for openings. None of those in which
    the background lies in shade. `lab` float32 (h, w, 3); `marks` bool (h, w), overlays."""
    holes = split(fill_holes(product) & ~product)
    openings = [hole for hole in holes if (hole & chosen).sum() > 0.9 * hole.sum()]
    for piece in _lost(product, chosen, int(_LEAST_DIAL * product.sum())):
        ring = (cv2.dilate(piece.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0) & ~piece & ~marks
        coloured = _tint(lab, found, piece) > 2 * TINT and not is_flat(make_part(piece, "", 0.0), lab)
        if ring.any() and product[ring].mean() > (_HALF_ENCLOSED if coloured else _ENCLOSED):
            openings.append(piece)
    whole = cv2.morphologyEx(chosen.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)) > 0
    openings += split(dials(whole, product, max(product.shape)))
    openings = [
        opening
        for opening in openings
        if not _is_shade(lab, found, opening) and not _shows_scenery(lab, found, opening, product | chosen)
    ]
    return union(openings, np.zeros_like(product))


def dials_with_hands(lab: np.ndarray, product: np.ndarray, foreground: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """bool (h, w): round openings in `product` bool (h, w) that are faces of clocks and watches: of one colour, which
    is not that of what is seen around the product, but for hands and marks. A part of a face may be in `product`, if
    the rest is in the `foreground` bool (h, w). `lab` float32 (h, w, 3); `marks` bool (h, w), overlays, of which nobody
    knows what is under them."""
    taken = np.zeros_like(product)
    lost = foreground & ~product & ~marks
    pieces = split(drop_specks(lost, max(20, int(_LEAST_LOST_FACE * product.sum()))))
    pieces = sorted(pieces, key=np.sum)[-_MOST_LOST:]
    cases = [product, *(product & (np.linalg.norm(lab - commonest(lab[piece]), axis=2) > _FACE) for piece in pieces)]
    for case in cases:
        if (case & ~taken).sum() < 0.3 * product.sum():
            continue
        for disc in split(dials(np.ones_like(product), case, max(product.shape), marks)):
            face = disc & ~marks
            if not (face & taken).any() and _is_face(lab, face, product, marks):
                taken |= face
    return taken


def _is_face(lab: np.ndarray, face: np.ndarray, product: np.ndarray, marks: np.ndarray) -> bool:
    """Whether an opening, bool (h, w), is of one colour, not that of what is around the product, with hands on it."""
    width = 2 * round(np.sqrt(face.sum() / np.pi)) + 1
    core = cv2.erode(face.astype(np.uint8), _disc(max(3, width // 10 | 1))) > 0
    if not core.any():
        return False
    colour = commonest(lab[core])
    off = np.linalg.norm(lab[core] - colour, axis=1)
    if (off < _FACE).mean() <= _LEAST_FACE or (off > _HANDS).mean() <= _LEAST_HANDS:
        return False
    apart = cv2.distanceTransform((~(face | product)).astype(np.uint8), cv2.DIST_L2, 5)
    around = (apart > 4.5) & (apart <= width / 2) & ~marks
    return bool(around.any() and np.linalg.norm(commonest(lab[around]) - colour) > _OTHER_THAN_AROUND)


def bold_rest(lab: np.ndarray, found: Foreground, marks: Marks, product: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """bool (h, w): large parts of a product that rules had `chosen` and the networks lost, in colours that the
    background has nowhere, not even in shade, and not of one colour, as overlays are. `lab` float32 (h, w, 3)."""
    usual = usual_size(chosen)
    least = int(_LEAST_LOST * chosen.sum() if usual is None else _LEAST_OF_RANGE * usual)
    parts = [
        piece
        for piece in _lost(product, chosen, least)
        if (product & (cv2.dilate(piece.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)).any()
        and found.background.distance[piece].mean() > STRONG
        and np.linalg.norm(tint(lab[piece], found.background.lab[piece]), axis=1).mean() > _COLOURED
        and marks.all[piece].mean() < 0.1
        and not is_flat(make_part(piece, "", 0.0), lab)
    ]
    return union(parts, np.zeros_like(product))


def pale_tubes(found: Foreground, product: np.ndarray, chosen: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """bool (h, w): what lies between the two outlines of a tube that is nearly as pale as the background, such as a
    headband, with those outlines: narrow, in one shade that is not the background's, and along thin lines of the
    product, or of what rules had `chosen` beside it. Between slats there is the background, or its shade between thick
    parts. All bool (h, w); `marks`, overlays."""
    width = round(_TUBE * max(product.shape)) | 1
    lines = product | (chosen & (cv2.dilate(product.astype(np.uint8), _disc(3 * width)) > 0))
    thin = lines & ~(cv2.morphologyEx(lines.astype(np.uint8), cv2.MORPH_OPEN, _disc(_LINE)) > 0)
    closed = cv2.morphologyEx(lines.astype(np.uint8), cv2.MORPH_CLOSE, _disc(width)) > 0
    distance = found.background.distance
    between = closed & ~lines & ~marks & (distance > _PALE)
    tubes = np.zeros_like(product)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        drop_specks(between, 20).astype(np.uint8), connectivity=4
    )
    for label in range(1, count):
        x, y, w, h = stats[label, :4]
        box = slice(max(0, y - 2), y + h + 2), slice(max(0, x - 2), x + w + 2)
        piece = labels[box] == label
        ring = (cv2.dilate(piece.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0) & ~piece
        shades = distance[box][piece]
        even = (np.abs(shades - np.median(shades)) < _ONE_SHADE).mean() > 0.6
        along = lines[box][ring].mean() > 0.7 and thin[box][ring].mean() > 0.4
        if even and along and product[box][ring].mean() > _OWN_OUTLINE:
            tubes[box] |= piece
    near = cv2.dilate(tubes.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return tubes | (thin & near)


def _disc(width: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))


def _lost(product: np.ndarray, chosen: np.ndarray, least: int) -> list[np.ndarray]:
    """The pieces of at least `least` px, each bool (h, w), that rules had `chosen` and the networks lost; rims are
    none."""
    lost = cv2.morphologyEx((chosen & ~product).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return split(drop_specks(lost, max(1, least)))


def _tint(lab: np.ndarray, found: Foreground, where: np.ndarray) -> float:
    """How far the colour of `where` bool (h, w) is from the background's there in any shade, in Lab units."""
    return float(np.linalg.norm(tint(lab[where], found.background.lab[where]).mean(axis=0)))


def _is_shade(lab: np.ndarray, found: Foreground, hole: np.ndarray) -> bool:
    """Whether a hole shows the background as it lies in a shadow: not much darker, unevenly so, and as colourless or
    colourful as elsewhere. `lab` float32 (h, w, 3)."""
    lighter = lab[hole][:, 0] - found.background.lab[hole][:, 0]
    fading = np.ptp(np.percentile(lighter, [10, 90]))
    return bool(0 < -lighter.mean() < FAINT and fading > _FADING and _tint(lab, found, hole) < TINT)


def _shows_scenery(lab: np.ndarray, found: Foreground, hole: np.ndarray, solid: np.ndarray) -> bool:
    """Whether a hole is of a colour that is beside the product as well, and not the background's: a wall behind the
    floor that is known. `solid` bool (h, w): the product with its holes."""
    width = max(5, max(solid.shape) // 34) | 1
    ring = (cv2.dilate(solid.astype(np.uint8), np.ones((width, width), np.uint8)) > 0) & ~solid
    scenery = ring & ~found.background.mask
    if scenery.sum() < 0.3 * ring.sum() or not ring.any():
        return False
    colour = np.median(lab[hole], axis=0)
    alike = np.linalg.norm(lab - colour, axis=2) < _ONE_SCENE
    return bool(alike[hole].mean() > 0.8 and alike[scenery].mean() > 0.25)
