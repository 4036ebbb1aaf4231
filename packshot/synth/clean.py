"""Photos without infographics: calm even backgrounds, bad backgrounds, professional settings."""

from __future__ import annotations

import cv2
import numpy as np

from packshot.synth import backgrounds, interiors, props, rooms, textures
from packshot.synth.backgrounds import Backdrop
from packshot.synth.colours import draw_object_colour, mixed
from packshot.synth.overlays import Box
from packshot.synth.products import Subject, draw_subject
from packshot.synth.raster import Layer, composite, rounded_points, smooth_closed
from packshot.synth.scene import Scene
from packshot.synth.solids import inflate

HANDY = {
    "train": ("bottle", "jar", "tin", "cream_tube", "carton", "mug", "smartphone", "hairbrush", "shears", "candle"),
    "test": ("pouch", "spray", "dropper", "screwdriver", "wristwatch", "vase"),
}


def _region(scene: Scene, low: float, high: float, drift: float = 0.03) -> tuple[float, float, float, float]:
    """A centred square-ish region filling `low` to `high` of the picture, a little off centre."""
    rng = scene.rng
    w, h = rng.uniform(low, high), rng.uniform(low, high)
    cx, cy = 0.5 + rng.uniform(-drift, drift), 0.5 + rng.uniform(-drift, drift)
    x0, y0 = max(0.01, cx - w / 2), max(0.01, cy - h / 2)
    return scene.region(x0, y0, min(0.99, x0 + w), min(0.99, y0 + h))


def good_background(scene: Scene) -> None:
    rng = scene.rng
    backdrop = scene.back(backgrounds.even(rng, scene.shape_hw, scene.split))
    if rng.random() < 0.05:
        _in_hand(scene, backdrop)
        return
    region = _region(scene, 0.72, 0.97)
    if backdrop.stand is not None:
        region = _region(scene, 0.55, 0.8)
    scene.place(region, backdrop)
    scene.clauses += backdrop.clauses


def _small_subject(scene: Scene, px: int) -> Subject:
    """One thing that a hand can hold."""
    while True:
        subject = draw_subject(scene.rng, scene.split, px, str(scene.rng.choice(HANDY[scene.split])))
        if subject.arrangement in ("single", "lying"):
            return subject


def _in_hand(scene: Scene, backdrop: Backdrop) -> None:
    """The product held by a hand that comes in from below or from a side."""
    rng = scene.rng
    height, width = scene.shape_hw
    x0, y0, x1, y1 = scene.place(
        _region(scene, 0.5, 0.65),
        backdrop.anywhere(),
        shadow="none",
        subject=_small_subject(scene, int(0.6 * max(scene.shape_hw))),
    )
    skin = mixed((0.93, 0.76, 0.66), (0.42, 0.27, 0.2), rng.uniform(0, 0.8))
    hand = Layer(scene.shape_hw)
    side = 1 if rng.random() < 0.5 else -1
    edge = x1 if side > 0 else x0
    thick = width * rng.uniform(0.035, 0.05)
    cy = y0 + (y1 - y0) * rng.uniform(0.45, 0.7)
    wrist = np.array([edge + side * width * 0.2, height * 1.05])
    palm = np.array(
        [(edge + side * thick * 0.5, cy - thick), (edge + side * thick * 3, cy), wrist + (side * thick * 2, 0)]
    )
    palm = np.concatenate([palm, [wrist - (side * thick * 2, 0), (edge - side * thick, cy + thick * 4)]])
    behind = Layer(scene.shape_hw)
    inflate(behind, smooth_closed(palm), skin, 0.7)
    whole = behind.alpha * (1 - scene.alpha)
    scene.picture = scene.picture * (1 - whole[..., None]) + behind.rgb * whole[..., None]
    for finger in range(4):
        y = cy + (finger - 0.8) * thick * 1.9
        reach = min(thick * rng.uniform(3.0, 4.2), (x1 - x0) * 0.7)
        tip = edge - side * reach
        box = (min(tip, edge + side * thick * 2), y - thick * 0.8, max(tip, edge + side * thick * 2), y + thick * 0.8)
        inflate(hand, rounded_points(box, thick * 0.8), skin, 0.9, 0.05)
        nail = (tip + side * thick * 0.55, y)
        hand.ellipse(nail, (thick * 0.4, thick * 0.36), mixed(skin, (1, 0.85, 0.85), 0.5))
    scene.picture = composite(scene.picture, hand)
    scene.alpha = scene.alpha * (1 - hand.alpha)
    scene.writing &= hand.alpha < 0.5
    scene.clauses += ["in_hand", *backdrop.clauses]


