"""Backdrops that a photo's verdict turns on: even, loud, framed, of a home or street, of a professional interior."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from packshot.synth import textures
from packshot.synth.colours import Palette, draw_hue, draw_palette, hsv, luminance, mixed
from packshot.synth.raster import Colour, Layer, ellipse_points, rounded_points

Shape = tuple[int, int]


@dataclass
class Backdrop:
    """A picture to put the product on.

    Attributes:
        rgb: (H, W, 3) float32 in [0, 1].
        clauses: rubric clauses that it fulfils.
        stand: height, as a share of H, at which a standing product's foot should be; None for anywhere.
        shadow: kinds of shadow that fit: "none", "contact", "drop", "hard", "reflection".
    """

    rgb: np.ndarray
    clauses: tuple[str, ...]
    stand: float | None = None
    shadow: tuple[str, ...] = ("none", "contact", "drop")

    def anywhere(self) -> Backdrop:
        """The same picture for products that need not stand."""
        return Backdrop(self.rgb, self.clauses)


def even(rng: np.random.Generator, shape_hw: Shape, split: str, kind: str | None = None) -> Backdrop:
    """White, grey, beige or dark; plain, as a gradient, or a sweep with a soft horizon."""
    kinds, shares = (
        ("white", "near_white", "grey", "beige", "dark", "gradient", "sweep"),
        (0.5, 0.12, 0.1, 0.07, 0.06, 0.09, 0.06),
    )
    kind = kind or str(rng.choice(kinds, p=shares))
    if kind == "white":
        return Backdrop(
            textures.plain(shape_hw, (1, 1, 1)), ("even_white",), None, ("none", "none", "contact", "reflection")
        )
    grey = rng.uniform(0.93, 0.985)
    tones: dict[str, Colour] = {
        "near_white": hsv(rng.random(), rng.uniform(0, 0.02), grey),
        "grey": hsv(rng.random(), rng.uniform(0, 0.03), rng.uniform(0.62, 0.92)),
        "beige": hsv(rng.uniform(0.07, 0.13), rng.uniform(0.06, 0.2), rng.uniform(0.82, 0.96)),
        "dark": hsv(rng.uniform(0.04, 0.12), rng.uniform(0, 0.35), rng.uniform(0.03, 0.26)),
    }
    if kind in tones:
        picture = textures.plain(shape_hw, tones[kind])
        if rng.random() < 0.4:
            picture *= 1 - 0.06 * textures.radial(shape_hw, (0, 0, 0), (1, 1, 1), (0.5, 0.45), 0.8)
        return Backdrop(picture, (f"even_{'white' if kind == 'near_white' else kind}",))
    base = tones[str(rng.choice(["near_white", "grey", "beige", "dark"]))]
    if kind == "gradient":
        other = mixed(base, (1, 1, 1) if luminance(base) < 0.75 else (0.5, 0.5, 0.52), rng.uniform(0.15, 0.4))
        if rng.random() < 0.5:
            return Backdrop(textures.gradient(shape_hw, base, other, float(rng.choice([90, 90, 45, 0]))), ("gradient",))
        return Backdrop(
            textures.radial(shape_hw, mixed(base, (1, 1, 1), 0.25), base, (0.5, rng.uniform(0.3, 0.6)), 0.75),
            ("gradient",),
        )
    horizon = rng.uniform(0.6, 0.8)
    t = 1 / (1 + np.exp(-(np.linspace(0, 1, shape_hw[0]) - horizon) / rng.uniform(0.012, 0.06)))
    floor = mixed(base, (1, 1, 1) if rng.random() < 0.6 else (0, 0, 0), rng.uniform(0.06, 0.2))
    picture = textures.blend(base, floor, np.repeat(t[:, None], shape_hw[1], 1))
    return Backdrop(
        picture, ("gradient", "shadow"), min(0.93, horizon + rng.uniform(0.08, 0.16)), ("contact", "reflection")
    )


def designed(rng: np.random.Generator, shape_hw: Shape, split: str, palette: Palette) -> Backdrop:
    """What designers put under infographics: colour fields, gradients, waves, shapes, a podium."""
    height, width = shape_hw
    kind = str(rng.choice(["tint", "gradient", "split", "wave", "podium", "blobs", "dark"]))
    light = palette.tint if rng.random() < 0.6 else mixed(palette.main, (1, 1, 1), rng.uniform(0.4, 0.8))
    layer = Layer(shape_hw)
    if kind == "dark":
        deep = mixed(palette.ink, (0, 0, 0), 0.4)
        layer.over(
            np.ones(shape_hw, np.float32),
            textures.radial(shape_hw, mixed(deep, (1, 1, 1), 0.25), deep, (0.5, 0.5), 0.8),
        )
        for _ in range(int(rng.integers(0, 3))):
            x = rng.uniform(0, width)
            shape = np.array(
                [(x, 0), (x + rng.uniform(0.2, 0.6) * width, 0), (x - 0.3 * width, height), (x - 0.7 * width, height)]
            )
            layer.polygon(shape, (1, 1, 1), rng.uniform(0.04, 0.12))
        return Backdrop(layer.rgb, ("designed_background",))
    layer.over(np.ones(shape_hw, np.float32), textures.gradient(shape_hw, light, mixed(light, (1, 1, 1), 0.4), 90))
    if kind == "gradient":
        strong = mixed(palette.main, (1, 1, 1), rng.uniform(0.2, 0.6))
        layer.over(
            np.ones(shape_hw, np.float32),
            textures.gradient(shape_hw, light, strong, float(rng.choice([90, 45, 0, 135]))),
        )
    elif kind == "split":
        cut = rng.uniform(0.3, 0.7)
        points = [(cut * width, 0), (width, 0), (width, height), ((cut + rng.uniform(-0.2, 0.2)) * width, height)]
        layer.polygon(np.array(points), mixed(palette.main, (1, 1, 1), rng.uniform(0, 0.5)))
    elif kind == "wave":
        xs = np.linspace(0, width, 60)
        ys = height * rng.uniform(0.6, 0.85) + 0.05 * height * np.sin(
            xs / width * 2 * np.pi * rng.uniform(0.6, 1.4) + rng.uniform(0, 6)
        )
        layer.polygon(
            np.concatenate([np.stack([xs, ys], 1), [(width, height), (0, height)]]), palette.main, rng.uniform(0.5, 1)
        )
    elif kind == "blobs":
        for _ in range(int(rng.integers(2, 6))):
            r = rng.uniform(0.1, 0.4) * width
            layer.ellipse(
                (rng.uniform(0, width), rng.uniform(0, height)),
                (r, r),
                mixed(palette.main, (1, 1, 1), 0.4),
                rng.uniform(0.2, 0.6),
            )
    stand = None
    if kind == "podium":
        y, r = height * rng.uniform(0.78, 0.86), width * rng.uniform(0.25, 0.4)
        cx = width * 0.5
        drum = mixed(light, palette.main, 0.35)
        layer.rectangle((cx - r, y, cx + r, y + 0.1 * height), mixed(drum, (0, 0, 0), 0.12))
        layer.ellipse((cx, y + 0.1 * height), (r, r * 0.2), mixed(drum, (0, 0, 0), 0.12))
        layer.ellipse((cx, y), (r, r * 0.2), mixed(drum, (1, 1, 1), 0.3))
        stand = (y + r * 0.06) / height
    return Backdrop(layer.rgb, ("designed_background",), stand, ("none", "contact", "drop"))


def loud(rng: np.random.Generator, shape_hw: Shape, split: str) -> Backdrop:
    """Flat loud colours, busy prints, clashing gradients."""
    palette = draw_palette(rng, split)
    hot = hsv(draw_hue(rng, split), rng.uniform(0.75, 1.0), rng.uniform(0.7, 1.0))
    kind = str(rng.choice(["flat", "flat", "print", "stripes", "clash", "ornament"]))
    if kind == "flat":
        return Backdrop(textures.plain(shape_hw, hot), ("loud_colour",))
    if kind == "clash":
        return Backdrop(textures.gradient(shape_hw, hot, palette.accent, float(rng.uniform(0, 180))), ("loud_colour",))
    if kind == "stripes":
        colours = [hot, mixed(palette.accent, (1, 1, 1), 0.2), palette.tint]
        return Backdrop(
            textures.stripes(shape_hw, colours, shape_hw[1] * rng.uniform(0.04, 0.12), float(rng.uniform(0, 180))),
            ("busy_background",),
        )
    if kind == "ornament":
        colours = [hot, palette.main, palette.tint, palette.accent]
        return Backdrop(
            textures.ornament(rng, shape_hw, colours, int(shape_hw[1] * rng.uniform(0.15, 0.4))), ("busy_background",)
        )
    picture = textures.scatter(
        rng, shape_hw, hot, [palette.main, palette.accent, palette.tint], shape_hw[1] * rng.uniform(0.06, 0.16), 0.5
    )
    return Backdrop(picture, ("busy_background",))


def framed(rng: np.random.Generator, shape_hw: Shape, split: str) -> Backdrop:
    """A calm ground with a border, hearts, circles, leaves or bubbles around: decoration without information."""
    height, width = shape_hw
    palette = draw_palette(rng, split)
    layer = Layer(shape_hw)
    ground = even(rng, shape_hw, split).rgb if rng.random() < 0.7 else textures.plain(shape_hw, palette.tint)
    layer.over(np.ones(shape_hw, np.float32), ground)
    kind = str(rng.choice(["border", "double", "ornate", "hearts", "circles", "circle", "corner", "leaves"]))
    edge = width * rng.uniform(0.02, 0.07)
    outline = np.array([(edge, edge), (width - edge, edge), (width - edge, height - edge), (edge, height - edge)])
    if kind in ("border", "double"):
        layer.stroke(outline, edge * rng.uniform(0.3, 1.6), palette.main, 1, True)
        if kind == "double":
            inner = rounded_points((2.4 * edge, 2.4 * edge, width - 2.4 * edge, height - 2.4 * edge), edge)
            layer.stroke(inner, max(2, edge * 0.25), palette.accent, 1, True)
    elif kind == "ornate":
        border = textures.ornament(rng, shape_hw, [palette.main, palette.tint, palette.accent], int(edge * 3))
        cover = np.ones(shape_hw, np.float32)
        cover[int(2 * edge) : -int(2 * edge), int(2 * edge) : -int(2 * edge)] = 0
        layer.over(cover, border)
    elif kind == "circle":
        layer.ellipse(
            (width / 2, height / 2), (width * 0.42, width * 0.42), mixed(palette.main, (1, 1, 1), rng.uniform(0, 0.6))
        )
    elif kind == "corner":
        for x, y in ((0, 0), (width, height)):
            for ring in range(3, 0, -1):
                layer.ellipse(
                    (x, y), (width * 0.1 * ring, width * 0.1 * ring), palette.main if ring % 2 else palette.accent
                )
    else:
        for _ in range(int(rng.integers(8, 30))):
            side = rng.random() < 0.5
            x = rng.uniform(0, width) if side else rng.choice([rng.uniform(0, 0.16), rng.uniform(0.84, 1)]) * width
            y = rng.choice([rng.uniform(0, 0.14), rng.uniform(0.86, 1)]) * height if side else rng.uniform(0, height)
            r = width * rng.uniform(0.02, 0.06)
            colour = palette.main if rng.random() < 0.6 else palette.accent
            if kind == "hearts":
                t = np.linspace(0, 2 * np.pi, 40)
                heart = np.stack(
                    [x + r * np.sin(t) ** 3, y - r * (0.81 * np.cos(t) - 0.31 * np.cos(2 * t) - 0.13 * np.cos(3 * t))],
                    1,
                )
                layer.polygon(heart, colour)
            elif kind == "leaves":
                leaf = (
                    ellipse_points((0, 0), (r, r * 0.4), 20)
                    @ cv2.getRotationMatrix2D((0, 0), float(rng.uniform(0, 360)), 1)[:, :2].T
                )
                layer.polygon(leaf + (x, y), hsv(rng.uniform(0.22, 0.36), 0.7, rng.uniform(0.4, 0.8)))
            else:
                layer.ellipse((x, y), (r, r), colour, rng.uniform(0.4, 1))
    return Backdrop(layer.rgb, ("frame",))


def uneven(rng: np.random.Generator, shape_hw: Shape, split: str) -> Backdrop:
    """A home-made studio: creases, stains, yellow corners on a light ground, or a mottled dark one."""
    height, width = shape_hw
    dark = rng.random() < 0.45
    tint = (rng.uniform(0, 1), rng.uniform(0, 0.25)) if dark else (rng.uniform(0.05, 0.2), rng.uniform(0, 0.12))
    base = hsv(*tint, rng.uniform(0.12, 0.32) if dark else rng.uniform(0.72, 0.97))
    field = textures.noise(rng, shape_hw, max(shape_hw) / rng.uniform(1.2, 3), 3, 0.6)
    tone = 1 + (rng.uniform(0.15, 0.3) if dark else rng.uniform(0.02, 0.12)) * field
    if rng.random() < 0.4:  # creased sheet
        tone += rng.uniform(0.02, 0.06) * np.sin(textures.noise(rng, shape_hw, max(shape_hw) / 3, 2) * 9)
    picture = np.asarray(base, np.float32) * tone[..., None]
    corner = (0.5, 0.5, 0.6) if dark else mixed((0.8, 0.76, 0.64), (0.9, 0.9, 0.9), rng.uniform(0, 1))
    centre = (rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8))
    picture = np.clip(picture * textures.radial(shape_hw, (1, 1, 1), corner, centre, rng.uniform(0.6, 0.95)), 0, 1)
    stand = None
    if rng.random() < 0.35:  # a table's edge across the picture
        edge = int(height * rng.uniform(0.55, 0.75))
        picture[edge:] = np.clip(picture[edge:] * rng.uniform(0.6, 1.3), 0, 1)
        stand = min(0.95, edge / height + rng.uniform(0.08, 0.2))
    shadows = ("hard", "contact", "reflection") if stand else ("hard", "contact")
    return Backdrop(picture, ("uneven_dark" if dark else "uneven_light",), stand, shadows)
