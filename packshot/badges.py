"""Round badges and icons that hang on the product, so that one outline goes around both: found by the arc of a circle
in it, or by others like them."""

import cv2
import numpy as np

from packshot.compose import fill_holes
from packshot.plates import ONE_COLOUR, commonest, ellipse_fit

_POINTS = 240
_TURNS = 48
_ICON_SIDES = 0.03, 0.14
"""Of the photo's longer side."""
_SERIES = 3


def round_badges(lab: np.ndarray, body: np.ndarray, quads: list[np.ndarray]) -> list[np.ndarray]:
    """Discs with writing, each bool (h, w), that stick out of `body` bool (h, w) and are a part of it.

    A disc's rim is of one colour all around, also where it lies over the product, and what is outside it differs; a
    rounded pack goes on in its own colour. `lab` float32 (h, w, 3); `quads` the text boxes (4, 2).
    """
    centres = np.array([quad.mean(axis=0) for quad in quads], np.float32).reshape(-1, 2)
    contours, _ = cv2.findContours(body.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    found = []
    for contour in contours:
        area = cv2.contourArea(contour)
        if area < 0.005 * body.size or len(contour) < 60 or not len(centres):
            continue
        for x, y, radius in _circles(contour[:, 0].astype(np.float32), centres, max(body.shape)):
            if np.pi * radius * radius < 0.6 * area and _has_own_rim(lab, body, x, y, radius):
                disc = np.zeros(body.shape, np.uint8)
                cv2.circle(disc, (round(x), round(y)), round(radius + 1.5), 1, cv2.FILLED)
                found.append(disc > 0)
                break
    return found


def _circles(outline: np.ndarray, centres: np.ndarray, side: int) -> list[tuple[float, float, float]]:
    """Circles (x, y, radius) with writing in them of which at least a third is in the outline, best first."""
    points = outline[:: max(1, len(outline) // _POINTS)]
    count = len(points)
    trials: list[tuple[float, float, float, float]] = []
    for gap in (count // 24, count // 12, count // 8, count // 6):
        for x, y, radius in circles_through(points, np.roll(points, -gap, axis=0), np.roll(points, -2 * gap, axis=0)):
            if not 0.05 * side < radius < 0.3 * side or (np.hypot(*(centres - (x, y)).T) >= 0.8 * radius).all():
                continue
            away = points - (x, y)
            on = np.abs(np.hypot(*away.T) - radius) < max(1.0, 0.03 * radius)
            turns = np.unique(np.floor(np.arctan2(away[on, 1], away[on, 0]) / (2 * np.pi) * _TURNS))
            share = len(turns) / min(_TURNS, 2 * np.pi * radius / max(1.0, len(outline) / count))
            if 0.33 < share < 0.95:
                trials.append((share, float(x), float(y), float(radius)))
    return [trial[1:] for trial in sorted(trials, reverse=True)[:5]]


def circles_through(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The circles through three points each, all (n, 2): x, y, radius, (n, 3)."""
    ab, ac = b - a, c - a
    twice = 2 * (ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0])
    twice = np.where(np.abs(twice) < 1e-3, np.float32(1e-6), twice)
    far_b, far_c = (ab * ab).sum(axis=1), (ac * ac).sum(axis=1)
    x = (ac[:, 1] * far_b - ab[:, 1] * far_c) / twice
    y = (ab[:, 0] * far_c - ac[:, 0] * far_b) / twice
    return np.stack([a[:, 0] + x, a[:, 1] + y, np.hypot(x, y)], axis=1)


def _has_own_rim(lab: np.ndarray, body: np.ndarray, x: float, y: float, radius: float) -> bool:
    """Whether just inside the circle all is of one colour, and just outside it little of the product is."""
    turns = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    inner, outer = (sampled(lab, x, y, scale * radius, turns) for scale in (0.9, 1.12))
    colour = np.median(inner, axis=0)
    within = sampled(body, x, y, 1.12 * radius, turns)
    alike, beside = np.linalg.norm(inner - colour, axis=1) < 15, np.linalg.norm(outer - colour, axis=1) < 15
    return bool(alike.mean() > 0.85 and within.sum() >= 6 and beside[within].mean() < 0.25)


def sampled(values: np.ndarray, x: float, y: float, radius: float, turns: np.ndarray) -> np.ndarray:
    """`values` (h, w) or (h, w, n) along a circle, (len(turns),) or (len(turns), n); along circles, x, y and radius
    each (m, 1), (m, len(turns)) or (m, len(turns), n)."""
    cols = np.clip(np.round(x + radius * np.cos(turns)), 0, values.shape[1] - 1).astype(int)
    rows = np.clip(np.round(y + radius * np.sin(turns)), 0, values.shape[0] - 1).astype(int)
    return values[rows, cols]


def like_icons(lab: np.ndarray, foreground: np.ndarray, plates: list[np.ndarray]) -> list[np.ndarray]:
    """Discs of one colour and size, at least three: in a row or a column, of which one stands free, or anywhere, of
    which two do. They are icons, each bool (h, w), also those that hang on the product. `lab` float32 (h, w, 3);
    `foreground` bool (h, w); `plates`, each bool (h, w): icons have their colours, or that of icons that stand free."""
    colours: list[np.ndarray] = []
    for mask in [*plates, *_discs(foreground)]:
        colour = commonest(lab[mask])
        if all(np.linalg.norm(colour - other) > ONE_COLOUR for other in colours):
            colours.append(colour)
    found = []
    for colour in colours:
        discs = _discs(np.linalg.norm(lab - colour, axis=2) < ONE_COLOUR)
        free = [_stands_free(disc, foreground) for disc in discs]
        circles = np.array([_circle(disc) for disc in discs]).reshape(-1, 3)
        for disc, (x, y, radius) in zip(discs, circles, strict=True):
            alike = np.abs(circles[:, 2] - radius) < max(1.0, 0.12 * radius)
            in_line = [alike & (np.abs(circles[:, k] - at) < max(1.5, 0.1 * radius)) for k, at in enumerate((x, y))]
            several = alike.sum() >= _SERIES and np.sum(free, where=alike) >= 2
            if several or any(line.sum() >= _SERIES and np.any(free, where=line) for line in in_line):
                found.append(cv2.dilate(disc.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    return found


def _discs(mask: np.ndarray) -> list[np.ndarray]:
    """The pieces of `mask` bool (h, w) that are discs of an icon's size, holes filled."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    least, most = (share * max(mask.shape) for share in _ICON_SIDES)
    discs = []
    for label in range(1, count):
        x, y, w, h, area = stats[label]
        if not (least < w < most and 0.9 < w / h < 1.1 and area > 0.3 * w * h):
            continue
        piece = fill_holes(np.pad(labels[y : y + h, x : x + w] == label, 1))
        if ellipse_fit(piece) > 0.95:
            disc = np.zeros_like(mask)
            disc[y : y + h, x : x + w] = piece[1:-1, 1:-1]
            discs.append(disc)
    return discs


def _circle(disc: np.ndarray) -> tuple[float, float, float]:
    rows, cols = np.nonzero(disc)
    return float(cols.mean()), float(rows.mean()), float(np.sqrt(len(rows) / np.pi))


def _stands_free(disc: np.ndarray, foreground: np.ndarray) -> bool:
    """Whether most of what is around a disc is no foreground: a caption and a shadow may touch it."""
    near, far = (cv2.dilate(disc.astype(np.uint8), np.ones((k, k), np.uint8)) > 0 for k in (7, 11))
    return bool(foreground[far & ~near].mean() < 0.5)
