"""How good a classifier is: report, confusion matrix, calibration.

python -m packshot.classifier.evaluate --weights FILE.safetensors --features DIR --out REPORT
"""

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from packshot.classifier.about import Checkpoint
from packshot.classifier.feature_set import FeatureSet, read_feature_set, read_folder_about
from packshot.classifier.photo_head import PhotoHead, weigh
from packshot.classifier.temperature import cross_entropy, fit_temperature, softmax
from packshot.errors import PackshotError, SettingError
from packshot.heap import keep_freed_memory

if TYPE_CHECKING:
    from torch import Tensor

    from packshot.classifier.augment import Batch
    from packshot.classifier.model import ThreeInputNet

RELIABILITY_BINS = 10


def predict_logits(model: "ThreeInputNet", about: Checkpoint, features: FeatureSet) -> np.ndarray:
    """Class logits of every row, float64 (n, classes): what a photo's verdict is made of."""
    seen = network_log_probabilities(model, features, about.mirrored)
    return seen if about.head is None else PhotoHead.from_json(about.head).logits(seen, features.embeddings())


def network_log_probabilities(
    model: "ThreeInputNet", features: FeatureSet, mirrored: bool, batch: int = 64
) -> np.ndarray:
    """What the network alone says of every row, averaged over its views, float64 (n, classes)."""
    from packshot.classifier.views import averaged_log_probabilities

    return _each_batch(partial(averaged_log_probabilities, model, mirrored=mirrored), model, features, batch)


def finish(
    model: "ThreeInputNet", features: FeatureSet, mirrored: bool, head: PhotoHead | None, equal: bool = False
) -> tuple[dict[str, Any] | None, float, dict[str, Any]]:
    """How a trained head weighs against a trained network, and the temperature that suits both, fitted on photos that
    neither has learnt from; and the report on them. `equal` keeps the head's shares: photos that the network knows
    better than those to be judged would have it believed too much."""
    logits = network_log_probabilities(model, features, mirrored)
    if head is not None:
        head = head.equally() if equal else weigh(head, logits, features.embeddings(), features.labels)
        logits = head.logits(logits, features.embeddings())
    temperature = fit_temperature(logits, features.labels)
    report = classification_report(softmax(logits, temperature), features.labels, features.classes)
    return head and head.as_json(), temperature, report


def quick_logits(model: "ThreeInputNet", features: FeatureSet, batch: int = 64) -> np.ndarray:
    """Class logits of every row from one view, float64 (n, classes): enough to compare a training's epochs."""
    return _each_batch(lambda inputs: model(*inputs).double(), model, features, batch)


def _each_batch(
    logits_of: "Callable[[Batch], Tensor]", model: "ThreeInputNet", features: FeatureSet, batch: int
) -> np.ndarray:
    import torch

    from packshot.classifier.augment import to_tensors

    keep_freed_memory()
    was_training = model.training
    model.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(features), batch):
            rows = np.arange(start, min(start + batch, len(features)))
            parts.append(logits_of(to_tensors(features, rows)).numpy())
    model.train(was_training)
    return np.concatenate(parts)


