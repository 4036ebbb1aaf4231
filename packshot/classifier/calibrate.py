"""Fit a trained network's temperature anew, and how its photo head weighs, on photos that it has not learnt from.

    python -m packshot.classifier.calibrate --weights FILE.safetensors --features DIR … [--equal]

writes them into FILE's .json. A training does the same with its validation photos; but those of a later stage that
draws another split may have been learnt from in an earlier one.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from packshot.classifier.about import write_about
from packshot.classifier.checkpoint import load_checkpoint
from packshot.classifier.evaluate import finish
from packshot.classifier.feature_set import read_folders
from packshot.classifier.photo_head import PhotoHead
from packshot.errors import PackshotError, SettingError


def calibrate(weights: Path, folders: list[Path], equal: bool = False) -> dict[str, Any]:
    """The classification report on these photos. Raises `SettingError` for features of other engines than those that
    the network was trained on."""
    model, about = load_checkpoint(weights)
    features, made = read_folders(folders, pooled=about.pool_logits_first, classes=about.classes)
    if made["engines"] != about.feature_engines:
        raise SettingError(f"{weights} was trained on features of other engines than those of {folders[0]}")
    head = PhotoHead.from_json(about.head) if about.head else None
    about.head, about.temperature, report = finish(model, features, about.mirrored, head, equal)
    about.training["calibration"] = {"sources": made["sources"], "photos": len(features)}
    # What the training was validated on is doubted, or nobody would calibrate anew.
    about.metrics = {"calibration": report}
    write_about(weights, about)
    return report


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m packshot.classifier.calibrate", description=__doc__.split("\n")[0])
    parser.add_argument("--weights", type=Path, required=True, help="checkpoint, .safetensors with its .json beside it")
    parser.add_argument("--features", type=Path, required=True, nargs="+", help="folders of photos not trained on")
    parser.add_argument("--equal", action="store_true", help="network and photo head count alike")
    options = parser.parse_args(arguments)
    try:
        report = calibrate(options.weights, options.features, options.equal)
    except PackshotError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(
        f"{report['photos']} photos: macro F1 {report['macro_f1']:.3f}, "
        f"calibration error {report['calibration_error']:.3f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
