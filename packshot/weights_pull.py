"""Getting weights onto a machine: from where they are published or from the artifact store, checked, and recorded.

A pull is made beside its place and moved there when it is whole. One that broke off is gone on with by the next.
"""

import fcntl
import fnmatch
import json
import logging
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packshot.download import download
from packshot.errors import SettingError, SourceError
from packshot.store import Store
from packshot.weights import LOCK, Weights, check_weights, combine, hash_files, named_by, read_lock, registry

PREFIX = "weights"
"""Where weights lie in the artifact store."""
_log = logging.getLogger(__name__)


def entry_of(name: str) -> Weights:
    """The registry's entry. Raises `SettingError` with the choices."""
    if name not in registry():
        raise SettingError(f"there are no weights {name!r} to pull; there is: {', '.join(registry())}")
    return registry()[name]


def pull(entry: Weights) -> Path:
    """Download an entry's weights, keep pickled ones as safetensors, check the pinned digests, and write the lock.

    Returns the folder. Weights that are there and whole are left alone. Raises `SettingError` when this machine is to
    stay offline (HF_HUB_OFFLINE) or when what came is not what is pinned, `SourceError` when the source cannot be read.
    """
    if not verify(entry):
        return entry.folder
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise SettingError(
            f"HF_HUB_OFFLINE is set, so {entry.name} is not downloaded: pull it on a machine with internet and copy "
            f"the folder to {entry.folder}, or pull it --from-store"
        )
    with _fresh(entry) as fresh:
        if fresh is None:
            return entry.folder
        revision = entry.revision
        if entry.repo:
            revision = _download_repo(entry, fresh)
        elif entry.url:
            download(entry.url, fresh / entry.file)
        for url in entry.zips:
            _unzip(url, fresh)
        if missing := [name for name in entry.sha256s if not (fresh / name).is_file()]:
            raise SettingError(f"{entry.source} gave no {missing[0]}, which is pinned for {entry.name}")
        _check_pinned(entry, hash_files(fresh))
        keep_as_safetensors(fresh)
        _settle(entry, fresh, revision)
    return entry.folder


def bring_weights(profile: Any, stages: Iterable[str], store: Store) -> None:
    """Make sure that the weights which a profile's stages name are on this machine; those that are missing are copied
    from the artifact store, if it has them. Raises `SettingError` that says which command gets the rest."""
    wanted = list(stages)
    for name in named_by(profile, wanted):
        entry = registry()[name]
        if not entry.path.exists() and store.existing([f"{PREFIX}/{name}/{LOCK}"]):
            _log.warning("weights %s are not on this machine: copying them from the store %s", name, store.url)
            pull_from_store(entry, store)
    check_weights(profile, wanted)


def push_to_store(entry: Weights, store: Store) -> int:
    """Copy weights that are on this machine into the artifact store. Returns the number of files."""
    if problems := verify(entry):
        raise SettingError(f"{entry.name} is not whole on this machine: {problems[0]}")
    names = [*read_lock(entry.folder)["files"], LOCK]  # type: ignore[index]
    for name in names:
        store.put_file(f"{PREFIX}/{entry.name}/{name}", entry.folder / name)
    return len(names)


