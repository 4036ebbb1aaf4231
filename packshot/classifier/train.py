"""Train the three-input network on stored features, by METHOD.md's recipe.

    python -m packshot.classifier.train --features DIR … --out FILE.safetensors

The same command again, after a kill, goes on after the last finished epoch, and ends with the same weights. Beside
FILE it writes FILE's .json (classes, inputs, engines, metrics), .metrics.jsonl (a line an epoch), and, while it
runs, the folder .training.
"""

import argparse
import dataclasses
import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from packshot import progress as told
from packshot.classifier.about import SHIPPED_WEIGHTS, Checkpoint, local_weights, read_about, weights_digest
from packshot.classifier.augment import Augmentation, augment, to_tensors
from packshot.classifier.checkpoint import load_weights, save_checkpoint
from packshot.classifier.evaluate import classification_report, finish, quick_logits
from packshot.classifier.feature_set import (
    FeatureSet,
    balanced_rows,
    read_folders,
    split_by_digest,
)
from packshot.classifier.features import FEATURES_VERSION, INPUTS
from packshot.classifier.model import ThreeInputNet
from packshot.classifier.photo_head import fit_head
from packshot.classifier.temperature import cross_entropy, softmax
from packshot.classifier.training_state import Progress, TrainingState
from packshot.errors import PackshotError, SettingError
from packshot.heap import keep_freed_memory
from packshot.records import VERDICTS

EPOCHS = "epochs"
"""Under this name `packshot.progress` is told of photos learnt from, every epoch anew."""
MOST_PHOTOS = "most photos learnt from"
"""And under this one, of how many there are at most."""


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """The recipe; the defaults are METHOD.md's. `per_class` 0 takes all rows. `bfloat16` computes the passes of
    training in bfloat16 (weights and evaluation stay float32): on a CPU that has it, three to four times as
    fast. `cosine` lets the learning rate fall along a half cosine over `epochs` instead of on plateaus (Loshchilov,
    Hutter, "SGDR", 2017): better where the number of epochs is known beforehand. `start` names the weights to begin
    with, "shipped" or a path or address of a checkpoint; empty, they are drawn at random. `photo_head`
    gives the photo's embedding a say in the verdict (packshot.classifier.photo_head)."""

    per_class: int = 0
    validation_share: float = 0.2
    batch: int = 16
    epochs: int = 15
    learning_rate: float = 4e-4
    patience: int = 3
    rate_factor: float = 0.8
    rate_patience: int = 2
    cosine: bool = False
    label_smoothing: float = 0.0
    class_weights: bool = False
    pool_logits_first: bool = True
    bfloat16: bool = False
    start: str = ""
    photo_head: bool = True
    seed: int = 0
    augmentation: Augmentation = Augmentation()

    def __post_init__(self) -> None:
        for name, low in (("batch", 2), ("epochs", 1), ("patience", 1), ("rate_patience", 1), ("per_class", 0)):
            if getattr(self, name) < low:
                raise SettingError(f"{name} must be at least {low}, not {getattr(self, name)}")
        if not 0 <= self.label_smoothing < 1 or not 0 < self.rate_factor <= 1 or self.learning_rate <= 0:
            raise SettingError(
                "label smoothing must be in [0, 1), the rate factor in (0, 1], the learning rate above 0"
            )


