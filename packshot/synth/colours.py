"""Colours and palettes. Train and test draw from different hues and schemes."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from packshot.synth.raster import Colour

# Hues, in turns, that a split may use for packs and plates; the other split has the gaps between.
HUES = {
    "train": (0.0, 0.03, 0.09, 0.13, 0.22, 0.33, 0.42, 0.5, 0.56, 0.6, 0.66, 0.75, 0.83, 0.93),
    "test": (0.015, 0.06, 0.11, 0.16, 0.28, 0.38, 0.46, 0.53, 0.58, 0.63, 0.71, 0.79, 0.88, 0.965),
}


@dataclass(frozen=True)
class Palette:
    """What a photo's design is made of: a main and an accent colour, a light tint and dark ink."""

    main: Colour
    accent: Colour
    tint: Colour
    ink: Colour


def hsv(hue: float, saturation: float, value: float) -> Colour:
    return colorsys.hsv_to_rgb(hue % 1.0, float(np.clip(saturation, 0, 1)), float(np.clip(value, 0, 1)))


def draw_hue(rng: np.random.Generator, split: str) -> float:
    return float(rng.choice(HUES[split]) + rng.uniform(-0.008, 0.008))


def draw_palette(rng: np.random.Generator, split: str) -> Palette:
    hue = draw_hue(rng, split)
    accent = hue + float(rng.choice([0.04, -0.06, 0.33, 0.5, 0.42]))
    calm = rng.random() < 0.4
    saturation = rng.uniform(0.25, 0.55) if calm else rng.uniform(0.65, 1.0)
    main = hsv(hue, saturation, rng.uniform(0.4, 0.95))
    if rng.random() < 0.12:
        main = hsv(hue, 0.1, rng.uniform(0.05, 0.25))
    return Palette(
        main=main,
        accent=hsv(accent, rng.uniform(0.6, 1.0), rng.uniform(0.7, 1.0)),
        tint=hsv(hue, rng.uniform(0.04, 0.2), rng.uniform(0.92, 1.0)),
        ink=hsv(hue, rng.uniform(0.0, 0.9), rng.uniform(0.02, 0.35)),
    )


def draw_object_colour(rng: np.random.Generator, split: str) -> Colour:
    """What products are made in: white, black, greys, browns, and colours."""
    kind = rng.random()
    if kind < 0.18:
        return hsv(rng.random(), rng.uniform(0, 0.06), rng.uniform(0.85, 0.99))
    if kind < 0.33:
        return hsv(rng.random(), rng.uniform(0, 0.2), rng.uniform(0.06, 0.2))
    if kind < 0.45:
        return hsv(rng.random(), rng.uniform(0, 0.1), rng.uniform(0.35, 0.75))
    if kind < 0.6:
        return hsv(rng.uniform(0.05, 0.12), rng.uniform(0.2, 0.6), rng.uniform(0.35, 0.85))
    return hsv(draw_hue(rng, split), rng.uniform(0.35, 0.95), rng.uniform(0.45, 0.95))


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    a, b = np.asarray(first), np.asarray(second)
    return tuple(float(v) for v in a + (b - a) * share)  # type: ignore[return-value]


def luminance(colour: Colour) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def readable_on(colour: Colour, dark: Colour = (0.1, 0.1, 0.1)) -> Colour:
    """White or `dark`, whichever can be read on `colour`."""
    return dark if luminance(colour) > 0.62 else (1.0, 1.0, 1.0)
