"""Layers with straight alpha, and what is drawn on them: polygons, strokes, pictures, text."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

Colour = tuple[float, float, float]
_SHIFT = 4  # fractional bits of cv2's sub-pixel coordinates


class Layer:
    """A picture with transparency.

    Attributes:
        rgb: (H, W, 3) float32 in [0, 1], straight (not premultiplied).
        alpha: (H, W) float32 in [0, 1].
        ink: (H, W) bool, where writing was drawn.
    """

    def __init__(self, shape_hw: tuple[int, int]) -> None:
        height, width = shape_hw
        self.rgb = np.zeros((height, width, 3), np.float32)
        self.alpha = np.zeros((height, width), np.float32)
        self.ink = np.zeros((height, width), bool)

    @property
    def shape_hw(self) -> tuple[int, int]:
        return self.alpha.shape  # type: ignore[return-value]

    def over(self, cover: np.ndarray, colour: Colour | np.ndarray, xy: tuple[int, int] = (0, 0)) -> None:
        """Lay `colour` (one, or (h, w, 3)) over this layer at `xy`, where `cover` (h, w) in [0, 1] says."""
        height, width = self.alpha.shape
        x, y = int(xy[0]), int(xy[1])
        h, w = cover.shape
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
        if x0 >= x1 or y0 >= y1:
            return
        inner = np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
        outer = np.s_[y0:y1, x0:x1]
        top = cover[inner].astype(np.float32, copy=False)
        paint = np.asarray(colour, np.float32)
        if paint.ndim == 3:
            paint = paint[inner]
        below = self.alpha[outer] * (1 - top)
        total = top + below
        share = (top / np.maximum(total, 1e-6))[..., None]
        self.rgb[outer] += (paint - self.rgb[outer]) * share
        self.alpha[outer] = total

    def polygon(self, points: np.ndarray, colour: Colour | np.ndarray, opacity: float = 1.0) -> None:
        """Fill a polygon of (n, 2) xy pixels. A picture as `colour` is stretched to the polygon's box."""
        cover, xy = polygon_cover(points, self.shape_hw)
        if cover is not None:
            if isinstance(colour, np.ndarray) and colour.ndim == 3 and colour.shape[:2] != cover.shape:
                colour = cv2.resize(colour, (cover.shape[1], cover.shape[0]), interpolation=cv2.INTER_AREA)
            self.over(cover * opacity if opacity < 1 else cover, colour, xy)

    def stroke(
        self, points: np.ndarray, width: float, colour: Colour, opacity: float = 1.0, closed: bool = False
    ) -> None:
        """Draw a polyline of (n, 2) xy pixels, `width` pixels thick, with round joints."""
        cover, xy = stroke_cover(points, width, self.shape_hw, closed)
        if cover is not None:
            self.over(cover * opacity if opacity < 1 else cover, colour, xy)

    def ellipse(
        self, centre: tuple[float, float], radii: tuple[float, float], colour: Colour | np.ndarray, opacity: float = 1.0
    ) -> None:
        self.polygon(ellipse_points(centre, radii), colour, opacity)

    def rectangle(
        self, xyxy: Sequence[float], colour: Colour | np.ndarray, radius: float = 0.0, opacity: float = 1.0
    ) -> None:
        self.polygon(rounded_points(xyxy, radius), colour, opacity)

    def paste(self, other: Layer, xy: tuple[float, float], opacity: float = 1.0) -> None:
        """Lay another layer over this one at whole pixels, its ink too."""
        x, y = round(xy[0]), round(xy[1])
        self.over(other.alpha * opacity if opacity < 1 else other.alpha, other.rgb, (x, y))
        height, width = self.alpha.shape
        h, w = other.alpha.shape
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
        if x0 < x1 and y0 < y1:
            part = np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
            hidden = other.alpha[part] > 0.5
            here = self.ink[y0:y1, x0:x1]
            here &= ~hidden
            here |= other.ink[part]

    def trimmed(self) -> Layer:
        """The part that is not transparent."""
        rows = np.flatnonzero(self.alpha.max(1) > 0.004)
        columns = np.flatnonzero(self.alpha.max(0) > 0.004)
        if not len(rows):
            raise ValueError("layer is empty: nothing was drawn on it")
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        out = Layer((1, 1))
        out.rgb, out.alpha, out.ink = self.rgb[part], self.alpha[part], self.ink[part]
        return out

    def transformed(self, degrees: float = 0.0, scale: float = 1.0, mirror: bool = False) -> Layer:
        """Turned counter-clockwise, scaled and mirrored; trimmed."""
        source = self.flipped() if mirror else self
        height, width = source.alpha.shape
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
        cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
        out_w, out_h = int(width * cos + height * sin) + 3, int(height * cos + width * sin) + 3
        turn[:, 2] += (out_w / 2 - width / 2, out_h / 2 - height / 2)
        return source.warped(turn, (out_h, out_w)).trimmed()

    def warped(self, matrix: np.ndarray, shape_hw: tuple[int, int]) -> Layer:
        """Through a 2x3 affine or 3x3 perspective matrix."""
        size = (shape_hw[1], shape_hw[0])
        warp = cv2.warpAffine if matrix.shape[0] == 2 else cv2.warpPerspective
        packed = np.dstack([self.rgb * self.alpha[..., None], self.alpha])
        scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
        if scale < 0.6:  # bilinear sampling would skip pixels: blur first
            packed = cv2.GaussianBlur(packed, (0, 0), 0.35 / max(scale, 0.02))
        packed = warp(packed, matrix, size, flags=cv2.INTER_LINEAR)
        ink = warp(self.ink.astype(np.uint8) * 255, matrix, size, flags=cv2.INTER_LINEAR)
        out = Layer((1, 1))
        out.alpha = np.clip(packed[..., 3], 0, 1)
        out.rgb = np.clip(packed[..., :3] / np.maximum(packed[..., 3:], 1e-4), 0, 1)
        out.ink = ink > 100
        return out

    def flipped(self) -> Layer:
        out = Layer((1, 1))
        out.rgb = np.ascontiguousarray(self.rgb[:, ::-1])
        out.alpha = np.ascontiguousarray(self.alpha[:, ::-1])
        out.ink = np.ascontiguousarray(self.ink[:, ::-1])
        return out


