"""Photos to train on: drawn once, kept small with what is product in them."""

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from packshot.background import reduce
from packshot.errors import SourceError
from packshot.synth import SynthPhoto, make_photo
from packshot.synth.compose import draw_aspect
from packshot.synth.props import add_props, check_props

SIDE = 448
"""px, the long side of kept photos: crops of them still fill the network's 320."""
_SHARD = 125
_SEEDS = {"train": 3_000_000, "test": 3_500_000}
# Infographics are what the network has to unlearn; in rooms and on busy grounds it is wrong most often.
TURNS = (
    "good_infographics",
    "clean_photo_bad_background",
    "other_infographics",
    "clean_photo_image_background",
    "good_infographics",
    "bad_infographics",
    "clean_photo_bad_background",
    "good_infographics",
    "clean_photo_good_background",
    "clean_photo_image_background",
)


@dataclass(frozen=True, slots=True)
class TrainingPhoto:
    """`picture` RGB uint8 (h, w, 3); `target` uint8 (h, w), how much of each pixel is visible product, 255 all of it;
    `judged` bool (h, w): false where a thin mark crosses the product, which may count either way; `marks` bool (h, w):
    overlays off the product."""

    picture: np.ndarray
    target: np.ndarray
    judged: np.ndarray
    marks: np.ndarray


def draw(number: int, split: str) -> TrainingPhoto:
    rng = np.random.default_rng([number, split == "test"])
    long_side, aspect = float(rng.uniform(480, 680)), draw_aspect(rng)
    size_wh = round(long_side * min(1.0, aspect)), round(long_side / max(1.0, aspect))
    return reduced(make_photo(_SEEDS[split] + number, TURNS[number % len(TURNS)], size_wh, split))


def reduced(photo: SynthPhoto) -> TrainingPhoto:
    """A drawn photo at `SIDE`, and its truth."""
    small = reduce(photo.image, SIDE)
    target, unclear, marks = truth_of(photo, small.shape[1::-1])
    return TrainingPhoto(small, target, ~unclear, marks)


def truth_of(photo: SynthPhoto, size_wh: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """At this size: how much of each pixel is visible product, uint8 (h, w), 255 all of it: product that an overlay
    hides is none; bool (h, w), where a thin mark crosses the product; bool (h, w), overlays off the product."""
    hidden = photo.overlay_mask.astype(np.uint8)
    width = max(3, round(max(hidden.shape) / 90) | 1)
    wide = cv2.morphologyEx(hidden, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
    target = np.round(255 * photo.product_alpha * (1 - wide)).astype(np.uint8)
    unclear = 255 * ((hidden > wide) & (photo.product_alpha > 0)).astype(np.uint8)
    marks = 255 * (hidden & (photo.product_alpha == 0)).astype(np.uint8)
    target, unclear, marks = (cv2.resize(v, size_wh, interpolation=cv2.INTER_AREA) for v in (target, unclear, marks))
    return target, unclear >= 128, marks > 64


class TrainingSet:
    """Photos kept compressed in memory; `set[i]` decodes one."""

    def __init__(self, packed: list[tuple[bytes, bytes]]):
        self._packed = packed

    def __len__(self) -> int:
        return len(self._packed)

    def __getitem__(self, number: int) -> TrainingPhoto:
        picture, truth = (np.frombuffer(data, np.uint8) for data in self._packed[number])
        truth = cv2.imdecode(truth, cv2.IMREAD_UNCHANGED)
        picture = cv2.cvtColor(cv2.imdecode(picture, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        return TrainingPhoto(picture, truth[..., 0], truth[..., 1] > 0, truth[..., 2] > 0)


def load(folder: Path, split: str, photos: int, props: Path | None = None) -> TrainingSet:
    """The first `photos` of a split; what `folder` has not yet is drawn into it, a shard at a time, the products of
    split `train` joined by those of a folder of `props`."""
    digest = check_props(props)
    folder.mkdir(parents=True, exist_ok=True)
    starts, known = range(0, photos, _SHARD), folder / f"{split}.props"
    if any(folder.glob(f"{split}-*.npz")) and digest != (known.read_text() if known.exists() else ""):
        raise SourceError(f"{folder} holds photos drawn with other props, or none: give another folder")
    known.write_text(digest)
    missing = [start for start in starts if not _shard(folder, split, start).exists()]
    if missing:
        clock = time.monotonic()
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(os.cpu_count() or 1, context, add_props, (props,)) as pool:
            jobs = [pool.submit(_draw_shard, folder, split, start) for start in missing]
            for done, job in enumerate(as_completed(jobs), 1):
                job.result()
                print(f"drawn {done} of {len(jobs)} shards, {time.monotonic() - clock:.0f} s", flush=True)
    packed: list[tuple[bytes, bytes]] = []
    for start in starts:
        with np.load(_shard(folder, split, start)) as shard:
            values, ends = shard["data"].tobytes(), [0, *np.cumsum(shard["lengths"]).tolist()]
        parts = [values[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True)]
        packed += list(zip(parts[::2], parts[1::2], strict=True))
    return TrainingSet(packed[:photos])


def pack(photo: TrainingPhoto) -> tuple[bytes, bytes]:
    """JPEG of the picture and PNG of the truth."""
    picture = cv2.cvtColor(photo.picture, cv2.COLOR_RGB2BGR)
    truth = np.dstack([photo.target, 255 * photo.judged.astype(np.uint8), 255 * photo.marks.astype(np.uint8)])
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 94])[1]
    return jpeg.tobytes(), cv2.imencode(".png", truth)[1].tobytes()


def _shard(folder: Path, split: str, start: int) -> Path:
    return folder / f"{split}-{start:06d}.npz"


def _draw_shard(folder: Path, split: str, start: int) -> None:
    cv2.setNumThreads(1)
    parts = [part for number in range(start, start + _SHARD) for part in pack(draw(number, split))]
    path = _shard(folder, split, start)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(file, data=np.frombuffer(b"".join(parts), np.uint8), lengths=np.int64([len(part) for part in parts]))
    unfinished.rename(path)
