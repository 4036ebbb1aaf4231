"""The printed design of a pack: brand, name, bands, pictures, small print. Its writing is not infographics."""

from __future__ import annotations

import cv2
import numpy as np

from packshot.synth import textures, wording
from packshot.synth.colours import Palette, mixed, readable_on
from packshot.synth.lettering import FONTS, draw_text, fitted_size, text_size
from packshot.synth.raster import Colour, Layer


def _motif(rng: np.random.Generator, layer: Layer, centre: tuple[float, float], reach: float, palette: Palette) -> None:
    """A picture on the pack: fruit, leaf, drop, sun or abstract discs."""
    x, y = centre
    kind = rng.choice(["discs", "leaf", "drop", "sun", "mount"])
    if kind == "discs":
        for _ in range(int(rng.integers(2, 5))):
            at = (x + rng.uniform(-0.5, 0.5) * reach, y + rng.uniform(-0.4, 0.4) * reach)
            r = reach * rng.uniform(0.2, 0.5)
            layer.ellipse(at, (r, r), mixed(palette.accent, (1, 1, 1), rng.uniform(0, 0.5)))
    elif kind == "leaf":
        for turn in np.linspace(-60, 60, 5):
            angle = np.radians(turn - 90)
            tip = np.array([x + reach * np.cos(angle), y + reach * np.sin(angle)])
            side = np.array([-np.sin(angle), np.cos(angle)]) * reach * 0.16
            middle = (tip + (x, y)) / 2
            leaf = np.array([(x, y), middle + side, tip, middle - side])
            layer.polygon(leaf, mixed((0.2, 0.55, 0.2), palette.accent, 0.25))
    elif kind == "drop":
        angle = np.linspace(0, 2 * np.pi, 40)
        drop = np.stack(
            [x + 0.5 * reach * np.sin(angle) * np.sin(angle / 2) ** 1.5, y - 0.8 * reach * np.cos(angle)], 1
        )
        layer.polygon(drop, palette.accent)
    elif kind == "sun":
        for turn in np.linspace(0, 2 * np.pi, 14, endpoint=False):
            layer.stroke(
                np.array([(x, y), (x + reach * np.cos(turn), y + reach * np.sin(turn))]), reach / 14, palette.accent
            )
        layer.ellipse(centre, (reach * 0.55, reach * 0.55), mixed(palette.accent, (1, 1, 0.5), 0.4))
    else:
        hills = np.array([(x - reach, y + 0.5 * reach), (x - 0.3 * reach, y - 0.6 * reach), (x + 0.1 * reach, y)])
        hills = np.concatenate([hills, [(x + 0.4 * reach, y - 0.35 * reach), (x + reach, y + 0.5 * reach)]])
        layer.polygon(hills, mixed(palette.main, (0, 0, 0), 0.3))