def train(
    features: FeatureSet,
    about_features: dict[str, Any],
    out: Path,
    settings: TrainSettings,
    on_epoch: Callable[[dict[str, Any]], None] = lambda row: None,
) -> Checkpoint:
    """Train, keep the best epoch by validation accuracy, fit the photo head, weigh it on validation, with the
    temperature, and write the checkpoint.

    `about_features` is what `read_folders` says. Goes on from `out`'s .training folder where there is one of the same
    settings and photos. `on_epoch` gets each epoch's metrics once they are safe on disk.
    """
    if features.pooled != settings.pool_logits_first:
        raise SettingError("the features must be read with pooled logits exactly when the network pools them first")
    keep_freed_memory()
    drawn = features[balanced_rows(features, settings.per_class, settings.seed)]
    train_rows, validation_rows = split_by_digest(drawn, settings.validation_share, settings.seed)
    validation = drawn[validation_rows]

    torch.manual_seed(settings.seed)
    model = ThreeInputNet(len(features.classes), pool_logits_first=settings.pool_logits_first)
    started_from = _begin_with(settings.start, model, features.classes) if settings.start else ""
    model = model.to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(model.parameters(), lr=settings.learning_rate, eps=1e-7)
    weights = _class_weights(drawn.labels[train_rows], len(features.classes)) if settings.class_weights else None

    # How long to go on may be changed underway; all else must stay, or the weights would be of no one recipe.
    free = ("patience",) if settings.cosine else ("epochs", "patience")
    recipe = {k: v for k, v in asdict(settings).items() if k not in free}
    identity = {"settings": recipe, "features": about_features, "photos": _digest_of(drawn)}
    if started_from:
        identity["start"] = started_from
    state = TrainingState(out.with_suffix(".training"), identity)
    progress = state.load(model, optimiser) or Progress(learning_rate=settings.learning_rate)
    _write_metrics(out, progress.history)
    told.advance(MOST_PHOTOS, settings.epochs * len(train_rows))
    told.advance(EPOCHS, progress.epoch * len(train_rows))

    while progress.epoch < settings.epochs and progress.epochs_since_best < settings.patience:
        started = time.perf_counter()
        figures = train_epoch(model, optimiser, drawn, train_rows, weights, settings, progress)
        logits = quick_logits(model, validation)
        report = classification_report(softmax(logits), validation.labels, features.classes)
        row = {
            "epoch": progress.epoch + 1,
            **figures,
            "validation_loss": cross_entropy(softmax(logits), validation.labels),
            "validation_accuracy": report["accuracy"],
            "validation_macro_f1": report["macro_f1"],
            "learning_rate": optimiser.param_groups[0]["lr"],
            "seconds": round(time.perf_counter() - started, 2),
        }
        progress.advance(row, report["accuracy"], settings.rate_factor, settings.rate_patience)
        state.save(model, optimiser, progress)
        _write_metrics(out, progress.history)
        on_epoch(row)

    state.load_best(model)
    head = None
    if settings.photo_head:
        counts = None if weights is None else weights.numpy()
        head = fit_head(drawn.embeddings(train_rows), drawn.labels[train_rows], len(drawn.classes), counts)
    weighed, temperature, report = finish(model, validation, settings.augmentation.flip, head)
    about = Checkpoint(
        classes=features.classes,
        pool_logits_first=settings.pool_logits_first,
        inputs=INPUTS,
        feature_engines=about_features["engines"],
        features_version=FEATURES_VERSION,
        temperature=temperature,
        mirrored=settings.augmentation.flip,
        head=weighed,
        training={
            "settings": asdict(settings),
            "started_from": started_from,
            "sources": about_features.get("sources", []),
            "photos": {"train": len(train_rows), "validation": len(validation_rows)},
            "best_epoch": progress.best_epoch,
            "epochs": progress.epoch,
            "parameters": model.parameter_counts()._asdict(),
            "torch": torch.__version__,
        },
        metrics={"validation": report},
    )
    save_checkpoint(out, model, about)
    state.remove()
    return about


def train_epoch(
    model: ThreeInputNet,
    optimiser: torch.optim.Optimizer,
    features: FeatureSet,
    rows: np.ndarray,
    weights: torch.Tensor | None,
    settings: TrainSettings,
    progress: Progress,
) -> dict[str, float]:
    """One pass over `rows`. All chance comes from seed and epoch, so that a resumed training repeats it."""
    epoch = progress.epoch
    model.train()
    torch.manual_seed(settings.seed * 1_000_003 + epoch + 1)
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + epoch + 1)
    order = rows[torch.randperm(len(rows), generator=generator).numpy()]
    loss_sum, hits, seen = 0.0, 0, 0
    for start in range(0, len(order), settings.batch):
        chosen = order[start : start + settings.batch]
        if len(chosen) == 1 and seen:
            break  # batch normalisation cannot learn from a single photo; the next epoch's order has it elsewhere
        inputs = augment(to_tensors(features, chosen), settings.augmentation, generator)
        labels = torch.from_numpy(features.labels[chosen])
        for group in optimiser.param_groups:
            done = (epoch + start / len(order)) / settings.epochs
            rate = settings.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
            group["lr"] = rate if settings.cosine else progress.learning_rate
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.bfloat16):
            logits = model(*inputs)
        logits = logits.float()
        loss = F.cross_entropy(logits, labels, weight=weights, label_smoothing=settings.label_smoothing)
        loss.backward()
        optimiser.step()
        loss_sum += loss.item() * len(chosen)
        hits += int((logits.argmax(dim=1) == labels).sum())
        seen += len(chosen)
        told.advance(EPOCHS, len(chosen))
    return {"loss": loss_sum / seen, "accuracy": hits / seen}


