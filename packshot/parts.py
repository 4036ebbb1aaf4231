"""Pieces of a photo's foreground, and what each looks like: a lens, an inset photo, a plate, a drawing, a document."""

from dataclasses import dataclass

import cv2
import numpy as np

from packshot.background import Background
from packshot.badges import circles_through
from packshot.compose import fill_holes, signed_distance
from packshot.marks import Marks
from packshot.plates import ellipse_fit, is_geometric

_TURNS = 72
_RANGE = 4


@dataclass(slots=True)
class Part:
    """A piece of the foreground: bool mask (h, w), xyxy in its pixels, what it is, and how much it looks like that;
    `seen`, its mean saliency in [0, 1]; `strength`, its mean colour distance from the background; `set_in`, how much of
    what is around it is neither background nor another piece, in [0, 1]."""

    mask: np.ndarray
    xyxy: tuple[int, int, int, int]
    label: str
    score: float
    seen: float = 0.0
    strength: float = 0.0
    set_in: float = 0.0


def split(mask: np.ndarray) -> list[np.ndarray]:
    """The 8-connected pieces of `mask` bool (h, w), each bool (h, w), largest first, at most 60."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    order = np.bincount(labels.ravel(), minlength=count)[1:].argsort()[::-1][:60]
    return [labels == label + 1 for label in order]


def usual_size(product: np.ndarray) -> float | None:
    """px of the middle one of a range's things; None for fewer than four pieces."""
    sizes = [int(piece.sum()) for piece in split(product) if piece.sum() > 0.001 * piece.size]
    return float(np.median(sizes)) if len(sizes) >= _RANGE else None


def make_part(mask: np.ndarray, label: str, score: float) -> Part:
    return Part(mask, bounds(mask), label, score)


def bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """xyxy in pixels of what is set in `mask` bool (h, w); the ends are exclusive."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1


def is_cut(part: Part) -> bool:
    """Whether the photo's edge cuts a part off."""
    x0, y0, x1, y1 = part.xyxy
    height, width = part.mask.shape
    return x0 <= 1 or y0 <= 1 or x1 >= width - 1 or y1 >= height - 1


def is_disc(part: Part) -> bool:
    """A pale detail leaves a gap in a lens: its hull counts."""
    x0, y0, x1, y1 = part.xyxy
    if not 0.9 < (x1 - x0) / (y1 - y0) < 1.1:
        return False
    piece = part.mask[y0:y1, x0:x1].astype(np.uint8)
    hull = cv2.convexHull(cv2.findNonZero(piece))
    round_ = cv2.fillConvexPoly(np.zeros_like(piece), hull, 1) > 0
    return fill_holes(piece > 0).sum() > 0.6 * round_.sum() and ellipse_fit(np.pad(round_, 1)) > 0.95


def outline_points(part: Part) -> np.ndarray | None:
    """Points along a part's outline, 240 to 480 where it is long, float32 (n, 2), xy; None for a part too small to have
    a form."""
    if part.mask.mean() < 0.004:
        return None
    contours, _ = cv2.findContours(part.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=len)[:, 0].astype(np.float32)
    points = outline[:: max(1, len(outline) // 240)]
    return points if len(points) >= 40 else None


def is_clipped(part: Part) -> bool:
    """A lens without a rim, on the background's own colour: more than half of its circle is outline, and more than a
    fifth of it is empty; or most of it is outline, and the product took a bite. Things with round outlines fill
    them."""
    points = outline_points(part)
    if points is None:
        return False
    count, side = len(points), max(part.mask.shape)
    filled = fill_holes(part.mask).sum()
    for gap in (count // 24, count // 12, count // 8, count // 6, count // 4):
        circles = circles_through(points, np.roll(points, -gap, axis=0), np.roll(points, -2 * gap, axis=0))
        radii = circles[:, 2]
        circles = circles[(radii > 0.06 * side) & (radii < 0.3 * side) & (filled <= 0.93 * np.pi * radii * radii)]
        away = points[None] - circles[:, None, :2]
        off = np.hypot(away[..., 0], away[..., 1]) - circles[:, 2:]
        around = (off <= np.maximum(1.5, 0.03 * circles[:, 2:])).all(axis=1)
        on = np.abs(off) < np.maximum(1.0, 0.02 * circles[:, 2:])
        turns = np.floor(np.arctan2(away[..., 1], away[..., 0]) / (2 * np.pi) * _TURNS)
        # A bowl has a half.
        least = np.where(filled <= 0.78 * np.pi * circles[:, 2] ** 2, 0.56, 0.7)
        if any(len(np.unique(turns[k][on[k]])) > least[k] * _TURNS for k in np.flatnonzero(around)):
            return True
    return False


def is_inset(part: Part) -> bool:
    """An upright rectangle by an edge of the photo: another photo, set into this one."""
    x0, y0, x1, y1 = part.xyxy
    height, width = part.mask.shape
    margin = 0.04 * max(height, width)
    at_edge = x0 <= margin or y0 <= margin or x1 >= width - margin or y1 >= height - margin
    share = (x1 - x0) * (y1 - y0) / part.mask.size
    return at_edge and 0.05 < share < 0.7 and fill_holes(part.mask[y0:y1, x0:x1]).mean() > 0.97


def is_detail(part: Part) -> bool:
    """A lens, or an inset photo."""
    return is_disc(part) or is_clipped(part) or is_inset(part)


def is_line_art(colours: np.ndarray, background: Background, window: tuple[slice, slice], piece: np.ndarray) -> bool:
    """Whether a piece is a drawing: the background's own colour between strong grey lines."""
    if background.busy:
        return False
    distance = background.distance[window][piece]
    blank = distance < background.threshold[window][piece]
    if blank.mean() < 0.45 or not (~blank).any():
        return False
    chroma = np.linalg.norm(colours[~blank, 1:] - background.lab[window][piece][~blank, 1:], axis=1)
    return bool(np.percentile(distance[~blank], 60) > 15 and np.percentile(chroma, 90) < 10)


def is_flat(part: Part, lab: np.ndarray) -> bool:
    """Whether all of a part but its rim is of one colour, as drawn letters and icons are."""
    inside = cv2.erode(part.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    colours = lab[inside]
    return len(colours) > 0 and bool((np.linalg.norm(colours - np.median(colours, axis=0), axis=1) < 4).mean() > 0.85)


def is_card(part: Part) -> bool:
    """A rectangle drawn with a thin line, with little in it."""
    filled = fill_holes(part.mask)
    if part.mask.sum() > 0.55 * filled.sum() or not is_geometric(filled, 0.9):
        return False
    inwards = signed_distance(filled) / max(filled.shape)
    behind_line = (inwards > 0.012) & (inwards < 0.02)
    return bool(part.mask[behind_line].mean() < 0.35) if behind_line.any() else False


def is_document(part: Part, marks: Marks) -> bool:
    """A rectangle with many lines of writing: a certificate, a table."""
    lines = sum((mask & part.mask).sum() > 0.3 * max(1, mask.sum()) for mask in marks.writing)
    return lines >= 6 and is_geometric(fill_holes(part.mask), 0.9)


def is_drawn(part: Part, lab: np.ndarray) -> bool:
    return is_flat(part, lab) or is_card(part) or is_disc(part) or is_clipped(part)


def written_share(part: Part, writing: np.ndarray) -> float:
    filled = fill_holes(part.mask)
    return float((filled & writing).sum() / filled.sum())
