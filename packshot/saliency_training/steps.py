"""What the trainings of both networks of `detect` and `mask` share: the loss, the rate, a step, and their loop."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

_SIDE_WEIGHT = 0.4
Batch = tuple[Tensor, Tensor, Tensor]
"""What the network sees, float32 (n, c, h, w); targets and what is judged, float32 (n, 1, s, s)."""


class Trainer(Protocol):
    """A network on its way, with its averaged weights and its optimiser; `step` counts the steps taken."""

    step: int

    def learn(self, batch: Batch) -> float: ...
    def save(self, path: Path) -> None: ...
    def resume(self, path: Path) -> None: ...


def loss_of(outputs: list[Tensor], target: Tensor, judged: Tensor) -> Tensor:
    """Cross-entropy and soft IoU (X. Qin et al., "BASNet", CVPR 2019) of the first map of logits; the others, which it
    was made from, count less. Pictures without a product have no IoU."""
    shown = (target.mean(dim=(1, 2, 3)) > 0.002).float()
    total = target.new_zeros(())
    for rank, logits in enumerate(outputs):
        logits = logits.float()
        errors = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        value = (errors * judged).sum() / judged.sum()
        seen = torch.sigmoid(logits) * judged
        both = (seen * target).sum(dim=(1, 2, 3))
        either = (seen + target * judged).sum(dim=(1, 2, 3)) - both
        value = value + (shown * (1 - (both + 1) / (either + 1))).sum() / len(shown)
        total = total + value * (_SIDE_WEIGHT if rank else 1.0)
    return total


def rate_at(step: int, steps: int, rate: float, warmup: int) -> float:
    """`rate` is reached after `warmup` steps and falls to a hundredth along a cosine."""
    fall = 0.5 * (1 + np.cos(np.pi * min(1.0, step / steps)))
    return rate * min(1.0, (step + 1) / warmup) * max(0.01, float(fall))


def descend(net: nn.Module, optimiser: torch.optim.Optimizer, rate: float, loss: Tensor) -> None:
    """One step of the optimiser, the gradient's norm at most 2."""
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
    optimiser.step()


def kept_share(step: int, most: float) -> float:
    """How much of the averaged weights a step keeps: the average forgets the start quickly at first."""
    return min(most, (step + 1) / (step + 10))


def run(
    trainer: Trainer,
    steps: int,
    batch_of: Callable[[int], Batch],
    check: Callable[[], dict[str, Any]],
    work: Path,
    every: int,
) -> None:
    """Take the steps that are left, the next batch made meanwhile. After each `every` and the last, `check` gives
    figures for a line of `work`/metrics.jsonl, and `work`/checkpoint.pt is written, from which it goes on."""
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        trainer.resume(checkpoint)
    losses: list[float] = []
    clock = time.monotonic()
    with ThreadPoolExecutor(1) as ahead, (work / "metrics.jsonl").open("a") as metrics:
        following = ahead.submit(batch_of, trainer.step)
        while trainer.step < steps:
            batch = following.result()
            following = ahead.submit(batch_of, trainer.step + 1)
            losses.append(trainer.learn(batch))
            if trainer.step % every and trainer.step != steps:
                continue
            line = {"step": trainer.step, "loss": float(np.mean(losses)), **check()}
            line["seconds"] = time.monotonic() - clock
            print(json.dumps(line), file=metrics, flush=True)
            print(json.dumps(line), flush=True)
            losses.clear()
            trainer.save(checkpoint)
