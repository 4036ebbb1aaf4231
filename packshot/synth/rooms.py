"""Settings with depth: amateur homes and streets (sharp, cluttered), professional interiors (soft, matched)."""

from __future__ import annotations

import cv2
import numpy as np

from packshot.synth import textures
from packshot.synth.backgrounds import Backdrop, Shape
from packshot.synth.colours import draw_hue, draw_palette, hsv, mixed
from packshot.synth.products import KINDS, draw_single
from packshot.synth.raster import Colour, Layer, composite, ellipse_points

# Disjoint, so that no test setting was trained on.
HOMES = {
    "train": ("carpet", "parquet", "tablecloth", "bed", "tiles", "sofa"),
    "test": ("linoleum", "rug", "blanket", "shelf"),
}
STREETS = {"train": ("grass", "asphalt", "garden"), "test": ("gravel", "fence", "yard")}
SETTINGS = {
    "train": ("living", "table", "kitchen", "nature", "bath", "window"),
    "test": ("bedroom", "bar", "terrace", "studio"),
}


def in_perspective(texture: np.ndarray, shape_hw: Shape, horizon: float, spread: float) -> np.ndarray:
    """A floor's texture below `horizon` (share of the height); above it is zero."""
    height, width = shape_hw
    h, w = texture.shape[:2]
    y = horizon * height
    target = np.array(
        [
            (0.5 * width - spread * width, y),
            (0.5 * width + spread * width, y),
            (width * 1.6, height),
            (-0.6 * width, height),
        ],
        np.float32,
    )
    source = np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    return cv2.warpPerspective(texture, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)


def _ground(rng: np.random.Generator, shape_hw: Shape, split: str, kind: str) -> np.ndarray:
    palette = draw_palette(rng, split)
    height, width = shape_hw
    if kind in ("carpet", "rug"):
        colours = [palette.main, mixed(palette.accent, (0.5, 0.4, 0.3), 0.5), palette.ink, palette.tint]
        picture = textures.ornament(rng, shape_hw, colours, int(width * rng.uniform(0.2, 0.5)))
        return np.clip(picture * (1 + 0.09 * textures.noise(rng, shape_hw, 3, 1))[..., None], 0, 1)
    if kind in ("parquet", "shelf", "fence", "terrace", "bar"):
        return textures.wood(rng, shape_hw, None, int(height * rng.uniform(0.06, 0.16)))
    if kind == "linoleum":
        return textures.checks(shape_hw, hsv(0.09, 0.35, 0.75), hsv(0.07, 0.5, 0.5), int(width * 0.08))
    if kind in ("tablecloth", "blanket"):
        picture = textures.cloth_print(rng, shape_hw, palette.main, palette.accent, palette.tint)
        return np.clip(picture * (1 + 0.05 * textures.noise(rng, shape_hw, width / 4, 3))[..., None], 0, 1)
    if kind in ("bed", "sofa"):
        cloth = textures.cloth_print(
            rng, shape_hw, mixed(palette.main, (0.6, 0.6, 0.6), 0.4), palette.accent, palette.tint
        )
        folds = np.sin(textures.noise(rng, shape_hw, width / 3, 2) * 7)
        return np.clip(cloth * (1 + 0.1 * folds)[..., None], 0, 1)
    if kind == "tiles":
        side = int(width * rng.uniform(0.12, 0.25))
        return textures.tiles(
            rng,
            shape_hw,
            hsv(rng.random(), rng.uniform(0.05, 0.3), rng.uniform(0.5, 0.9)),
            (side, side),
            (0.45, 0.43, 0.4),
        )
    if kind in ("grass", "garden", "yard"):
        return textures.foliage(rng, shape_hw, width * rng.uniform(0.012, 0.025))
    rough = textures.noise(rng, shape_hw, 5, 2, 0.9) * 0.14 + textures.noise(rng, shape_hw, width / 4, 2) * 0.06
    base = (0.42, 0.42, 0.43) if kind == "asphalt" else (0.56, 0.52, 0.47)
    return np.clip(np.asarray(base, np.float32) * (1 + rough)[..., None], 0, 1)


