"""Train the outline network on drawn photos, from nothing.

    python -m packshot.outline_training.train --work DIR [--drawn DIR] [--photos 3000] [--steps 3500] [--out OUT.onnx]

The same command again goes on where it stopped. Photos are drawn into DIR/photos or `--drawn`; the last of them
(`--held-out`) are for validation. DIR/metrics.jsonl has a line for each: IoU of the averaged network, of the rules'
product and of what the first network saw, and the shares of photos with 0.90 or more.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from packshot.outline import LAYERS, WEIGHTS, as_fed
from packshot.outline_training.network import UNet
from packshot.outline_training.photos import OutlinePhoto, load, unpack
from packshot.saliency_training.augment import worn
from packshot.saliency_training.steps import Batch, descend, kept_share, loss_of, rate_at, run

_RULES, _SALIENCY, _WHOLE = 6, 4, 5
_FOUND = (("rules", _RULES), ("saliency", _SALIENCY), ("whole", _WHOLE))


@dataclass(frozen=True)
class Recipe:
    """`rate` and `warmup` as in packshot.saliency_training.steps; `average`, how much of the average a step keeps
    at most. Most steps see windows of `side` px; the last `large_share` of them, windows of `large_side`."""

    steps: int = 3500
    batch: int = 16
    side: int = 256
    large_batch: int = 6
    large_side: int = 416
    large_share: float = 0.2
    rate: float = 2e-3
    warmup: int = 60
    decay: float = 1e-2
    average: float = 0.99
    seed: int = 0

    def size_at(self, step: int) -> tuple[int, int]:
        """Photos, and px of their windows."""
        if step >= (1 - self.large_share) * self.steps:
            return self.large_batch, self.large_side
        return self.batch, self.side


def make_batch(photos: list[bytes], recipe: Recipe, step: int) -> Batch:
    """What is seen, float32 (n, 4 * LAYERS, s / 2, s / 2); targets and what is judged, float32 (n, 1, s, s)."""
    rng = np.random.default_rng([recipe.seed, step])
    count, side = recipe.size_at(step)
    samples = [sample(unpack(photos[int(at)]), side, rng) for at in rng.integers(0, len(photos), count)]
    seen = torch.from_numpy(np.stack([as_fed(s.seen) for s in samples]))
    target = torch.from_numpy(np.stack([s.target[None].astype(np.float32) / 255 for s in samples]))
    return seen, target, torch.from_numpy(np.stack([s.judged[None].astype(np.float32) for s in samples]))


def sample(photo: OutlinePhoto, side: int, rng: np.random.Generator) -> OutlinePhoto:
    """A window of `side` px, often around a place where what was found is wrong, or the whole photo at that size;
    mirrored, in other colours, now and then without one of the layers."""
    height, width = photo.target.shape
    zoom = side / max(height, width) if rng.random() < 0.35 else rng.uniform(0.7, 1.1)
    reach = round(side / zoom)
    window = _window(photo, reach, rng)
    target, judged = photo.target[window], photo.judged[window].astype(np.uint8)
    size_wh = min(side, round(zoom * target.shape[1])), min(side, round(zoom * target.shape[0]))
    way = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    # OpenCV resizes four channels at a time.
    parts = [np.ascontiguousarray(photo.seen[(*window, slice(at, at + 4))]) for at in range(0, LAYERS, 4)]
    seen = np.dstack([cv2.resize(part, size_wh, interpolation=way) for part in parts])
    target = cv2.resize(target, size_wh, interpolation=way)
    judged = cv2.resize(judged, size_wh, interpolation=cv2.INTER_NEAREST) > 0
    down, across = side - target.shape[0], side - target.shape[1]
    seen = np.pad(seen, ((0, down), (0, across), (0, 0)), mode="edge")
    target, judged = (np.pad(v, ((0, down), (0, across))) for v in (target, judged))
    if rng.random() < 0.5:
        seen, target, judged = seen[:, ::-1], target[:, ::-1], judged[:, ::-1]
    seen = np.dstack([worn(np.ascontiguousarray(seen[..., :3]), rng), seen[..., 3:]])
    for layer in (_RULES, _SALIENCY, _WHOLE):
        if rng.random() < 0.05:
            seen[..., layer] = 0
    return OutlinePhoto(seen, target, judged)


def _window(photo: OutlinePhoto, reach: int, rng: np.random.Generator) -> tuple[slice, slice]:
    """`reach` px, or what there is, around any pixel or one that rules or the first network got wrong."""
    truth = photo.target > 127
    places = np.empty(0, int)
    if rng.random() < 0.6:
        wrong = (truth != (photo.seen[..., _RULES] > 127)) | (truth != (photo.seen[..., _SALIENCY] > 127))
        places = np.flatnonzero(wrong)
    height, width = truth.shape
    y, x = divmod(int(rng.choice(places)) if len(places) else int(rng.integers(truth.size)), width)
    top = int(np.clip(y - rng.integers(reach), 0, max(0, height - reach)))
    left = int(np.clip(x - rng.integers(reach), 0, max(0, width - reach)))
    return slice(top, top + reach), slice(left, left + reach)


class Trainer:
    """The network, the running average of its state, and the optimiser; all kept in one checkpoint. `recipe` has at
    least the fields of Recipe that are no sizes."""

    def __init__(self, recipe: Any, make_net: Callable[[], UNet] = UNet):
        torch.manual_seed(recipe.seed)
        self.recipe, self.step = recipe, 0
        self.net = make_net().to(memory_format=torch.channels_last)
        self.average = {name: value.detach().clone() for name, value in self.net.state_dict().items()}
        self.optimiser = torch.optim.AdamW(self.net.parameters(), recipe.rate, weight_decay=recipe.decay)

    def learn(self, batch: Batch) -> float:
        seen, target, judged = batch
        recipe = self.recipe
        self.net.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.net(seen)
        loss = loss_of([logits], target, judged)
        descend(self.net, self.optimiser, rate_at(self.step, recipe.steps, recipe.rate, recipe.warmup), loss)
        keep = kept_share(self.step, recipe.average)
        for name, value in self.net.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - keep)
        self.step += 1
        return float(loss.detach())

    def averaged(self) -> UNet:
        net = self.net.like()
        net.load_state_dict(self.average)
        return net.eval()

    def save(self, path: Path) -> None:
        state = {"step": self.step, "average": self.average, "net": self.net.state_dict()}
        unfinished = path.with_suffix(".part")
        torch.save(state | {"optimiser": self.optimiser.state_dict()}, unfinished)
        unfinished.rename(path)

    def resume(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self.step, self.average = state["step"], state["average"]
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])


def validate(net: UNet, photos: list[bytes]) -> dict[str, float]:
    """On whole photos. Where no product is, none should be seen: those count as 1 or 0."""
    ious: dict[str, list[float]] = {name: [] for name in ("outline", *dict(_FOUND))}
    for data in photos:
        photo = unpack(data)
        height, width = photo.target.shape
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            logits = net(torch.from_numpy(as_fed(photo.seen))[None])[0, 0, :height, :width].float().numpy()
        maps = {"outline": logits > 0} | {name: photo.seen[..., layer] > 127 for name, layer in _FOUND}
        truth = (photo.target > 127) & photo.judged
        for name, found in maps.items():
            found = found & photo.judged
            either = int((truth | found).sum())
            ious[name].append(float((truth & found).sum()) / either if either else 1.0)
    return {name: round(float(np.mean(values)), 4) for name, values in ious.items()} | {
        f"{name}_good": round(float(np.mean(np.array(values) >= 0.9)), 4) for name, values in ious.items()
    }


def train(trainer: Trainer, photos: list[bytes], held_out: list[bytes], work: Path, every: int) -> None:
    def check() -> dict[str, float]:
        return validate(trainer.averaged(), held_out)

    run(trainer, trainer.recipe.steps, partial(make_batch, photos, trainer.recipe), check, work, every)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for photos, checkpoint and metrics")
    parser.add_argument("--drawn", type=Path, help="folder for photos, if another")
    parser.add_argument("--photos", type=int, default=3000)
    parser.add_argument("--held-out", type=int, default=150, help="photos, of these, to validate on")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--every", type=int, default=200, help="steps between validations and checkpoints")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    photos = load(options.drawn or options.work / "photos", "train", options.photos)
    options.work.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(Recipe(steps=options.steps, seed=options.seed))
    train(trainer, photos[: -options.held_out], photos[-options.held_out :], options.work, options.every)
    trainer.averaged().write(options.out)


if __name__ == "__main__":
    main()
