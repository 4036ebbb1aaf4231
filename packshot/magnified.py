"""Magnified details without a rim, such as a white one on white: round pieces beside the product that show a part of it
once more, larger."""

import cv2
import numpy as np

from packshot.badges import circles_through, sampled
from packshot.compose import fill_holes
from packshot.parts import Part, outline_points

_TURNS = 72
_LEAST_ARC = 0.25
_ZOOMS = np.geomspace(1.4, 3.4, 12)
_UNDER = 0.3
"""Of the radius."""
_REST = 0.5
"""Of what it shows a part of: things of one kind and several sizes are like each other."""
_LEAST_SCORE = 0.01
_MOST = 4
_BLUR = 1.2
"""px."""
_INNER = 0.68
"""Of the radius: without the rim, and without the ring that marks the place on the product."""
_ALIKE = 0.14
"""Of the detail's own contrast: how far it may differ from what it shows."""


def magnified(small: np.ndarray, candidates: list[Part], quads: list[np.ndarray]) -> list[np.ndarray]:
    """Round windows in which candidates lie that end at them and show a part of another one, which is not smaller than
    a third of them: each bool (h, w). `small` RGB uint8 (h, w, 3), `quads` the text boxes (4, 2).

    Bowls and balls are as round, and their plain edges are like many others; but they stand upright. What does must be
    the very same as a part of something larger.
    """
    found = []
    # A fine weave is not the same twice.
    soft = cv2.GaussianBlur(small, (0, 0), _BLUR)
    captioned = [_captioned(part, quads) if part.score > _LEAST_SCORE else None for part in candidates]
    # Each thing of a range has a caption.
    is_range = sum(circle is not None for circle in captioned) > _MOST
    for part, under in zip(candidates, captioned, strict=True):
        if part.score <= _LEAST_SCORE:
            continue
        # Of thin things little lies at the window's edge: its caption tells.
        arc = _circle_around(part)
        circle = arc or (None if is_range else under)
        if circle is None or _goes_on(part, circle, candidates):
            continue
        upright = part.mask if _is_upright(part) else None
        others = [other for other in candidates if other is not part and 3 * other.mask.sum() > part.mask.sum()]
        rest = _REST if arc is None or upright is not None else 0.0
        if any(_shows(small, soft, circle, other, upright, rest) for other in others[:_MOST]):
            x, y, radius = circle
            disc = np.zeros(part.mask.shape, np.uint8)
            cv2.circle(disc, (round(x), round(y)), round(radius + 2), 1, cv2.FILLED)
            found.append(disc > 0)
    return found


def _goes_on(part: Part, circle: tuple[float, float, float], candidates: list[Part]) -> bool:
    """Whether other candidates go on where a part ends at its circle: a ring that marks a place on the product."""
    x, y, radius = circle
    side = max(part.mask.shape)
    turns = np.linspace(0, 2 * np.pi, _TURNS, endpoint=False)
    others = np.any([other.mask for other in candidates if other is not part] or [np.zeros_like(part.mask)], axis=0)
    ends = sampled(part.mask, x, y, radius - 0.008 * side, turns)
    beyond = sampled(others, x, y, radius + 0.02 * side, turns)
    return bool(ends.any() and beyond[ends].mean() > 0.3)


def _is_upright(part: Part) -> bool:
    """Whether a part is its own mirror image."""
    x0, y0, x1, y1 = part.xyxy
    piece = fill_holes(part.mask[y0:y1, x0:x1])
    return bool((piece & piece[:, ::-1]).sum() > 0.93 * (piece | piece[:, ::-1]).sum())