def composite(picture: np.ndarray, layer: Layer) -> np.ndarray:
    """The layer over a (H, W, 3) float32 picture of the same size."""
    alpha = layer.alpha[..., None]
    return layer.rgb * alpha + picture * (1 - alpha)


def _window(points: np.ndarray, margin: float, shape_hw: tuple[int, int]) -> tuple[int, int, int, int] | None:
    low = np.floor(points.min(0) - margin).astype(int)
    high = np.ceil(points.max(0) + margin).astype(int) + 1
    x0, y0 = max(low[0], 0), max(low[1], 0)
    x1, y1 = min(high[0], shape_hw[1]), min(high[1], shape_hw[0])
    return None if x0 >= x1 or y0 >= y1 else (int(x0), int(y0), int(x1), int(y1))


def polygon_cover(
    points: np.ndarray, shape_hw: tuple[int, int]
) -> tuple[np.ndarray, tuple[int, int]] | tuple[None, None]:
    """Coverage (h, w) in [0, 1] of a polygon, and where its window starts."""
    points = np.asarray(points, np.float32)
    window = _window(points, 1, shape_hw)
    if window is None:
        return None, None
    x0, y0, x1, y1 = window
    cover = np.zeros((y1 - y0, x1 - x0), np.uint8)
    fixed = np.round((points - (x0, y0)) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(cover, [fixed], 255, cv2.LINE_AA, _SHIFT)
    return cover.astype(np.float32) / 255, (x0, y0)


def stroke_cover(
    points: np.ndarray, width: float, shape_hw: tuple[int, int], closed: bool = False
) -> tuple[np.ndarray, tuple[int, int]] | tuple[None, None]:
    points = np.asarray(points, np.float32)
    window = _window(points, width / 2 + 2, shape_hw)
    if window is None:
        return None, None
    x0, y0, x1, y1 = window
    cover = np.zeros((y1 - y0, x1 - x0), np.uint8)
    fixed = np.round((points - (x0, y0)) * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(cover, [fixed], closed, 255, max(1, round(width)), cv2.LINE_AA, _SHIFT)
    return cover.astype(np.float32) / 255, (x0, y0)


def ellipse_points(centre: tuple[float, float], radii: tuple[float, float], count: int = 72) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([centre[0] + radii[0] * np.cos(angle), centre[1] + radii[1] * np.sin(angle)], 1)


def rounded_points(xyxy: Sequence[float], radius: float) -> np.ndarray:
    x0, y0, x1, y1 = xyxy
    radius = min(radius, abs(x1 - x0) / 2, abs(y1 - y0) / 2)
    if radius < 1:
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)
    corners = [(x1 - radius, y1 - radius, 0), (x0 + radius, y1 - radius, 90)]
    corners += [(x0 + radius, y0 + radius, 180), (x1 - radius, y0 + radius, 270)]
    points = []
    for cx, cy, start in corners:
        angle = np.radians(np.linspace(start, start + 90, 9))
        points.append(np.stack([cx + radius * np.cos(angle), cy + radius * np.sin(angle)], 1))
    return np.concatenate(points).astype(np.float32)


def smooth_closed(points: Sequence[Sequence[float]], steps: int = 10) -> np.ndarray:
    """A closed Catmull-Rom curve through (n, 2) points."""
    p = np.asarray(points, np.float32)
    before, after, next2 = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[None, :, None]
    p0, p1, p2, p3 = (q[:, None] for q in (before, p, after, next2))
    curve = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
    return curve.reshape(-1, 2)


def smooth_open(points: Sequence[Sequence[float]], steps: int = 12) -> np.ndarray:
    """A Catmull-Rom curve from the first to the last of (n, 2) points."""
    p = np.asarray(points, np.float32)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[None, :, None]
    p0, p1, p2, p3 = (p[i : len(p) - 3 + i, None] for i in range(4))
    curve = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
    return np.concatenate([curve.reshape(-1, 2), p[-2:-1]])
