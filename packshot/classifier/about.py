"""What a trained classifier is, as the JSON file beside its weights says. Reading it loads no torch."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from packshot.errors import SettingError

FORMAT = "packshot-classifier-1"
SHIPPED_WEIGHTS = Path(__file__).parent / "weights" / "lite.safetensors"


@dataclass(slots=True)
class Checkpoint:
    """What the JSON file beside the weights holds.

    `feature_engines`: by stage ("ocr", "segment"), what made the features that the network was trained on: `name`,
    `version`, `params`, `weights_revision`. `inputs`: name to shape, height × width × channels. `temperature`
    divides the class logits before softmax (Guo et al. 2017). `mirrored`: the network learnt from mirror images too,
    so that they are among the views by which a photo is judged. `head`: the photo head that is weighed against the
    network (packshot.classifier.photo_head), None where the network alone judges.
    """

    classes: tuple[str, ...]
    pool_logits_first: bool
    inputs: dict[str, list[int]]
    feature_engines: dict[str, dict[str, Any]]
    features_version: int
    temperature: float = 1.0
    mirrored: bool = True
    head: dict[str, Any] | None = None
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)


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
        raise SettingError(f"no classifier weights at {path}; make some with `packshot train`")
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


def local_weights(name: str) -> Path:
    """Where weights lie on this machine. Those in a bucket, `s3://…/classifier.safetensors`, are copied into
    PACKSHOT_MODELS first, with their side file, unless they are there: a training's weights never change.

    Raises `SettingError` where the bucket does not have them.
    """
    if not name.startswith("s3://"):
        return Path(name).expanduser()
    from packshot.store import S3Store
    from packshot.weights import models_folder

    parts = urlsplit(name)
    folder = models_folder() / "trained" / hashlib.sha256(name.encode()).hexdigest()[:16]
    target, key = folder / Path(parts.path).name, parts.path.lstrip("/")
    if not (target.is_file() and side_file(target).is_file()):
        bucket = S3Store.of_bucket(parts.netloc)
        keys = {target: key, side_file(target): f"{key.rpartition('.')[0]}.json"}
        found = {path: bucket.get(name) for path, name in keys.items()}
        if None in found.values():
            raise SettingError(f"{name} is not in the bucket, or has no .json beside it")
        folder.mkdir(parents=True, exist_ok=True)
        for path, data in found.items():
            partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
            partial.write_bytes(data or b"")
            os.replace(partial, path)
    return target


def side_file(path: Path) -> Path:
    return path.with_suffix(".json")


def weights_digest(path: Path) -> str:
    """SHA-256 of the weights file, 64 hex digits. Read again only when the file has changed."""
    status = path.stat()
    return _digest(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=32)
def _digest(path: Path, size: int, mtime_ns: int) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
