"""Amateur settings: homes and streets, sharp, cluttered, badly lit."""

from __future__ import annotations

import cv2
import numpy as np

from packshot.synth import props, textures
from packshot.synth.backgrounds import Backdrop, Shape
from packshot.synth.colours import draw_palette, hsv, mixed
from packshot.synth.products import draw_single
from packshot.synth.raster import Layer, composite, ellipse_points

# Disjoint, so that no test setting was trained on.
HOMES = {
    "train": ("carpet", "parquet", "tablecloth", "bed", "tiles", "sofa", "desk"),
    "test": ("linoleum", "rug", "blanket", "shelf", "worktop"),
}
STREETS = {"train": ("grass", "asphalt", "garden"), "test": ("gravel", "fence", "yard")}


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
    if kind in ("desk", "worktop"):
        tone = hsv(rng.uniform(0.04, 0.13), rng.uniform(0.0, 0.4), rng.uniform(0.3, 0.9))
        return (
            textures.stone(rng, shape_hw, tone)
            if rng.random() < 0.5
            else textures.gradient(shape_hw, tone, mixed(tone, (0, 0, 0), 0.2), 60)
        )
    if kind in ("parquet", "shelf", "fence"):
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
    hue = rng.uniform(0.03, 0.14) if rng.random() < 0.6 else rng.uniform(0.2, 0.65)
    tone = hsv(hue, rng.uniform(0.03, 0.3), rng.uniform(0.5, 0.92))
    if rng.random() < 0.5:  # painted
        return textures.gradient(
            shape_hw, mixed(tone, (1, 1, 1), 0.12), mixed(tone, (0, 0, 0), 0.15), rng.uniform(0, 180)
        )
    return textures.stone(rng, shape_hw, tone)


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
    if props.ROOMS[split] and rng.random() < 0.25:
        picture = props.room(rng, shape_hw, split)
        if rng.random() < 0.5:
            picture = _clutter(rng, picture, split, int(rng.integers(1, 3)), 0.5)
        return Backdrop(picture, ("amateur_home",), float(rng.uniform(0.75, 0.95)), ("hard", "contact", "hard"))
    height, width = shape_hw
    street = rng.random() < 0.35
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
                sky = textures.gradient(shape_hw, (0.35, 0.55, 0.92), (0.93, 0.95, 0.98), 90)
                clouds = np.clip(textures.noise(rng, shape_hw, width / 3, 3), 0, 1) * 0.8
                edge = height * rng.uniform(0.1, 0.4) + 0.05 * height * textures.noise(rng, (1, width), width / 5, 3)
                far = np.where(
                    (np.arange(height)[:, None] < edge)[..., None], textures.blend(sky, (1, 1, 1), clouds), far
                )
        else:
            far = _wall(rng, shape_hw, split)
        top = int(horizon * height)
        if rng.random() < 0.35:  # a phone's shallow focus
            far = cv2.GaussianBlur(far, (0, 0), width * rng.uniform(0.002, 0.008))
        picture[:top] = far[:top]
        if not street and rng.random() < 0.6:  # skirting board
            picture[max(0, top - height // 40) : top] = hsv(0.08, 0.3, rng.uniform(0.4, 0.95))
        stand = float(np.clip(horizon + rng.uniform(0.15, 0.35), 0.6, 0.95))
    if rng.random() < 0.75:
        picture = _clutter(rng, picture, split, int(rng.integers(1, 4)), 0.5)
    return Backdrop(picture, (clause,), stand, ("hard", "contact", "hard"))


def decorate(rng: np.random.Generator, picture: np.ndarray, xyxy: tuple[float, float, float, float]) -> np.ndarray:
    """Leaves, petals, drops or stars strewn around a product, as cheap collages have."""
    height, width = picture.shape[:2]
    layer = Layer((height, width))
    form = str(rng.choice(["leaf", "leaf", "drop", "star"]))
    hue = rng.uniform(0.22, 0.34) if form == "leaf" and rng.random() < 0.7 else rng.uniform(0, 1)
    largest = rng.uniform(0.02, 0.06)
    for _ in range(int(rng.integers(5, 18))):
        x, y = rng.uniform(xyxy[0] - 30, xyxy[2] + 30), rng.uniform(xyxy[1], xyxy[3] + 30)
        r = width * rng.uniform(0.4, 1.0) * largest
        outline = ellipse_points((0, 0), (r, r if form == "drop" else r * 0.45), 20)
        if form == "star":
            outline = ellipse_points((0, 0), (r, r), 20) * np.where(np.arange(20) % 4, 0.45, 1.0)[:, None]
        outline = outline @ cv2.getRotationMatrix2D((0, 0), float(rng.uniform(0, 360)), 1)[:, :2].T
        layer.polygon(outline + (x, y), hsv(hue + rng.uniform(-0.04, 0.04), 0.75, rng.uniform(0.45, 0.9)))
    return composite(picture, layer)