def _circle_around(part: Part) -> tuple[float, float, float] | None:
    """The circle (x, y, radius) that a part fills up to, if a quarter of it is in the outline."""
    points = outline_points(part)
    if points is None:
        return None
    count, side = len(points), max(part.mask.shape)
    best, most = None, _LEAST_ARC
    for gap in (count // 24, count // 12, count // 8, count // 6):
        circles = circles_through(points, np.roll(points, -gap, axis=0), np.roll(points, -2 * gap, axis=0))
        circles = circles[(circles[:, 2] > 0.06 * side) & (circles[:, 2] < 0.3 * side)]
        away = points[None] - circles[:, None, :2]
        off = np.hypot(away[..., 0], away[..., 1]) - circles[:, 2:]
        around = (off <= np.maximum(1.5, 0.03 * circles[:, 2:])).all(axis=1)
        on = np.abs(off) < np.maximum(1.0, 0.015 * circles[:, 2:])
        turns = np.floor(np.arctan2(away[..., 1], away[..., 0]) / (2 * np.pi) * _TURNS)
        for k in np.flatnonzero(around):
            share = len(np.unique(turns[k][on[k]])) / _TURNS
            if share > most:
                best, most = tuple(map(float, circles[k])), share
    return best


def _captioned(part: Part, quads: list[np.ndarray]) -> tuple[float, float, float] | None:
    """The smallest circle (x, y, radius) around a part, if a text box stands under the middle of it."""
    outlines, _ = cv2.findContours(part.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    (x, y), radius = cv2.minEnclosingCircle(np.concatenate(outlines))
    side = max(part.mask.shape)
    if not 0.06 * side < radius < 0.3 * side:
        return None
    for quad in quads:
        across, down = quad.mean(axis=0) - (x, y)
        if abs(across) < _UNDER * radius and 0.7 * radius < down < radius + 0.1 * side:
            return x, y, radius
    return None


def _shows(
    small: np.ndarray,
    soft: np.ndarray,
    circle: tuple[float, float, float],
    other: Part,
    upright: np.ndarray | None,
    rest: float,
) -> bool:
    """Whether what lies in a circle is somewhere on another part, smaller, and more than the share `rest` of that part
    lies elsewhere; if what lies there is `upright`, bool (h, w), this itself, whatever is around it. `soft`: `small`,
    blurred."""
    x, y, radius = circle
    height, width = small.shape[:2]
    x0, y0, x1, y1 = (round(v) for v in (x - radius, y - radius, x + radius + 1, y + radius + 1))
    u0, v0, u1, v1 = max(0, x0), max(0, y0), min(width, x1), min(height, y1)
    detail = small[v0:v1, u0:u1].astype(np.float32)
    rows, cols = np.mgrid[v0:v1, u0:u1]
    inner = (np.hypot(cols - x, rows - y) < _INNER * radius).astype(np.float32)
    if upright is not None:
        inner *= cv2.erode(upright[v0:v1, u0:u1].astype(np.uint8), np.ones((7, 7), np.uint8))  # as far as the blur
    if inner.sum() < 100:
        return False
    contrast = float(np.sqrt(detail[inner > 0].var(axis=0).sum()))
    if contrast < 1:
        return False  # what is of one colour is like anything of that colour
    reach = round(radius)
    left, top, right, bottom = other.xyxy
    window = slice(max(0, top - reach), bottom + reach), slice(max(0, left - reach), right + reach)
    picture, mask = soft[window].astype(np.float32), other.mask[window]
    unlike, elsewhere = [], []
    for zoom in _ZOOMS:
        size_wh = round(detail.shape[1] / zoom), round(detail.shape[0] / zoom)
        if min(size_wh) < 8 or size_wh[0] > picture.shape[1] or size_wh[1] > picture.shape[0]:
            continue
        sample = cv2.GaussianBlur(cv2.resize(detail, size_wh, interpolation=cv2.INTER_AREA), (0, 0), _BLUR)
        within = (cv2.resize(inner, size_wh, interpolation=cv2.INTER_AREA) > 0.9).astype(np.float32)
        if within.sum() < 20:
            continue
        errors = cv2.matchTemplate(picture, sample, cv2.TM_SQDIFF, mask=np.dstack([within] * 3))
        least, _, (col, row), _ = cv2.minMaxLoc(errors)
        unlike.append(np.sqrt(max(0.0, least) / within.sum()) / contrast)
        elsewhere.append(1 - mask[row : row + size_wh[1], col : col + size_wh[0]].sum() / max(1, mask.sum()))
    return bool(unlike) and min(unlike) < _ALIKE and elsewhere[int(np.argmin(unlike))] > rest
