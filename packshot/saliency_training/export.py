"""Write the shipped network from the published weights and the fine-tuned ones.

    python -m packshot.saliency_training.export --base BASE.onnx --tuned DIR/tuned.onnx --mix 0.75 --out OUT.onnx

`--mix` interpolates between the two, 1 being the fine-tuned: networks that share their start can be averaged, and what
the published one knew of real photos is forgotten less (M. Wortsman et al., "Robust fine-tuning of zero-shot models",
CVPR 2022).
"""

import argparse
import hashlib
from pathlib import Path

import torch

from packshot.saliency_training.graph import GraphModule


def export(base: Path, tuned: Path, mix: float, out: Path) -> str:
    """Writes `out`; returns its SHA-256."""
    old, new = GraphModule(base), GraphModule(tuned)
    values = [torch.lerp(a.detach(), b.detach(), mix) for a, b in zip(old.values, new.values, strict=True)]
    old.write(out, values)
    return hashlib.sha256(out.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--tuned", type=Path, required=True)
    parser.add_argument("--mix", type=float, default=1.0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    print(export(options.base, options.tuned, options.mix, options.out), options.out)


if __name__ == "__main__":
    main()