def _begin_with(name: str, model: ThreeInputNet, classes: tuple[str, ...]) -> str:
    """Fill `model` with the weights of a checkpoint; their SHA-256. A `SettingError` where they are of another kind."""
    path = SHIPPED_WEIGHTS if name == "shipped" else local_weights(name)
    about = read_about(path)
    kind = (about.classes, about.pool_logits_first, about.features_version)
    if kind != (classes, model.pool_logits_first, FEATURES_VERSION):
        raise SettingError(
            f"a training cannot start from {path}: it has the classes {', '.join(about.classes)}, "
            f"pool_logits_first {about.pool_logits_first} and features of version {about.features_version}; this one "
            f"has {', '.join(classes)}, {model.pool_logits_first} and version {FEATURES_VERSION}"
        )
    load_weights(model, path)
    return weights_digest(path)


def _class_weights(labels: np.ndarray, n_classes: int) -> torch.Tensor:
    """Inverse to the classes' frequency, 1 on average over the photos."""
    counts = np.bincount(labels, minlength=n_classes)
    return torch.tensor(len(labels) / (n_classes * np.maximum(counts, 1)), dtype=torch.float32)


def _digest_of(features: FeatureSet) -> str:
    rows = sorted(zip(features.digests.tolist(), features.labels.tolist(), strict=True))
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _write_metrics(out: Path, history: list[dict[str, Any]]) -> None:
    path = out.with_suffix(".metrics.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text("".join(json.dumps(row) + "\n" for row in history), "utf-8")
    os.replace(partial, path)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m packshot.classifier.train", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--features", type=Path, required=True, nargs="+", help="folders made by packshot.classifier.data"
    )
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write, .safetensors")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads that PyTorch computes on")
    parser.add_argument("--unpooled", action="store_true", help="train the network that does not pool the logits first")
    for field in dataclasses.fields(TrainSettings):
        if field.name not in ("pool_logits_first", "augmentation"):
            _add_option(parser, field)
    for field in dataclasses.fields(Augmentation):
        _add_option(parser, field)
    options = vars(parser.parse_args(arguments))
    torch.set_num_threads(options["threads"])
    try:
        changes = Augmentation(**{f.name: options[f.name] for f in dataclasses.fields(Augmentation)})
        names = {f.name for f in dataclasses.fields(TrainSettings)} & options.keys()
        settings = TrainSettings(
            **{n: options[n] for n in names}, pool_logits_first=not options["unpooled"], augmentation=changes
        )
        features, about = read_folders(options["features"], pooled=settings.pool_logits_first, classes=VERDICTS)
        print(f"{len(features)} photos: {features.counts()}", flush=True)
        made = train(features, about, options["out"], settings, _print_row)
    except PackshotError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    result = made.metrics["validation"]
    print(
        f"wrote {options['out']}: epoch {made.training['best_epoch']}, validation accuracy {result['accuracy']:.3f}, "
        f"macro F1 {result['macro_f1']:.3f}, temperature {made.temperature:.2f}"
    )
    return 0


def _add_option(parser: argparse.ArgumentParser, field: dataclasses.Field) -> None:
    flag = "--" + field.name.replace("_", "-")
    if field.type is bool:
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=field.default)
    else:
        parser.add_argument(flag, type=field.type, default=field.default, help=f"default {field.default}")


def _print_row(row: dict[str, Any]) -> None:
    print(" ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
