"""Soft and worn goods: cushions, toys, shoes, bags, clothes, sofas."""

from __future__ import annotations

import numpy as np

from packshot.synth import textures
from packshot.synth.colours import hsv, mixed
from packshot.synth.kit import Kit
from packshot.synth.lettering import FONTS, draw_text, text_size
from packshot.synth.raster import Layer, ellipse_points, rounded_points, smooth_closed, smooth_open
from packshot.synth.solids import inflate, tube


def _superellipse(
    kit: Kit, cx: float, cy: float, rx: float, ry: float, power: float, wobble: float = 0.01
) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    ripple = 1 + wobble * np.interp(np.arange(120), np.arange(0, 120, 5), kit.rng.standard_normal(24))
    x = cx + rx * np.sign(cos) * np.abs(cos) ** (2 / power) * ripple
    y = cy + ry * np.sign(sin) * np.abs(sin) ** (2 / power) * ripple
    return np.stack([x, y], 1) * kit.px


def cushion(kit: Kit) -> Layer:
    layer = kit.layer()
    rx, ry = kit.between(0.33, 0.46), kit.between(0.2, 0.44)
    power = kit.between(2.6, 5)
    outline = _superellipse(kit, 0.5, 0.5, rx, ry, power)
    inflate(
        layer, outline, kit.cloth(), kit.between(0.5, 0.9), 0, kit.wrinkles(0.05), mixed(kit.colour, (0, 0, 0), 0.4)
    )
    return layer


