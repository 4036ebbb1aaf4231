"""A trained classifier on disk: weights as safetensors, kernels in 16 bits; beside them the JSON file of `about`."""

import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from packshot.classifier.about import Checkpoint, read_about, write_about
from packshot.classifier.model import ThreeInputNet
from packshot.errors import SettingError


def save_checkpoint(path: Path, model: ThreeInputNet, about: Checkpoint) -> None:
    """Write `path` (.safetensors) and its side file (.json), each at once; the weights' digest ties the two
    together."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: _kept(tensor.detach().cpu().contiguous()) for name, tensor in model.state_dict().items()}
    partial = path.with_name(path.name + ".partial")
    save_file(weights, partial)
    partial.chmod(0o644)  # safetensors makes files that only their owner can read
    os.replace(partial, path)
    write_about(path, about)


def _kept(tensor: torch.Tensor) -> torch.Tensor:
    """Kernels in half their size, which moves probabilities in the third digit at most; statistics as they are."""
    kept = tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor
    if kept.is_floating_point() and not kept.isfinite().all():
        raise SettingError("the network has weights that are not finite, or too large: train again, at a lower rate")
    return kept


def load_checkpoint(path: Path) -> tuple[ThreeInputNet, Checkpoint]:
    """The network, in evaluation mode, and what its side file says. `SettingError` when they are not of one shape."""
    about = read_about(path)
    model = ThreeInputNet(len(about.classes), pool_logits_first=about.pool_logits_first)
    load_weights(model, path)
    return model.eval(), about


def load_weights(model: torch.nn.Module, path: Path) -> None:
    """Fill `model` from a safetensors file; a `SettingError` names the first tensor that is not of its shape."""
    try:
        weights = load_file(path)
    except Exception as error:  # safetensors raises its own class and OSError alike
        raise SettingError(f"{path} is not a safetensors file: {error}") from None
    own = model.state_dict()
    for name in sorted(own.keys() | weights.keys()):
        theirs = tuple(weights[name].shape) if name in weights else None
        mine = tuple(own[name].shape) if name in own else None
        if theirs != mine:
            raise SettingError(f"{path} does not fit the network: {name} is {theirs} in it, not {mine}")
    model.load_state_dict(weights)
