"""A photo's subject: one product kind, alone, as a pair or as a set, standing, lying or tilted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from packshot.synth import goods, goods_held_out, household, packs, soft
from packshot.synth.colours import Palette
from packshot.synth.kit import Kit
from packshot.synth.raster import Layer

KINDS: dict[str, dict[str, Callable[[Kit], Layer]]] = {
    "train": packs.TRAIN | soft.TRAIN | goods.TRAIN | household.TRAIN,
    "test": packs.TEST | soft.TEST | goods_held_out.TEST,
}
# What lies flat, hangs or has no right side up, and may be turned by any angle.
TURNABLE = {
    "hammer",
    "shears",
    "hairbrush",
    "screwdriver",
    "glove",
    "ball",
    "smartphone",
    "book",
    "cream_tube",
    "wristwatch",
    "pan",
}
LARGE = {"cabinet", "rack", "bed", "sofa", "armchair", "bicycle", "chandelier", "umbrella"}
# What stands about in rooms.
FURNITURE = [
    "sofa",
    "table_lamp",
    "cushion",
    "photo_frame",
    "basket",
    "cabinet",
    "rack",
    "pot_plant",
    "armchair",
    "vase",
    "chair",
    "plate",
]


@dataclass
class Subject:
    """A drawn product.

    Attributes:
        layer: trimmed to the product.
        kind: a name in KINDS, or "staged" (packshot.synth.props).
        arrangement: single, pair, set or lying.
        words: what is printed on the product.
        palette: the pack's design, from which a designer would take the plates' colours.
        standing: whether it stands on something (else it is seen from above or hangs).
    """

    layer: Layer
    kind: str
    arrangement: str
    words: list[str]
    palette: Palette
    standing: bool


def draw_single(rng: np.random.Generator, split: str, px: int, kind: str | None = None) -> tuple[Layer, Kit, str]:
    kinds = KINDS[split]
    kind = kind or str(rng.choice(sorted(kinds)))
    kit = Kit.drawn(rng, split, px)
    return kinds[kind](kit).trimmed(), kit, kind


def draw_subject(
    rng: np.random.Generator, split: str, px: int, kind: str | None = None, upright: bool = False
) -> Subject:
    """A product whose longer side is about `px` pixels; `upright` where it must stand or lie on something."""
    roll = rng.random()
    kind = kind or str(rng.choice(sorted(KINDS[split])))
    several = 0.0 if kind in LARGE else 0.28
    if roll < several:
        count = 2 if roll < several * 0.55 else int(rng.integers(3, 5))
        return _arranged(rng, split, px, kind, count)
    layer, kit, kind = draw_single(rng, split, int(px * 1.08), kind)
    arrangement, standing = "single", True
    degrees = 0.0
    if upright:
        if kind in TURNABLE and rng.random() < 0.5:
            degrees, arrangement = float(rng.choice([-90, 90])) + rng.uniform(-8, 8), "lying"
        else:
            degrees = rng.uniform(-1.5, 1.5)
    elif kind in TURNABLE and rng.random() < 0.6:
        degrees, standing = rng.uniform(-180, 180), False
    elif kind not in LARGE and rng.random() < 0.15:
        degrees = float(rng.choice([-90, 90])) + rng.uniform(-12, 12)
        arrangement = "lying"
    elif rng.random() < (0.1 if kind in LARGE else 0.25):
        degrees, standing = rng.uniform(-25, 25), False
    else:
        degrees = rng.uniform(-1.5, 1.5)
    fit = px / max(layer.shape_hw)
    squeeze = layer.transformed(degrees, min(fit, 1.6), bool(rng.random() < 0.35) and not kit.words)
    over = px / max(squeeze.shape_hw)
    if over < 0.97:
        squeeze = squeeze.transformed(0, over)
    return Subject(squeeze, kind, arrangement, kit.words, kit.palette, standing)


def _arranged(rng: np.random.Generator, split: str, px: int, kind: str, count: int) -> Subject:
    """Two to four pieces side by side, in a row, in a fan or one before the other."""
    each = int(px * (0.72 if count == 2 else 0.55))
    kit = Kit.drawn(rng, split, each)
    pieces = []
    same = rng.random() < 0.5
    for _ in range(count):
        if same and pieces:
            pieces.append(pieces[0].flipped() if rng.random() < 0.3 and not kit.words else pieces[0])
            continue
        if pieces:
            kit.colour = Kit.drawn(rng, split, each).colour
        other = kind
        if count > 2 and not same and rng.random() < 0.3:
            other = str(rng.choice(sorted(set(KINDS[split]) - LARGE)))
        piece = KINDS[split][other](kit).trimmed()
        lean = rng.uniform(-14, 14) if rng.random() < 0.3 else 0.0
        pieces.append(piece.transformed(lean, rng.uniform(0.75, 1.0)) if lean or rng.random() < 0.4 else piece)
    widths = [p.shape_hw[1] for p in pieces]
    heights = [p.shape_hw[0] for p in pieces]
    overlap = rng.uniform(-0.12, 0.3)
    canvas = Layer((int(max(heights) * 1.15) + 4, int(sum(widths) * 1.2) + 4))
    x = 1.0
    placed = []
    for piece in pieces:
        h, w = piece.shape_hw
        placed.append((x, max(heights) - h + 1 + rng.uniform(0, 0.06) * max(heights), piece))
        x += w * (1 - overlap)
    for x, y, piece in sorted(placed, key=lambda p: p[1] + p[2].shape_hw[0]):
        canvas.paste(piece, (x, y))
    layer = canvas.trimmed()
    scale = px / max(layer.shape_hw)
    if abs(scale - 1) > 0.03:
        layer = layer.transformed(0, min(scale, 1.5))
    return Subject(layer, kind, "pair" if count == 2 else "set", kit.words, kit.palette, True)
