"""Magnified details: round windows with a thin rim that sellers lay over a photo, found by the rim."""

import cv2
import numpy as np

from packshot.compose import fill_holes
from packshot.plates import commonest
from packshot.quads import fill_quad

_TURNS = np.linspace(0, 2 * np.pi, 120, endpoint=False)
_SIDES = 0.085, 0.32  # radii, of the photo's longer side; a smaller ring marks the place that is magnified
_ALIKE = 12.0  # distance in Lab
_MOST = 3
_CROSSED = 0.72
_STRONG = 20  # chroma in Lab
_EMPTY = 0.1
_SAME_GROUND = 15.0  # distance in Lab, shadows and gradients included
_CASED, _FREE = 0.8, 0.55
_FAR = 1.4  # radii


def lenses(small: np.ndarray, lab: np.ndarray, foreground: np.ndarray, quads: list[np.ndarray]) -> list[np.ndarray]:
    """Round windows drawn over the photo, each bool (h, w); none where little would be left of the foreground.

    `small` RGB uint8 (h, w, 3), `lab` float32 (h, w, 3), `foreground` bool (h, w), `quads` the text boxes (4, 2). What
    is photographed is hardly ever of one colour all along a perfect circle; portholes lie inside their product.
    """
    found: list[tuple[float, float, float]] = []
    circles = _circles(small)
    if not len(circles):
        return []
    boxes = [fill_quad(quad, foreground.shape) for quad in quads]
    text = np.any(boxes, axis=0) if boxes else np.zeros_like(foreground)
    centres = np.array([quad.mean(axis=0) for quad in quads], np.float32).reshape(-1, 2)
    grounds = np.array([commonest(lab[box]) if box.any() else (0, 0, 0) for box in boxes], np.float32).reshape(-1, 3)
    for x, y, radius in circles:
        if _is_turned(circles, x, y, radius):
            continue
        circle = _fitted(lab, x, y, radius) or _crossed(lab, text, x, y, radius)
        if circle is None or not _is_window(lab, foreground, *circle):
            continue
        x, y, radius = circle
        # A plate across the rim, in its colour, is none of the window.
        across = _off(grounds, _rim_colour(lab, *circle)) < _ALIKE
        lettered = (~across & (np.hypot(*(centres - (x, y)).T) < 0.8 * radius)).any()
        # What it shows may be a label; a badge is of one colour.
        lettered = lettered and not (_shows_edge(lab, foreground, *circle) or _is_motley(lab, *circle))
        if not lettered and all(np.hypot(x - u, y - v) > 0.3 * max(radius, r) for u, v, r in found):
            found.append(circle)
    if not 0 < len(found) <= _MOST:
        return []
    discs = [_disc(foreground.shape, *circle) for circle in found]
    if any(_in_range(disc, foreground) for disc in discs):
        return []
    windows = np.any(discs, axis=0)
    rest = (fill_holes(foreground & ~windows) & ~windows).sum()
    least = [_least_rest(lab, foreground, circle) for circle in found]
    enough = all(rest >= share * disc.sum() for share, disc in zip(least, discs, strict=True))
    return discs if enough else []


def is_watch(dial: np.ndarray, foreground: np.ndarray) -> bool:
    """Whether a disc, bool (h, w), has a case of `foreground` bool (h, w) all around it, and straps go on from there on
    opposite sides and nowhere else."""
    if not dial.any():
        return False
    rows, cols = np.nonzero(dial)
    x, y, radius = float(cols.mean()), float(rows.mean()), float(np.sqrt(dial.sum() / np.pi))
    shown = foreground | dial
    case, far = (_is_foreground(shown, x, y, away).mean() for away in (radius + max(2.0, 0.05 * radius), _FAR * radius))
    return bool(case > _CASED and far < _FREE and _has_straps(shown, x, y, 1.2 * radius))


def _in_range(disc: np.ndarray, foreground: np.ndarray) -> bool:
    """Whether a disc is one of several things: in rows and columns, or standing in a row: a plate among products."""
    # A plate's own brim, outside its painted ring, joins what stands on both sides of it.
    brim = np.ones((2 * round(0.06 * np.sqrt(disc.sum())) + 5,) * 2, np.uint8)
    others = (foreground & ~(cv2.dilate(disc.astype(np.uint8), brim) > 0)).astype(np.uint8)
    _, _, stats, centres = cv2.connectedComponentsWithStats(others, connectivity=8)
    alike = (stats[1:, cv2.CC_STAT_AREA] > 0.25 * disc.sum()) & (stats[1:, cv2.CC_STAT_AREA] < 2.5 * disc.sum())
    stats, centres = stats[1:][alike], centres[1:][alike]
    rows, cols = np.nonzero(disc)
    size = np.sqrt(disc.sum())
    off = np.abs(centres - (cols.mean(), rows.mean())) < 0.2 * size
    standing = np.abs(stats[:, cv2.CC_STAT_TOP] + stats[:, cv2.CC_STAT_HEIGHT] - rows.max()) < 0.1 * size
    return bool(len(off) >= 3 and off[:, 0].any() and off[:, 1].any()) or int((standing & off[:, 1]).sum()) >= 2


