"""Fine-tune the shipped saliency network on synthetic photos, so that it sees the product and not infographics.

    python -m packshot.saliency_training.train --start WEIGHTS.onnx --work DIR [--drawn DIR] [--photos 3500]

`--start` are the published weights, or those of an earlier stage. The same command again goes on where it stopped.
Photos are drawn into DIR/photos or `--drawn` (split `train`); DIR/metrics.jsonl has a line for each validation (split
`test`, seeds of its own), DIR/tuned.onnx the averaged weights of the best one. Most steps look at small squares, the
last ones at the full side. The published weights carry no batch normalisation any more (it is folded into the
convolutions), hence the low rate.
"""

import argparse
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from packshot.errors import PackshotError
from packshot.saliency import normalised
from packshot.saliency_training.augment import as_fed, sample
from packshot.saliency_training.graph import GraphModule
from packshot.saliency_training.photos import TrainingSet, load
from packshot.saliency_training.steps import Batch, descend, kept_share, loss_of, rate_at, run

FULL_SIDE = 320
_SMALL_SIDES = (160, 192, 224)


@dataclass(frozen=True)
class Recipe:
    """`rate` and `warmup` as in packshot.saliency_training.steps; `average`, how much of the average a step keeps
    at most; `full_share`, of the steps, at the full side."""

    steps: int = 500
    batch: int = 8
    rate: float = 3e-4
    warmup: int = 40
    decay: float = 1e-3
    average: float = 0.99
    full_share: float = 0.12
    seed: int = 0

    def side_at(self, step: int) -> int:
        if step >= (1 - self.full_share) * self.steps:
            return FULL_SIDE
        return _SMALL_SIDES[step % len(_SMALL_SIDES)]


def make_batch(photos: TrainingSet, recipe: Recipe, step: int) -> Batch:
    """Pictures float32 (n, 3, s, s), targets and what is judged float32 (n, 1, s, s); each step has its own seed."""
    rng = np.random.default_rng([recipe.seed, step])
    # Every photo comes once before any comes again.
    order = np.random.default_rng([recipe.seed, step * recipe.batch // len(photos)]).permutation(len(photos))
    numbers = order[np.arange(step * recipe.batch, (step + 1) * recipe.batch) % len(photos)]
    samples = [sample(photos[int(number)], recipe.side_at(step), rng) for number in numbers]
    pictures = torch.from_numpy(np.stack([normalised(picture) for picture, _, _ in samples]))
    return pictures, *(torch.from_numpy(np.stack([s[part][None] for s in samples])) for part in (1, 2))


class Trainer:
    """`values` of the network, their running average, and the optimiser; all kept in one checkpoint."""

    def __init__(self, start: Path, recipe: Recipe):
        torch.manual_seed(recipe.seed)
        self.recipe, self.step, self.best = recipe, 0, -1.0
        self.net = GraphModule(start)
        self.average = [value.detach().clone() for value in self.net.values]
        self.optimiser = torch.optim.AdamW(self.net.parameters(), recipe.rate, weight_decay=recipe.decay)

    def learn(self, batch: Batch) -> float:
        pictures, target, judged = batch
        recipe = self.recipe
        with torch.autocast("cpu", torch.bfloat16):
            outputs = self.net(pictures)
        loss = loss_of(outputs, target, judged)
        descend(self.net, self.optimiser, rate_at(self.step, recipe.steps, recipe.rate, recipe.warmup), loss)
        keep = kept_share(self.step, recipe.average)
        torch._foreach_lerp_(self.average, [value.detach() for value in self.net.values], 1 - keep)
        self.step += 1
        return float(loss.detach())

    def validate(self, photos: TrainingSet) -> dict[str, float]:
        """IoU of the averaged network on whole photos, and what it sees where no product is."""
        kept = [value.detach().clone() for value in self.net.values]
        self._put(self.average)
        ious, empty = [], []
        for number in range(len(photos)):
            picture, target, judged = as_fed(photos[number], FULL_SIDE)
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                seen = self.net(torch.from_numpy(normalised(picture))[None])[0][0, 0].float().numpy() > 0
            truth, seen = (target > 0.5) & (judged > 0), seen & (judged > 0)
            if truth.mean() < 0.002:
                empty.append(float(seen.mean()))
            else:
                ious.append(float((truth & seen).sum() / (truth | seen).sum()))
        self._put(kept)
        return {
            "iou": float(np.mean(ious)),
            "good": float(np.mean(np.array(ious) >= 0.9)),
            "seen_in_empty": float(np.mean(empty)) if empty else 0.0,
        }

    def _put(self, values: list[Tensor]) -> None:
        with torch.no_grad():
            for own, value in zip(self.net.values, values, strict=True):
                own.copy_(value)

    def save(self, path: Path) -> None:
        state = {
            "step": self.step,
            "best": self.best,
            "values": [value.detach() for value in self.net.values],
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
        }
        unfinished = path.with_suffix(".part")
        torch.save(state, unfinished)
        unfinished.rename(path)

    def resume(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self.step, self.best, self.average = state["step"], state["best"], state["average"]
        self._put(state["values"])
        self.optimiser.load_state_dict(state["optimiser"])


def train(trainer: Trainer, photos: TrainingSet, held_out: TrainingSet, work: Path, every: int) -> None:
    def check() -> dict[str, float]:
        figures = trainer.validate(held_out)
        if figures["iou"] > trainer.best:
            trainer.best = figures["iou"]
            trainer.net.write(work / "tuned.onnx", trainer.average)
        return figures

    run(trainer, trainer.recipe.steps, partial(make_batch, photos, trainer.recipe), check, work, every)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--start", type=Path, required=True, help="the published weights, or an earlier stage's; ONNX")
    parser.add_argument("--work", type=Path, required=True, help="folder for photos, checkpoint and result")
    parser.add_argument("--drawn", type=Path, help="folder for photos, if another")
    parser.add_argument("--props", type=Path, help="folder of pictures that join the drawn ones (split train)")
    parser.add_argument("--photos", type=int, default=3500)
    parser.add_argument("--held-out", type=int, default=100, help="photos of split test to choose the weights by")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--rate", type=float, default=Recipe.rate)
    parser.add_argument("--every", type=int, default=100, help="steps between validations and checkpoints")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draw-only", action="store_true")
    options = parser.parse_args()
    drawn = options.drawn or options.work / "photos"
    try:
        photos, held_out = load(drawn, "train", options.photos, options.props), load(drawn, "test", options.held_out)
    except PackshotError as error:
        sys.exit(f"error: {error}")
    if options.draw_only:
        return
    options.work.mkdir(parents=True, exist_ok=True)
    recipe = Recipe(steps=options.steps, rate=options.rate, seed=options.seed)
    train(Trainer(options.start, recipe), photos, held_out, options.work, options.every)


if __name__ == "__main__":
    main()
