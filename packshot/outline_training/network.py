"""The network of packshot.outline and packshot.small_writing: a small U-Net over squares of 2x2 px.

O. Ronneberger, P. Fischer, T. Brox, "U-Net: convolutional networks for biomedical image segmentation", 2015.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from packshot.outline import LAYERS

WIDTHS = (24, 40, 64, 96, 128)
"""Channels at half the size, a quarter of it, and so on: those of packshot.outline, which sees as far as the picture at
1/32."""
_OPSET = 17


class _Block(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, values: Tensor) -> Tensor:
        return functional.relu(self.norm(self.conv(values)))

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weights and biases of the convolution with its normalisation in them."""
        scale = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        return self.conv.weight * scale[:, None, None, None], self.norm.bias - self.norm.running_mean * scale


class UNet(nn.Module):
    """Maps float32 (n, 4 * layers, h / 2, w / 2) in [0, 1] (packshot.outline.as_fed) to logits (n, 1, h, w)."""

    def __init__(self, layers: int = LAYERS, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.layers, self.widths = layers, widths
        self.first = _Block(4 * layers, widths[0])
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.down = nn.ModuleList(
            nn.ModuleList([_Block(wide, narrow, 2), _Block(narrow, narrow)]) for wide, narrow in pairs
        )
        self.up = nn.ModuleList(_Block(narrow + wide, wide) for wide, narrow in reversed(pairs))
        self.last = nn.Conv2d(widths[0], 4, 3, 1, 1)

    def forward(self, seen: Tensor) -> Tensor:
        values = self.first(seen.contiguous(memory_format=torch.channels_last) - 0.5)
        sides = []
        for halve, block in self.down:
            sides.append(values)
            values = block(halve(values))
        for block, side in zip(self.up, reversed(sides), strict=True):
            values = block(torch.cat([functional.interpolate(values, scale_factor=2, mode="nearest"), side], 1))
        return functional.pixel_shuffle(self.last(values), 2)

    def like(self) -> "UNet":
        """Another one of the same layers and widths, with weights of its own."""
        return UNet(self.layers, self.widths)

    def write(self, path: Path) -> None:
        """As an ONNX graph: input `seen` as for `forward`, output `likely` in [0, 1]; weights in 16 bits."""
        _Graph().write(self, path)


class _Graph:
    """An ONNX graph in the making."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.held: list[onnx.TensorProto] = []

    def write(self, net: UNet, path: Path) -> None:
        half, zoom = self._value(np.float32(0.5)), self._value(np.float32([1, 1, 2, 2]))
        values = self._node("Sub", ["seen", half])
        values = self._block(values, net.first)
        sides = []
        for halve, block in net.down:
            sides.append(values)
            values = self._block(self._block(values, halve), block)
        for block, side in zip(net.up, reversed(sides), strict=True):
            wide = self._node("Resize", [values, "", zoom], coordinate_transformation_mode="asymmetric", mode="nearest")
            values = self._block(self._node("Concat", [wide, side], axis=1), block)
        values = self._conv(values, net.last.weight, net.last.bias, 1)
        values = self._node("DepthToSpace", [values], blocksize=2, mode="CRD")
        self.nodes.append(helper.make_node("Sigmoid", [values], ["likely"]))
        graph = helper.make_graph(
            self.nodes,
            "unet",
            [helper.make_tensor_value_info("seen", TensorProto.FLOAT, [1, 4 * net.layers, "rows", "columns"])],
            [helper.make_tensor_value_info("likely", TensorProto.FLOAT, [1, 1, "height", "width"])],
            self.held,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, str(path))

    def _block(self, values: str, block: _Block) -> str:
        return self._node("Relu", [self._conv(values, *block.folded(), block.conv.stride[0])])

    def _conv(self, values: str, weight: Tensor, bias: Tensor, stride: int) -> str:
        small = self._value(weight.detach().contiguous().numpy().astype(np.float16))
        weight_name = self._node("Cast", [small], to=TensorProto.FLOAT)
        inputs = [values, weight_name, self._value(bias.detach().numpy().astype(np.float32))]
        return self._node("Conv", inputs, strides=[stride, stride], pads=[1, 1, 1, 1], kernel_shape=[3, 3])

    def _node(self, kind: str, inputs: list[str], **settings: object) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **settings))
        return name

    def _value(self, array: np.ndarray) -> str:
        name = f"w{len(self.held)}"
        self.held.append(numpy_helper.from_array(array, name))
        return name
