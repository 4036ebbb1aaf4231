"""Procedural surfaces: noise, wood, marble, cloth, carpet, tiles, foliage, prints; (h, w, 3) float32 in [0, 1]."""

from __future__ import annotations

import cv2
import numpy as np

from packshot.synth.colours import hsv, mixed
from packshot.synth.raster import Colour

Shape = tuple[int, int]


def noise(rng: np.random.Generator, shape_hw: Shape, cell: float, octaves: int = 3, gain: float = 0.5) -> np.ndarray:
    """Smooth value noise (h, w) of mean 0 and deviation about 1; `cell` is the largest blob in pixels."""
    height, width = shape_hw
    total = np.zeros((height, width), np.float32)
    weight, power = 1.0, 0.0
    for _ in range(octaves):
        rows, columns = int(height / cell) + 3, int(width / cell) + 3
        grid = rng.standard_normal((rows, columns)).astype(np.float32)
        full = cv2.resize(grid, (int(columns * cell) + 1, int(rows * cell) + 1), interpolation=cv2.INTER_CUBIC)
        x, y = (int(rng.integers(0, max(1, full.shape[i] - n))) for i, n in ((1, width), (0, height)))
        total += weight * full[y : y + height, x : x + width]
        power += weight**2
        weight *= gain
        cell = max(1.0, cell / 2)
    return total / np.float32(np.sqrt(power) * 0.7)


def plain(shape_hw: Shape, colour: Colour) -> np.ndarray:
    return np.broadcast_to(np.asarray(colour, np.float32), (*shape_hw, 3)).copy()


def blend(first: Colour | np.ndarray, second: Colour | np.ndarray, share: np.ndarray) -> np.ndarray:
    a, b = np.asarray(first, np.float32), np.asarray(second, np.float32)
    return a + (b - a) * share[..., None].astype(np.float32)


def gradient(shape_hw: Shape, first: Colour, second: Colour, degrees: float = 90.0) -> np.ndarray:
    height, width = shape_hw
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    t = np.cos(np.radians(degrees)) * xs / width + np.sin(np.radians(degrees)) * ys / height
    t = (t - t.min()) / max(float(np.ptp(t)), 1e-6)
    return blend(first, second, t)


def radial(shape_hw: Shape, inner: Colour, outer: Colour, centre: tuple[float, float], reach: float) -> np.ndarray:
    height, width = shape_hw
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    d = np.hypot(xs - centre[0] * width, ys - centre[1] * height) / (reach * max(height, width))
    return blend(inner, outer, np.clip(d, 0, 1) ** 1.5)