def _wall(rng: np.random.Generator, shape_hw: Shape, split: str) -> np.ndarray:
    palette = draw_palette(rng, split)
    if rng.random() < 0.45:
        tone = mixed(palette.tint, (0.8, 0.75, 0.65), 0.5)
        return textures.scatter(rng, shape_hw, tone, [mixed(tone, palette.main, 0.4)], shape_hw[1] * 0.06)
    return textures.stone(rng, shape_hw, hsv(rng.uniform(0.05, 0.6), rng.uniform(0.05, 0.35), rng.uniform(0.5, 0.85)))


def _clutter(rng: np.random.Generator, picture: np.ndarray, split: str, count: int, floor: float) -> np.ndarray:
    """Other things lying about, cut by the edges."""
    height, width = picture.shape[:2]
    layer = Layer((height, width))
    for _ in range(count):
        piece, _, _ = draw_single(rng, split, int(width * rng.uniform(0.2, 0.5)))
        piece = piece.transformed(rng.uniform(-30, 30), rng.uniform(0.7, 1.0))
        x = rng.choice([rng.uniform(-0.15, 0.12), rng.uniform(0.7, 0.95)]) * width
        layer.paste(piece, (x, height * rng.uniform(floor, 0.95) - piece.shape_hw[0]))
    return composite(picture, layer)