def bad_background(scene: Scene) -> None:
    rng = scene.rng
    kind = str(
        rng.choice(["amateur", "loud", "framed", "uneven", "collage", "strewn"], p=[0.42, 0.12, 0.12, 0.17, 0.07, 0.1])
    )
    if kind == "collage":
        _collage(scene)
        return
    if kind == "strewn":
        backdrop = scene.back(backgrounds.even(rng, scene.shape_hw, scene.split, "white"))
        box = scene.place(_region(scene, 0.6, 0.85), backdrop)
        covered = scene.picture
        scene.picture = rooms.decorate(rng, covered, box)
        changed = np.abs(scene.picture - covered).max(2) > 0.02
        scene.alpha = np.where(changed, 0, scene.alpha).astype(np.float32)
        scene.writing &= ~changed
        scene.clauses += ["collage", "busy_background"]
        return
    if kind == "amateur" and props.STAGED[scene.split] and rng.random() < 0.2:
        _staged(scene)
        scene.snapshot = True
        scene.clauses.append("amateur_home")
        return
    make = {
        "amateur": rooms.amateur,
        "loud": backgrounds.loud,
        "framed": backgrounds.framed,
        "uneven": backgrounds.uneven,
    }[kind]
    backdrop = scene.back(make(rng, scene.shape_hw, scene.split))
    snapshot = kind in ("amateur", "uneven")
    region = _region(scene, 0.45, 0.9, 0.09) if snapshot else _region(scene, 0.6, 0.85)
    scene.place(region, backdrop, tone=rng.uniform(0.2, 0.5) if snapshot else 0.0)
    if snapshot and rng.random() < 0.5:  # the camera held askew
        _tilt(scene, rng.uniform(-7, 7))
    scene.snapshot = snapshot or rng.random() < 0.25
    scene.clauses += backdrop.clauses


def image_background(scene: Scene) -> None:
    rng = scene.rng
    if props.STAGED[scene.split] and rng.random() < 0.3:
        _staged(scene)
        scene.clauses.append("setting_room")
        return
    backdrop = scene.back(interiors.interior(rng, scene.shape_hw, scene.split))
    kinds: tuple[str, ...] = ()
    if {"setting_living", "setting_window", "setting_lounge"} & set(backdrop.clauses):
        kinds = (
            "sofa",
            "table_lamp",
            "cushion",
            "chandelier",
            "bicycle",
            "photo_frame",
            "basket",
            "cabinet",
            "rack",
            "bed",
        )
    if {"setting_bedroom", "setting_hall"} & set(backdrop.clauses):
        kinds = ("armchair", "chair", "vase", "umbrella", "monitor")
    low, high = (0.5, 0.75) if rng.random() < 0.7 else (0.7, 0.9)
    scene.place(
        _region(scene, low, high, 0.1),
        backdrop,
        str(rng.choice(kinds)) if kinds and rng.random() < 0.8 else None,
        tone=rng.uniform(0.15, 0.35),
    )
    if rng.random() < 0.35:  # something out of focus in the foreground
        _foreground(scene)
    scene.picture = np.clip(
        scene.picture * textures.radial(scene.shape_hw, (1.02, 1.02, 1.02), (0.86, 0.86, 0.86), (0.5, 0.5), 0.9), 0, 1
    )
    scene.clauses += backdrop.clauses