def pull_from_store(entry: Weights, store: Store) -> Path:
    """Copy weights from the artifact store to this machine, and verify them."""
    if not verify(entry):
        return entry.folder
    data = store.get(f"{PREFIX}/{entry.name}/{LOCK}")
    if data is None:
        raise SettingError(
            f"the store {store.url} holds no weights {entry.name}; put them there with "
            f"`packshot models push {entry.name}` on a machine that has them"
        )
    lock = json.loads(data)
    with _fresh(entry) as fresh:
        if fresh is None:
            return entry.folder
        for name in lock["files"]:
            target = fresh / name
            if not target.resolve().is_relative_to(fresh.resolve()):
                raise SettingError(f"the store's {entry.name} names a file outside its folder: {name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            with store.local_copy(f"{PREFIX}/{entry.name}/{name}") as path:
                if path is None:
                    raise SettingError(f"the store {store.url} lacks {name} of {entry.name}; push it again")
                shutil.copyfile(path, target)
        if wrong := [name for name, digest in hash_files(fresh).items() if lock["files"].get(name) != digest]:
            raise SettingError(
                f"{wrong[0]} of {entry.name} in the store {store.url} is not the file that was pushed (its SHA-256 "
                "differs): it is not kept; push it again"
            )
        if entry.revision and lock["revision"] != entry.revision:
            raise SettingError(
                f"the store {store.url} holds {entry.name} at revision {lock['revision']}, but {entry.revision} is "
                "pinned; push it again from a machine that has that"
            )
        _settle(entry, fresh, lock["revision"])
    return entry.folder


def verify(entry: Weights) -> list[str]:
    """What is wrong with an entry's weights on this machine, in words; nothing when each file is what it should be."""
    lock = read_lock(entry.folder)
    if lock is None:
        return [f"not pulled: `packshot models pull {entry.name}`"]
    problems = []
    if entry.revision and lock["revision"] != entry.revision:
        problems.append(f"revision {lock['revision']} was pulled, {entry.revision} is pinned")
    found = hash_files(entry.folder)
    for name, digest in lock["files"].items():
        if name not in found:
            problems.append(f"{name} is missing")
        elif found[name] != digest:
            problems.append(f"{name} is not the file that was pulled (SHA-256 {found[name][:12]}…, not {digest[:12]}…)")
    for name, digest in _pinned(entry).items():
        if found.get(name, digest) != digest:
            problems.append(f"{name} is not the pinned file (SHA-256 {digest[:12]}…)")
    return problems


def keep_as_safetensors(folder: Path) -> list[str]:
    """Rewrite the .bin files of a folder as safetensors, read without running what a pickle may hold, and remove them.
    Returns the new files' names."""
    import pickle

    made = []
    for path in sorted(folder.rglob("*.bin")):
        name = path.name.replace("pytorch_model", "model") if path.name.startswith("pytorch_model") else path.name
        target = path.with_name(name).with_suffix(".safetensors")
        if not target.exists():
            import torch
            from safetensors.torch import save_file

            try:
                state = torch.load(path, map_location="cpu", weights_only=True)
            except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
                raise SettingError(f"{path.name} cannot be read safely: {error}") from error
            tensors = {k: v.clone().contiguous() for k, v in state.items() if isinstance(v, torch.Tensor)}
            save_file(tensors, target, metadata={"format": "pt"})
            made.append(target.relative_to(folder).as_posix())
        path.unlink()
    return made


@contextmanager
def _fresh(entry: Weights) -> Iterator[Path | None]:
    """Where to gather an entry's files, for this process alone; None when another one has brought them meanwhile.

    What a source gave before it broke off stays there, for the next pull of the same revision.
    """
    mark = entry.pin.rpartition("@")[2][:12]
    fresh = entry.folder.with_name(f"{entry.name}.partial-{mark}" if mark else f"{entry.name}.partial")
    fresh.parent.mkdir(parents=True, exist_ok=True)
    with open(fresh.with_name(f".{entry.name}.lock"), "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not verify(entry):
            yield None
            return
        fresh.mkdir(exist_ok=True)
        try:
            yield fresh
        except SettingError:  # what came is not what is wanted
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        except SourceError:
            with suppress(OSError):
                fresh.rmdir()  # nothing came
            raise


def _check_pinned(entry: Weights, files: dict[str, str]) -> None:
    """Raise `SettingError` when a file is not the one that is pinned. Those that pull rewrites are no longer there."""
    for name, digest in _pinned(entry).items():
        if files.get(name, digest) != digest:
            raise SettingError(
                f"{entry.source} gave {name} with SHA-256 {files[name]}, but {digest} is pinned: it is not kept; a "
                "proxy may have changed it, or the source has"
            )


def _pinned(entry: Weights) -> dict[str, str]:
    return entry.sha256s | ({entry.file: entry.sha256} if entry.sha256 else {})


def _settle(entry: Weights, fresh: Path, revision: str) -> None:
    """Check what came, write the lock, and put the folder in its place."""
    files = hash_files(fresh)
    if not files:
        raise SourceError(f"{entry.source} gave no file that {entry.name} asks for")
    _check_pinned(entry, files)
    digest = files[entry.file] if entry.file else combine(files)
    lock = {
        "name": entry.name,
        "source": entry.source,
        "revision": revision,
        "licence": entry.licence,
        "pulled_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": files,
        "digest": digest,
    }
    (fresh / LOCK).write_text(json.dumps(lock, indent=1) + "\n", "utf-8")
    shutil.rmtree(entry.folder, ignore_errors=True)
    os.replace(fresh, entry.folder)


def _download_repo(entry: Weights, folder: Path) -> str:
    """The files of a model hub's repository at the pinned revision, or at its latest; returns the revision."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        found: Any = HfApi().model_info(entry.repo, revision=entry.revision or None)
        files = wanted_files([s.rfilename for s in found.siblings or ()], entry)
        snapshot_download(entry.repo, revision=found.sha, local_dir=folder, allow_patterns=files)
    except Exception as error:  # the hub's client raises its own classes, those of its HTTP client, and OSError
        raise SourceError(f"{entry.repo} cannot be downloaded: {type(error).__name__}: {str(error)[:300]}") from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    return found.sha


def wanted_files(names: list[str], entry: Weights) -> list[str]:
    """Which of a repository's files an entry asks for: a pickle only where there are no safetensors of it."""
    chosen = [
        name
        for name in names
        if any(fnmatch.fnmatch(name, pattern) for pattern in entry.files)
        and not any(fnmatch.fnmatch(name, pattern) for pattern in entry.leave_out)
    ]
    return [
        name
        for name in chosen
        if not name.endswith(".bin")
        or not {name[:-4] + ".safetensors", name[:-4].replace("pytorch_model", "model") + ".safetensors"} & set(chosen)
    ]


def _unzip(url: str, folder: Path) -> None:
    """The .pth files of a zip archive, by their bare names."""
    archive = folder / "download.zip"
    download(url, archive)
    try:
        with zipfile.ZipFile(archive) as zipped:
            for member in zipped.namelist():
                if member.endswith(".pth"):
                    (folder / Path(member).name).write_bytes(zipped.read(member))
    except zipfile.BadZipFile as error:
        archive.unlink()
        raise SourceError(f"{url} is no zip archive: {error}") from error
    archive.unlink()
