"""What is checked before a run begins: that the store can be written, and that there is room."""

import os
import shutil

from packshot.errors import SettingError, StoreError
from packshot.store import FolderStore, Store

MIN_FREE_GB = 1.0
PROBE = "preflight"


def check_store(store: Store) -> None:
    """Write, read and remove a small object; look at the free space of a folder. Raises `StoreError` with the cause."""
    if isinstance(store, FolderStore):
        free = shutil.disk_usage(store.root).free / 1e9
        wanted = _min_free_gb()
        if free < wanted:
            raise StoreError(
                f"the disk of the store folder {store.root} is full: {free:.2f} GB are free, {wanted:g} GB are wanted; "
                "make room, choose another PACKSHOT_STORE, or set PACKSHOT_MIN_FREE_GB"
            )
    store.put(PROBE, b"packshot")
    if store.get(PROBE) != b"packshot":
        raise StoreError(f"the store {store.url} does not give back what was written to it")
    store.delete([PROBE])


def _min_free_gb() -> float:
    text = os.environ.get("PACKSHOT_MIN_FREE_GB", str(MIN_FREE_GB))
    try:
        return float(text)
    except ValueError:
        raise SettingError(f"PACKSHOT_MIN_FREE_GB is {text!r}: a number of gigabytes is wanted") from None
