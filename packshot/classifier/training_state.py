"""An unfinished training on disk: weights, best weights and Adam's moments as safetensors, the rest as JSON."""

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from packshot.classifier.checkpoint import load_weights
from packshot.errors import SettingError


@dataclass(slots=True)
class Progress:
    """Where a training stands after its last finished epoch."""

    learning_rate: float
    epoch: int = 0
    best_epoch: int = 0
    best_accuracy: float = -1.0
    epochs_since_best: int = 0
    epochs_at_rate: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def advance(self, row: dict[str, Any], accuracy: float, rate_factor: float, rate_patience: int) -> None:
        """Count an epoch: a better one becomes the best, and after `rate_patience` without one the rate falls."""
        self.epoch += 1
        self.history.append(row)
        if accuracy > self.best_accuracy:
            self.best_epoch, self.best_accuracy = self.epoch, accuracy
            self.epochs_since_best = self.epochs_at_rate = 0
            return
        self.epochs_since_best += 1
        self.epochs_at_rate += 1
        if self.epochs_at_rate >= rate_patience:
            self.learning_rate *= rate_factor
            self.epochs_at_rate = 0


class TrainingState:
    """One folder an epoch, put in place by a rename when it is whole; the one before goes afterwards.

    `identity`: JSON values that say which training this is. A folder of another one is refused, not overwritten.
    """

    def __init__(self, folder: Path, identity: dict[str, Any]):
        self._folder = folder
        self._identity = json.loads(json.dumps(identity))

    def save(self, model: torch.nn.Module, optimiser: torch.optim.Optimizer, progress: Progress) -> None:
        target = self._folder / f"epoch-{progress.epoch:04d}"
        partial = self._folder / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
        save_file(weights, partial / "weights.safetensors")
        moments = {
            f"{index}.{name}": value.contiguous()
            for index, values in optimiser.state_dict()["state"].items()
            for name, value in values.items()
        }
        save_file(moments, partial / "optimiser.safetensors")
        before = self._latest()
        if progress.best_epoch == progress.epoch:
            save_file(weights, partial / "best.safetensors")
        elif before is not None:
            shutil.copyfile(before / "best.safetensors", partial / "best.safetensors")
        value = {"identity": self._identity, "progress": asdict(progress)}
        (partial / "state.json").write_text(json.dumps(value), "utf-8")
        os.replace(partial, target)
        if before is not None:
            shutil.rmtree(before)

    def load(self, model: torch.nn.Module, optimiser: torch.optim.Optimizer) -> Progress | None:
        """Fill model and optimiser with the last finished epoch; None where there is none."""
        folder = self._latest()
        if folder is None:
            return None
        value = json.loads((folder / "state.json").read_text("utf-8"))
        if value["identity"] != self._identity:
            theirs, mine = value["identity"], self._identity
            differing = sorted(k for k in theirs.keys() | mine.keys() if theirs.get(k) != mine.get(k))
            raise SettingError(
                f"{self._folder} holds an unfinished training of another kind ({', '.join(differing)} differ): "
                "finish it with its own settings, or remove that folder"
            )
        load_weights(model, folder / "weights.safetensors")
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in load_file(folder / "optimiser.safetensors").items():
            index, key = name.split(".", 1)
            state.setdefault(int(index), {})[key] = tensor
        optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
        return Progress(**value["progress"])

    def load_best(self, model: torch.nn.Module) -> None:
        folder = self._latest()
        if folder is None:
            raise SettingError(f"{self._folder} holds no finished epoch")
        load_weights(model, folder / "best.safetensors")

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _latest(self) -> Path | None:
        return max(self._folder.glob("epoch-*"), default=None)
