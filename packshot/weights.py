"""Which weights there are, where they lie on this machine, and what identifies them. Nothing here loads a model.

Weights lie in `PACKSHOT_MODELS` (default ~/.cache/packshot/models), a folder an entry of weights.toml, which may be
copied to machines without internet. Beside them packshot.lock.json records the revision and the SHA-256 of each file.
"""

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from packshot.device import DeviceParams
from packshot.errors import SettingError

LOCK = "packshot.lock.json"


class Weights(BaseModel):
    """An entry of weights.toml. One of `url` (a file), `repo` (files of a model hub's repository), `zips`. `sha256` is
    the file's, `sha256s` those of a repository's or archive's files as they are published, by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    stages: tuple[str, ...]
    licence: str
    commercial: bool
    size_bytes: int = 0
    url: str = ""
    file: str = ""
    sha256: str = ""
    sha256s: dict[str, str] = {}
    repo: str = ""
    revision: str = ""
    files: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    zips: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        return self.repo or self.url or ", ".join(self.zips)

    @property
    def folder(self) -> Path:
        return models_folder() / self.name

    @property
    def pin(self) -> str:
        """What identifies the weights before they are here: SHA-256, or repository and revision; else empty."""
        if self.revision:
            return f"{self.repo}@{self.revision}"
        return self.sha256 or (combine(self.sha256s) if self.sha256s else "")

    @property
    def path(self) -> Path:
        """What an engine loads: the file, or the folder."""
        return self.folder / self.file if self.file else self.folder


class WeightsParams(DeviceParams):
    """An engine that loads weights: by an entry's name, or by the path of the user's own file or folder."""

    weights: str = Field(description="name in `packshot models list`, or the path of your own file or folder")
    allow_non_commercial: bool = Field(False, description="run weights whose licence forbids commercial use")

    operational = DeviceParams.operational | {"allow_non_commercial"}

    @model_validator(mode="after")
    def _licensed(self) -> "WeightsParams":
        for name in self.weights_named:
            entry = registry().get(name)
            if entry and not entry.commercial and not self.allow_non_commercial:
                raise ValueError(
                    f"weights {entry.name} may not be used commercially (licence: {entry.licence}); choose others, or "
                    "set allow_non_commercial = true if your use is allowed"
                )
        return self

    @property
    def weights_named(self) -> tuple[str, ...]:
        """All weights that these parameters name."""
        return (self.weights,)


@lru_cache(maxsize=1)
def registry() -> dict[str, Weights]:
    """The entries of weights.toml by name."""
    table = tomllib.loads((resources.files("packshot") / "weights.toml").read_text("utf-8"))
    return {name: Weights(name=name, **facts) for name, facts in table.items()}


def check_weights(profile: Any, stages: Iterable[str]) -> None:
    """Make sure that the weights which a profile's stages name are on this machine. Raises `SettingError` that says
    which command gets all that are missing."""
    missing = [name for name in named_by(profile, stages) if not registry()[name].path.exists()]
    if missing:
        raise SettingError(
            f"weights that profile {profile.name} names are not in {models_folder()}: get them with "
            f"`packshot models pull {' '.join(missing)}`, or copy that folder from a machine that has them"
        )


def named_by(profile: Any, stages: Iterable[str] | None = None) -> list[str]:
    """The registry's entries that a `packshot.config.Profile` names (in these stages), each once, in their order."""
    chosen = [c for name, c in profile.stages.items() if stages is None or name in stages]
    values = [v for choice in chosen for k, v in choice.params.items() if k.endswith("weights")]
    return list(dict.fromkeys(value for value in values if value in registry()))


def models_folder() -> Path:
    """Where weights lie on this machine."""
    return Path(os.environ.get("PACKSHOT_MODELS", "~/.cache/packshot/models")).expanduser()


def find_weights(name: str) -> Path:
    """The file or folder of weights that a profile names. Raises `SettingError` that says how to get them."""
    entry = registry().get(name)
    path = entry.path if entry else Path(name).expanduser()
    if path.exists():
        return path
    if entry:
        raise SettingError(
            f"the weights {name} are not on this machine ({path}): get them with `packshot models pull {name}`, or "
            "copy the folder from a machine that has them and set PACKSHOT_MODELS"
        )
    names = ", ".join(registry())
    raise SettingError(f"there are no weights {name!r}: neither such a path, nor one of {names}")


def load_folder(cls: Any, name: str, **options: Any) -> Any:
    """A model, tokenizer or processor (`cls.from_pretrained`) from weights on this machine: never from the net, and
    tensors from safetensors only. Raises `SettingError`."""
    path = find_weights(name)
    try:
        return cls.from_pretrained(path, local_files_only=True, **options)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        raise SettingError(
            f"{path} cannot be loaded as {cls.__name__}: {str(error)[:300]}; `packshot models verify` checks pulled "
            "weights, and `packshot models pull` keeps pickled ones as safetensors"
        ) from error


def read_state(path: Path) -> dict[str, Any]:
    """Tensors of a .pth, without running what else a pickle may hold. Raises `SettingError`."""
    import pickle

    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise SettingError(f"{path} is not a file of weights that can be read safely: {error}") from error


def revision_of(name: str) -> str:
    """What identifies weights in a fingerprint: the pinned SHA-256 or revision, else what the lock file records, else
    (the user's own) the SHA-256 of their files. Pinned ones need not be on this machine."""
    entry = registry().get(name)
    if entry and entry.pin:
        return entry.pin
    path = find_weights(name)
    lock = read_lock(path if path.is_dir() else path.parent) if entry else None
    return lock["digest"] if lock else digest_of(path)


def read_lock(folder: Path) -> dict[str, Any] | None:
    """What a pull recorded (`source`, `revision`, `files` {path: SHA-256}, `digest`), or None."""
    try:
        return json.loads((folder / LOCK).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SettingError(f"{folder / LOCK} is not readable: {error}; pull the weights again") from error


def digest_of(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of its files' names and SHA-256s."""
    if path.is_file():
        return _file_digest(path)
    return combine(hash_files(path))


def hash_files(folder: Path) -> dict[str, str]:
    """SHA-256 of each file in a folder by its path in it, without the lock and hidden files."""
    files = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    return {name: _file_digest(p) for name, p in files.items() if name != LOCK and not name.startswith(".")}


def combine(files: dict[str, str]) -> str:
    """One digest of files and their SHA-256s."""
    return hashlib.sha256("".join(f"{name} {digest}\n" for name, digest in sorted(files.items())).encode()).hexdigest()


def _file_digest(path: Path) -> str:
    facts = path.stat()
    return _hash(str(path), facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=512)
def _hash(path: str, size: int, mtime_ns: int) -> str:
    """Gigabytes are read once a process; size and time tell whether the file is still the same."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