def ortho_pillow(kit: Kit) -> Layer:
    layer = kit.layer()
    colour = hsv(kit.rng.random(), 0.04, kit.between(0.86, 0.98))
    a, b = kit.between(0.3, 0.4), kit.between(0.36, 0.42)
    top = [(0.06, 0.5), (0.14, a), (0.32, b), (0.55, b + 0.03), (0.78, a - 0.02), (0.93, 0.48)]
    outline = smooth_closed(
        np.asarray(top + [(0.94, 0.62), (0.8, 0.72), (0.5, 0.73), (0.2, 0.72), (0.07, 0.64)]) * kit.px
    )
    inflate(layer, outline, textures.weave(kit.rng, (kit.px, kit.px), colour, 5), 0.6, 0, kit.wrinkles(0.02))
    line = smooth_open(kit.at((0.07, 0.58), (0.3, 0.52), (0.6, 0.56), (0.93, 0.55)))
    layer.stroke(line, max(1, kit.px // 160), mixed(colour, (0, 0, 0), 0.3), 0.6)
    return layer


def plush(kit: Kit) -> Layer:
    """A soft toy: body, head, ears, limbs, face."""
    n, layer = kit.px, kit.layer()
    fur = textures.fleece(kit.rng, (n, n), kit.colour, 3.5)
    belly = textures.fleece(kit.rng, (n, n), mixed(kit.colour, (1, 0.97, 0.92), 0.7), 3.5)
    long = kit.chance(0.4)
    ry = 0.36 if long else 0.25
    for side in (-1, 1):
        inflate(layer, _superellipse(kit, 0.5 + side * 0.13, 0.9 - 0.04, 0.09, 0.07, 2.2), fur)
        inflate(layer, _superellipse(kit, 0.5 + side * (0.2 if not long else 0.17), 0.55, 0.06, 0.12, 2.2), fur)
    inflate(layer, _superellipse(kit, 0.5, 0.92 - ry, 0.2 if not long else 0.15, ry, 2.6), fur)
    inflate(layer, _superellipse(kit, 0.5, 0.95 - ry, 0.12, ry * 0.68, 2.2), belly, 0.6)
    ears = str(kit.rng.choice(["round", "pointed", "long"]))
    for side in (-1, 1):
        if ears == "round":
            inflate(layer, _superellipse(kit, 0.5 + side * 0.15, 0.15, 0.07, 0.07, 2), fur)
        elif ears == "pointed":
            inflate(
                layer,
                smooth_closed(kit.at((0.5 + side * 0.06, 0.18), (0.5 + side * 0.17, 0.06), (0.5 + side * 0.19, 0.22))),
                fur,
            )
        else:
            inflate(layer, _superellipse(kit, 0.5 + side * 0.11, 0.12, 0.045, 0.12, 2), fur)
    inflate(layer, _superellipse(kit, 0.5, 0.28, 0.2, 0.16, 2.3), fur)
    inflate(layer, _superellipse(kit, 0.5, 0.33, 0.09, 0.065, 2), belly, 0.7)
    for side in (-1, 1):
        layer.ellipse(((0.5 + side * 0.08) * n, 0.26 * n), (0.018 * n, 0.02 * n), (0.05, 0.05, 0.05))
        layer.ellipse(((0.495 + side * 0.08) * n, 0.253 * n), (0.006 * n, 0.006 * n), (1, 1, 1))
    layer.ellipse((0.5 * n, 0.305 * n), (0.024 * n, 0.017 * n), (0.25, 0.12, 0.12))
    layer.stroke(smooth_open(kit.at((0.46, 0.35), (0.5, 0.365), (0.54, 0.35))), max(1, n // 180), (0.2, 0.1, 0.1))
    return layer


def sneaker(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    cloth = textures.weave(kit.rng, (n, n), kit.colour, 5) if kit.chance(0.6) else textures.plain((n, n), kit.colour)
    ankle = kit.between(0.24, 0.4)
    upper = [(0.09, 0.62), (0.08, ankle + 0.08), (0.14, ankle), (0.25, ankle + 0.03), (0.36, ankle + 0.02)]
    upper += [(0.48, 0.48), (0.66, 0.55), (0.85, 0.59), (0.93, 0.66), (0.9, 0.72), (0.5, 0.73), (0.12, 0.72)]
    inflate(layer, smooth_closed(np.asarray(upper) * n), cloth, 0.9, 0.1, kit.wrinkles(0.02))
    toe = smooth_closed(kit.at((0.74, 0.72), (0.75, 0.6), (0.85, 0.59), (0.93, 0.66), (0.92, 0.72)))
    inflate(layer, toe, mixed(kit.colour, kit.palette.accent, 0.5), 0.8)
    layer.ellipse((0.235 * n, (ankle + 0.03) * n), (0.1 * n, 0.028 * n), mixed(kit.colour, (0, 0, 0), 0.65))
    stripe = smooth_open(kit.at((0.3, 0.7), (0.42, 0.56), (0.36, 0.52)))
    layer.stroke(stripe, n * 0.025, kit.palette.accent)
    for step in range(5):
        a = 0.36 + step * 0.055
        lace = kit.at((a, 0.435 + step * 0.028), (a + 0.07, 0.47 + step * 0.02))
        tube(layer, lace, n * 0.012, (0.95, 0.95, 0.93))
    sole_colour = (0.95, 0.95, 0.94) if kit.chance(0.6) else mixed(kit.palette.ink, (1, 1, 1), 0.15)
    sole = [
        (0.07, 0.7),
        (0.3, 0.715),
        (0.6, 0.72),
        (0.94, 0.69),
        (0.96, 0.73),
        (0.9, 0.79),
        (0.5, 0.79),
        (0.1, 0.8),
        (0.06, 0.75),
    ]
    inflate(layer, smooth_closed(np.asarray(sole) * n), sole_colour, 0.5)
    return layer


def tote(kit: Kit) -> Layer:
    """A shopping bag with handles that one can look through."""
    n, layer = kit.px, kit.layer()
    strap = mixed(kit.colour, kit.palette.accent, 0.5 if kit.chance(0.3) else 0.0)
    wide = kit.between(0.26, 0.36)
    for shift in (0.03, 0):
        arc = [(0.5 - wide * 0.5, 0.42 - shift), (0.5 - wide * 0.42, 0.18 - shift), (0.5, 0.09 - shift)]
        arc += [(0.5 + wide * 0.42, 0.18 - shift), (0.5 + wide * 0.5, 0.42 - shift)]
        tube(layer, smooth_open(np.asarray(arc) * n), n * 0.028, mixed(strap, (0, 0, 0), 0.25 if shift else 0))
    body = [(0.5 - wide, 0.36), (0.5, 0.375), (0.5 + wide, 0.36), (0.5 + wide * 0.96, 0.65), (0.5 + wide * 0.93, 0.91)]
    body += [(0.5, 0.93), (0.5 - wide * 0.93, 0.91), (0.5 - wide * 0.96, 0.65)]
    outline = smooth_closed(np.asarray(body) * n, 8)
    art = kit.cloth()
    inflate(layer, outline, art, 0.5, 0.1, kit.wrinkles(0.06, 0.25))
    if kit.chance(0.4):
        word = str(kit.rng.choice(["NORDA", "Уют", "VELTO", "SHOP", "ЭКО"]))
        font = str(kit.rng.choice(FONTS[kit.split]["head"]))
        w, _ = text_size(word, font, n // 10)
        draw_text(layer, (n * 0.5 - w / 2, n * 0.6), word, font, n // 10, mixed(kit.palette.ink, (1, 1, 1), 0.9))
        kit.words.append(word)
    return layer


def tshirt(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    half = [(0.42, 0.1), (0.3, 0.13), (0.1, 0.24), (0.04, 0.42), (0.17, 0.47), (0.25, 0.38), (0.25, 0.65), (0.24, 0.92)]
    right = [(1 - x, y) for x, y in reversed(half)]
    outline = smooth_closed(np.asarray(half + [(0.5, 0.93)] + right + [(0.5, 0.145)]) * n, 8)
    surface = kit.cloth() if kit.chance(0.35) else textures.weave(kit.rng, (n, n), kit.colour, 3)
    inflate(layer, outline, surface, 0.25, 0, kit.wrinkles(0.05, 0.3))
    layer.stroke(
        smooth_open(kit.at((0.42, 0.1), (0.46, 0.16), (0.54, 0.16), (0.58, 0.1))),
        n * 0.02,
        mixed(kit.colour, (0, 0, 0), 0.3),
    )
    if kit.chance(0.5):
        art, ink = kit.label(0.24, 0.24, kit.colour)
        x, y = int(0.38 * n), int(0.34 * n)
        cover = np.full(art.shape[:2], 0.9, np.float32)
        layer.over(cover, art, (x, y))
        layer.ink[y : y + ink.shape[0], x : x + ink.shape[1]] |= ink
    return layer


def sofa(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    cloth = textures.weave(kit.rng, (n, n), kit.colour, 4) if kit.chance(0.7) else kit.cloth()
    top, seats = kit.between(0.26, 0.36), int(kit.rng.integers(2, 4))
    leg = mixed((0.35, 0.22, 0.12), (0.08, 0.08, 0.08), kit.between(0, 1))
    for x in (0.1, 0.9):
        tube(layer, kit.at((x, 0.76), (x + (0.02 if x > 0.5 else -0.02), 0.83)), n * 0.022, leg)
    inflate(layer, rounded_points((0.08 * n, top * n, 0.92 * n, 0.66 * n), n * 0.05), cloth, 0.4)
    edges = np.linspace(0.14, 0.86, seats + 1)
    for a, b in zip(edges[:-1], edges[1:], strict=True):
        inflate(
            layer,
            rounded_points((a * n, (top + 0.03) * n, b * n, 0.58 * n), n * 0.04),
            cloth,
            0.6,
            0,
            kit.wrinkles(0.03),
        )
    inflate(layer, rounded_points((0.1 * n, 0.62 * n, 0.9 * n, 0.78 * n), n * 0.02), cloth, 0.3)
    for a, b in zip(edges[:-1], edges[1:], strict=True):
        inflate(layer, rounded_points((a * n, 0.53 * n, b * n, 0.67 * n), n * 0.035), cloth, 0.7, 0, kit.wrinkles(0.03))
    for x in (0.03, 0.86):
        inflate(layer, rounded_points((x * n, 0.44 * n, (x + 0.11) * n, 0.79 * n), n * 0.04), cloth, 0.8)
    if kit.chance(0.5):
        spot = kit.between(0.2, 0.35)
        pillow = textures.cloth_print(kit.rng, (n, n), kit.palette.accent, kit.palette.main, kit.palette.tint)
        inflate(layer, _superellipse(kit, spot, 0.48, 0.08, 0.08, 4), pillow, 0.8)
    return layer


def glove(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    surface = kit.cloth()
    for x, tip, base in ((0.3, 0.22, 0.5), (0.42, 0.1, 0.5), (0.54, 0.08, 0.5), (0.66, 0.16, 0.5)):
        inflate(
            layer,
            rounded_points(((x - 0.055) * n, tip * n, (x + 0.055) * n, (base + 0.1) * n), 0.055 * n),
            surface,
            0.9,
        )
    inflate(
        layer, smooth_closed(kit.at((0.72, 0.62), (0.8, 0.42), (0.89, 0.4), (0.88, 0.52), (0.74, 0.76))), surface, 0.9
    )
    inflate(
        layer,
        smooth_closed(
            kit.at((0.26, 0.44), (0.5, 0.42), (0.7, 0.44), (0.74, 0.68), (0.68, 0.8), (0.3, 0.8), (0.25, 0.62))
        ),
        surface,
        0.5,
        0,
        kit.wrinkles(0.05),
    )
    inflate(
        layer,
        rounded_points((0.28 * n, 0.77 * n, 0.7 * n, 0.94 * n), 0.02 * n),
        mixed(kit.colour, kit.palette.accent, 0.7),
        0.3,
    )
    return layer


# Test split only.


def backpack(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    surface = kit.cloth() if kit.chance(0.4) else textures.weave(kit.rng, (n, n), kit.colour, 4)
    tube(layer, smooth_open(kit.at((0.42, 0.14), (0.5, 0.04), (0.58, 0.14))), n * 0.03, kit.palette.ink)
    inflate(layer, _superellipse(kit, 0.5, 0.52, 0.29, 0.42, 3.2, 0.004), surface, 0.6, 0, kit.wrinkles(0.03))
    arc = smooth_open(kit.at((0.24, 0.46), (0.3, 0.22), (0.5, 0.15), (0.7, 0.22), (0.76, 0.46)))
    layer.stroke(arc, max(2, n // 90), mixed(kit.colour, (0, 0, 0), 0.5))
    inflate(
        layer,
        rounded_points((0.28 * n, 0.54 * n, 0.72 * n, 0.86 * n), 0.06 * n),
        mixed(kit.colour, kit.palette.accent, 0.35),
        0.5,
    )
    layer.stroke(kit.at((0.31, 0.6), (0.69, 0.6)), max(2, n // 90), mixed(kit.colour, (0, 0, 0), 0.6))
    return layer


def hat(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    knit = textures.stripes((n, n), [kit.colour, mixed(kit.colour, (0, 0, 0), 0.15)], n * 0.018)
    crown = smooth_closed(
        kit.at((0.2, 0.66), (0.22, 0.4), (0.38, 0.2), (0.5, 0.17), (0.62, 0.2), (0.78, 0.4), (0.8, 0.66))
    )
    inflate(layer, crown, knit, 0.8, 0, kit.wrinkles(0.04))
    inflate(
        layer,
        rounded_points((0.17 * n, 0.6 * n, 0.83 * n, 0.8 * n), 0.06 * n),
        mixed(kit.colour, kit.palette.main, 0.4),
        0.5,
    )
    if kit.chance(0.6):
        inflate(
            layer,
            ellipse_points((0.5 * n, 0.13 * n), (0.1 * n, 0.1 * n)),
            textures.fleece(kit.rng, (n, n), kit.palette.tint, 5),
        )
    return layer


def boot(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    leather = textures.stone(kit.rng, (n, n), kit.colour)
    shape = [
        (0.26, 0.08),
        (0.54, 0.08),
        (0.53, 0.4),
        (0.6, 0.56),
        (0.8, 0.64),
        (0.87, 0.76),
        (0.84, 0.8),
        (0.3, 0.8),
        (0.25, 0.6),
        (0.27, 0.3),
    ]
    inflate(layer, smooth_closed(np.asarray(shape) * n), leather, 0.8, 0.3, kit.wrinkles(0.03))
    sole = smooth_closed(
        kit.at((0.25, 0.79), (0.6, 0.8), (0.88, 0.77), (0.89, 0.83), (0.55, 0.84), (0.5, 0.9), (0.26, 0.91))
    )
    inflate(layer, sole, (0.12, 0.1, 0.1), 0.4)
    layer.ellipse((0.4 * n, 0.085 * n), (0.135 * n, 0.03 * n), mixed(kit.colour, (0, 0, 0), 0.6))
    for row in range(4):
        tube(layer, kit.at((0.45, 0.2 + 0.08 * row), (0.54, 0.22 + 0.08 * row)), n * 0.014, kit.palette.accent)
    return layer


def armchair(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    cloth = textures.weave(kit.rng, (n, n), kit.colour, 5) if kit.chance(0.6) else kit.cloth()
    leg = mixed((0.5, 0.33, 0.18), (0.1, 0.1, 0.1), kit.between(0, 1))
    for a, b in (
        ((0.26, 0.78), (0.2, 0.95)),
        ((0.74, 0.78), (0.8, 0.95)),
        ((0.36, 0.76), (0.34, 0.9)),
        ((0.64, 0.76), (0.66, 0.9)),
    ):
        tube(layer, kit.at(a, b), n * 0.024, leg)
    inflate(layer, _superellipse(kit, 0.5, 0.36, 0.26, 0.3, 3.5, 0.003), cloth, 0.6)
    inflate(layer, rounded_points((0.22 * n, 0.58 * n, 0.78 * n, 0.8 * n), 0.06 * n), cloth, 0.7, 0, kit.wrinkles(0.03))
    for x in (0.14, 0.74):
        inflate(layer, rounded_points((x * n, 0.46 * n, (x + 0.12) * n, 0.76 * n), 0.06 * n), cloth, 0.8)
    return layer


TRAIN = {f.__name__: f for f in (cushion, ortho_pillow, plush, sneaker, tote, tshirt, sofa, glove)}
TEST = {f.__name__: f for f in (backpack, hat, boot, armchair)}