def wood(rng: np.random.Generator, shape_hw: Shape, colour: Colour | None = None, plank: int = 0) -> np.ndarray:
    """Grain along x; `plank` > 0 lays boards of that height."""
    height, width = shape_hw
    base = colour or hsv(rng.uniform(0.05, 0.1), rng.uniform(0.25, 0.6), rng.uniform(0.35, 0.9))
    stretched = noise(rng, (height, max(2, width // 10)), max(4, height / 14), 4, 0.7)
    grain = cv2.resize(stretched, (width, height), interpolation=cv2.INTER_CUBIC)
    rings = np.sin(grain * rng.uniform(2, 5) + np.arange(height, dtype=np.float32)[:, None] * rng.uniform(0.02, 0.1))
    tone = 1 + 0.08 * rings + 0.05 * grain
    if plank:
        for number, y in enumerate(range(0, height, plank)):
            shade = 1 + 0.09 * rng.standard_normal()
            tone[y : y + plank] *= shade
            tone[y : y + max(1, plank // 40)] *= 0.6
            joint = int(rng.integers(0, width)) if number % 2 else int(rng.integers(0, width))
            tone[y : y + plank, joint : joint + max(1, plank // 40)] *= 0.65
    return np.clip(np.asarray(base, np.float32) * tone[..., None], 0, 1)


def marble(rng: np.random.Generator, shape_hw: Shape, dark: bool = False) -> np.ndarray:
    field = noise(rng, shape_hw, max(shape_hw) / 3, 5, 0.6)
    veins = np.exp(-np.abs(field) * rng.uniform(6, 14)) * np.clip(
        noise(rng, shape_hw, max(shape_hw) / 4, 2) + 0.5, 0, 1
    )
    base, vein = ((0.13, 0.13, 0.14), (0.8, 0.78, 0.74)) if dark else ((0.95, 0.945, 0.94), (0.55, 0.55, 0.57))
    return np.clip(blend(base, vein, np.clip(veins, 0, 0.8)), 0, 1)


def stone(rng: np.random.Generator, shape_hw: Shape, colour: Colour | None = None) -> np.ndarray:
    base = colour or hsv(rng.uniform(0, 0.15), rng.uniform(0, 0.12), rng.uniform(0.3, 0.8))
    tone = 1 + 0.07 * noise(rng, shape_hw, max(shape_hw) / 5, 5, 0.75)
    return np.clip(np.asarray(base, np.float32) * tone[..., None], 0, 1)


def weave(rng: np.random.Generator, shape_hw: Shape, colour: Colour, pitch: int = 6) -> np.ndarray:
    """Cloth: two thread directions and fibre noise."""
    height, width = shape_hw
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    threads = np.sin(xs * 2 * np.pi / pitch) * np.sin(ys * 2 * np.pi / pitch)
    tone = 1 + 0.07 * threads + 0.04 * noise(rng, shape_hw, 3, 1) + 0.03 * noise(rng, shape_hw, max(shape_hw) / 4, 2)
    return np.clip(np.asarray(colour, np.float32) * tone[..., None], 0, 1)


def fleece(rng: np.random.Generator, shape_hw: Shape, colour: Colour, pile: float = 4.0) -> np.ndarray:
    tone = 1 + 0.12 * noise(rng, shape_hw, pile, 2, 0.8) + 0.05 * noise(rng, shape_hw, pile * 12, 2)
    return np.clip(np.asarray(colour, np.float32) * tone[..., None], 0, 1)


def tiles(
    rng: np.random.Generator, shape_hw: Shape, colour: Colour, pitch: tuple[int, int], grout: Colour
) -> np.ndarray:
    height, width = shape_hw
    rows, columns = height // pitch[1] + 2, width // pitch[0] + 2
    tone = 1 + 0.05 * rng.standard_normal((rows, columns)).astype(np.float32)
    ys, xs = np.mgrid[0:height, 0:width]
    brick = rng.random() < 0.5
    offset = (ys // pitch[1] % 2) * (pitch[0] // 2) if brick else 0
    picture = np.asarray(colour, np.float32) * tone[ys // pitch[1], (xs + offset) // pitch[0]][..., None]
    line = max(1, pitch[1] // 25)
    joint = (ys % pitch[1] < line) | ((xs + offset) % pitch[0] < line)
    picture[joint] = grout
    return np.clip(picture, 0, 1)


def stripes(shape_hw: Shape, colours: list[Colour], pitch: float, degrees: float = 0.0) -> np.ndarray:
    height, width = shape_hw
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    t = (np.cos(np.radians(degrees)) * xs + np.sin(np.radians(degrees)) * ys) / pitch
    return np.asarray(colours, np.float32)[np.floor(t).astype(int) % len(colours)]


def checks(shape_hw: Shape, first: Colour, second: Colour, pitch: int) -> np.ndarray:
    """Gingham: bands crossing at half strength."""
    height, width = shape_hw
    row = (np.arange(height) // pitch % 2).astype(np.float32)[:, None]
    column = (np.arange(width) // pitch % 2).astype(np.float32)[None]
    return blend(first, second, (row + column) / 2)


def scatter(
    rng: np.random.Generator, shape_hw: Shape, ground: Colour, colours: list[Colour], size: float, share: float = 0.35
) -> np.ndarray:
    """A print of dots, petals or rings on a ground."""
    height, width = shape_hw
    picture = plain(shape_hw, ground)
    motif = rng.choice(["dot", "flower", "ring", "leaf", "square"])
    count = int(np.clip(share * height * width / size**2, 4, 350))
    for _ in range(count):
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        r = int(max(2, size * rng.uniform(0.25, 0.6)))
        colour = tuple(float(v) for v in colours[int(rng.integers(len(colours)))])
        if motif == "dot":
            cv2.circle(picture, (x, y), r, colour, -1, cv2.LINE_AA)
        elif motif == "ring":
            cv2.circle(picture, (x, y), r, colour, max(1, r // 4), cv2.LINE_AA)
        elif motif == "square":
            box = cv2.boxPoints(((x, y), (r * 1.6, r * 1.6), float(rng.uniform(0, 90)))).astype(np.int32)
            cv2.fillPoly(picture, [box], colour, cv2.LINE_AA)
        elif motif == "leaf":
            cv2.ellipse(
                picture, (x, y), (r, max(1, r // 3)), float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA
            )
        else:
            turn = rng.uniform(0, 72)
            for petal in range(5):
                angle = np.radians(turn + 72 * petal)
                centre = (int(x + 0.6 * r * np.cos(angle)), int(y + 0.6 * r * np.sin(angle)))
                cv2.circle(picture, centre, max(1, r // 2), colour, -1, cv2.LINE_AA)
            cv2.circle(picture, (x, y), max(1, r // 3), tuple(float(v) for v in mixed(colour, (1, 1, 0.6), 0.8)), -1)
    return picture


def ornament(rng: np.random.Generator, shape_hw: Shape, colours: list[Colour], pitch: int) -> np.ndarray:
    """A symmetric tile repeated, as on carpets and wallpaper."""
    half = max(6, pitch // 2)
    field = noise(rng, (half, half), half / 2, 3, 0.7)
    quarter = np.digitize(field, np.quantile(field, np.linspace(0, 1, len(colours) + 1)[1:-1]))
    tile = np.block([[quarter, quarter[:, ::-1]], [quarter[::-1], quarter[::-1, ::-1]]])
    height, width = shape_hw
    whole = np.tile(tile, (height // tile.shape[0] + 1, width // tile.shape[1] + 1))[:height, :width]
    return cv2.GaussianBlur(np.asarray(colours, np.float32)[whole], (0, 0), 0.8)


def foliage(rng: np.random.Generator, shape_hw: Shape, size: float = 14.0, hue: float | None = None) -> np.ndarray:
    """Leaves or grass, dark below and bright above."""
    height, width = shape_hw
    hue = rng.uniform(0.2, 0.33) if hue is None else hue
    picture = plain(shape_hw, hsv(hue, 0.7, 0.15))
    count = int(np.clip(height * width / size**2 * 1.3, 50, 1600))
    xs, ys = rng.uniform(0, width, count), rng.uniform(0, height, count)
    turns, tones = rng.uniform(0, 180, count), rng.uniform(0.2, 0.85, count)
    hues = hue + 0.03 * rng.standard_normal(count)
    for i in range(count):
        axes = (int(size * rng.uniform(0.5, 1.1)) + 1, int(size * 0.3) + 1)
        colour = hsv(hues[i], 0.65, tones[i] * (0.5 + 0.5 * i / count))
        cv2.ellipse(picture, (int(xs[i]), int(ys[i])), axes, turns[i], 0, 360, colour, -1)
    return picture


def bokeh(rng: np.random.Generator, shape_hw: Shape, base: Colour, light: Colour, spread: float = 0.07) -> np.ndarray:
    """An out-of-focus scene: soft masses of colour with discs of light."""
    small = (max(8, shape_hw[0] // 4), max(8, shape_hw[1] // 4))
    field = noise(rng, small, max(small) / 2.5, 2)
    picture = blend(mixed(base, (0, 0, 0), 0.35), mixed(base, (1, 1, 1), 0.3), np.clip(0.5 + 0.3 * field, 0, 1))
    for _ in range(int(rng.integers(8, 40))):
        x, y = int(rng.uniform(0, small[1])), int(rng.uniform(0, small[0] * 0.8))
        disc = np.zeros(small, np.float32)
        cv2.circle(
            disc, (x, y), int(max(2, max(small) * spread * rng.uniform(0.4, 1.2))), float(rng.uniform(0.1, 0.5)), -1
        )
        picture = blend(picture, light, cv2.GaussianBlur(disc, (0, 0), 1.2))
    return cv2.resize(cv2.GaussianBlur(picture, (0, 0), 1.5), (shape_hw[1], shape_hw[0]), interpolation=cv2.INTER_CUBIC)


def cloth_print(rng: np.random.Generator, shape_hw: Shape, main: Colour, accent: Colour, tint: Colour) -> np.ndarray:
    """The pattern of a textile, drawn from all kinds above."""
    size = max(shape_hw)
    kind = rng.choice(["weave", "stripes", "checks", "scatter", "ornament", "fleece", "plain"])
    if kind == "weave":
        return weave(rng, shape_hw, main, int(rng.integers(4, 9)))
    if kind == "fleece":
        return fleece(rng, shape_hw, main)
    if kind == "plain":
        return plain(shape_hw, main)
    if kind == "stripes":
        colours = [main, tint] if rng.random() < 0.6 else [main, tint, accent, tint]
        return stripes(shape_hw, colours, size * rng.uniform(0.02, 0.1), float(rng.choice([0, 90, 45])))
    if kind == "checks":
        return checks(shape_hw, tint, main, int(size * rng.uniform(0.02, 0.08)) + 1)
    if kind == "ornament":
        return ornament(rng, shape_hw, [tint, main, accent], int(size * rng.uniform(0.1, 0.3)))
    return scatter(rng, shape_hw, tint if rng.random() < 0.6 else main, [main, accent], size * rng.uniform(0.04, 0.14))
