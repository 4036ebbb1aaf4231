"""Average two trained networks, of which the second began with the weights of the first.

    python -m packshot.classifier.average --first A.safetensors --second B.safetensors --share 0.5 --out OUT.safetensors

A stage on photos of a new kind makes a network better on these and worse on others; between the two lies one that is
good on both (M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022). Its temperature and photo head
are those of the second: `packshot.classifier.calibrate` weighs them anew.
"""

import argparse
import sys
from pathlib import Path

import torch

from packshot.classifier.about import weights_digest
from packshot.classifier.checkpoint import load_checkpoint, save_checkpoint
from packshot.errors import PackshotError, SettingError


def average(first: Path, second: Path, share: float, out: Path) -> None:
    """Write the network that lies `share` of the way, 0 to 1, from the first to the second, as a checkpoint with the
    second's side file. Raises `SettingError` for networks of other classes or shapes, or a share out of range."""
    if not 0 <= share <= 1:
        raise SettingError(f"the share must lie between 0 and 1, not {share}")
    (before, old), (after, about) = load_checkpoint(first), load_checkpoint(second)
    if (old.classes, old.pool_logits_first) != (about.classes, about.pool_logits_first):
        raise SettingError(f"{first} and {second} are networks of other classes or inputs: they have no average")
    begun, learnt = before.state_dict(), after.state_dict()
    after.load_state_dict(
        {k: torch.lerp(begun[k], v, share) if v.is_floating_point() else v for k, v in learnt.items()}
    )
    about.training["averaged"] = {"with": weights_digest(first), "share": share}
    about.metrics = {}
    save_checkpoint(out, after, about)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m packshot.classifier.average", description=__doc__.split("\n")[0])
    parser.add_argument("--first", type=Path, required=True, help="the network that the second began with")
    parser.add_argument("--second", type=Path, required=True, help="the network after one more stage")
    parser.add_argument("--share", type=float, default=0.5, help="how far from the first to the second, 0 to 1")
    parser.add_argument("--out", type=Path, required=True, help=".safetensors to write, with its .json beside it")
    options = parser.parse_args(arguments)
    try:
        average(options.first, options.second, options.share, options.out)
    except PackshotError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
