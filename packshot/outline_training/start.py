"""A written outline network as one that can be trained further."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from packshot.outline_training.network import UNet


def read_net(path: Path, seen: Tensor) -> UNet:
    """The network of an ONNX file that `UNet.write` made.

    In the file the normalisations lie within the convolutions. Trained further, each goes by the statistics of its
    batch: it is given those of `seen`, float32 (n, 4 * LAYERS, h / 2, w / 2), undone by its scale and shift, so that
    it begins as the same network in training too.
    """
    net = UNet().eval()
    convolutions = _convolutions(path)
    *blocks, last = net.in_order()
    with torch.no_grad():
        for block, (weight, bias) in zip(blocks, convolutions[:-1], strict=True):
            block.conv.weight.copy_(weight)
            block.norm.bias.copy_(bias)
            block.norm.running_var.fill_(1 - block.norm.eps)
        last.weight.copy_(convolutions[-1][0])
        last.bias.copy_(convolutions[-1][1])
        measured: list[tuple[Tensor, Tensor]] = []
        hooks = [
            block.conv.register_forward_hook(lambda *call: measured.append(_statistics(call[-1]))) for block in blocks
        ]
        net(seen)
        for block, hook, (mean, variance) in zip(blocks, hooks, measured, strict=True):
            hook.remove()
            norm = block.norm
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight.copy_(torch.sqrt(variance + norm.eps))
            norm.bias += mean
    return net


def _convolutions(path: Path) -> list[tuple[Tensor, Tensor]]:
    """Weights and biases of a graph's convolutions, in its order."""
    graph = onnx.load(path).graph
    held = {
        value.name: torch.from_numpy(numpy_helper.to_array(value).astype(np.float32)) for value in graph.initializer
    }
    widened = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Cast"}
    return [(held[widened[node.input[1]]], held[node.input[2]]) for node in graph.node if node.op_type == "Conv"]


def _statistics(values: Tensor) -> tuple[Tensor, Tensor]:
    return values.mean(dim=(0, 2, 3)), values.var(dim=(0, 2, 3))