def amateur(rng: np.random.Generator, shape_hw: Shape, split: str) -> Backdrop:
    """A snapshot at home or in the street."""
    height, width = shape_hw
    street = rng.random() < 0.3
    kind = str(rng.choice((STREETS if street else HOMES)[split]))
    clause = "amateur_street" if street else "amateur_home"
    ground = _ground(rng, shape_hw, split, kind)
    if rng.random() < (0.35 if not street else 0.2):  # from above
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-35, 35)), 1.4)
        picture = cv2.warpAffine(ground, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
        stand = None
    else:
        horizon = rng.uniform(0.3, 0.62)
        picture = in_perspective(ground, shape_hw, horizon, rng.uniform(0.6, 0.9))
        if street:
            far = (
                textures.foliage(rng, shape_hw, width * 0.02)
                if rng.random() < 0.6
                else _ground(rng, shape_hw, split, "fence")
            )
            if rng.random() < 0.7:
                sky = textures.gradient(shape_hw, (0.45, 0.62, 0.9), (0.93, 0.95, 0.98), 90)
                clouds = np.clip(textures.noise(rng, shape_hw, width / 3, 3), 0, 1) * 0.8
                edge = height * rng.uniform(0.1, 0.4) + 0.05 * height * textures.noise(rng, (1, width), width / 5, 3)
                far = np.where(
                    (np.arange(height)[:, None] < edge)[..., None], textures.blend(sky, (1, 1, 1), clouds), far
                )
        else:
            far = _wall(rng, shape_hw, split)
        top = int(horizon * height)
        picture[:top] = far[:top]
        if not street and rng.random() < 0.6:  # skirting board
            picture[max(0, top - height // 40) : top] = hsv(0.08, 0.3, rng.uniform(0.4, 0.95))
        stand = float(np.clip(horizon + rng.uniform(0.15, 0.35), 0.6, 0.95))
    if rng.random() < 0.6:
        picture = _clutter(rng, picture, split, int(rng.integers(1, 4)), 0.5)
    return Backdrop(picture, (clause,), stand, ("hard", "contact", "hard"))


def _plant(rng: np.random.Generator, layer: Layer, foot: tuple[float, float], size: float) -> None:
    x, y = foot
    for _ in range(14):
        turn = np.radians(rng.uniform(-155, -25))
        tip = np.array([x + size * np.cos(turn), y - 0.25 * size + size * np.sin(turn)])
        base = np.array([x, y - 0.25 * size])
        side = np.array([-np.sin(turn), np.cos(turn)]) * size * 0.1
        leaf = np.array([base, (base + tip) / 2 + side, tip, (base + tip) / 2 - side])
        layer.polygon(leaf, hsv(rng.uniform(0.24, 0.38), rng.uniform(0.3, 0.6), rng.uniform(0.25, 0.6)))
    layer.rectangle(
        (x - 0.2 * size, y - 0.3 * size, x + 0.2 * size, y), hsv(0.07, 0.3, rng.uniform(0.4, 0.95)), size * 0.05
    )


def _furnish(rng: np.random.Generator, shape_hw: Shape, split: str, foot: float, tone: Colour) -> Layer:
    """Matched furniture and plants at the back."""
    height, width = shape_hw
    layer = Layer(shape_hw)
    if rng.random() < 0.6:  # window or pictures
        if rng.random() < 0.5:
            x0, x1 = sorted(rng.uniform(0, width, 2))
            x1 = max(x1, x0 + 0.25 * width)
            layer.rectangle((x0, -5, x1, foot * height * 0.75), (0.98, 0.99, 1.0))
            for share in np.linspace(0, 1, int(rng.integers(2, 4))):
                layer.stroke(
                    np.array([(x0 + share * (x1 - x0), 0), (x0 + share * (x1 - x0), foot * height * 0.75)]),
                    width * 0.015,
                    (0.85, 0.85, 0.85),
                )
            if rng.random() < 0.6:
                for i in np.linspace(0, 1, 7):
                    fold = x0 - 0.12 * width + i * 0.16 * width
                    layer.rectangle(
                        (fold, -5, fold + 0.028 * width, foot * height), mixed(tone, (1, 1, 1), 0.3 + 0.4 * (i % 0.3))
                    )
        else:
            for _ in range(int(rng.integers(1, 4))):
                x, y, s = rng.uniform(0, 0.8) * width, rng.uniform(0.03, 0.3) * height, rng.uniform(0.12, 0.25) * width
                layer.rectangle((x, y, x + s, y + s * 1.2), mixed(tone, (0.1, 0.1, 0.1), 0.7))
                layer.rectangle((x + s * 0.08, y + s * 0.08, x + s * 0.92, y + s * 1.12), mixed(tone, (1, 1, 1), 0.7))
    kinds = [
        k
        for k in ("sofa", "table_lamp", "cushion", "armchair", "vase", "chair", "kettle", "mug", "candle")
        if k in KINDS[split]
    ]
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.4:
            _plant(
                rng,
                layer,
                (rng.uniform(0, 1) * width, foot * height * rng.uniform(0.95, 1.05)),
                width * rng.uniform(0.15, 0.35),
            )
            continue
        piece, _, kind = draw_single(rng, split, int(width * rng.uniform(0.25, 0.8)), str(rng.choice(kinds)))
        piece.rgb = piece.rgb + (np.asarray(tone, np.float32) - piece.rgb) * np.float32(rng.uniform(0.3, 0.6))
        layer.paste(
            piece,
            (rng.uniform(-0.2, 0.8) * width, foot * height - piece.shape_hw[0] + rng.uniform(-0.03, 0.03) * height),
        )
    return layer


def interior(rng: np.random.Generator, shape_hw: Shape, split: str) -> Backdrop:
    """A professional setting: matched colours, soft light, what is behind the product out of focus."""
    height, width = shape_hw
    kind = str(rng.choice(SETTINGS[split]))
    tone = hsv(
        draw_hue(rng, split) if rng.random() < 0.4 else rng.uniform(0.05, 0.13),
        rng.uniform(0.05, 0.35),
        rng.uniform(0.6, 0.95),
    )
    if rng.random() < 0.2:
        tone = mixed(tone, (0.08, 0.08, 0.1), 0.7)
    close = kind in ("table", "kitchen", "nature", "bar", "terrace", "bath")
    foot = rng.uniform(0.6, 0.74) if close else rng.uniform(0.55, 0.7)
    if kind in ("nature", "terrace"):
        green = hsv(
            rng.uniform(0.17, 0.32) if rng.random() < 0.75 else rng.uniform(0.05, 0.12), 0.5, rng.uniform(0.35, 0.65)
        )
        picture = textures.bokeh(rng, shape_hw, green, (1, 0.97, 0.8), rng.uniform(0.04, 0.1))
    elif kind in ("kitchen", "bath", "bar") and rng.random() < 0.65:
        pitch = int(width * rng.uniform(0.09, 0.2))
        picture = textures.tiles(
            rng,
            shape_hw,
            mixed(tone, (1, 1, 1), 0.5),
            (pitch, int(pitch * rng.choice([0.5, 1]))),
            mixed(tone, (0.7, 0.7, 0.7), 0.6),
        )
    elif kind == "table" and rng.random() < 0.6:
        picture = textures.bokeh(rng, shape_hw, tone, mixed(tone, (1, 0.95, 0.85), 0.8), 0.06)
    else:
        picture = textures.gradient(
            shape_hw, mixed(tone, (1, 1, 1), 0.25), mixed(tone, (0, 0, 0), 0.12), float(rng.uniform(0, 180))
        )
    if kind not in ("nature", "terrace"):
        picture = composite(picture, _furnish(rng, shape_hw, split, foot, tone))
    sigma = width * (rng.uniform(0.008, 0.022) if close else rng.uniform(0.002, 0.012))
    picture = cv2.GaussianBlur(
        cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA), (0, 0), sigma / 2
    )
    picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    roll = rng.random()
    if kind in ("kitchen", "bath", "bar") and roll < 0.6:
        surface = textures.marble(rng, shape_hw, bool(rng.random() < 0.3))
    elif roll < 0.75:
        surface = textures.wood(rng, shape_hw, None, 0 if close else int(height * 0.1))
    else:
        surface = textures.weave(rng, shape_hw, mixed(tone, (1, 1, 1), 0.4), 5)
    floor = in_perspective(surface, shape_hw, foot, 0.8)
    ys = np.arange(height, dtype=np.float32)[:, None] / height
    far = np.clip((foot + 0.12 - ys) / 0.12, 0, 1)[..., None] * (ys > foot - 0.01)[..., None]
    soft = cv2.GaussianBlur(floor, (0, 0), max(1.0, width * 0.006))
    floor = floor + (soft - floor) * far
    edge = np.clip((ys - foot) * height / max(2.0, sigma * 0.7) + 0.5, 0, 1)[..., None]
    picture = picture + (floor - picture) * edge
    return Backdrop(
        _graded(rng, picture, tone),
        (f"setting_{kind}",),
        float(np.clip(foot + rng.uniform(0.1, 0.24), 0.7, 0.93)),
        ("contact", "soft"),
    )


def _graded(rng: np.random.Generator, picture: np.ndarray, tone: Colour) -> np.ndarray:
    """Window light from one side, a colour grade and gentle contrast."""
    height, width = picture.shape[:2]
    side = rng.choice([0.0, 1.0])
    light = textures.radial((height, width), (1.12, 1.09, 1.02), (0.82, 0.83, 0.87), (side, rng.uniform(0, 0.4)), 1.1)
    picture = picture * light
    if rng.random() < 0.3:  # the window's bars on the wall
        shade = Layer((height, width))
        x = rng.uniform(0, 0.6) * width
        for bar in range(3):
            a = x + bar * 0.14 * width
            shade.polygon(
                np.array([(a, 0), (a + 0.1 * width, 0), (a + 0.35 * width, height), (a + 0.25 * width, height)]),
                (1, 1, 1),
            )
        glow = cv2.GaussianBlur(shade.alpha, (0, 0), width * 0.012)[..., None]
        picture = picture * (0.92 + 0.2 * glow)
    picture = picture + 0.08 * (np.asarray(tone, np.float32) - picture)
    picture = np.clip(picture, 0, 1)
    return picture + 0.25 * (picture * picture * (3 - 2 * picture) - picture)


def decorate(rng: np.random.Generator, picture: np.ndarray, xyxy: tuple[float, float, float, float]) -> np.ndarray:
    """Leaves and drops strewn around a product, as cheap collages have."""
    height, width = picture.shape[:2]
    layer = Layer((height, width))
    for _ in range(int(rng.integers(6, 18))):
        x, y = rng.uniform(xyxy[0] - 30, xyxy[2] + 30), rng.uniform(xyxy[1], xyxy[3] + 30)
        r = width * rng.uniform(0.015, 0.035)
        leaf = (
            ellipse_points((0, 0), (r, r * 0.45), 20)
            @ cv2.getRotationMatrix2D((0, 0), float(rng.uniform(0, 360)), 1)[:, :2].T
        )
        layer.polygon(leaf + (x, y), hsv(rng.uniform(0.22, 0.34), 0.75, rng.uniform(0.45, 0.8)))
    return composite(picture, layer)
