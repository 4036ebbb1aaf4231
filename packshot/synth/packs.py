"""Packed goods: bottles, jars, tins, tubes, boxes, pouches, sprays. Most carry a printed label."""

from __future__ import annotations

import numpy as np

from packshot.synth import textures
from packshot.synth.colours import hsv, mixed
from packshot.synth.kit import Kit
from packshot.synth.raster import Layer, smooth_closed
from packshot.synth.solids import box_corners, disc_top, face, inflate, lathe, tube


def _wrap(kit: Kit, height: float, radius: float, body: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """A label on the front of a body's unrolled half."""
    full_w, h = int(np.pi * radius * kit.px), int(height * kit.px)
    if kit.chance(0.55):
        return kit.label(height, np.pi * radius * 0.999, None)
    picture = textures.plain((h, full_w), body)
    ink = np.zeros((h, full_w), bool)
    inner = int(full_w * kit.between(0.45, 0.7))
    art, art_ink = kit.label(height, inner / kit.px)
    x = (full_w - art.shape[1]) // 2
    picture[: art.shape[0], x : x + art.shape[1]] = art[:h]
    ink[: art.shape[0], x : x + art.shape[1]] = art_ink[:h]
    return picture, ink


def _cap(kit: Kit, layer: Layer, x: float, y0: float, y1: float, r: float, colour: tuple[float, float, float]) -> None:
    n = kit.px
    lathe(layer, x * n, [(y0 * n, r * n), (y1 * n, r * n)], colour, "plastic", curve=0.12, smooth=False)
    disc_top(layer, (x * n, y0 * n), r * n, 0.12, colour, 0.92)
    if kit.chance(0.5):
        for u in np.linspace(-0.9, 0.9, 13):
            line = np.array([(x + r * u, y0 + 0.2 * (y1 - y0)), (x + r * u, y1)]) * n
            layer.stroke(line, 1, mixed(colour, (0, 0, 0), 0.4), 0.45)


def bottle(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    r, neck = kit.between(0.11, 0.2), kit.between(0.04, 0.08)
    shoulder, cap = kit.between(0.24, 0.36), kit.between(0.06, 0.12)
    material = str(kit.rng.choice(["plastic", "glass", "glass", "matt"]))
    body = kit.colour if kit.chance(0.6) else kit.palette.main
    waist = r * kit.between(0.82, 1.0)
    profile = [
        (0.05 + cap, neck),
        (shoulder - 0.09, neck * 1.1),
        (shoulder, r),
        (0.6, waist),
        (0.9, r),
        (0.94, r * 0.93),
    ]
    lathe(layer, 0.5 * n, [(y * n, q * n) for y, q in profile], body, material)
    y0, y1 = shoulder + kit.between(0.04, 0.09), kit.between(0.76, 0.87)
    art, ink = _wrap(kit, y1 - y0, r, body)
    radii = np.interp([y0, 0.6, y1], [y for y, _ in profile], [q for _, q in profile])
    lathe(layer, 0.5 * n, [(y0 * n, radii[0] * n), (0.6 * n, radii[1] * n), (y1 * n, radii[2] * n)], art, material, ink)
    _cap(
        kit,
        layer,
        0.5,
        0.05,
        0.05 + cap,
        neck * kit.between(1.05, 1.5),
        kit.palette.accent if kit.chance(0.5) else kit.colour,
    )
    return layer


def dispenser(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    r = kit.between(0.14, 0.22)
    body = kit.palette.tint if kit.chance(0.5) else kit.colour
    lathe(layer, 0.5 * n, [(0.3 * n, 0.07 * n), (0.36 * n, r * n), (0.92 * n, r * n), (0.95 * n, r * 0.95 * n)], body)
    art, ink = _wrap(kit, 0.42, r, body)
    lathe(layer, 0.5 * n, [(0.43 * n, r * n), (0.85 * n, r * n)], art, "plastic", ink, smooth=False)
    cap = mixed(kit.palette.ink, (1, 1, 1), kit.between(0, 0.9))
    tube(layer, kit.at((0.5, 0.3), (0.5, 0.14), (0.36, 0.15), (0.34, 0.19)), n * 0.035, cap)
    _cap(kit, layer, 0.5, 0.23, 0.31, 0.075, cap)
    return layer


def jar(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    r, top, bottom = kit.between(0.25, 0.36), kit.between(0.2, 0.35), kit.between(0.75, 0.9)
    lid = kit.between(0.07, 0.15)
    material = "glass" if kit.chance(0.5) else "ceramic"
    body = kit.colour
    lathe(
        layer,
        0.5 * n,
        [(top * n, r * n), (bottom * n, r * n), ((bottom + 0.02) * n, r * 0.94 * n)],
        body,
        material,
        curve=0.14,
    )
    art, ink = _wrap(kit, (bottom - top) * 0.62, r, body)
    y0 = top + 0.2 * (bottom - top)
    lathe(
        layer, 0.5 * n, [(y0 * n, r * n), ((y0 + 0.62 * (bottom - top)) * n, r * n)], art, "plastic", ink, 0.14, False
    )
    tone = kit.palette.accent if kit.chance(0.4) else mixed(kit.palette.ink, (1, 1, 1), kit.between(0, 0.95))
    lathe(
        layer,
        0.5 * n,
        [((top - lid) * n, r * 1.03 * n), (top * n, r * 1.03 * n)],
        tone,
        "metal" if kit.chance(0.3) else "plastic",
        curve=0.14,
        smooth=False,
    )
    disc_top(layer, (0.5 * n, (top - lid) * n), r * 1.03 * n, 0.14, tone, 0.93)
    return layer


def tin(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    r, top, bottom = kit.between(0.22, 0.34), kit.between(0.08, 0.3), kit.between(0.82, 0.92)
    steel = (0.8, 0.8, 0.82)
    lathe(layer, 0.5 * n, [(top * n, r * n), (bottom * n, r * n)], steel, "metal", curve=0.16, smooth=False)
    art, ink = kit.label(bottom - top - 0.06, np.pi * r * 0.999)
    lathe(
        layer,
        0.5 * n,
        [((top + 0.03) * n, r * 0.985 * n), ((bottom - 0.03) * n, r * 0.985 * n)],
        art,
        "plastic",
        ink,
        0.16,
        False,
    )
    layer.ellipse((0.5 * n, top * n), (r * n, r * 0.16 * n), (0.88, 0.88, 0.9))
    layer.ellipse((0.5 * n, (top + 0.004) * n), (r * 0.93 * n, r * 0.14 * n), (0.6, 0.6, 0.63))
    layer.ellipse((0.5 * n, (top + 0.008) * n), (r * 0.9 * n, r * 0.13 * n), (0.75, 0.75, 0.78))
    return layer


def cream_tube(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    r, end = kit.between(0.1, 0.16), kit.between(0.74, 0.8)
    body = kit.palette.tint if kit.chance(0.6) else kit.palette.main
    art, ink = kit.label(end - 0.08, np.pi * r, body)
    profile = [(0.06, r * 1.25), (0.08, r * 1.25), (0.4, r * 1.15), (end - 0.03, r), (end, r * 0.85)]
    lathe(layer, 0.5 * n, [(y * n, q * n) for y, q in profile], art, "ceramic", ink, curve=0.03)
    layer.rectangle((n * (0.5 - r * 1.25), n * 0.05, n * (0.5 + r * 1.25), n * 0.085), mixed(body, (0, 0, 0), 0.08))
    _cap(kit, layer, 0.5, end, end + kit.between(0.08, 0.14), r * kit.between(0.7, 0.95), kit.palette.accent)
    return layer


def carton(kit: Kit) -> Layer:
    """A box standing on its end, its front and one side printed."""
    n, layer = kit.px, kit.layer()
    w, h = kit.between(0.25, 0.6), kit.between(0.35, 0.72)
    depth, rise = kit.between(0.05, 0.22), kit.between(0.03, 0.1)
    right = kit.chance(0.6)
    x0 = 0.5 - w / 2 - (depth / 2 if right else -depth / 2)
    front, side, top = box_corners((x0 * n, (0.92 - h) * n, (x0 + w) * n, 0.92 * n), depth * n, rise * n, right)
    art, ink = kit.label(h, w)
    side_art, side_ink = kit.label(h, max(0.06, depth))
    ground = art[2, 2]
    face(layer, top, textures.plain((8, 8), tuple(ground)), None, 1.12)
    face(layer, side, side_art, side_ink, kit.between(0.6, 0.8))
    face(layer, front, art, ink, kit.between(0.92, 1.0))
    return layer


def parcel(kit: Kit) -> Layer:
    """A cardboard box with tape."""
    n, layer = kit.px, kit.layer()
    w, h = kit.between(0.4, 0.6), kit.between(0.25, 0.5)
    board = textures.stone(kit.rng, (160, 160), (0.74, 0.57, 0.4))
    front, side, top = box_corners(((0.4 - w / 2) * n, (0.88 - h) * n, (0.4 + w / 2) * n, 0.88 * n), 0.25 * n, 0.16 * n)
    taped = board.copy()
    taped[:, 70:92] = mixed((0.74, 0.57, 0.4), (0.9, 0.85, 0.7), 0.6)
    face(layer, top, taped, None, 1.1)
    face(layer, side, board, None, 0.68)
    face(layer, front, board, None, 0.92)
    return layer


def candle(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    r, top = kit.between(0.16, 0.28), kit.between(0.35, 0.5)
    wax = mixed(kit.colour, (1, 0.97, 0.9), 0.5)
    lathe(
        layer,
        0.5 * n,
        [(top * n, r * n), (0.88 * n, r * n)],
        wax,
        "glass" if kit.chance(0.5) else "matt",
        curve=0.18,
        smooth=False,
    )
    if kit.chance(0.7):
        art, ink = _wrap(kit, 0.2, r, wax)
        lathe(layer, 0.5 * n, [(0.6 * n, r * n), (0.8 * n, r * n)], art, "matt", ink, 0.18, False)
    disc_top(layer, (0.5 * n, top * n), r * n, 0.18, mixed(wax, (0.4, 0.3, 0.2), 0.15), 0.93)
    tube(layer, kit.at((0.5, top + 0.01), (0.505, top - 0.05)), 0.012 * n, (0.2, 0.17, 0.15))
    return layer


# Test split only: pouch, spray can, vial with dropper, canister.


def pouch(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    w, top = kit.between(0.24, 0.34), kit.between(0.1, 0.25)
    outline = [(0.5 - w, top), (0.5, top + 0.005), (0.5 + w, top), (0.5 + w * 0.96, 0.5), (0.5 + w * 1.04, 0.88)]
    outline += [(0.5, 0.93), (0.5 - w * 1.04, 0.88), (0.5 - w * 0.96, 0.5)]
    art, ink = kit.label(0.93 - top, 2.1 * w)
    surface, writing = textures.plain((n, n), tuple(art[0, 0])), np.zeros((n, n), bool)
    y, x = int(top * n), int((0.5 - w * 1.05) * n)
    h, ww = min(art.shape[0], n - y), min(art.shape[1], n - x)
    surface[y : y + h, x : x + ww], writing[y : y + h, x : x + ww] = art[:h, :ww], ink[:h, :ww]
    inflate(layer, smooth_closed(np.asarray(outline) * n, 8), surface, 0.7, 0.3, kit.wrinkles(0.03), None, writing)
    layer.rectangle(((0.5 - w) * n, (top + 0.04) * n, (0.5 + w) * n, (top + 0.055) * n), (1, 1, 1), 0, 0.35)
    return layer


def spray(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    r = kit.between(0.1, 0.15)
    lathe(layer, 0.5 * n, [(0.2 * n, r * 0.7 * n), (0.26 * n, r * n), (0.93 * n, r * n)], (0.85, 0.85, 0.87), "metal")
    art, ink = kit.label(0.6, np.pi * r)
    lathe(
        layer,
        0.5 * n,
        [(0.29 * n, r * n), (0.89 * n, r * n)],
        art,
        "metal" if kit.chance(0.4) else "ceramic",
        ink,
        0.1,
        False,
    )
    lathe(
        layer,
        0.5 * n,
        [(0.06 * n, r * 0.6 * n), (0.1 * n, r * 0.75 * n), (0.2 * n, r * 0.8 * n)],
        kit.palette.accent,
        "plastic",
    )
    return layer


def dropper(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    r = kit.between(0.13, 0.19)
    amber = hsv(kit.between(0.04, 0.09), 0.85, kit.between(0.25, 0.5)) if kit.chance(0.6) else kit.colour
    lathe(layer, 0.5 * n, [(0.36 * n, 0.06 * n), (0.42 * n, r * n), (0.92 * n, r * n)], amber, "glass")
    art, ink = _wrap(kit, 0.32, r, amber)
    lathe(layer, 0.5 * n, [(0.52 * n, r * n), (0.84 * n, r * n)], art, "matt", ink, 0.1, False)
    lathe(
        layer, 0.5 * n, [(0.08 * n, 0.03 * n), (0.12 * n, 0.05 * n), (0.24 * n, 0.04 * n)], (0.12, 0.12, 0.12), "matt"
    )
    _cap(kit, layer, 0.5, 0.24, 0.37, 0.075, (0.83, 0.68, 0.35) if kit.chance(0.5) else (0.1, 0.1, 0.1))
    return layer


def canister(kit: Kit) -> Layer:
    n, layer = kit.px, kit.layer()
    colour = kit.colour
    outline = [
        (0.22, 0.3),
        (0.3, 0.22),
        (0.62, 0.14),
        (0.78, 0.22),
        (0.8, 0.6),
        (0.79, 0.9),
        (0.5, 0.92),
        (0.21, 0.9),
        (0.2, 0.6),
    ]
    art, ink = kit.label(0.38, 0.44)
    surface, writing = textures.plain((n, n), colour), np.zeros((n, n), bool)
    y, x = int(0.44 * n), int(0.28 * n)
    surface[y : y + art.shape[0], x : x + art.shape[1]] = art
    writing[y : y + art.shape[0], x : x + art.shape[1]] = ink
    inflate(layer, smooth_closed(np.asarray(outline) * n, 8), surface, 0.5, 0.3, None, None, writing)
    tube(layer, kit.at((0.32, 0.24), (0.34, 0.13), (0.56, 0.08), (0.64, 0.16)), 0.05 * n, colour)
    _cap(kit, layer, 0.72, 0.1, 0.18, 0.06, kit.palette.accent)
    return layer


TRAIN = {f.__name__: f for f in (bottle, dispenser, jar, tin, cream_tube, carton, parcel, candle)}
TEST = {f.__name__: f for f in (pouch, spray, dropper, canister)}