def _circles(small: np.ndarray) -> np.ndarray:
    """x, y, radius, float32 (n, 3): OpenCV's Hough transform, the variant that looks at each circle's support."""
    side = max(small.shape[:2])
    lowest, highest = (int(share * side) for share in _SIDES)
    circles = cv2.HoughCircles(
        cv2.cvtColor(small, cv2.COLOR_RGB2GRAY),
        cv2.HOUGH_GRADIENT_ALT,
        dp=1.5,
        minDist=0.05 * side,
        param1=200,
        param2=0.8,
        minRadius=lowest,
        maxRadius=highest,
    )
    return np.zeros((0, 3), np.float32) if circles is None else circles[0]


def _is_turned(circles: np.ndarray, x: float, y: float, radius: float) -> bool:
    """Whether there is another of the `circles` (n, 3) inside one, about the same centre: pans, plates, and dials."""
    about = np.hypot(*(circles[:, :2] - (x, y)).T) < max(2.0, 0.03 * radius)
    return bool((about & (circles[:, 2] < 0.8 * radius)).any())


def _fitted(lab: np.ndarray, x: float, y: float, radius: float) -> tuple[float, float, float] | None:
    """The circle close to the given one that is most of one colour, if nearly all of it is."""
    best, most = None, 0.97
    for across in (0, -1, 1, -2, 2):
        for up in (0, -1, 1, -2, 2):
            for more in np.arange(-4, 4.1, 0.5):
                colours, inside = _along(lab, x + across, y + up, radius + more)
                if inside.sum() < 60:
                    continue
                alike = _off(colours[inside], np.median(colours[inside], axis=0)) < _ALIKE
                if alike.mean() > most:
                    best, most = (float(x + across), float(y + up), float(radius + more)), float(alike.mean())
    return best


def _crossed(lab: np.ndarray, text: np.ndarray, x: float, y: float, radius: float) -> tuple[float, float, float] | None:
    """The circle close to the given one that is most of one strong colour, if all of it is but for a stretch or two,
    where other overlays cross it; what lies in `text` bool (h, w), the text boxes, does not count."""
    bands = [_along(lab, x, y, radius + more)[0] for more in np.arange(-6, 7)]
    if np.any([np.hypot(band[:, 1], band[:, 2]) > _STRONG for band in bands], axis=0).mean() < _CROSSED:
        return None
    best, most = (x, y, radius), 0.0
    for reach, step in ((6, 2), (1, 0.5)):
        x, y, radius = best
        for across in np.arange(-reach, reach + 0.1, step):
            for up in np.arange(-reach, reach + 0.1, step):
                for more in np.arange(-reach, reach + 0.1, min(1, step)):
                    colours, inside = _along(lab, x + across, y + up, radius + more)
                    if inside.sum() < 60 or np.hypot(*(colour := np.median(colours[inside], axis=0))[1:]) < _STRONG:
                        continue
                    close = float(np.maximum(0, 1 - _off(colours[inside], colour) / _ALIKE).mean())
                    if close > most:
                        best, most = (float(x + across), float(y + up), float(radius + more)), close
    colours, inside = _along(lab, *best)
    off = _off(colours, _rim_colour(lab, *best)) if most else np.full(len(colours), np.inf)
    if (off[inside] < _ALIKE).mean() < _CROSSED:
        return None
    exact = np.percentile(off[inside & (off < _ALIKE)], 80) < 0.6 * _ALIKE
    written = _along(text[..., None].astype(np.float32), *best)[0][:, 0] > 0
    other = np.tile(inside & (off >= _ALIKE) & ~written, 3)[None].astype(np.uint8)
    # A point where two colours mix is no stretch.
    other = cv2.morphologyEx(other, cv2.MORPH_CLOSE, np.ones((1, 5), np.uint8))
    other = cv2.morphologyEx(other, cv2.MORPH_OPEN, np.ones((1, 3), np.uint8))[0, len(off) : 2 * len(off)] > 0
    return best if exact and (other & ~np.roll(other, 1)).sum() <= 2 else None


def _is_window(lab: np.ndarray, foreground: np.ndarray, x: float, y: float, radius: float) -> bool:
    """Whether another picture begins within the rim, and the rim lies over what is around it."""
    colour, inside = _rim_colour(lab, x, y, radius), _along(lab, x, y, radius)[1]
    step = max(2.0, radius / 9)
    within, beyond = (_off(_along(lab, x, y, radius + away)[0], colour) > 10 for away in (-step, step))
    product = _product_around(foreground, x, y, radius)
    if _has_brim(foreground, x, y, radius, inside & ~product):
        return False
    # A headband's arc is as round, but within it the background goes on.
    middle = _disc(foreground.shape, x, y, 0.5 * radius)
    around = _along(lab, x, y, radius + step)[0][~product]
    if foreground[middle].mean() < _EMPTY and len(around):
        shade = np.median(around, axis=0)
        if np.linalg.norm(np.median(lab[middle], axis=0) - shade) < _SAME_GROUND:
            return False
    return bool(
        within[inside].mean() > 0.35 and product.mean() < 0.6 and beyond[inside].mean() >= 0.7 * product[inside].mean()
    )


