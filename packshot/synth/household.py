"""Furniture, clothes and machines for the train split: cabinet, rack, bed, dress, drill, toy car, pot plant."""

from __future__ import annotations

import numpy as np

from packshot.synth import textures
from packshot.synth.colours import hsv, mixed
from packshot.synth.goods import CHROME
from packshot.synth.kit import Kit
from packshot.synth.raster import Layer, ellipse_points, rounded_points, smooth_closed, smooth_open
from packshot.synth.solids import box_corners, face, inflate, lathe, tube


def _board(kit: Kit) -> np.ndarray:
    """Wood or lacquer."""
    if kit.chance(0.6):
        return textures.wood(kit.rng, (200, 300))
    return textures.plain((32, 32), kit.colour if kit.chance(0.5) else hsv(0.1, 0.03, kit.between(0.85, 0.97)))


def cabinet(kit: Kit) -> Layer:
    """A chest or wardrobe with doors or drawers."""
    n, layer = kit.px, kit.layer()
    w, h = kit.between(0.35, 0.7), kit.between(0.35, 0.78)
    depth, rise = kit.between(0.06, 0.16), kit.between(0.02, 0.07)
    x0, y0 = 0.5 - w / 2 - depth / 2, 0.9 - h
    front, side, top = box_corners((x0 * n, y0 * n, (x0 + w) * n, 0.9 * n), depth * n, rise * n)
    board = _board(kit)
    for x in (x0 + 0.03, x0 + w - 0.03):
        tube(layer, kit.at((x, 0.89), (x, 0.94)), n * 0.02, kit.palette.ink)
    face(layer, top, board, None, 1.1)
    face(layer, side, board, None, 0.68)
    face(layer, front, board, None, 0.95)
    door = board if kit.chance(0.6) else textures.plain((16, 16), hsv(0.1, 0.02, kit.between(0.88, 0.98)))
    columns, rows = (
        (int(kit.rng.integers(1, 3)), int(kit.rng.integers(2, 5)))
        if kit.chance(0.6)
        else (int(kit.rng.integers(2, 4)), 1)
    )
    gap = 0.012
    for column in range(columns):
        for row in range(rows):
            a, b = x0 + gap + column * (w - gap) / columns, y0 + gap + row * (h - gap) / rows
            c, d = a + (w - gap) / columns - gap, b + (h - gap) / rows - gap
            face(layer, kit.at((a, b), (c, b), (c, d), (a, d)), door, None, 1.02)
            layer.stroke(kit.at((a, d), (c, d), (c, b)), max(1, n / 300), (0, 0, 0), 0.35)
            if rows > 1:
                tube(
                    layer,
                    kit.at(((a + c) / 2 - 0.03, (b + d) / 2), ((a + c) / 2 + 0.03, (b + d) / 2)),
                    n * 0.012,
                    CHROME,
                )
            else:
                x = c - 0.02 if column % 2 == 0 else a + 0.02
                tube(layer, kit.at((x, (b + d) / 2 - 0.04), (x, (b + d) / 2 + 0.04)), n * 0.012, CHROME)
    return layer


def rack(kit: Kit) -> Layer:
    """Open shelves: the wall shows between them."""
    n, layer = kit.px, kit.layer()
    w, levels = kit.between(0.22, 0.4), int(kit.rng.integers(3, 6))
    post = kit.palette.ink if kit.chance(0.6) else CHROME
    board = _board(kit)
    lean = kit.between(0.06, 0.12)
    for x in (0.5 - w + lean, 0.5 + w + lean):
        tube(layer, kit.at((x, 0.05), (x, 0.88)), n * 0.018, mixed(post, (0, 0, 0), 0.3))
    for y in np.linspace(0.12, 0.86, levels):
        shelf = kit.at((0.5 - w, y + 0.04), (0.5 + w, y + 0.04), (0.5 + w + lean, y), (0.5 - w + lean, y))
        face(layer, shelf, board, None, 1.0)
        edge = kit.at((0.5 - w, y + 0.04), (0.5 + w, y + 0.04), (0.5 + w, y + 0.065), (0.5 - w, y + 0.065))
        face(layer, edge, board, None, 0.75)
    for x in (0.5 - w, 0.5 + w):
        tube(layer, kit.at((x, 0.08), (x, 0.95)), n * 0.022, post)
    return layer


