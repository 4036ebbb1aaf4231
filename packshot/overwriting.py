"""Writing laid over the product: watermarks, and captions that run from the background onto it."""

import cv2
import numpy as np

from packshot.compose import fill_holes
from packshot.marks import Marks
from packshot.plates import commonest
from packshot.quads import fill_quad, line_height
from packshot.watermarks import on_its_side

_SLANT = 8.0
"""Degrees; what is printed on a product may lean, but not at the very angle of what floats beside it."""
_INK = 6.0
_OTHER_LIGHT = 8.0
_SAME_INK = 10.0
_COLOURED = 25.0
"""Lab units."""


def writing_over(lab: np.ndarray, product: np.ndarray, marks: Marks, unlike: np.ndarray) -> np.ndarray:
    """bool (h, w): strokes over `product` bool (h, w) that belong to writing beside it: a text box that reaches over
    the outline, or one at the slant and of the size of at least four that float. At a slant that no other box has,
    writing goes on where the reader lost it.

    `lab` float32 (h, w, 3); `unlike` float32 (h, w), the colour distance from the background.
    """
    found = np.zeros(product.shape, bool)
    angles = np.array([_angle(quad) for quad in marks.quads])
    heights = np.array([max(1.0, line_height(quad)) for quad in marks.quads])
    shares = np.array([(mask & product).sum() / max(1, mask.sum()) for mask in marks.writing])
    floats = np.array([bool((mask & marks.loose).sum() > 0.9 * mask.sum()) for mask in marks.writing], bool)
    for k, mask in enumerate(marks.writing):
        if shares[k] < 0.05 or (mask & marks.plates).any():
            continue
        alike = floats & (shares < 0.5) & (_apart(angles, angles[k]) < 4) & (abs(heights / heights[k] - 1) < 0.35)
        tiled = abs(angles[k]) > _SLANT and alike.sum() >= 4
        crossing = (floats[k] and shares[k] < 0.9) or _reaches_over(mask & ~product, unlike, heights[k])
        if not (tiled or crossing):
            continue
        beside = mask & ~product
        for other in np.flatnonzero(alike) if tiled else ():
            beside |= marks.writing[other] & ~product
        inside = mask & product
        if abs(angles[k]) > _SLANT and not (_apart(np.delete(angles, k), angles[k]) < 2 * _SLANT).any():
            inside = fill_quad(_lengthened(marks.quads[k], max(product.shape)), product.shape) & product
        found |= _strokes(lab, product, inside, beside, unlike, heights[k])
        if crossing:
            same = (shares >= 0.9) & (_apart(angles, angles[k]) < 4) & (abs(heights / heights[k] - 1) < 0.35)
            lines = [marks.writing[other] for other in np.flatnonzero(same)]
            found |= _in_same_ink(lab, product, lines, beside & (unlike > _INK), marks.text)
    return found


