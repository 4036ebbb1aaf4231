"""What is checked before a run begins: that the store can be written, and that there is room."""

import os
import shutil
from pathlib import Path

from packshot.errors import SettingError, StoreError
from packshot.store import FolderStore, Store

MIN_FREE_GB = 1.0
PROBE = "preflight"


def check_store(store: Store) -> None:
    """Write, read and remove a small object; look at the free space of a folder. Raises `StoreError` with the cause."""
    if isinstance(store, FolderStore):
        check_room(store.root, "the store folder", "PACKSHOT_STORE")
    store.put(PROBE, b"packshot")
    if store.get(PROBE) != b"packshot":
        raise StoreError(f"the store {store.url} does not give back what was written to it")
    store.delete([PROBE])


def check_room(folder: Path, what: str, setting: str) -> None:
    """Raise `StoreError` where a folder's disk has less room than PACKSHOT_MIN_FREE_GB; `setting` names the folder."""
    free = shutil.disk_usage(folder).free / 1e9
    wanted = _min_free_gb()
    if free < wanted:
        raise StoreError(
            f"the disk of {what} {folder} is full: {free:.2f} GB are free, {wanted:g} GB are wanted; "
            f"make room, choose another {setting}, or set PACKSHOT_MIN_FREE_GB"
        )


def _min_free_gb() -> float:
    text = os.environ.get("PACKSHOT_MIN_FREE_GB", str(MIN_FREE_GB))
    try:
        return float(text)
    except ValueError:
        raise SettingError(f"PACKSHOT_MIN_FREE_GB is {text!r}: a number of gigabytes is wanted") from None
