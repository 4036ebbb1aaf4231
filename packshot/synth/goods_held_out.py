"""Hard goods that only the test split draws: none of these shapes is ever trained on."""

from __future__ import annotations

import numpy as np

from packshot.synth import labels, textures
from packshot.synth.colours import hsv, mixed
from packshot.synth.goods import CHROME
from packshot.synth.kit import Kit
from packshot.synth.raster import Layer, ellipse_points, rounded_points, smooth_closed, smooth_open
from packshot.synth.solids import inflate, lathe, tube


def vase(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    r = [kit.between(0.06, 0.18), kit.between(0.05, 0.12), kit.between(0.18, 0.3), kit.between(0.08, 0.16)]
    surface = kit.cloth() if kit.chance(0.3) else kit.colour
    profile = [(0.1 * n, r[0] * n), (0.26 * n, r[1] * n), (0.6 * n, r[2] * n), (0.9 * n, r[3] * n)]
    lathe(layer, 0.5 * n, profile, surface, "ceramic" if kit.chance(0.6) else "glass", None, 0.12)
    layer.ellipse((0.5 * n, 0.1 * n), (r[0] * n, r[0] * 0.2 * n), mixed(kit.colour, (0, 0, 0), 0.5))
    return layer


def chair(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    timber = hsv(kit.between(0.05, 0.1), 0.5, kit.between(0.3, 0.8)) if kit.chance(0.7) else kit.colour
    for a, b in (
        ((0.33, 0.58), (0.3, 0.9)),
        ((0.67, 0.58), (0.7, 0.9)),
        ((0.25, 0.62), (0.2, 0.97)),
        ((0.75, 0.62), (0.8, 0.97)),
    ):
        tube(layer, kit.at(a, b), n * 0.03, timber)
    for x in (0.31, 0.69):
        tube(layer, kit.at((x, 0.58), (x + (x - 0.5) * 0.12, 0.06)), n * 0.03, timber)
    for y in np.linspace(0.1, 0.45, int(kit.rng.integers(2, 6))):
        tube(layer, kit.at((0.3, y), (0.7, y)), n * 0.035, timber)
    seat = smooth_closed(kit.at((0.28, 0.55), (0.72, 0.55), (0.8, 0.66), (0.2, 0.66)))
    inflate(layer, seat, kit.cloth() if kit.chance(0.5) else mixed(timber, (1, 1, 1), 0.1), 0.5)
    return layer


def headphones(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    band = smooth_open(kit.at((0.2, 0.6), (0.2, 0.3), (0.5, 0.1), (0.8, 0.3), (0.8, 0.6)))
    tube(layer, band, n * 0.05, kit.colour)
    for x in (0.21, 0.79):
        inflate(layer, ellipse_points((x * n, 0.66 * n), (0.09 * n, 0.15 * n)), mixed(kit.colour, (0, 0, 0), 0.4), 0.9)
        inflate(layer, ellipse_points((x * n, 0.66 * n), (0.06 * n, 0.11 * n)), kit.palette.accent, 0.9, 0.3)
    return layer


def screwdriver(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    lathe(
        layer,
        0.5 * n,
        [(0.04 * n, 0.008 * n), (0.07 * n, 0.014 * n), (0.58 * n, 0.014 * n)],
        CHROME,
        "metal",
        curve=0.02,
    )
    w = kit.between(0.04, 0.06)
    ribs = textures.stripes((100, 60), [kit.palette.main, kit.palette.main, kit.palette.accent], 10, 0)
    lathe(
        layer,
        0.5 * n,
        [
            (0.56 * n, w * 0.6 * n),
            (0.64 * n, w * n),
            (0.75 * n, w * 0.8 * n),
            (0.93 * n, w * n),
            (0.96 * n, w * 0.6 * n),
        ],
        ribs,
        "plastic",
        curve=0.03,
    )
    return layer


def monitor(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    tube(layer, kit.at((0.5, 0.68), (0.5, 0.86)), n * 0.05, mixed(kit.colour, (0.2, 0.2, 0.2), 0.7))
    inflate(
        layer, ellipse_points((0.5 * n, 0.87 * n), (0.17 * n, 0.03 * n)), mixed(kit.colour, (0.2, 0.2, 0.2), 0.7), 0.6
    )
    layer.rectangle((0.06 * n, 0.16 * n, 0.94 * n, 0.7 * n), (0.06, 0.06, 0.07), 0.015 * n)
    art = labels.sticker_art(kit.rng, (int(0.55 * n), int(0.9 * n)), kit.palette)
    layer.rectangle((0.075 * n, 0.175 * n, 0.925 * n, 0.67 * n), art)
    return layer


def umbrella(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    tube(layer, smooth_open(kit.at((0.5, 0.2), (0.5, 0.84), (0.44, 0.92), (0.39, 0.86))), n * 0.018, (0.2, 0.16, 0.14))
    cloth = kit.cloth()
    ribs = np.linspace(0.06, 0.94, 6)
    for a, b in zip(ribs[:-1], ribs[1:], strict=True):
        panel = kit.at(
            (0.5, 0.1),
            ((a + 0.5) / 2 + (a - 0.5) * 0.24, 0.24),
            (a, 0.5),
            ((a + b) / 2, 0.46),
            (b, 0.5),
            ((b + 0.5) / 2 + (b - 0.5) * 0.24, 0.24),
        )
        inflate(layer, panel, cloth, 0.4)
    tube(layer, kit.at((0.5, 0.06), (0.5, 0.12)), n * 0.014, (0.2, 0.16, 0.14))
    return layer


def plate(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    squash = kit.between(0.5, 1.0)
    for share, tone in ((1, 0.0), (0.97, 0.12), (0.68, -0.1), (0.65, 0.05)):
        colour = mixed(kit.colour, (1, 1, 1) if tone > 0 else (0, 0, 0), abs(tone))
        inflate(
            layer,
            ellipse_points((0.5 * n, 0.5 * n), (0.45 * share * n, 0.45 * share * squash * n), 120),
            colour,
            0.3,
            0.2,
        )
    layer.stroke(
        ellipse_points((0.5 * n, 0.5 * n), (0.41 * n, 0.41 * squash * n), 120),
        max(2, n * 0.012),
        kit.palette.accent,
        0.9,
        True,
    )
    return layer


def wristwatch(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    strap = textures.weave(kit.rng, (n, n), kit.colour, 5)
    inflate(layer, rounded_points((0.4 * n, 0.04 * n, 0.6 * n, 0.96 * n), 0.04 * n), strap, 0.5, 0.1)
    inflate(layer, ellipse_points((0.5 * n, 0.5 * n), (0.2 * n, 0.2 * n)), CHROME, 0.6, 0.5)
    layer.ellipse(
        (0.5 * n, 0.5 * n), (0.165 * n, 0.165 * n), kit.palette.tint if kit.chance(0.5) else (0.08, 0.08, 0.1)
    )
    for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):
        d = np.array([np.cos(angle), np.sin(angle)])
        layer.stroke(np.array([0.5 + d * 0.14, 0.5 + d * 0.155]) * n, max(1, n * 0.008), kit.palette.accent)
    for reach in (0.08, 0.12):
        angle = kit.between(0, 6.28)
        tip = (0.5 + reach * np.cos(angle), 0.5 + reach * np.sin(angle))
        layer.stroke(kit.at((0.5, 0.5), tip), max(2, n * 0.01), kit.palette.main)
    return layer


TEST = {f.__name__: f for f in (vase, chair, headphones, screwdriver, monitor, umbrella, plate, wristwatch)}
