"""Shaded solids: bodies of revolution, boxes, stuffed shapes and tubes. The light comes from the upper left."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from packshot.synth.colours import mixed
from packshot.synth.raster import Colour, Layer, polygon_cover, stroke_cover

MATERIALS = ("plastic", "metal", "glass", "matt", "ceramic")


def _sheen(u: np.ndarray, material: str) -> tuple[np.ndarray, np.ndarray]:
    """Shade (multiplies colour) and gloss (adds white) across a cylinder, `u` from -1 to 1."""
    facing = np.sqrt(np.clip(1 - u**2, 0, 1))
    if material == "metal":
        shade = 0.62 + 0.28 * np.cos(u * 5.2 + 0.9) + 0.22 * np.cos(u * 11 - 0.6)
        return np.clip(shade * (0.55 + 0.45 * facing), 0.12, 1.15), 0.55 * np.exp(-(((u + 0.38) / 0.09) ** 2))
    if material == "glass":
        shade = 1.05 - 0.55 * np.abs(u) ** 5 - 0.12 * np.exp(-(((u - 0.55) / 0.18) ** 2))
        gloss = 0.5 * np.exp(-(((u + 0.62) / 0.06) ** 2)) + 0.25 * np.exp(-(((u - 0.7) / 0.05) ** 2))
        return shade, gloss
    light = np.clip(facing * 0.86 - 0.42 * u, 0, 1.2)
    if material == "matt":
        return 0.5 + 0.55 * light, np.zeros_like(u)
    narrow = 0.32 if material == "ceramic" else 0.42
    return 0.45 + 0.6 * light, narrow * np.exp(-(((u + 0.5) / 0.12) ** 2)) + 0.1 * np.exp(-(((u - 0.75) / 0.07) ** 2))


def lathe(
    layer: Layer,
    centre_x: float,
    profile: Sequence[tuple[float, float]],
    surface: Colour | np.ndarray,
    material: str = "plastic",
    ink: np.ndarray | None = None,
    curve: float = 0.1,
    smooth: bool = True,
) -> None:
    """A body of revolution around a vertical axis.

    Args:
        layer: drawn upon.
        centre_x: x of the axis.
        profile: (y, radius) from top to bottom, pixels.
        surface: a colour, or the unrolled front half (h, w, 3) as a picture.
        material: one of MATERIALS.
        ink: (h, w) bool of the writing on `surface`.
        curve: how much rings bulge downwards, as seen from slightly above.
        smooth: round the profile's corners a little.
    """
    points = np.asarray(profile, np.float32)
    top, bottom, widest = float(points[0, 0]), float(points[-1, 0]), float(points[:, 1].max())
    height, width = layer.shape_hw
    sag = curve * widest
    x0, x1 = int(max(0, centre_x - widest - 2)), int(min(width, centre_x + widest + 3))
    y0, y1 = int(max(0, top - 1)), int(min(height, bottom + sag + 3))
    if x0 >= x1 or y0 >= y1:
        return
    rows = np.arange(top - 1, bottom + 2, 0.5, dtype=np.float32)
    radius = np.interp(rows, points[:, 0], points[:, 1]).astype(np.float32)
    if smooth:
        kernel = np.hanning(max(5, int(widest * 0.12)) | 1)
        pad = len(kernel) // 2
        radius = np.convolve(np.pad(radius, pad, "edge"), kernel / kernel.sum(), "valid").astype(np.float32)
    ys, xs = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    offset = xs + 0.5 - np.float32(centre_x)
    bulge = np.sqrt(np.clip(1 - (offset / widest) ** 2, 0, 1)) * sag
    v = ys + 0.5 - bulge  # height along the axis of the ring that is seen at this pixel
    index = np.clip((v - rows[0]) * 2, 0, len(rows) - 1)
    r = radius[index.astype(np.int32)]
    cover = np.clip(r - np.abs(offset) + 0.5, 0, 1) * np.clip(v - top + 0.5, 0, 1) * np.clip(bottom - v + 0.5, 0, 1)
    u = np.clip(offset / np.maximum(r, 0.5), -1, 1)
    shade, gloss = _sheen(u, material)
    colour = np.asarray(surface, np.float32)
    if colour.ndim == 3:
        h, w = colour.shape[:2]
        map_x = ((np.arcsin(u) / np.pi + 0.5) * (w - 1)).astype(np.float32)
        map_y = ((v - top) / max(bottom - top, 1) * (h - 1)).astype(np.float32)
        colour = cv2.remap(colour, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if ink is not None:
            seen = cv2.remap(ink.astype(np.uint8), map_x, map_y, cv2.INTER_NEAREST) > 0
            here = layer.ink[y0:y1, x0:x1]
            here[cover > 0.5] = seen[cover > 0.5]
    elif material == "glass":
        colour = np.broadcast_to(colour, (*u.shape, 3))
    pixels = np.clip(colour * shade[..., None] + gloss[..., None], 0, 1)
    layer.over(cover, pixels, (x0, y0))


def disc_top(
    layer: Layer, centre: tuple[float, float], radius: float, curve: float, colour: Colour, rim: float
) -> None:
    """The lid or mouth of a body of revolution: an ellipse with a lighter rim."""
    layer.ellipse(centre, (radius, max(1.0, radius * curve)), mixed(colour, (1, 1, 1), 0.35))
    if rim < 1:
        layer.ellipse(centre, (radius * rim, max(1.0, radius * curve * rim)), colour)


def face(
    layer: Layer, corners: np.ndarray, picture: np.ndarray, ink: np.ndarray | None = None, shade: float = 1.0
) -> None:
    """A flat picture (h, w, 3) in perspective: `corners` (4, 2) from the top left, clockwise."""
    h, w = picture.shape[:2]
    corners = np.asarray(corners, np.float32)
    cover, xy = polygon_cover(corners, layer.shape_hw)
    if cover is None:
        return
    source = np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners - np.asarray(xy, np.float32))
    size = (cover.shape[1], cover.shape[0])
    shown = cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    layer.over(cover, np.clip(shown * shade, 0, 1), xy)
    here = layer.ink[xy[1] : xy[1] + size[1], xy[0] : xy[0] + size[0]]
    inside = cover > 0.5
    if ink is None:
        here[inside] = False
    else:
        seen = cv2.warpPerspective(ink.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST) > 0
        here[inside] = seen[inside]


def box_corners(
    front: tuple[float, float, float, float], depth: float, rise: float, right: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Front, side and top faces of a box, each (4, 2), from its front's xyxy."""
    x0, y0, x1, y1 = front
    dx = depth if right else -depth
    shrink = rise * 0.35
    near = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)
    edge = x1 if right else x0
    side = np.array([(edge, y0), (edge + dx, y0 - rise + shrink), (edge + dx, y1 - rise), (edge, y1)], np.float32)
    if not right:
        side = side[[1, 0, 3, 2]]
    back = np.array([(x0 + dx, y0 - rise + shrink), (x1 + dx, y0 - rise + shrink)], np.float32)
    top = np.array([back[0], back[1], near[1], near[0]], np.float32)
    return near, side, top


