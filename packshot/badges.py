"""Round badges that hang on the product, so that one outline goes around both: found by the arc of a circle in it."""

import cv2
import numpy as np

_POINTS = 240
_TURNS = 48


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
    inner, outer = (_sampled(lab, x, y, scale * radius, turns) for scale in (0.9, 1.12))
    colour = np.median(inner, axis=0)
    within = _sampled(body[..., None].astype(np.float32), x, y, 1.12 * radius, turns)[:, 0] > 0
    alike, beside = np.linalg.norm(inner - colour, axis=1) < 15, np.linalg.norm(outer - colour, axis=1) < 15
    return bool(alike.mean() > 0.85 and within.sum() >= 6 and beside[within].mean() < 0.25)


def _sampled(values: np.ndarray, x: float, y: float, radius: float, turns: np.ndarray) -> np.ndarray:
    """`values` (h, w, n) along a circle, (len(turns), n)."""
    cols = np.clip(np.round(x + radius * np.cos(turns)), 0, values.shape[1] - 1).astype(int)
    rows = np.clip(np.round(y + radius * np.sin(turns)), 0, values.shape[0] - 1).astype(int)
    return values[rows, cols]
