"""Hard goods: kitchenware, tools, frames, lamps, baskets, a bicycle. Several have holes one looks through."""

from __future__ import annotations

import numpy as np

from packshot.synth import labels, textures
from packshot.synth.colours import hsv, mixed
from packshot.synth.kit import Kit
from packshot.synth.lettering import FONTS, draw_text
from packshot.synth.raster import Layer, ellipse_points, rounded_points, smooth_closed, smooth_open
from packshot.synth.solids import box_corners, disc_top, face, inflate, lathe, tube

CHROME = (0.78, 0.79, 0.81)


def mug(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    r, top, bottom = kit.between(0.2, 0.27), kit.between(0.24, 0.34), kit.between(0.76, 0.84)
    cx = 0.43
    handle = [
        (cx + r * 0.92, top + 0.1),
        (cx + r + 0.14, top + 0.12),
        (cx + r + 0.17, top + 0.26),
        (cx + r * 0.92, bottom - 0.12),
    ]
    tube(layer, smooth_open(np.asarray(handle) * n), n * kit.between(0.035, 0.055), kit.colour, 0.6)
    taper = r * kit.between(0.82, 1.0)
    profile = [(top * n, r * n), ((bottom - 0.05) * n, taper * n), (bottom * n, taper * 0.86 * n)]
    if kit.chance(0.55):
        h, w = int((bottom - top) * n), int(np.pi * r * n)
        art = textures.plain((h, w), kit.colour)
        print_, ink = kit.label((bottom - top) * 0.6, r * 1.5, kit.colour if kit.chance(0.5) else None)
        y, x = (h - print_.shape[0]) // 2, (w - print_.shape[1]) // 2
        art[y : y + print_.shape[0], x : x + print_.shape[1]] = print_
        writing = np.zeros((h, w), bool)
        writing[y : y + ink.shape[0], x : x + ink.shape[1]] = ink
        lathe(layer, cx * n, profile, art, "ceramic", writing, 0.16)
    else:
        lathe(layer, cx * n, profile, kit.colour, "ceramic", None, 0.16)
    disc_top(layer, (cx * n, top * n), r * n, 0.16, mixed(kit.colour, (0, 0, 0), 0.25), 0.93)
    if kit.chance(0.4):
        drink = hsv(kit.between(0.04, 0.09), 0.8, kit.between(0.15, 0.5))
        layer.ellipse((cx * n, (top + 0.012) * n), (r * 0.86 * n, r * 0.16 * 0.8 * n), drink)
    return layer


def photo_frame(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    w, h = kit.between(0.3, 0.45), kit.between(0.3, 0.46)
    edge = kit.between(0.04, 0.1)
    x0, y0, x1, y1 = 0.5 - w, 0.5 - h, 0.5 + w, 0.5 + h
    outer = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    inner = [(x0 + edge, y0 + edge), (x1 - edge, y0 + edge), (x1 - edge, y1 - edge), (x0 + edge, y1 - edge)]
    timber = textures.wood(kit.rng, (64, 400), kit.colour if kit.chance(0.5) else None)
    if kit.chance(0.75):
        art = labels.sticker_art(kit.rng, (max(16, int(2 * h * n)), max(16, int(2 * w * n))), kit.palette)
        face(layer, np.asarray(inner) * n, art)
        if kit.chance(0.5):
            mat = np.asarray(inner) * n
            layer.stroke(mat, edge * n * 0.8, (0.97, 0.97, 0.95), 1, True)
    for side, shade in enumerate((1.12, 0.85, 0.72, 1.0)):
        a, b = side, (side + 1) % 4
        face(layer, np.asarray([outer[a], outer[b], inner[b], inner[a]]) * n, timber, None, shade)
    return layer


def hammer(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    grip = kit.palette.main if kit.chance(0.5) else hsv(0.08, 0.55, 0.7)
    w = kit.between(0.03, 0.045)
    wood = textures.wood(kit.rng, (int(n), 80), hsv(0.08, 0.5, 0.75)).transpose(1, 0, 2) if kit.chance(0.5) else grip
    lathe(
        layer, 0.5 * n, [(0.2 * n, w * 0.8 * n), (0.5 * n, w * n), (0.95 * n, w * 1.2 * n)], wood, "plastic", curve=0.02
    )
    if kit.chance(0.6):
        lathe(layer, 0.5 * n, [(0.6 * n, w * 1.25 * n), (0.95 * n, w * 1.4 * n)], (0.1, 0.1, 0.1), "matt", curve=0.02)
    head = [
        (0.22, 0.13),
        (0.32, 0.11),
        (0.34, 0.14),
        (0.6, 0.13),
        (0.78, 0.2),
        (0.84, 0.31),
        (0.68, 0.245),
        (0.6, 0.25),
        (0.34, 0.25),
        (0.32, 0.275),
        (0.22, 0.26),
    ]
    inflate(layer, np.asarray(head) * n, (0.45, 0.46, 0.48), 0.9, 0.5)
    return layer


def shears(kit: Kit) -> Layer:
    """Scissors or hedge shears, crossed, with looped or straight handles."""
    n, layer = kit.px, kit.layer()
    spread = kit.between(0.08, 0.2)
    looped = kit.chance(0.6)
    pivot = (0.5, 0.48)
    for side in (-1, 1):
        tip = (0.5 + side * spread * 0.6, 0.05)
        blade = kit.at((pivot[0] - side * 0.035, pivot[1]), tip, (pivot[0] + side * 0.03, pivot[1] + 0.02))
        inflate(layer, blade, (0.72, 0.73, 0.76), 0.7, 0.5)
        end = (0.5 - side * (spread + 0.06), 0.95)
        colour = kit.palette.main
        if looped:
            tube(layer, kit.at(pivot, (0.5 - side * spread * 0.5, 0.66)), n * 0.04, colour)
            tube(
                layer,
                ellipse_points(((0.5 - side * (spread * 0.5 + 0.06)) * n, 0.8 * n), (0.085 * n, 0.14 * n)),
                n * 0.035,
                colour,
                closed=True,
            )
        else:
            tube(layer, kit.at(pivot, (0.5 - side * (spread * 0.6 + 0.02), 0.72)), n * 0.03, (0.5, 0.5, 0.52))
            tube(layer, kit.at((0.5 - side * (spread * 0.55 + 0.02), 0.7), end), n * 0.05, colour)
    layer.ellipse((pivot[0] * n, pivot[1] * n), (n * 0.022, n * 0.022), (0.35, 0.35, 0.36))
    layer.ellipse((pivot[0] * n - 1, pivot[1] * n - 1), (n * 0.012, n * 0.012), (0.8, 0.8, 0.82))
    return layer


def hairbrush(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    w = kit.between(0.04, 0.09)
    for y in np.linspace(0.08, 0.48, 22):
        for side in (-1, 1):
            a = kit.at((0.5 + side * w * 0.8, y), (0.5 + side * (w + 0.05), y - 0.012))
            layer.stroke(a, max(1, n // 220), (0.12, 0.12, 0.12), 0.9)
    lathe(
        layer,
        0.5 * n,
        [(0.05 * n, w * 0.9 * n), (0.08 * n, w * n), (0.5 * n, w * n)],
        (0.35, 0.35, 0.37),
        "metal",
        curve=0.08,
    )
    for y in np.linspace(0.09, 0.48, 16):
        for u in np.linspace(-0.85, 0.85, 7):
            layer.ellipse(((0.5 + u * w) * n, y * n), (n * 0.006, n * 0.004), (0.06, 0.06, 0.06))
    grip = kit.colour
    lathe(
        layer,
        0.5 * n,
        [(0.5 * n, 0.03 * n), (0.58 * n, 0.024 * n), (0.72 * n, 0.042 * n), (0.9 * n, 0.036 * n), (0.95 * n, 0.02 * n)],
        grip,
        "plastic",
        curve=0.02,
    )
    return layer


def pan(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    squash = kit.between(0.35, 0.95)
    dark = (0.14, 0.14, 0.15) if kit.chance(0.6) else kit.colour
    tube(
        layer, kit.at((0.6, 0.5), (0.96, 0.5 - 0.12 * squash)), n * 0.05, mixed(kit.palette.main, (0.1, 0.1, 0.1), 0.6)
    )
    inflate(
        layer,
        ellipse_points((0.37 * n, 0.52 * n), (0.33 * n, 0.33 * squash * n + 0.05 * n)),
        mixed(dark, (0, 0, 0), 0.35),
        0.3,
        0.3,
    )
    layer.ellipse((0.37 * n, 0.5 * n), (0.33 * n, 0.33 * squash * n), mixed(dark, (1, 1, 1), 0.45))
    layer.ellipse((0.37 * n, 0.505 * n), (0.315 * n, 0.315 * squash * n), mixed(dark, (0, 0, 0), 0.2))
    speckle = textures.stone(kit.rng, (kit.px, kit.px), mixed(dark, (1, 1, 1), 0.08))
    layer.ellipse((0.37 * n, 0.52 * n), (0.27 * n, 0.27 * squash * n), speckle)
    return layer


def bicycle(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    r = kit.between(0.17, 0.21)
    back, front, ground = (0.23, 0.68), (0.77, 0.68), 0.68
    for cx, cy in (back, front):
        for angle in np.linspace(0, np.pi, 12, endpoint=False):
            d = np.array([np.cos(angle), np.sin(angle)]) * r
            layer.stroke(np.array([(cx - d[0], cy - d[1]), (cx + d[0], cy + d[1])]) * n, 1, (0.6, 0.6, 0.62), 0.9)
        tube(layer, ellipse_points((cx * n, cy * n), (r * n, r * n)), n * 0.028, (0.08, 0.08, 0.08), 0.3, True)
        layer.stroke(
            ellipse_points((cx * n, cy * n), (r * 0.9 * n, r * 0.9 * n)),
            max(1, n * 0.01),
            CHROME if kit.chance(0.5) else kit.colour,
            1,
            True,
        )
    pedal, seat, head = (0.45, ground), (0.38, 0.4), (0.66, 0.37)
    pipe = n * kit.between(0.02, 0.032)
    for a, b in ((back, pedal), (back, seat), (seat, pedal), (seat, head), (pedal, head)):
        tube(layer, kit.at(a, b), pipe, kit.colour)
    tube(layer, smooth_open(kit.at((0.64, 0.28), head, front)), pipe, kit.colour)
    tube(layer, kit.at(seat, (0.36, 0.32)), pipe * 0.7, CHROME)
    inflate(
        layer, smooth_closed(kit.at((0.28, 0.3), (0.36, 0.285), (0.46, 0.305), (0.38, 0.335))), (0.1, 0.1, 0.1), 0.8
    )
    tube(layer, smooth_open(kit.at((0.58, 0.24), (0.64, 0.28), (0.72, 0.25))), pipe * 0.8, (0.15, 0.15, 0.15))
    layer.stroke(
        ellipse_points((pedal[0] * n, pedal[1] * n), (0.045 * n, 0.045 * n)),
        max(2, n * 0.014),
        (0.25, 0.25, 0.26),
        1,
        True,
    )
    tube(layer, kit.at(pedal, (0.5, 0.77)), n * 0.014, (0.3, 0.3, 0.3))
    if kit.chance(0.5):
        for cx, cy in (back, front):
            angle = np.linspace(np.pi * 1.05, np.pi * 1.75, 20)
            arc = np.stack([cx + (r + 0.025) * np.cos(angle), cy + (r + 0.025) * np.sin(angle)], 1) * n
            tube(layer, arc, n * 0.016, kit.palette.accent)
    return layer


def kettle(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    tone = CHROME if kit.chance(0.5) else kit.colour
    material = "metal" if kit.chance(0.5) else "ceramic"
    r = kit.between(0.2, 0.25)
    tube(
        layer, smooth_open(kit.at((0.3, 0.36), (0.14, 0.36), (0.12, 0.56), (0.24, 0.72))), n * 0.045, (0.12, 0.12, 0.13)
    )
    inflate(
        layer, smooth_closed(kit.at((0.6, 0.38), (0.72, 0.28), (0.78, 0.27), (0.7, 0.44), (0.62, 0.5))), tone, 0.8, 0.3
    )
    lathe(
        layer,
        0.45 * n,
        [(0.26 * n, r * 0.62 * n), (0.4 * n, r * 0.8 * n), (0.8 * n, r * n), (0.84 * n, r * 0.98 * n)],
        tone,
        material,
    )
    lathe(layer, 0.45 * n, [(0.84 * n, r * n), (0.89 * n, r * n)], (0.12, 0.12, 0.12), "matt", smooth=False)
    disc_top(layer, (0.45 * n, 0.265 * n), r * 0.62 * n, 0.2, (0.2, 0.2, 0.2), 0.9)
    lathe(layer, 0.45 * n, [(0.2 * n, 0.02 * n), (0.25 * n, 0.035 * n)], (0.1, 0.1, 0.1), "plastic")
    return layer


def table_lamp(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    lathe(
        layer,
        0.5 * n,
        [(0.4 * n, 0.015 * n), (0.6 * n, 0.03 * n), (0.72 * n, kit.between(0.03, 0.12) * n), (0.86 * n, 0.03 * n)],
        kit.colour,
        "ceramic",
    )
    lathe(
        layer,
        0.5 * n,
        [(0.845 * n, 0.045 * n), (0.91 * n, 0.14 * n)],
        kit.colour,
        "metal" if kit.chance(0.5) else "ceramic",
    )
    shade = mixed(kit.palette.tint, (1, 0.95, 0.82), 0.5)
    cloth = textures.weave(kit.rng, (100, 200), shade, 4) if kit.chance(0.6) else kit.cloth()[:100, :200]
    lathe(layer, 0.5 * n, [(0.08 * n, kit.between(0.12, 0.22) * n), (0.44 * n, 0.25 * n)], cloth, "matt", smooth=False)
    return layer


def chandelier(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    gold = hsv(kit.between(0.09, 0.13), kit.between(0.3, 0.6), 0.8) if kit.chance(0.7) else CHROME
    tube(layer, kit.at((0.5, 0.03), (0.5, 0.36)), n * 0.015, gold)
    lathe(layer, 0.5 * n, [(0.02 * n, 0.03 * n), (0.06 * n, 0.07 * n)], gold, "metal")
    tiers = int(kit.rng.integers(1, 4))
    for tier in range(tiers):
        r, y, drop = 0.36 - 0.09 * tier, 0.36 + 0.15 * tier, kit.between(0.12, 0.2)
        rods = int(18 - 3 * tier)
        for i in range(rods):
            x = 0.5 + r * np.cos(np.pi * i / (rods - 1))
            low = y + drop + 0.035 * np.sin(np.pi * i / (rods - 1))
            colour = mixed(gold, (0.95, 0.95, 1.0), 0.8 if tier % 2 else kit.between(0, 0.25))
            tube(layer, np.array([(x, y), (x, low)]) * n, n * 0.03, colour, 0.7)
        layer.stroke(ellipse_points((0.5 * n, y * n), (r * n, 0.03 * n)), max(2, n * 0.012), gold, 1, True)
    return layer


def basket(kit: Kit) -> Layer:
    """A basket of bars or slots: the background shows through."""
    n, layer = kit.px, kit.layer()
    colour, low = kit.colour, kit.between(0.74, 0.85)
    top, flare = kit.between(0.35, 0.5), kit.between(0.02, 0.07)
    bars = int(kit.rng.integers(8, 15))
    dark = mixed(colour, (0, 0, 0), 0.35)
    for i in np.linspace(0, 1, bars):
        tube(layer, kit.at((0.16 + i * 0.72, top - 0.09), (0.2 + i * 0.64, low - 0.1)), n * 0.016, dark)
    for i in np.linspace(0, 1, bars):
        tube(layer, kit.at((0.1 + i * 0.8, top), (0.1 + flare + i * (0.8 - 2 * flare), low)), n * 0.022, colour)
    for i in np.linspace(0.15, 1, int(kit.rng.integers(3, 6))):
        y, shift = top + i * (low - top), flare * i
        tube(layer, kit.at((0.1 + shift, y), (0.9 - shift, y)), n * 0.02, colour)
    tube(layer, rounded_points((0.1 * n, (top - 0.1) * n, 0.9 * n, top * n), 0.04 * n), n * 0.035, colour, closed=True)
    if kit.chance(0.4):
        tube(
            layer,
            smooth_open(kit.at((0.14, top - 0.05), (0.25, top - 0.28), (0.75, top - 0.28), (0.86, top - 0.05))),
            n * 0.03,
            dark,
        )
    return layer


def faucet(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    tone = CHROME if kit.chance(0.6) else mixed(kit.palette.ink, (0.1, 0.1, 0.1), 0.7)
    tall = kit.between(0.1, 0.3)
    tube(
        layer,
        smooth_open(
            kit.at((0.6, tall + 0.16), (0.58, tall), (0.4, tall - 0.04), (0.18, tall + 0.04), (0.15, tall + 0.16))
        ),
        n * 0.06,
        tone,
        0.8,
    )
    lathe(layer, 0.6 * n, [((tall + 0.12) * n, 0.06 * n), (0.88 * n, 0.065 * n)], tone, "metal")
    lathe(layer, 0.6 * n, [(0.87 * n, 0.1 * n), (0.91 * n, 0.11 * n)], tone, "metal")
    tube(layer, kit.at((0.62, tall + 0.2), (0.84, tall + 0.08)), n * 0.035, tone, 0.8)
    return layer


def smartphone(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    w = kit.between(0.19, 0.24)
    layer.rectangle(
        ((0.5 - w) * n, 0.06 * n, (0.5 + w) * n, 0.94 * n), mixed(kit.colour, (0.2, 0.2, 0.2), 0.5), 0.05 * n
    )
    layer.rectangle(((0.5 - w + 0.008) * n, 0.067 * n, (0.5 + w - 0.008) * n, 0.933 * n), (0.03, 0.03, 0.03), 0.045 * n)
    art = labels.sticker_art(kit.rng, (int(0.84 * n) + 4, int(2 * w * n)), kit.palette)
    layer.rectangle(((0.5 - w + 0.02) * n, 0.08 * n, (0.5 + w - 0.02) * n, 0.92 * n), art, 0.035 * n)
    font = str(kit.rng.choice(FONTS[kit.split]["body"]))
    draw_text(
        layer,
        (0.43 * n, 0.2 * n),
        f"{kit.rng.integers(0, 24):02d}:{kit.rng.integers(0, 60):02d}",
        font,
        n // 18,
        (1, 1, 1),
    )
    gleam = kit.at((0.5, 0.08), (0.5 + w - 0.02, 0.08), (0.5 + w - 0.02, 0.5))
    layer.polygon(gleam, (1, 1, 1), 0.12)
    return layer


def book(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    w, h = kit.between(0.42, 0.55), kit.between(0.6, 0.75)
    thick = kit.between(0.03, 0.09)
    front, side, top = box_corners(
        ((0.5 - w / 2) * n, (0.92 - h) * n, (0.5 + w / 2) * n, 0.92 * n), thick * n, thick * 0.6 * n
    )
    pages = textures.stripes((120, 40), [(0.93, 0.9, 0.84), (0.8, 0.77, 0.7)], 1.5)
    face(layer, top, pages.transpose(1, 0, 2))
    face(layer, side, pages, None, 0.85)
    art, ink = kit.label(h, w)
    face(layer, front, art, ink)
    return layer


def ball(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    surface = kit.cloth()
    inflate(layer, ellipse_points((0.5 * n, 0.5 * n), (0.42 * n, 0.42 * n), 140), surface, 1.0, 0.35)
    return layer


KINDS = (mug, photo_frame, hammer, shears, hairbrush, pan, bicycle, kettle, table_lamp, chandelier, basket, faucet)
TRAIN = {f.__name__: f for f in (*KINDS, smartphone, book, ball)}
