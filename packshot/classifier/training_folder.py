"""Where a training works: in the store's own folder, or, where the store is a bucket, beside it, copied after each
epoch, so that a training goes on wherever the flow is run again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from packshot.store import FolderStore, Store

WEIGHTS = "classifier.safetensors"
_LAST = "state.json"


class TrainingFolder:
    """`path` is a folder on this machine. `save` brings the bucket up to date; an epoch counts once its last file is
    there."""

    def __init__(self, store: Store, prefix: str, path: Path):
        self._store, self._prefix, self.path = store, prefix, path
        self._there: set[str] = set()

    @property
    def weights(self) -> Path:
        return self.path / WEIGHTS

    def save(self) -> None:
        if isinstance(self._store, FolderStore):
            return
        files = {p.relative_to(self.path).as_posix(): p for p in self.path.rglob("*") if p.is_file()}
        files = {name: p for name, p in files.items() if "/partial/" not in name and not name.endswith(".partial")}
        for name in sorted(files, key=lambda name: (name.endswith(_LAST), name)):
            # An epoch's files never change; the metrics file beside them does.
            if name not in self._there or "/" not in name:
                self._store.put_file(f"{self._prefix}/{name}", files[name])
        self._store.delete(f"{self._prefix}/{name}" for name in self._there - files.keys())
        self._there = set(files)

    def restore(self) -> None:
        if isinstance(self._store, FolderStore):
            return
        found = {key[len(self._prefix) + 1 :] for key in self._store.keys(f"{self._prefix}/")}
        whole = {name.rpartition("/")[0] for name in found if name.endswith(f"/{_LAST}")}
        for name in found:
            own = name.startswith(f"{Path(WEIGHTS).stem}.")
            if own and ("/" not in name or name.rpartition("/")[0] in whole):
                target = self.path / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(self._store.get(f"{self._prefix}/{name}") or b"")
                self._there.add(name)


@contextmanager
def training_folder(store: Store, prefix: str) -> Iterator[TrainingFolder]:
    """The folder of a training, with what an earlier process has left of it."""
    if isinstance(store, FolderStore):
        path = store.path(prefix)
        path.mkdir(parents=True, exist_ok=True)
        yield TrainingFolder(store, prefix, path)
        return
    with TemporaryDirectory(prefix="packshot-training-") as folder:
        found = TrainingFolder(store, prefix, Path(folder))
        found.restore()
        yield found
