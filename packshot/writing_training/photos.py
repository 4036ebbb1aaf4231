"""Drawn photos with the place of their writing, kept small."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from packshot.saliency_training.drawing import draw_missing
from packshot.synth import make_photo
from packshot.synth.compose import draw_aspect

_SEEDS = {"train": 3_040_000, "test": 3_540_000}
TURNS = (
    "good_infographics",
    "clean_photo_good_background",
    "bad_infographics",
    "other_infographics",
    "good_infographics",
    "clean_photo_image_background",
    "bad_infographics",
    "clean_photo_bad_background",
)


@dataclass(frozen=True, slots=True)
class WritingPhoto:
    """`picture` RGB uint8 (h, w, 3); `writing` bool (h, w), the lines of its infographics; `judged` bool (h, w): false
    where there is writing on the product, of which the smallest cannot be told from a pattern."""

    picture: np.ndarray
    writing: np.ndarray
    judged: np.ndarray


def draw(number: int, split: str) -> WritingPhoto:
    """A photo of the synthetic catalogue of 400 to 560 px."""
    rng = np.random.default_rng([number, 9, split == "test"])
    long_side, aspect = float(rng.uniform(400, 560)), draw_aspect(rng)
    size_wh = round(long_side * min(1.0, aspect)), round(long_side / max(1.0, aspect))
    photo = make_photo(_SEEDS[split] + number, TURNS[number % len(TURNS)], size_wh, split)
    writing = lines_of(photo.overlay_text_mask)
    return WritingPhoto(photo.image, writing, writing | ~lines_of(photo.packaging_text_mask))


def lines_of(ink: np.ndarray) -> np.ndarray:
    """bool (h, w): the letters of `ink` bool (h, w) as boxes as wide as reaches the next one of their word."""
    lines = np.zeros(ink.shape, np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    for x, y, w, h, _ in stats[1:count]:
        # Punctuation and the strokes of letters that lie flat are lower than their line.
        reach = round(0.4 * max(h, min(w, 2 * h)))
        lines[y : y + h, max(0, x - reach) : x + w + reach] = 1
    return lines > 0


def load(folder: Path, split: str, photos: int) -> list[bytes]:
    """Photos 0 to `photos` of a split, packed; what `folder` has not yet is drawn into it."""
    (folder / split).mkdir(parents=True, exist_ok=True)
    missing = [number for number in range(photos) if not _path(folder, split, number).exists()]
    draw_missing(missing, partial(_draw_part, folder, split))
    return [_path(folder, split, number).read_bytes() for number in range(photos)]


def pack(photo: WritingPhoto) -> bytes:
    """A PNG of four channels: the picture, and the masks as bits."""
    flags = photo.writing.astype(np.uint8) + 2 * photo.judged.astype(np.uint8)
    return cv2.imencode(".png", np.dstack([photo.picture, flags]))[1].tobytes()


def unpack(data: bytes) -> WritingPhoto:
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    flags = values[..., 3]
    return WritingPhoto(np.ascontiguousarray(values[..., :3]), flags & 1 > 0, flags & 2 > 0)


def _path(folder: Path, split: str, number: int) -> Path:
    return folder / split / f"{number:06d}.png"


def _draw_part(folder: Path, split: str, numbers: list[int]) -> None:
    cv2.setNumThreads(1)
    for number in numbers:
        path = _path(folder, split, number)
        path.with_suffix(".part").write_bytes(pack(draw(number, split)))
        path.with_suffix(".part").rename(path)