def label(
    rng: np.random.Generator, shape_hw: tuple[int, int], palette: Palette, split: str, ground: Colour | None = None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """A label's picture (h, w, 3), its writing (h, w) bool, and its words."""
    h, w = max(8, shape_hw[0]), max(8, shape_hw[1])
    layer = Layer((h, w))
    ground = ground or (palette.tint if rng.random() < 0.5 else palette.main)
    layer.over(np.ones((h, w), np.float32), ground)
    if rng.random() < 0.3:
        layer.over(
            np.ones((h, w), np.float32), textures.gradient((h, w), ground, mixed(ground, palette.accent, 0.6), 90)
        )
    ink = readable_on(ground, palette.ink)
    band = palette.main if ground == palette.tint else palette.accent
    split_y = rng.uniform(0.3, 0.7) * h
    style = rng.choice(["band", "wave", "frame", "diagonal", "none"])
    if style == "band":
        layer.rectangle((0, split_y, w, split_y + rng.uniform(0.08, 0.4) * h), band)
    elif style == "wave":
        xs = np.linspace(0, w, 40)
        ys = split_y + 0.06 * h * np.sin(xs / w * 2 * np.pi * rng.uniform(0.5, 1.5))
        layer.polygon(np.concatenate([np.stack([xs, ys], 1), [(w, h), (0, h)]]), band)
    elif style == "frame":
        edge = 0.05 * w
        layer.stroke(
            np.array([(edge, edge), (w - edge, edge), (w - edge, h - edge), (edge, h - edge)]), w / 60, band, 1, True
        )
    elif style == "diagonal":
        layer.polygon(np.array([(0, split_y), (w, split_y * 0.6), (w, h), (0, h)]), band)
    if rng.random() < 0.7:
        _motif(
            rng, layer, (w * rng.uniform(0.35, 0.65), h * rng.uniform(0.55, 0.75)), w * rng.uniform(0.14, 0.28), palette
        )
    words: list[str] = []
    brand = wording.pick(rng, wording.BRANDS)[0]
    name = wording.pick(rng, wording.PACK_WORDS)[0]
    font = str(rng.choice(FONTS[split]["head"]))
    y = h * rng.uniform(0.06, 0.2)
    for text, share, tall in ((brand, rng.uniform(0.5, 0.85), 0.16), (name, rng.uniform(0.35, 0.7), 0.1)):
        shown = text.upper() if rng.random() < 0.3 else text
        size = fitted_size(shown, font, w * share, h * tall, 200)
        tw, th = text_size(shown, font, size)
        draw_text(layer, ((w - tw) / 2, y), shown, font, size, ink)
        y += th * 1.05
        words.append(shown)
    if rng.random() < 0.6:
        shown = wording.short_quantity(rng)
        size = fitted_size(shown, font, w * 0.3, h * 0.08, 120)
        draw_text(layer, (w * rng.uniform(0.35, 0.6), h * 0.88), shown, font, size, readable_on(band, palette.ink))
        words.append(shown)
    small = max(5, int(h * 0.022))
    body = str(rng.choice(FONTS[split]["body"]))
    for row in range(int(rng.integers(0, 5))):
        shown = wording.pick(rng, wording.SENTENCES)[0][: int(w / small * 1.4)]
        draw_text(layer, (w * 0.12, h * 0.72 + row * small * 1.3), shown, body, small, ink, opacity=0.8)
    return layer.rgb, layer.ink, words


def sticker_art(rng: np.random.Generator, shape_hw: tuple[int, int], palette: Palette) -> np.ndarray:
    """A picture for frames, books and screens: a landscape, a print, or an abstract."""
    h, w = shape_hw
    kind = rng.choice(["landscape", "print", "abstract", "bokeh", "portrait"])
    if kind == "landscape":
        picture = textures.gradient((h, w), mixed((0.4, 0.6, 0.9), palette.main, 0.3), (0.95, 0.9, 0.85), 90)
        for level in range(3):
            ridge = h * (0.45 + 0.15 * level) + 0.1 * h * textures.noise(rng, (1, w), w / 4, 3)[0]
            shape = np.concatenate([np.stack([np.arange(w), ridge], 1), [(w, h), (0, h)]]).astype(np.int32)
            cv2.fillPoly(picture, [shape], mixed((0.3, 0.45, 0.35), palette.ink, 0.3 + 0.2 * level), cv2.LINE_AA)
        return picture
    if kind == "print":
        return textures.scatter(rng, (h, w), palette.tint, [palette.main, palette.accent], w * 0.15)
    if kind == "bokeh":
        return textures.bokeh(rng, (h, w), palette.main, palette.tint)
    if kind == "portrait":
        layer = Layer((h, w))
        layer.over(np.ones((h, w), np.float32), palette.tint)
        skin = mixed((0.9, 0.72, 0.6), (0.4, 0.25, 0.18), rng.uniform(0, 0.8))
        layer.ellipse((w / 2, h * 1.05), (w * 0.38, h * 0.42), palette.main)
        layer.ellipse((w / 2, h * 0.4), (w * 0.2, h * 0.24), palette.ink)
        layer.ellipse((w / 2, h * 0.45), (w * 0.16, h * 0.2), skin)
        return layer.rgb
    field = textures.noise(rng, (h, w), w / 2, 2)
    picture = textures.blend(palette.main, palette.accent, np.clip(0.5 + 0.6 * field, 0, 1))
    return textures.blend(picture, palette.tint, (textures.noise(rng, (h, w), w / 3, 1) > 0.8).astype(np.float32))