def _in_same_ink(
    lab: np.ndarray, product: np.ndarray, lines: list[np.ndarray], written: np.ndarray, text: np.ndarray
) -> np.ndarray:
    """bool (h, w): the strokes of those `lines`, text boxes on the product, that are in a strong colour in which there
    is `written` beside it, and which `product` has nowhere but in `text`: captions in several lines. All bool
    (h, w); `lab` float32 (h, w, 3)."""
    found = np.zeros_like(product)
    if not lines or not written.any():
        return found
    ink = commonest(lab[written])
    alike = product & (np.linalg.norm(lab - ink, axis=2) < _SAME_INK)
    if np.hypot(*ink[1:]) < _COLOURED or (alike & ~text).sum() > 0.005 * product.sum():
        return found
    for line in lines:
        if 0.03 < (alike & line).sum() / line.sum() < 0.6:
            found |= cv2.dilate((alike & line).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return found & product


def letters_beside(
    lab: np.ndarray, product: np.ndarray, likely: np.ndarray, marks: Marks, unlike: np.ndarray
) -> np.ndarray:
    """bool (h, w): letters of writing laid over `product` bool (h, w) that hang on its outline, so that they were taken
    for a part of it: in a text box that floats, of the colour of the letters that stand free. Where the
    product is of that colour too, only what is not `likely` product, float32 (h, w), Lab float32 (h, w, 3) and `unlike`
    float32 (h, w) as in `writing_over`."""
    found = np.zeros_like(product)
    angles = np.array([_angle(quad) for quad in marks.quads])
    for k, mask in enumerate(marks.writing):
        height = line_height(marks.quads[k])
        over = (mask & product).sum() / max(1, mask.sum())
        if (mask & marks.loose).sum() < 0.9 * mask.sum():
            found |= _hanging(lab, product, mask & ~marks.plates, unlike, height)
            continue
        if not 0.02 < over < 0.6:
            continue
        box = mask
        if abs(angles[k]) > _SLANT and not (_apart(np.delete(angles, k), angles[k]) < 2 * _SLANT).any():
            box = fill_quad(_lengthened(marks.quads[k], max(product.shape)), product.shape)
        free = mask & (unlike > _INK) & ~(cv2.dilate(product.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
        if free.sum() < max(1, 0.3 * height * height):
            continue
        colour = commonest(lab[free])
        alike = product & (np.linalg.norm(lab - colour, axis=2) < _SAME_INK)
        letters = alike & box
        if (alike & ~box).sum() > 0.02 * product.sum():
            letters &= likely < 0.9
        rim = cv2.dilate(letters.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        gone = rim & box & product
        # Strokes on the product are filled in, not cut out.
        wide = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (round(0.4 * height) | 1,) * 2)
        kept = cv2.morphologyEx((product & ~gone).astype(np.uint8), cv2.MORPH_CLOSE, wide) > 0
        found |= gone & ~fill_holes(kept)
    return found


def _hanging(lab: np.ndarray, product: np.ndarray, box: np.ndarray, unlike: np.ndarray, height: float) -> np.ndarray:
    """bool (h, w): strokes of one colour, of three letters or more, that hang on the outline of `product` bool (h, w)
    in a text `box` bool (h, w) that lies across it. `lab`, `unlike` and `height` as in `writing_over`."""
    none = np.zeros_like(product)
    width = round(0.4 * height) | 1
    solid = cv2.morphologyEx(
        product.astype(np.uint8), cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    )
    strokes = product & ~(cv2.dilate(solid, np.ones((3, 3), np.uint8)) > 0) & (unlike > _INK)
    if not (box & strokes).any() or not (box & (solid > 0)).any():
        return none
    alike = strokes & (np.linalg.norm(lab - commonest(lab[box & strokes]), axis=2) < _SAME_INK)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(alike.astype(np.uint8), connectivity=8)
    # Legs and tassels go on beyond the box.
    letters = np.bincount(labels[box], minlength=count) > 0.8 * stats[:, cv2.CC_STAT_AREA]
    letters[0] = False
    tall = letters & (stats[:, cv2.CC_STAT_HEIGHT] > 0.15 * height)
    inked = letters[labels]
    if tall.sum() < 3 or inked.sum() < 0.6 * (box & strokes).sum():
        return none
    return (cv2.dilate(inked.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & product & (solid == 0) & box


def _reaches_over(outside: np.ndarray, unlike: np.ndarray, height: float) -> bool:
    """Whether there is a letter or two in what of a text box lies `outside` the product, bool (h, w): what is printed
    on a product does not leave it. `unlike` float32 (h, w), Lab units from the background; `height` of the writing,
    px."""
    return bool(outside.sum() > 1.5 * height * height and 0.08 < (unlike[outside] > _INK).mean() < 0.6)


def _lengthened(quad: np.ndarray, by: float) -> np.ndarray:
    """The box `quad` float32 (4, 2) with `by` px more at both ends of its longer sides, float32 (4, 2)."""
    along, down = quad[1] - quad[0], quad[3] - quad[0]
    wide = np.linalg.norm(along) >= np.linalg.norm(down)
    way, ends = (along, (-1, 1, 1, -1)) if wide else (down, (-1, -1, 1, 1))
    return quad + np.float32(by / max(1e-6, float(np.linalg.norm(way))) * np.outer(ends, way))


def _strokes(
    lab: np.ndarray, product: np.ndarray, inside: np.ndarray, beside: np.ndarray, unlike: np.ndarray, height: float
) -> np.ndarray:
    """bool (h, w): `inside` the product, what is darker than around it, or lighter, as the same writing is in `beside`;
    the other way where the product is beyond the writing's own lightness. `lab` float32 (h, w, 3); `product`, `inside`
    and `beside` bool (h, w); `unlike` float32 (h, w), Lab units from the background; `height` of the writing, px."""
    if not inside.any() or not beside.any():
        return np.zeros_like(inside)
    reach = max(3, round(0.5 * height))
    rows, cols = np.flatnonzero((inside | beside).any(axis=1)), np.flatnonzero((inside | beside).any(axis=0))
    window = slice(max(0, rows[0] - reach), rows[-1] + reach + 1), slice(max(0, cols[0] - reach), cols[-1] + reach + 1)
    light = lab[window][..., 0]
    step = on_its_side(light, product[window], 0.5 * reach + 1)
    written = beside[window] & (unlike[window] > _INK)
    if written.sum() < 8:
        return np.zeros_like(inside)
    usual = float(np.median(step[written]))
    strong = written & (np.sign(usual) * step >= abs(usual))
    own = step[inside[window]]
    other = float(np.median(light[strong]) - np.median(light[inside[window]] - own))
    # Writing that lets the product through may be darker than it or lighter: strokes are few, and differ most.
    darkest, lightest = np.percentile(own, (3, 97))
    flipped = np.sign(other) != np.sign(usual) and abs(other) > _OTHER_LIGHT and other * (lightest + darkest) > 0
    sign = np.sign(other if flipped else usual)
    contrast = min(abs(usual), lightest if sign > 0 else -darkest)
    strokes = (sign * step > max(3.0, 0.3 * contrast)) & inside[window]
    if not 0.03 < strokes.sum() / max(1, inside.sum()) < 0.6:
        return np.zeros_like(inside)
    found = np.zeros_like(inside)
    found[window] = (cv2.dilate(strokes.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & inside[window]
    return found


def _angle(quad: np.ndarray) -> float:
    """Degrees in (-90, 90] of a text box's longer side."""
    along, down = quad[1] - quad[0], quad[3] - quad[0]
    x, y = along if np.linalg.norm(along) >= np.linalg.norm(down) else down
    angle = float(np.degrees(np.arctan2(y, x)))
    return angle - 180 if angle > 90 else angle + 180 if angle <= -90 else angle


def _apart(angles: np.ndarray, angle: float) -> np.ndarray:
    apart = abs(angles - angle) % 180
    return np.minimum(apart, 180 - apart)
