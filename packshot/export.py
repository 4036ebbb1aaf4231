"""Copy a run's pictures into a folder, named by SKU."""

import hashlib
import os
import re
import shutil
from collections import Counter
from pathlib import Path

from packshot.catalogue import Duplicates
from packshot.errors import SettingError
from packshot.results import read_photos
from packshot.run import Run

KINDS = ("cutout", "delivered", "repaired", "placed")


def export_run(run: Run, folder: Path) -> dict[str, int]:
    """Write `<kind>/<sku>.<ext>` for each picture of the run, and photos.csv. Returns how many of each kind.

    The first photo of a SKU gets the bare name; further ones, and SKUs that differ only in characters that a file
    name cannot hold, get a part of the photo's id.
    """
    with run.store.local_copy(f"{run.prefix}/photos.csv") as table:
        if table is None:
            raise SettingError(f"run {run.spec.run_id} has no results yet: run the same command again to go on")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(table, folder / "photos.csv")
        except OSError as error:
            raise SettingError(f"cannot write to {folder}: {error.strerror}") from error
    counts: Counter[str] = Counter()
    names = Duplicates()
    for row in read_photos(run, ["photo_id", "sku", *KINDS]):
        name = file_name(row["sku"])
        if names.first_line(hashlib.sha256(name.lower().encode()).hexdigest(), 0) is not None:
            name = f"{name}-{row['photo_id'][:8]}"
        for kind in KINDS:
            if row[kind] and (data := run.store.get(row[kind])) is not None:
                target = folder / kind / f"{name}{os.path.splitext(row[kind])[1]}"
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(data)
                counts[kind] += 1
    names.close()
    return dict(counts)


def file_name(sku: str) -> str:
    """A SKU as a file name: letters, digits, `.`, `_` and `-`; never hidden, never a path, at most 100 characters."""
    name = re.sub(r"[^\w.-]+", "_", sku).strip("._")
    if len(name.encode()) > 100:
        name = f"{name[:30]}-{hashlib.sha256(sku.encode()).hexdigest()[:12]}"
    return name or f"sku-{hashlib.sha256(sku.encode()).hexdigest()[:12]}"