def _staged(scene: Scene) -> None:
    """A whole photo of the props: the product stands in its room already."""
    scene.picture, scene.alpha = props.staged(scene.rng, scene.shape_hw, scene.split)
    scene.subject = props.staged_subject(scene.picture, scene.alpha, scene.palette)
    scene.product_box = _box_of(scene.alpha)


def _box_of(alpha: np.ndarray) -> Box:
    ys, xs = np.nonzero(alpha > 0.5)
    return (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))


def _foreground(scene: Scene) -> None:
    rng = scene.rng
    subject = draw_subject(rng, scene.split, int(scene.width * rng.uniform(0.3, 0.5)))
    layer = subject.layer
    pad = int(scene.width * 0.05)
    packed = np.dstack([layer.rgb * layer.alpha[..., None], layer.alpha])
    packed = cv2.GaussianBlur(
        cv2.copyMakeBorder(packed, pad, pad, pad, pad, cv2.BORDER_CONSTANT), (0, 0), scene.width * 0.012
    )
    layer.alpha = packed[..., 3]
    layer.rgb = packed[..., :3] / np.maximum(packed[..., 3:], 1e-4)
    layer.ink = np.zeros(layer.alpha.shape, bool)
    whole = type(layer)(scene.shape_hw)
    x = rng.choice([-0.25, 0.85]) * scene.width
    whole.paste(layer, (x, scene.height - layer.shape_hw[0] * 0.75))
    scene.picture = composite(scene.picture, whole)
    scene.alpha = scene.alpha * (1 - whole.alpha)
    scene.writing &= whole.alpha < 0.5


def _tilt(scene: Scene, degrees: float) -> None:
    height, width = scene.shape_hw
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0 + abs(degrees) / 60)
    scene.picture = cv2.warpAffine(
        scene.picture, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    scene.alpha = cv2.warpAffine(scene.alpha, turn, (width, height), flags=cv2.INTER_LINEAR)
    scene.writing = cv2.warpAffine(scene.writing.astype(np.uint8), turn, (width, height), flags=cv2.INTER_NEAREST) > 0


def _collage(scene: Scene) -> None:
    """Several photos stuck together: the same product in other colours or settings."""
    rng = scene.rng
    height, width = scene.shape_hw
    scene.picture = textures.plain(
        scene.shape_hw, (1, 1, 1) if rng.random() < 0.6 else draw_object_colour(rng, scene.split)
    )
    columns, rows = (2, 2) if rng.random() < 0.5 else (2, 1) if rng.random() < 0.5 else (1, 2)
    gap = int(width * rng.uniform(0, 0.02))
    picture, alpha, writing = scene.picture.copy(), scene.alpha.copy(), scene.writing.copy()
    kind = None
    for row in range(rows):
        for column in range(columns):
            x0, x1 = column * width // columns + gap, (column + 1) * width // columns - gap
            y0, y1 = row * height // rows + gap, (row + 1) * height // rows - gap
            cell = Scene(rng, scene.split, (y1 - y0, x1 - x0), scene.palette)
            make = (backgrounds.even, backgrounds.loud, rooms.amateur, backgrounds.uneven)[int(rng.integers(4))]
            backdrop: Backdrop = cell.back(make(rng, cell.shape_hw, scene.split))
            cell.place(_region(cell, 0.6, 0.9), backdrop, kind)
            kind = cell.subject.kind if cell.subject else None
            part = np.s_[y0:y1, x0:x1]
            picture[part], alpha[part], writing[part] = cell.picture, cell.alpha, cell.writing
            scene.subject = cell.subject
            scene.words += cell.words
    scene.picture, scene.alpha, scene.writing = picture, alpha, writing
    scene.product_box = _box_of(alpha)
    scene.clauses.append("collage")
    if rng.random() < 0.4:
        frame = mixed(scene.palette.main, (1, 1, 1), 0.2)
        edge = max(2, int(width * 0.01))
        for part in (np.s_[:edge], np.s_[-edge:], np.s_[:, :edge], np.s_[:, -edge:]):
            scene.picture[part] = frame
            scene.alpha[part] = 0
            scene.writing[part] = False
