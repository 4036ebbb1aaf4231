"""Train the network that marks writing on small photos, from nothing.

    python -m packshot.writing_training.train --work DIR [--photos 2400] [--steps 1400] [--out OUT.onnx]

The same command again goes on where it stopped. Photos are drawn into DIR/photos (split `train`; a few of split `test`,
with other fonts and products, for validation). DIR/metrics.jsonl has a line for each validation: share of the writing
that is found and share of what is found that is writing, px by px, on test photos of 100, 140 and 200 px.
"""

import argparse
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch

from packshot.outline import as_fed
from packshot.outline_training.network import UNet
from packshot.outline_training.train import Trainer
from packshot.saliency_training.augment import worn
from packshot.saliency_training.steps import Batch, run
from packshot.small_writing import LONGEST, WEIGHTS, ZOOM, enlarged
from packshot.writing_training.photos import WritingPhoto, load, unpack

WIDTHS = (16, 32, 48, 64)
_WINDOW = 128
"""px of the small photo."""
_SHORTEST = 85
_CHECKED_AT = (100, 140, 200)


@dataclass(frozen=True)
class Recipe:
    """As in packshot.outline_training.train."""

    steps: int = 1400
    batch: int = 20
    rate: float = 2e-3
    warmup: int = 60
    decay: float = 1e-2
    average: float = 0.99
    seed: int = 0


def make_batch(photos: list[bytes], recipe: Recipe, step: int) -> Batch:
    """What is seen, float32 (n, 12, s / 2, s / 2); writing and what is judged, float32 (n, 1, s, s)."""
    rng = np.random.default_rng([recipe.seed, step])
    samples = [sample(unpack(photos[int(at)]), rng) for at in rng.integers(0, len(photos), recipe.batch)]
    pictures, targets, judged = zip(*samples, strict=True)
    seen = torch.from_numpy(np.stack([as_fed(enlarged(picture)) for picture in pictures]))
    return seen, *(torch.from_numpy(np.stack(values)[:, None]) for values in (targets, judged))


def sample(photo: WritingPhoto, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A photo made small, or a window of it, worn, at times with all colours turned into their opposites: RGB uint8
    (s, s, 3); writing, and what is judged, float32 (ZOOM * s, ZOOM * s)."""
    long_side = np.exp(rng.uniform(np.log(_SHORTEST), np.log(LONGEST)))
    picture, target, judged = reduced(photo, float(long_side))
    height, width = picture.shape[:2]
    top, left = (int(rng.integers(0, max(0, side - _WINDOW) + 1)) for side in (height, width))
    picture = picture[top : top + _WINDOW, left : left + _WINDOW]
    large = slice(ZOOM * top, ZOOM * (top + _WINDOW)), slice(ZOOM * left, ZOOM * (left + _WINDOW))
    down, across = _WINDOW - picture.shape[0], _WINDOW - picture.shape[1]
    picture = worn(np.pad(picture, ((0, down), (0, across), (0, 0)), mode="edge"), rng)
    if rng.random() < 0.15:
        picture = 255 - picture
    target, judged = (np.pad(v[large], ((0, ZOOM * down), (0, ZOOM * across))) for v in (target, judged))
    return picture, target, judged


def reduced(photo: WritingPhoto, long_side: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """At this long side in px: RGB uint8 (h, w, 3); writing, and what is judged, float32 (ZOOM * h, ZOOM * w)."""
    scale = min(1.0, long_side / max(photo.picture.shape[:2]))
    size_wh = tuple(max(16, round(scale * side)) for side in photo.picture.shape[1::-1])
    picture = cv2.resize(photo.picture, size_wh, interpolation=cv2.INTER_AREA)
    large_wh = tuple(ZOOM * side for side in size_wh)
    target, judged = (
        cv2.resize(mask.astype(np.float32), large_wh, interpolation=cv2.INTER_AREA)
        for mask in (photo.writing, photo.judged)
    )
    return picture, target, (judged > 0.5).astype(np.float32)


def validate(net: UNet, photos: list[bytes]) -> dict[str, float]:
    figures = {}
    for long_side in _CHECKED_AT:
        both = written = marked = 0.0
        for data in photos:
            picture, target, judged = reduced(unpack(data), long_side)
            height, width = target.shape
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                logits = net(torch.from_numpy(as_fed(enlarged(picture)))[None])[0, 0, :height, :width].float().numpy()
            seen, truth = (logits > 0) & (judged > 0), (target > 0.5) & (judged > 0)
            both, written, marked = both + (seen & truth).sum(), written + truth.sum(), marked + seen.sum()
        figures[f"found_{long_side}"] = round(float(both / max(1, written)), 4)
        figures[f"right_{long_side}"] = round(float(both / max(1, marked)), 4)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for photos, checkpoint and metrics")
    parser.add_argument("--photos", type=int, default=2400)
    parser.add_argument("--held-out", type=int, default=96, help="photos of split test to validate on")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--every", type=int, default=200, help="steps between validations and checkpoints")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    drawn = options.work / "photos"
    photos, held_out = load(drawn, "train", options.photos), load(drawn, "test", options.held_out)
    recipe = Recipe(steps=options.steps, seed=options.seed)
    trainer = Trainer(recipe, partial(UNet, 3, WIDTHS))
    batch_of = partial(make_batch, photos, recipe)
    run(trainer, recipe.steps, batch_of, lambda: validate(trainer.averaged(), held_out), options.work, options.every)
    trainer.averaged().write(options.out)


if __name__ == "__main__":
    main()