def classification_report(probabilities: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> dict[str, Any]:
    """All figures as plain JSON values.

    `confusion[i][j]` counts photos of class i that were called j. Precision, recall and F1 of a class that is never
    called, or has no photo, are 0; `macro_f1` is the mean over the classes that have photos.
    """
    called = probabilities.argmax(axis=1)
    n = len(classes)
    confusion = np.bincount(labels * n + called, minlength=n * n).reshape(n, n)
    hits, support, calls = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall = hits / np.maximum(calls, 1), hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + calls, 1)
    bins = reliability(probabilities, labels)
    return {
        "photos": int(len(labels)),
        "accuracy": float(hits.sum() / max(len(labels), 1)),
        "macro_f1": float(f1[support > 0].mean()),
        "cross_entropy": cross_entropy(probabilities, labels),
        "calibration_error": sum(b["photos"] * abs(b["accuracy"] - b["confidence"]) for b in bins)
        / max(len(labels), 1),
        "classes": {
            c: {
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "photos": int(support[i]),
            }
            for i, c in enumerate(classes)
        },
        "confusion": confusion.tolist(),
        "reliability": bins,
    }


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> list[dict[str, float]]:
    """Of the photos whose highest probability falls into each tenth: how many, its mean, and the share that is
    right."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    return [
        {
            "from": b / RELIABILITY_BINS,
            "photos": int((place == b).sum()),
            "confidence": float(confidence[place == b].mean()),
            "accuracy": float(right[place == b].mean()),
        }
        for b in range(RELIABILITY_BINS)
        if (place == b).any()
    ]


def as_markdown(report: dict[str, Any], title: str) -> str:
    """The report as a Markdown page."""
    names = list(report["classes"])
    lines = [
        f"# {title}",
        "",
        f"{report['photos']} photos: accuracy **{report['accuracy']:.3f}**, macro F1 **{report['macro_f1']:.3f}**, "
        f"cross-entropy {report['cross_entropy']:.3f}, calibration error {report['calibration_error']:.3f}.",
        "",
        "| verdict | precision | recall | F1 | photos |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {c} | {v['precision']:.3f} | {v['recall']:.3f} | {v['f1']:.3f} | {v['photos']} |"
        for c, v in report["classes"].items()
    ]
    lines += ["", "Rows are what the photos are, columns what they were called:", ""]
    lines += ["| |" + "|".join(f" {n.removeprefix('clean_photo_')} " for n in names) + "|"]
    lines += ["|---" * (len(names) + 1) + "|"]
    for name, row in zip(names, report["confusion"], strict=True):
        lines.append(f"| {name} | " + " | ".join(str(count) for count in row) + " |")
    lines += ["", "| said, from | photos | mean said | share right |", "|---|---|---|---|"]
    for b in report["reliability"]:
        lines.append(f"| {b['from']:.1f} | {b['photos']} | {b['confidence']:.3f} | {b['accuracy']:.3f} |")
    return "\n".join(lines) + "\n"


def evaluate(weights: Path, folder: Path) -> dict[str, Any]:
    """The report of a checkpoint on a folder of features, with `called`: what each photo was called. The folder's
    engines must be those of the checkpoint, else a `SettingError`."""
    from packshot.classifier.checkpoint import load_checkpoint

    model, about = load_checkpoint(weights)
    engines = read_folder_about(folder)["engines"]
    if engines != about.feature_engines:
        raise SettingError(
            f"{weights} was trained on features of {about.feature_engines}, those in {folder} are of {engines}: "
            "make them again with the same engines, or train with these"
        )
    features = read_feature_set(folder, pooled=about.pool_logits_first, classes=about.classes)
    report = judge(predict_logits(model, about, features), features.labels, about)
    for called, origin in zip(report["called"], features.origins.tolist(), strict=True):
        called["origin"] = origin
    return report


def judge(logits: np.ndarray, labels: np.ndarray, about: Checkpoint) -> dict[str, Any]:
    """The classification report at the checkpoint's temperature; under `uncalibrated` what it would be at 1; under
    `called` a dict a photo: its `verdict`, what it was `called`, with which `probability`."""
    probabilities, raw = softmax(logits, about.temperature), softmax(logits)
    report = classification_report(probabilities, labels, about.classes)
    before = classification_report(raw, labels, about.classes)
    report["uncalibrated"] = {name: before[name] for name in ("cross_entropy", "calibration_error", "reliability")}
    report["called"] = [
        {
            "verdict": about.classes[label],
            "called": about.classes[int(p.argmax())],
            "probability": round(float(p.max()), 4),
        }
        for label, p in zip(labels, probabilities, strict=True)
    ]
    return report


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m packshot.classifier.evaluate", description=__doc__.split("\n")[0])
    parser.add_argument("--weights", type=Path, required=True, help="checkpoint, .safetensors with its .json beside it")
    parser.add_argument("--features", type=Path, required=True, help="folder of features of labelled photos")
    parser.add_argument("--out", type=Path, help="write REPORT.json and REPORT.md; without it only print")
    options = parser.parse_args(arguments)
    try:
        report = evaluate(options.weights, options.features)
    except PackshotError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    page = as_markdown(report, f"{options.weights.name} on {options.features.name}")
    print(page)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.with_name(options.out.name + ".md").write_text(page, "utf-8")
        figures = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
        options.out.with_name(options.out.name + ".json").write_text(figures, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
