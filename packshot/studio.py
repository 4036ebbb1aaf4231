"""The product's studio: a backdrop drawn to the prompt's words, with the product's shadow and reflection on it."""

from dataclasses import replace

import cv2
import numpy as np

from packshot.backdrops import BackdropStyle, draw_backdrop, read_prompt
from packshot.compositing import cast_shadow, reflect

STUDIO_VERSION = 2
"""Raised whenever a backdrop comes out otherwise."""


def studio_backdrop(
    cutout: np.ndarray, prompt: str, seed: int, side: int = 1024, shadow: float = 0.55, apart: bool = False
) -> np.ndarray:
    """A backdrop RGB uint8 (H, W, 3) for `cutout` RGBA uint8 (H, W, 4), which stands where it is in the cutout.

    Drawn at a long side of at most `side` px and enlarged. `shadow` in [0, 1]: how dark the ground gets. `apart`: wall
    and floor are moved away from the product's lightness, so that it stands out.
    """
    height, width = cutout.shape[:2]
    rng = np.random.default_rng(seed)
    scale = min(1.0, side / max(height, width))
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(cutout, size_wh, interpolation=cv2.INTER_AREA) if scale < 1 else cutout
    alpha = np.ascontiguousarray(small[..., 3])
    colour = main_colour(small)
    style = read_prompt(prompt, colour, rng)
    style = _apart(style, colour) if apart else style
    rows = np.flatnonzero((alpha > 127).any(axis=1))
    ground = (rows[-1] + 1) / size_wh[1] if len(rows) else 0.8
    backdrop = draw_backdrop(size_wh, style, ground, rng)
    if style.gloss:
        backdrop = reflect(backdrop, small, style.gloss)
    backdrop *= 1 - cast_shadow(alpha, shadow)[..., None]
    backdrop = np.round(backdrop).astype(np.uint8)
    return cv2.resize(backdrop, (width, height), interpolation=cv2.INTER_CUBIC) if scale < 1 else backdrop


def main_colour(cutout: np.ndarray) -> tuple[float, float, float]:
    """The product's mean colour, saturated pixels counting more."""
    step = max(1, max(cutout.shape[:2]) // 200)
    flat = cutout[::step, ::step].reshape(-1, 4)
    colours = flat[flat[:, 3] > 200, :3].astype(np.float32)
    if not len(colours):
        return 128.0, 128.0, 128.0
    weight = 0.05 + (colours.max(axis=1) - colours.min(axis=1)) / 255
    mean = (colours * weight[:, None]).sum(axis=0) / weight.sum()
    return float(mean[0]), float(mean[1]), float(mean[2])


def _apart(style: BackdropStyle, colour: tuple[float, float, float]) -> BackdropStyle:
    wall = np.float32(style.wall)
    if wall.mean() <= sum(colour) / 3:
        return replace(style, wall=tuple(wall * 0.72), floor=tuple(np.float32(style.floor) * 0.72))
    lighter = [tuple(np.float32(c) + (250 - np.float32(c)) * 0.5) for c in (style.wall, style.floor)]
    return replace(style, wall=lighter[0], floor=lighter[1])
