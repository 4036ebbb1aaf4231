"""The end of a run: photos.parquet, photos.csv and the counts in run.json. One shard in memory at a time."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from packshot.records import VERDICTS
from packshot.run import DONE, TO_RETRY, Run, write_record
from packshot.shard import count_shard, photo_table

_TYPES = {
    "http_status": pa.int32(),
    "attempts": pa.int32(),
    "unread_texts": pa.int32(),
    "retryable": pa.bool_(),
    "seconds": pa.float64(),
}
_TYPES |= {f"p_{verdict}": pa.float64() for verdict in VERDICTS}


def collect(run: Run, shards: int, **facts: Any) -> dict[str, Any]:
    """Write photos.parquet and photos.csv, count the whole run, and write run.json. Returns the summary."""
    totals: dict[str, Counter[str]] = {n: Counter() for n in ("outcomes", "verdicts", "codes", "seconds", "worked")}
    summary: dict[str, Any] = {"photos": 0, "retryable": 0, "unsettled": 0, "pictures": 0, "usable": 0}
    with TemporaryDirectory() as folder:
        parquet, table = Path(folder, "photos.parquet"), Path(folder, "photos.csv")
        with PhotoWriter(parquet, table) as writer:
            for number in range(shards):
                photos, ledger = run.shard(number)
                writer.write(photo_table(run, photos, ledger))
                part = count_shard(run, photos, ledger)
                for name, counter in totals.items():
                    counter.update(part[name])
                for name in summary:
                    summary[name] += part[name]
        run.store.put_file(f"{run.prefix}/photos.parquet", parquet)
        run.store.put_file(f"{run.prefix}/photos.csv", table)
    summary |= {name: dict(counter) for name, counter in totals.items()}
    summary["seconds"] = {name: round(value, 3) for name, value in summary["seconds"].items()}
    status = TO_RETRY if summary["retryable"] or summary["unsettled"] else DONE
    write_record(run, status, summary=summary, versions=versions(), **facts)
    return {"status": status, **summary}


class PhotoWriter:
    """Writes rows of `photo_table` to a Parquet and a CSV file, a shard at a time."""

    def __init__(self, parquet: Path, table: Path):
        self._parquet, self._table = parquet, table
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> "PhotoWriter":
        self._csv = open(self._table, "w", encoding="utf-8", newline="")
        return self

    def write(self, rows: list[dict[str, Any]]) -> None:
        names = list(rows[0])
        columns = {name: pa.array([row[name] for row in rows], _TYPES.get(name, pa.string())) for name in names}
        if self._writer is None:
            schema = pa.schema([(name, column.type) for name, column in columns.items()])
            self._writer = pq.ParquetWriter(self._parquet, schema, compression="zstd")
            csv.writer(self._csv).writerow(names)
        self._writer.write_table(pa.table(columns, schema=self._writer.schema))
        csv.writer(self._csv).writerows([_cell(row[name]) for name in names] for row in rows)

    def __exit__(self, *_: object) -> None:
        self._csv.close()
        if self._writer:
            self._writer.close()


def read_photos(run: Run, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of photos.parquet, streamed. Nothing where the run has not ended yet."""
    with run.store.local_copy(f"{run.prefix}/photos.parquet") as path:
        if path is not None:
            for batch in pq.ParquetFile(path).iter_batches(2048, columns=columns):
                yield from batch.to_pylist()


def versions() -> dict[str, str]:
    """Versions of what decides results, for run.json."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in (
        "packshot",
        "prefect",
        "numpy",
        "opencv-python-headless",
        "pillow",
        "torch",
        "torchvision",
        "easyocr",
        "segment-anything",
        "transformers",
        "diffusers",
        "rapidocr",
        "onnxruntime",
    ):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets a quote before it (CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
