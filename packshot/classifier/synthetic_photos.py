"""Photos of the synthetic catalogue as photos of a run: drawn into the store as if they had been fetched."""

import hashlib
import json
import multiprocessing
import os
import re
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from importlib import resources

import cv2

from packshot import progress
from packshot.artifacts import encode_png
from packshot.classifier.data import SyntheticSource
from packshot.errors import SettingError
from packshot.fetch_stage import photo_key, record_key
from packshot.records import VERDICTS, Photo, photo_id
from packshot.store import open_store

SCHEME = "synthetic:"
FEWEST = len(VERDICTS)
_AT_ONCE = 16


def synthetic_count(source: str) -> int | None:
    """The N of `synthetic:N`; None where the source is something else. Raises `SettingError`."""
    if not source.startswith(SCHEME):
        return None
    if not re.fullmatch(r"[0-9]{1,7}", source[len(SCHEME) :]) or int(source[len(SCHEME) :]) < FEWEST:
        raise SettingError(f"{source!r}: write synthetic:N, with N photos, at least {FEWEST}")
    return int(source[len(SCHEME) :])


def synthetic_rows(source: SyntheticSource) -> list[Photo]:
    """The photos as rows of a catalogue: the verdicts take turns."""
    rows = []
    for number in range(source.photos):
        sku, url = f"synthetic-{source.split}-{source.seed}-{number}", _url(source, number)
        rows.append(Photo(photo_id(sku, url), sku, url, VERDICTS[number % len(VERDICTS)]))
    return rows


def draw_into_store(store_url: str, source: SyntheticSource, processes: int | None = None) -> None:
    """Make sure that every photo of the source lies in the store, fresh enough to need no fetching."""
    store = open_store(store_url)
    records = store.get_many(record_key(_url(source, i)) for i in range(source.photos))
    known = {url: json.loads(data)["key"] for url, data in ((json.loads(d)["url"], d) for d in records.values())}
    there = store.existing(known.values())
    missing = []
    for number in range(source.photos):
        key = known.get(_url(source, number))
        if key in there:
            _remember(store_url, source, number, key)
        else:
            missing.append(number)
    if not missing:
        return
    parts = [missing[start : start + _AT_ONCE] for start in range(0, len(missing), _AT_ONCE)]
    # Spawned, not forked: the caller holds threads (Prefect's) that a fork would break.
    with ProcessPoolExecutor(
        min(len(parts), processes or os.cpu_count() or 1), mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        futures = [pool.submit(_draw, store_url, source, part) for part in parts]
        try:
            for future in as_completed(futures):
                progress.advance("draw", future.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _draw(store_url: str, source: SyntheticSource, numbers: list[int]) -> int:
    cv2.setNumThreads(1)
    store = open_store(store_url)
    for number in numbers:
        data = encode_png(source.photo(number).image)
        key = photo_key(hashlib.sha256(data).hexdigest(), "png")
        store.put(key, data)
        _remember(store_url, source, number, key)
    return len(numbers)


def _remember(store_url: str, source: SyntheticSource, number: int, key: str) -> None:
    url = _url(source, number)
    digest = key.rpartition("/")[2].removesuffix(".png")
    record = {"url": url, "digest": digest, "key": key, "fetched_at": time.time()}
    open_store(store_url).put(record_key(url), json.dumps(record).encode())


def _url(source: SyntheticSource, number: int) -> str:
    worn = "worn" if source.worn else "unworn"
    return f"{SCHEME}{source.split}/{source.seed}/{number}/{worn}/{source.long_side}/{source.longest}/{_generator()}"


@lru_cache(maxsize=1)
def _generator() -> str:
    """A digest of the code that draws: photos of an earlier version of it are other photos."""
    package = resources.files("packshot")
    files = [f for f in (package / "synth").iterdir() if f.name.endswith(".py")]
    files.append(package / "classifier" / "degrade.py")
    code = b"".join(f.read_bytes() for f in sorted(files, key=lambda f: f.name))
    return hashlib.sha256(code).hexdigest()[:12]
