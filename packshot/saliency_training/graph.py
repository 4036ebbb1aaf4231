"""The shipped network as something to train: its ONNX graph, run by PyTorch's operators, and written back.

Only the operators of U²-Net's graph. Resizing is to the size of another tensor, which the graph works out by long
chains of shape arithmetic; here that tensor is found once, so pictures of any size pass.
"""

from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

_SHAPE_ARITHMETIC = {"Constant", "Shape", "Gather", "Unsqueeze", "Slice", "Cast"}
_KNOWN = {"Conv", "Relu", "MaxPool", "Resize", "Concat", "Add", "Sigmoid"}


class GraphModule(nn.Module):
    """Maps float32 (n, 3, h, w) to the graph's outputs before their sigmoids, each (n, 1, h, w).

    `values` are the graph's initialisers, in its order. Raises `ValueError` where the graph has an operator that U²-Net
    has not.
    """

    def __init__(self, path: Path):
        super().__init__()
        self._path = path
        graph = onnx.load(str(path)).graph
        self._names = [value.name for value in graph.initializer]
        self.values = nn.ParameterList(torch.from_numpy(numpy_helper.to_array(v).copy()) for v in graph.initializer)
        for value in self.values:
            if value.ndim == 4:
                value.data = value.data.contiguous(memory_format=torch.channels_last)
        self._input = graph.input[0].name
        self._outputs = [value.name for value in graph.output]
        self._steps = _steps(graph)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        held = dict(zip(self._names, self.values, strict=True))
        held[self._input] = pictures.contiguous(memory_format=torch.channels_last)
        for kind, inputs, output, settings in self._steps:
            last = kind == "Sigmoid" and output in self._outputs
            held[output] = held[inputs[0]] if last else _apply(kind, [held[name] for name in inputs], settings)
        return [held[name] for name in self._outputs]

    def write(self, target: Path, values: list[Tensor] | None = None) -> None:
        """The graph with these values (the module's own if None) for its initialisers, as an ONNX file."""
        model = onnx.load(str(self._path))
        for initialiser, value in zip(model.graph.initializer, values or list(self.values), strict=True):
            array = value.detach().contiguous().numpy()
            initialiser.CopyFrom(numpy_helper.from_array(array, initialiser.name))
        onnx.save(model, str(target))


def _steps(graph: onnx.GraphProto) -> list[tuple[str, list[str], str, dict[str, Any]]]:
    """The operators that work on pictures, in order: kind, inputs, output, attributes."""
    makers = {name: node for node in graph.node for name in node.output}
    steps = []
    for node in graph.node:
        if _is_shape(node, makers):
            continue
        if node.op_type not in _KNOWN:
            raise ValueError(f"the graph has an operator {node.op_type}, which U²-Net has not: add it to graph.py")
        settings = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        inputs = list(node.input)
        if node.op_type == "Resize":
            (like,) = _measured(node.input[3], makers) - {node.input[0]}
            inputs = [node.input[0], like]
        steps.append((node.op_type, inputs, node.output[0], settings))
    return steps


def _is_shape(node: onnx.NodeProto, makers: dict[str, onnx.NodeProto]) -> bool:
    if node.op_type == "Concat":
        return all(name in makers and _is_shape(makers[name], makers) for name in node.input)
    return node.op_type in _SHAPE_ARITHMETIC


def _measured(name: str, makers: dict[str, onnx.NodeProto]) -> set[str]:
    """The tensors whose shape the value `name` is worked out from."""
    node = makers[name]
    if node.op_type == "Shape":
        return {node.input[0]}
    return set().union(*(_measured(source, makers) for source in node.input))


def _apply(kind: str, values: list[Tensor], settings: dict[str, Any]) -> Tensor:
    match kind:
        case "Conv":
            return functional.conv2d(
                *values, settings["strides"], settings["pads"][:2], settings["dilations"], settings["group"]
            )
        case "MaxPool":
            ceil = bool(settings.get("ceil_mode", 0))
            return functional.max_pool2d(
                values[0], settings["kernel_shape"], settings["strides"], settings["pads"][:2], ceil_mode=ceil
            )
        case "Resize":
            return functional.interpolate(values[0], size=values[1].shape[2:], mode="bilinear", align_corners=False)
        case "Concat":
            return torch.cat(values, settings["axis"])
        case "Add":
            return values[0] + values[1]
        case "Relu":
            return functional.relu(values[0])
    return torch.sigmoid(values[0])
