"""One labelled synthetic photo from a seed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from packshot.records import VERDICTS
from packshot.synth import bad, clean, defects, good, other
from packshot.synth.colours import draw_palette
from packshot.synth.overlays import Box
from packshot.synth.raster import composite
from packshot.synth.scene import Scene

SPLITS = ("train", "test")
NATURAL_COUNTS = {
    "good_infographics": 292_314,
    "other_infographics": 215_554,
    "bad_infographics": 49_625,
    "clean_photo_good_background": 455_307,
    "clean_photo_bad_background": 28_093,
    "clean_photo_image_background": 14_507,
}
"""Rows of the method's labelled source that carry each trained verdict."""

_RECIPES = {
    "good_infographics": good.good_infographics,
    "other_infographics": other.other_infographics,
    "bad_infographics": bad.bad_infographics,
    "clean_photo_good_background": clean.good_background,
    "clean_photo_bad_background": clean.bad_background,
    "clean_photo_image_background": clean.image_background,
}
# Width to height, and how often marketplaces show it.
_ASPECTS = ((1.0, 0.5), (0.75, 0.32), (4 / 3, 0.08), (2 / 3, 0.06), (0.9, 0.04))


@dataclass(frozen=True)
class SynthPhoto:
    """A photo and all that is true of it.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        product_alpha: (H, W) float32 in [0, 1], how much of each pixel is product; overlays hide none of it here.
        overlay_mask: (H, W) bool, what infographics cover.
        overlay_boxes: (xyxy pixels, kind) of every element of the infographics.
        verdict: one of packshot.records.VERDICTS.
        clauses: identifiers of the rubric clauses that decide the verdict, and of the background.
        texts: what the infographics say.
        overlay_text_mask: (H, W) bool, their writing.
        product_kind: what the product is, or "none".
        packaging_text_mask: (H, W) bool, writing printed on the product.
        packaging_texts: what is printed on it.
    """

    image: np.ndarray
    product_alpha: np.ndarray
    overlay_mask: np.ndarray
    overlay_boxes: list[tuple[Box, str]]
    verdict: str
    clauses: tuple[str, ...]
    texts: list[str]
    overlay_text_mask: np.ndarray
    product_kind: str
    packaging_text_mask: np.ndarray
    packaging_texts: list[str]


def make_photo(
    seed: int, verdict: str | None = None, size_wh: tuple[int, int] | None = None, split: str = "train"
) -> SynthPhoto:
    """Draw a photo: the same arguments always give the same bytes.

    Args:
        seed: any integer of 0 or more.
        verdict: one of VERDICTS, or None to draw one in the shares of the method's source.
        size_wh: width and height in pixels, each at least 64; None draws 600 to 1000 at usual aspect ratios.
        split: "train" or "test". They share no product shapes, fonts, hues or settings.

    Raises:
        ValueError: an unknown verdict or split, or a size too small.
    """
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}: choose one of {SPLITS}")
    if verdict is not None and verdict not in VERDICTS:
        raise ValueError(f"unknown verdict {verdict!r}: choose one of {VERDICTS}")
    if size_wh is not None and min(size_wh) < 64:
        raise ValueError(f"size {size_wh} is too small: at least 64 pixels each way")
    tag = zlib.crc32(f"{verdict}/{size_wh}/{split}".encode())
    rng = np.random.default_rng([int(seed), tag])
    if verdict is None:
        counts = np.array([NATURAL_COUNTS[v] for v in VERDICTS], float)
        verdict = str(rng.choice(VERDICTS, p=counts / counts.sum()))
    width, height = size_wh or _draw_size(rng)
    scene = Scene(rng, split, (height, width), draw_palette(rng, split))
    _RECIPES[verdict](scene)
    return _finished(scene, verdict)


def draw_aspect(rng: np.random.Generator) -> float:
    """Width over height, as often as marketplaces show it."""
    ratios = [a for a, _ in _ASPECTS]
    return ratios[int(rng.choice(len(ratios), p=[p for _, p in _ASPECTS]))]


def _draw_size(rng: np.random.Generator) -> tuple[int, int]:
    aspect = draw_aspect(rng)
    long = int(rng.choice([rng.integers(700, 1001), 800, 900, 1000]))
    width, height = (long, round(long / aspect)) if aspect >= 1 else (round(long * aspect), long)
    return max(600, width), max(600, height)


def _finished(scene: Scene, verdict: str) -> SynthPhoto:
    """Overlays laid on, camera and upload defects added, truth collected."""
    rng, board = scene.rng, scene.board
    picture = scene.picture
    if scene.snapshot and board is None:
        picture = defects.snapshot(rng, picture)
    overlay = np.zeros(scene.shape_hw, bool)
    if board is not None:
        picture = composite(picture, board.layer)
        overlay = board.layer.alpha > 0.05
    image = defects.upload(rng, defects.quantised(picture), scene.snapshot)
    return SynthPhoto(
        image=image,
        product_alpha=np.clip(scene.alpha, 0, 1).astype(np.float32),
        overlay_mask=overlay,
        overlay_boxes=[] if board is None else board.boxes,
        verdict=verdict,
        clauses=tuple(dict.fromkeys(scene.clauses)),
        texts=[] if board is None else board.texts,
        overlay_text_mask=np.zeros(scene.shape_hw, bool) if board is None else board.layer.ink,
        product_kind="none" if scene.subject is None else scene.subject.kind,
        packaging_text_mask=scene.writing & ~overlay,
        packaging_texts=scene.words,
    )