def _has_brim(foreground: np.ndarray, x: float, y: float, radius: float, free: np.ndarray) -> bool:
    """Whether there is a narrow band of foreground outside a circle, in most of the directions that are `free` of more,
    bool (120,): a painted ring is inside its plate."""
    rim, far = max(2.0, radius / 24), max(2.0, radius / 9) + 1
    near = _is_foreground(foreground, x, y, radius + (rim + far) / 2)
    return bool(free.any() and near[free].mean() > 0.7)


def _rim_colour(lab: np.ndarray, x: float, y: float, radius: float) -> np.ndarray:
    rim, inside = _along(lab, x, y, radius)
    return np.median(rim[inside], axis=0)


def _least_rest(lab: np.ndarray, foreground: np.ndarray, circle: tuple[float, float, float]) -> float:
    """How much must be left of the foreground beside a window, a share of the window's area: little where an edge of
    the product runs through it, and less of a shaft, which is as long. The straps on both sides of a dial are as large
    as what a window leaves of its product. `circle`: x, y and radius in px."""
    x, y, radius = circle
    if not _shows_edge(lab, foreground, x, y, radius):
        return 1.0 if _has_straps(foreground, x, y, radius) else 0.5
    beside = (foreground & ~_disc(foreground.shape, x, y, radius)).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(beside, connectivity=8)
    sizes = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    rest = sizes[stats[1:, cv2.CC_STAT_AREA].argmax()] if len(sizes) else (0, 0)
    return 0.05 if np.hypot(*rest) > 1.5 * radius else 0.2


def _shows_edge(lab: np.ndarray, foreground: np.ndarray, x: float, y: float, radius: float) -> bool:
    """Whether there is the photo's background on one side within a circle, and something else on another."""
    step = max(2.0, radius / 9)
    beyond = _along(lab, x, y, radius + step)[0][~_product_around(foreground, x, y, radius)]
    if not len(beyond):
        return False
    within, inside = _along(lab, x, y, radius - step)
    plain = (_off(within, np.median(beyond, axis=0)) < _ALIKE) & inside
    stretch = np.ones((1, len(_TURNS) // 8))
    return all(
        cv2.morphologyEx(np.tile(side, 3)[None].astype(np.uint8), cv2.MORPH_OPEN, stretch).any()
        for side in (plain, ~plain & inside)
    )


def _is_motley(lab: np.ndarray, x: float, y: float, radius: float) -> bool:
    """Whether much of what lies within a circle is of another colour than most of it; writing covers a fifth of a
    badge."""
    colours = lab[_disc(lab.shape[:2], x, y, 0.8 * radius)]
    return bool((_off(colours, commonest(colours)) < _ALIKE).mean() < 0.7)


def _has_straps(foreground: np.ndarray, x: float, y: float, radius: float) -> bool:
    """Whether the product goes on from a circle on opposite sides, as a watch does."""
    beyond = _product_around(foreground, x, y, radius)
    runs, count = [], len(beyond)
    for start in np.flatnonzero(beyond & ~np.roll(beyond, 1)):
        length = int(np.argmin(np.roll(beyond, -start)))
        if length >= 4:
            runs.append(start + length / 2)
    apart = [abs((a - b + count / 2) % count - count / 2) for a in runs for b in runs]
    return any(gap > 0.4 * count for gap in apart)


def _product_around(foreground: np.ndarray, x: float, y: float, radius: float) -> np.ndarray:
    """Where just outside a circle there is foreground, bool (120,)."""
    return _is_foreground(foreground, x, y, radius + max(2.0, radius / 9) + 1)


def _is_foreground(foreground: np.ndarray, x: float, y: float, radius: float) -> np.ndarray:
    """Where on a circle there is foreground, bool (120,)."""
    return _along(foreground[..., None].astype(np.float32), x, y, radius)[0][:, 0] > 0.5


def _along(values: np.ndarray, x: float, y: float, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """`values` (h, w, n) along a circle, (120, n), and which of these points lie in the picture, bool (120,)."""
    cols, rows = (x + radius * np.cos(_TURNS)).astype(np.float32), (y + radius * np.sin(_TURNS)).astype(np.float32)
    height, width = values.shape[:2]
    taken = cv2.remap(values, cols[None], rows[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return taken.reshape(len(_TURNS), -1), (cols >= 0) & (rows >= 0) & (cols <= width - 1) & (rows <= height - 1)


def _off(colours: np.ndarray, colour: np.ndarray) -> np.ndarray:
    return np.linalg.norm(colours - colour, axis=1)


def _disc(shape_hw: tuple[int, int], x: float, y: float, radius: float) -> np.ndarray:
    """The window with its rim, of which the circle is the middle."""
    disc = np.zeros(shape_hw, np.uint8)
    cv2.circle(disc, (round(x), round(y)), round(radius + max(2.0, radius / 24)), 1, cv2.FILLED)
    return disc > 0