def inflate(
    layer: Layer,
    points: np.ndarray,
    surface: Colour | np.ndarray,
    puff: float = 1.0,
    gloss: float = 0.0,
    wrinkles: np.ndarray | None = None,
    seam: Colour | None = None,
    ink: np.ndarray | None = None,
) -> None:
    """A stuffed shape with the outline `points` (n, 2): it swells towards its middle.

    `surface` is a colour or a picture that covers the layer; `puff` is how rounded it is, `wrinkles` (H, W) adds
    to its height, `seam` outlines it, `ink` (H, W) bool is the writing on `surface`.
    """
    cover, xy = polygon_cover(points, layer.shape_hw)
    if cover is None:
        return
    h, w = cover.shape
    reduce = max(1.0, max(h, w) / 220)
    small = cv2.resize(cover, (max(2, int(w / reduce)), max(2, int(h / reduce))), interpolation=cv2.INTER_AREA)
    solid = cv2.copyMakeBorder((small > 0.5).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(solid, cv2.DIST_L2, 3)[1:-1, 1:-1]
    reach = max(float(depth.max()) * min(1.0, 0.35 + 0.65 * puff), 1.0)
    rounded = np.sqrt(np.clip(1 - (1 - np.clip(depth / reach, 0, 1)) ** 2, 0, 1)) * reach * puff
    rounded = cv2.GaussianBlur(rounded, (0, 0), max(0.8, reach * 0.12))
    if wrinkles is not None:
        part = wrinkles[xy[1] : xy[1] + h, xy[0] : xy[0] + w]
        rounded = rounded + cv2.resize(part, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA) * reach
    gy, gx = np.gradient(rounded)
    norm = 1 / np.sqrt(gx**2 + gy**2 + 1)
    lit = np.clip((0.5 * gx + 0.62 * gy) * norm + 0.6 * norm, 0, 1.3)
    shade = cv2.resize((0.42 + 0.72 * lit).astype(np.float32), (w, h), interpolation=cv2.INTER_LINEAR)
    colour = np.asarray(surface, np.float32)
    if colour.ndim == 3:
        colour = colour[xy[1] : xy[1] + h, xy[0] : xy[0] + w]
    pixels = colour * shade[..., None]
    if gloss:
        bright = np.clip((lit - 0.86) * 5, 0, 1) ** 2 * gloss
        pixels = pixels + cv2.resize(bright.astype(np.float32), (w, h))[..., None]
    layer.over(cover, np.clip(pixels, 0, 1), xy)
    here = layer.ink[xy[1] : xy[1] + h, xy[0] : xy[0] + w]
    inside = cover > 0.5
    here[inside] = False if ink is None else ink[xy[1] : xy[1] + h, xy[0] : xy[0] + w][inside]
    if seam is not None:
        layer.stroke(points, max(1, max(h, w) / 160), seam, 0.7, closed=True)


def tube(
    layer: Layer, points: np.ndarray, width: float, colour: Colour, gloss: float = 0.5, closed: bool = False
) -> None:
    """A bent rod: dark rim, body, and a bright line towards the light."""
    points = np.asarray(points, np.float32)
    steps = ((1.0, mixed(colour, (0, 0, 0), 0.45), 0.0), (0.72, colour, 0.08))
    steps += ((0.3, mixed(colour, (1, 1, 1), gloss), 0.2),) if width >= 4 else ()
    for share, tone, shift in steps:
        moved = points - np.float32(shift * width * 0.6)
        cover, xy = stroke_cover(moved, width * share, layer.shape_hw, closed)
        if cover is not None:
            layer.over(cover, tone, xy)
