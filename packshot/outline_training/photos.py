"""Drawn photos as packshot.outline sees them, kept small with what is product in them."""

import io
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from packshot.background import reduce
from packshot.engines import make_engine
from packshot.engines.base import Engine
from packshot.foreground import find_foreground
from packshot.saliency import shared_saliency
from packshot.saliency_training.drawing import draw_missing
from packshot.saliency_training.photos import TURNS, truth_of
from packshot.scene import read_scene
from packshot.synth import make_photo
from packshot.synth.compose import draw_aspect

SIDE = 512
"""px, the long side: that of `detect` and `mask`."""
_SEEDS = {"train": 3_020_000, "test": 3_520_000}
_MASKS = slice(6, 13)
"""The layers behind RGB, distance and two of saliency: 0 or 255; the last has one value everywhere."""


@dataclass(frozen=True, slots=True)
class OutlinePhoto:
    """`seen` uint8 (h, w, LAYERS) (packshot.outline); `target` uint8 (h, w), how much of each pixel is visible product,
    255 all of it; `judged` bool (h, w): false where a thin mark crosses the product, which may count either way."""

    seen: np.ndarray
    target: np.ndarray
    judged: np.ndarray


def draw(number: int, split: str, reader: Engine) -> OutlinePhoto | None:
    """A photo of the synthetic catalogue, read by `reader`; None where rules find no product in it."""
    rng = np.random.default_rng([number, 7, split == "test"])
    long_side, aspect = float(rng.uniform(512, 800)), draw_aspect(rng)
    size_wh = round(long_side * min(1.0, aspect)), round(long_side / max(1.0, aspect))
    photo = make_photo(_SEEDS[split] + number, TURNS[number % len(TURNS)], size_wh, split)
    small = reduce(photo.image, SIDE)
    scale = np.float32(small.shape[1::-1]) / np.float32(photo.image.shape[1::-1])
    quads = [box.quad * scale for box in reader.run([photo.image])[0].boxes]
    caught: list[np.ndarray] = []

    def catch(seen: np.ndarray) -> np.ndarray:
        caught.append(seen)
        return np.zeros(seen.shape[:2], np.float32)

    read_scene(small, find_foreground(small), quads, shared_saliency(), catch)
    if not caught:
        return None
    target, unclear, _ = truth_of(photo, small.shape[1::-1])
    return OutlinePhoto(caught[0], target, ~unclear)


def load(folder: Path, split: str, photos: int) -> list[bytes]:
    """Photos 0 to `photos` of a split, packed; what `folder` has not yet is drawn into it. Those in which rules find no
    product are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [number for number in range(photos) if not _path(folder, split, number).exists()]
    draw_missing(missing, partial(_draw_part, folder, split))
    return [data for number in range(photos) if (data := _path(folder, split, number).read_bytes())]


def pack(photo: OutlinePhoto) -> bytes:
    """JPEG of the picture; PNG of distance, saliency, masks as bits, and target; PNG of the whole photo's saliency; how
    well the background is known."""
    flags = np.zeros(photo.target.shape, np.uint8)
    for bit, mask in enumerate([*np.moveaxis(photo.seen[..., _MASKS] > 0, 2, 0), ~photo.judged]):
        flags |= mask.astype(np.uint8) << bit
    picture = cv2.cvtColor(photo.seen[..., :3], cv2.COLOR_RGB2BGR)
    rest = np.dstack([photo.seen[..., 3], photo.seen[..., 4], flags, photo.target])
    data = io.BytesIO()
    np.savez(
        data,
        picture=cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1],
        rest=cv2.imencode(".png", rest)[1],
        whole=cv2.imencode(".png", photo.seen[..., 5])[1],
        known=photo.seen[0, 0, -1],
    )
    return data.getvalue()


def unpack(data: bytes) -> OutlinePhoto:
    with np.load(io.BytesIO(data)) as packed:
        picture = cv2.cvtColor(cv2.imdecode(packed["picture"], cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        rest, whole = (cv2.imdecode(packed[name], cv2.IMREAD_UNCHANGED) for name in ("rest", "whole"))
        known = packed["known"]
    flags = rest[..., 2]
    masks = [np.where(flags & (1 << bit), np.uint8(255), np.uint8(0)) for bit in range(8)]
    seen = np.dstack([picture, rest[..., :2], whole, *masks[:-1], np.full_like(flags, known)])
    return OutlinePhoto(seen, rest[..., 3], masks[-1] == 0)


def _path(folder: Path, split: str, number: int) -> Path:
    return folder / split / f"{number:06d}.npz"


def _draw_part(folder: Path, split: str, numbers: list[int]) -> None:
    cv2.setNumThreads(1)
    reader = make_engine("ocr", "rapid", {"threads": 1})
    (folder / split).mkdir(exist_ok=True)
    for number in numbers:
        photo = draw(number, split, reader)
        path = _path(folder, split, number)
        path.with_suffix(".part").write_bytes(pack(photo) if photo else b"")
        path.with_suffix(".part").rename(path)
