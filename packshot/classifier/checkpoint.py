"""A trained classifier on disk: weights as safetensors, and beside them a JSON file that says what they are."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from packshot.classifier.model import ThreeInputNet
from packshot.errors import SettingError

FORMAT = "packshot-classifier-1"


@dataclass(slots=True)
class Checkpoint:
    """What the JSON file beside the weights holds.

    `feature_engines`: by stage ("ocr", "segment"), what made the features that the network was trained on: `name`,
    `version`, `params`, `weights_revision`. `inputs`: name to shape, height × width × channels. `temperature`
    divides the class logits before softmax (Guo et al. 2017).
    """

    classes: tuple[str, ...]
    pool_logits_first: bool
    inputs: dict[str, list[int]]
    feature_engines: dict[str, dict[str, Any]]
    features_version: int
    temperature: float = 1.0
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(path: Path, model: ThreeInputNet, about: Checkpoint) -> None:
    """Write `path` (.safetensors) and its side file (.json), each at once; the weights' digest ties the two
    together."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    partial = path.with_name(path.name + ".partial")
    save_file(weights, partial)
    os.replace(partial, path)
    write_about(path, about)


def write_about(path: Path, about: Checkpoint) -> None:
    """Write only the side file of the weights at `path`, as when the temperature was fitted later."""
    value = {"format": FORMAT, "weights_sha256": weights_digest(path), **asdict(about)}
    partial = side_file(path).with_name(side_file(path).name + ".partial")
    partial.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")
    os.replace(partial, side_file(path))


def read_about(path: Path) -> Checkpoint:
    """The side file of the weights at `path`; a `SettingError` says what is missing or does not fit."""
    beside = side_file(path)
    if not path.is_file():
        raise SettingError(f"no classifier weights at {path}; make some with `python -m packshot.classifier.train`")
    try:
        value = json.loads(beside.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingError(f"{path} has no {beside.name} beside it, which names its classes and inputs") from None
    except ValueError as error:
        raise SettingError(f"{beside} is not JSON: {error}") from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise SettingError(f"{beside} is not of format {FORMAT}: it was not written by this version of packshot")
    if value.get("weights_sha256") != weights_digest(path):
        raise SettingError(f"{beside} belongs to other weights than {path}: copy both files of one training")
    known = {f.name for f in fields(Checkpoint)}
    try:
        about = Checkpoint(**{k: v for k, v in value.items() if k in known})
    except TypeError as error:
        raise SettingError(f"{beside} is incomplete: {error}") from None
    about.classes = tuple(about.classes)
    return about


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


def side_file(path: Path) -> Path:
    return path.with_suffix(".json")


def weights_digest(path: Path) -> str:
    """SHA-256 of the weights file, 64 hex digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
