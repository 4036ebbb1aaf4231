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
        first, second, third = points, np.roll(points, -gap, axis=0), np.roll(points, -2 * gap, axis=0)
        for a, b, c in zip(first, second, third, strict=True):
            circle = _through(a, b, c)
            if circle is None or not 0.05 * side < circle[2] < 0.3 * side:
                continue
            x, y, radius = circle
            if not (np.hypot(*(centres - (x, y)).T) < 0.8 * radius).any():
                continue
            away = points - (x, y)
            on = np.abs(np.hypot(*away.T) - radius) < max(1.0, 0.03 * radius)
            turns = np.unique(np.floor(np.arctan2(away[on, 1], away[on, 0]) / (2 * np.pi) * _TURNS))
            share = len(turns) / min(_TURNS, 2 * np.pi * radius / max(1.0, len(outline) / count))
            if 0.33 < share < 0.95:
                trials.append((share, x, y, radius))
    return [trial[1:] for trial in sorted(trials, reverse=True)[:5]]


def _through(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[float, float, float] | None:
    """The circle through three points: x, y, radius."""
    ab, ac = b - a, c - a
    twice = 2 * float(ab[0] * ac[1] - ab[1] * ac[0])
    if abs(twice) < 1e-3:
        return None
    x = float(ac[1] * (ab @ ab) - ab[1] * (ac @ ac)) / twice
    y = float(ab[0] * (ac @ ac) - ac[0] * (ab @ ab)) / twice
    return float(a[0]) + x, float(a[1]) + y, float(np.hypot(x, y))


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
