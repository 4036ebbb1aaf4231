"""Write the shipped network in 8 bits: a quarter of the size, and faster on CPUs with integer instructions for it.

    python -m packshot.saliency_training.quantise --drawn DIR [--start FULL.onnx] [--out OUT.onnx]

The full network lies beside this file, to be trained further; it is not installed.
Weights are scaled per output channel, activations by what they span on drawn photos (split `train`); B. Jacob et al.,
"Quantization and training of neural networks for efficient integer-arithmetic-only inference", CVPR 2018.
"""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx.version_converter import convert_version
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from packshot.errors import PackshotError
from packshot.saliency import WEIGHTS, normalised
from packshot.saliency_training.augment import as_fed
from packshot.saliency_training.photos import TrainingSet, load
from packshot.saliency_training.train import FULL_SIDE

FULL_WEIGHTS = Path(__file__).parent / "product_net.onnx"
_OPSET = 17
"""Weights scaled per channel need 13; the published graph is of 11."""


class _Photos(CalibrationDataReader):
    """Whole photos, as the pipeline feeds them."""

    def __init__(self, photos: TrainingSet, name: str):
        self._feeds = self._feed(photos, name)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._feeds, None)

    @staticmethod
    def _feed(photos: TrainingSet, name: str) -> Iterator[dict[str, np.ndarray]]:
        for number in range(len(photos)):
            yield {name: normalised(as_fed(photos[number], FULL_SIDE)[0])[None]}


def quantise(start: Path, photos: TrainingSet, out: Path) -> str:
    """Writes `out`; returns its SHA-256."""
    model = convert_version(onnx.load(str(start)), _OPSET)
    with tempfile.TemporaryDirectory() as folder:
        newer, folded = Path(folder) / "newer.onnx", Path(folder) / "folded.onnx"
        onnx.save(model, str(newer))
        quant_pre_process(newer, folded, skip_symbolic_shape=True)
        quantize_static(
            folded,
            out,
            _Photos(photos, model.graph.input[0].name),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            # CPUs without the newer instructions add products of 8-bit weights in 16 bits, which overflow.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    return hashlib.sha256(out.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--start", type=Path, default=FULL_WEIGHTS, help="weights in 32 bits, ONNX")
    parser.add_argument("--drawn", type=Path, required=True, help="folder of drawn photos")
    parser.add_argument("--props", type=Path, help="folder of the pictures that joined them, if any did")
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    try:
        photos = load(options.drawn, "train", options.photos, options.props)
    except PackshotError as error:
        sys.exit(f"error: {error}")
    print(quantise(options.start, photos, options.out), options.out)


if __name__ == "__main__":
    main()