def bed(kit: Kit) -> Layer:
    """A bed or a mattress with pillows, seen from a corner."""
    n, layer = kit.px, kit.layer()
    cloth = textures.weave(kit.rng, (n, n), kit.colour, 5)
    white = textures.weave(kit.rng, (n, n), hsv(0.1, 0.02, kit.between(0.88, 0.97)), 5)
    if kit.chance(0.6):
        inflate(layer, rounded_points((0.06 * n, 0.26 * n, 0.62 * n, 0.62 * n), 0.03 * n), cloth, 0.4)
    front, side, top = box_corners((0.08 * n, 0.62 * n, 0.6 * n, 0.78 * n), 0.33 * n, 0.1 * n)
    spread = kit.cloth() if kit.chance(0.4) else white
    face(layer, top - (0, n * 0.02), spread, None, 1.04)
    face(layer, side, white, None, 0.72)
    face(layer, front, white, None, 0.92)
    for y in (0.66, 0.74):
        layer.stroke(
            kit.at((0.08, y), (0.6, y), (0.93, y - 0.1)), max(1, n / 200), mixed(kit.colour, (0.5, 0.5, 0.5), 0.5)
        )
    for x in (0.16, 0.38):
        pillow = smooth_closed(
            kit.at((x, 0.5), (x + 0.1, 0.46), (x + 0.2, 0.49), (x + 0.21, 0.58), (x + 0.1, 0.6), (x - 0.01, 0.58))
        )
        inflate(layer, pillow, white, 0.8, 0, kit.wrinkles(0.04))
    for x, y in ((0.1, 0.78), (0.58, 0.78), (0.9, 0.68)):
        tube(layer, kit.at((x, y), (x, y + 0.06)), n * 0.022, kit.palette.ink)
    return layer


