"""The ledger: one row a photo and stage, as Parquet. Parts are written a batch and stage at a time, artifact first and
row last; when a shard ends its parts become one file. The latest attempt of a photo wins."""

import io
from collections import defaultdict
from dataclasses import fields

import pyarrow as pa
import pyarrow.parquet as pq

from packshot.records import BatchRef, LedgerRow, Outcome
from packshot.store import Store

SCHEMA = pa.schema(
    [
        ("photo_id", pa.string()),
        ("stage", pa.string()),
        ("outcome", pa.string()),
        ("digest", pa.string()),
        ("code", pa.string()),
        ("cause", pa.string()),
        ("retryable", pa.bool_()),
        ("http_status", pa.int32()),
        ("message", pa.string()),
        ("attempts", pa.int32()),
        ("seconds", pa.float64()),
        ("reused", pa.bool_()),
        ("key", pa.string()),
        ("figures", pa.string()),
    ]
)
_NAMES = [field.name for field in fields(LedgerRow)]


class ShardLedger:
    """The rows of one shard, read once and kept up to date by the process that works on it."""

    def __init__(self, store: Store, run_id: str, shard: int):
        self._store = store
        self._whole = f"runs/{run_id}/ledger/{shard:05d}.parquet"
        self._parts = f"runs/{run_id}/ledger/{shard:05d}/"
        self._rows: dict[str, dict[str, LedgerRow]] = defaultdict(dict)
        names = [self._parts + name for name in store.children(self._parts)]
        found = store.get_many([self._whole, *names])
        # Part names end with the attempt, so that sorting by it lets the latest win.
        for key in sorted(found, key=lambda key: (key != self._whole, _attempt(key))):
            self._remember(_decode(found[key]))

    def rows(self, stage: str) -> dict[str, LedgerRow]:
        """The latest rows of a stage by photo id. Not to be changed."""
        return self._rows[stage]

    def append(self, batch: BatchRef, stage: str, rows: list[LedgerRow]) -> None:
        """Write the rows of a batch and stage, after their artifacts."""
        attempt = max(row.attempts for row in rows)
        key = f"{self._parts}{batch.number:04d}-{stage}-{attempt:03d}.parquet"
        if self._store.existing([key]):
            # A part of the same attempt holds other photos (or the same ones again): keep what is there.
            held = {row.photo_id: row for row in _decode(self._store.get(key) or b"")}
            rows = list((held | {row.photo_id: row for row in rows}).values())
        self._store.put(key, encode(rows))
        self._remember(rows)

    def append_shard(self, rows: list[LedgerRow]) -> None:
        """Write rows of the whole shard at once, where no stage had anything to do."""
        self._remember(rows)
        if rows:
            self._store.put(self._whole, encode(self.all_rows()))

    def all_rows(self) -> list[LedgerRow]:
        return [row for rows in self._rows.values() for row in rows.values()]

    def compact(self) -> None:
        """Put all parts into one file. Safe to be killed at any point: parts are removed last."""
        parts = [self._parts + name for name in self._store.children(self._parts)]
        if parts:
            self._store.put(self._whole, encode(self.all_rows()))
            self._store.delete(parts)

    def forget(self, photo_ids: set[str]) -> None:
        """Remove every row of some photos, from the files too."""
        for rows in self._rows.values():
            for photo in photo_ids & rows.keys():
                del rows[photo]
        self._store.put(self._whole, encode(self.all_rows()))
        self._store.delete([self._parts + name for name in self._store.children(self._parts)])

    def _remember(self, rows: list[LedgerRow]) -> None:
        for row in rows:
            self._rows[row.stage][row.photo_id] = row


def encode(rows: list[LedgerRow]) -> bytes:
    """Ledger rows as a Parquet file."""
    columns = {name: [getattr(row, name) for row in rows] for name in _NAMES}
    table = pa.table({name: pa.array(columns[name], SCHEMA.field(name).type) for name in _NAMES}, schema=SCHEMA)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _decode(data: bytes) -> list[LedgerRow]:
    if not data:
        return []
    columns = pq.read_table(io.BytesIO(data)).to_pydict()
    rows = [LedgerRow(*values) for values in zip(*(columns[name] for name in _NAMES), strict=True)]
    for row in rows:
        row.outcome = Outcome(row.outcome)
    return rows


def _attempt(key: str) -> int:
    return int(key.rsplit("-", 1)[1].split(".")[0]) if "-" in key.rsplit("/", 1)[1] else 0