def dress(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    flare, waist = kit.between(0.2, 0.36), kit.between(0.1, 0.14)
    sleeve = kit.chance(0.5)
    left = [(0.43, 0.06), (0.36, 0.08)] + ([(0.24, 0.3), (0.3, 0.33), (0.37, 0.2)] if sleeve else [(0.37, 0.18)])
    left += [(0.5 - waist, 0.38), (0.5 - flare * 0.7, 0.66), (0.5 - flare, 0.93)]
    outline = left + [(0.5, 0.95)] + [(1 - x, y) for x, y in reversed(left)] + [(0.5, 0.13)]
    folds = (
        np.sin(np.linspace(0, kit.between(30, 60), n, dtype=np.float32))[None]
        * np.linspace(0, 0.05, n, dtype=np.float32)[:, None]
    )
    inflate(layer, smooth_closed(np.asarray(outline) * n, 8), kit.cloth(), 0.3, 0, kit.wrinkles(0.04, 0.3) + folds)
    layer.stroke(kit.at((0.5 - waist, 0.38), (0.5 + waist, 0.38)), n * 0.02, mixed(kit.colour, (0, 0, 0), 0.4), 0.8)
    return layer


def drill(kit: Kit) -> Layer:
    """A power drill."""
    n, layer = kit.px, kit.layer()
    body, dark = kit.palette.main, (0.12, 0.12, 0.13)
    tube(layer, kit.at((0.04, 0.3), (0.22, 0.3)), n * 0.02, CHROME)
    inflate(layer, smooth_closed(kit.at((0.2, 0.24), (0.32, 0.22), (0.32, 0.38), (0.2, 0.36))), dark, 0.8, 0.2)
    inflate(layer, smooth_closed(kit.at((0.5, 0.38), (0.66, 0.38), (0.72, 0.78), (0.54, 0.8))), dark, 0.8, 0.1)
    inflate(
        layer,
        smooth_closed(kit.at((0.3, 0.2), (0.6, 0.17), (0.82, 0.2), (0.86, 0.3), (0.8, 0.4), (0.5, 0.42), (0.3, 0.38))),
        body,
        0.8,
        0.3,
    )
    inflate(layer, rounded_points((0.46 * n, 0.76 * n, 0.8 * n, 0.93 * n), 0.03 * n), mixed(body, dark, 0.6), 0.6, 0.1)
    inflate(
        layer, smooth_closed(kit.at((0.46, 0.44), (0.51, 0.43), (0.53, 0.54), (0.47, 0.52))), kit.palette.accent, 0.8
    )
    for x in (0.7, 0.74, 0.78):
        layer.stroke(kit.at((x, 0.25), (x, 0.35)), n * 0.012, dark, 0.8)
    art, ink = kit.label(0.1, 0.24, body)
    face(layer, kit.at((0.38, 0.25), (0.62, 0.25), (0.62, 0.35), (0.38, 0.35)), art, ink)
    return layer


def toy_car(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    body = [
        (0.06, 0.6),
        (0.1, 0.48),
        (0.28, 0.45),
        (0.38, 0.32),
        (0.66, 0.31),
        (0.78, 0.45),
        (0.93, 0.5),
        (0.95, 0.62),
        (0.9, 0.68),
        (0.1, 0.68),
    ]
    inflate(layer, smooth_closed(np.asarray(body) * n), kit.palette.main, 0.8, 0.45)
    glass = mixed((0.25, 0.32, 0.38), kit.palette.tint, 0.3)
    for pane in (
        ((0.33, 0.45), (0.41, 0.35), (0.51, 0.35), (0.51, 0.45)),
        ((0.54, 0.45), (0.54, 0.35), (0.64, 0.35), (0.71, 0.45)),
    ):
        inflate(layer, kit.at(*pane), glass, 0.3, 0.4)
    layer.stroke(kit.at((0.52, 0.34), (0.525, 0.66)), max(1, n / 200), (0, 0, 0), 0.4)
    for x in (0.25, 0.75):
        inflate(layer, ellipse_points((x * n, 0.68 * n), (0.1 * n, 0.1 * n)), (0.1, 0.1, 0.1), 0.5)
        inflate(layer, ellipse_points((x * n, 0.68 * n), (0.055 * n, 0.055 * n)), CHROME, 0.6, 0.3)
    inflate(layer, ellipse_points((0.91 * n, 0.54 * n), (0.02 * n, 0.03 * n)), (1.0, 0.95, 0.7), 0.6, 0.4)
    return layer


def pot_plant(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    hue, slim = kit.between(0.22, 0.36), kit.between(0.05, 0.16)
    for turn in np.radians(np.linspace(-160, -20, int(kit.rng.integers(7, 15))) + kit.rng.normal(0, 5)):
        base, reach = np.array([0.5, 0.62]), kit.between(0.3, 0.5)
        tip = base + reach * np.array([np.cos(turn) * 0.8, np.sin(turn)])
        side = np.array([-np.sin(turn), np.cos(turn)]) * reach * slim
        leaf = np.stack([base, (base + tip) / 2 + side, tip, (base + tip) / 2 - side])
        inflate(layer, smooth_closed(leaf * n, 6), hsv(hue, kit.between(0.4, 0.7), kit.between(0.35, 0.65)), 0.6)
    r = kit.between(0.14, 0.22)
    lathe(
        layer,
        0.5 * n,
        [(0.6 * n, r * n), (0.9 * n, r * kit.between(0.65, 1.0) * n)],
        kit.colour,
        "ceramic",
        None,
        0.12,
        False,
    )
    layer.stroke(
        smooth_open(kit.at((0.5 - r, 0.62), (0.5, 0.62 + r * 0.12), (0.5 + r, 0.62))),
        n * 0.012,
        mixed(kit.colour, (1, 1, 1), 0.4),
    )
    return layer


TRAIN = {f.__name__: f for f in (cabinet, rack, bed, dress, drill, toy_car, pot_plant)}
