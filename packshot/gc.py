"""What may go: runs that are not kept, and artifacts, photos and records that no kept run refers to."""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from packshot.errors import PackshotError
from packshot.fetch_stage import record_key
from packshot.ledger import ShardLedger
from packshot.records import Outcome
from packshot.run import RUNNING, Run, RunSpec, list_runs
from packshot.stage import failed_key
from packshot.stages import FETCH
from packshot.store import Store

SETTLE_SECONDS = 24 * 3600
"""Objects younger than this stay: a run that is at work writes an artifact before the row that refers to it."""
PAGE = 1000


@dataclass(slots=True)
class Garbage:
    """`removed`: objects by kind (`artifacts`, `photos`, …). `runs`: ids of the runs that are not kept."""

    runs: list[str] = field(default_factory=list)
    kept_runs: int = 0
    removed: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)


def collect_garbage(
    store: Store,
    days: float = 30,
    keep: int = 3,
    delete: bool = False,
    settle_seconds: float = SETTLE_SECONDS,
    now: datetime | None = None,
) -> Garbage:
    """Find, and with `delete` remove, what no kept run needs. Kept are runs of the last `days` and the latest `keep`.

    Raises `PackshotError` when a run of the last day is still at work and something is to be removed: what it has found
    done, but not yet written down, would look unused.
    """
    now = now or datetime.now(UTC)
    result = Garbage()
    kept: list[Run] = []
    run_ids = list_runs(store)
    for i, run_id in enumerate(run_ids):
        record = json.loads(store.get(f"runs/{run_id}/run.json") or b"{}")
        if not record:
            result.runs.append(run_id)  # killed before it wrote what it is: nothing can refer to it
            continue
        spec = RunSpec.model_validate(record["spec"])
        age = now - datetime.fromisoformat(spec.created_at)
        if delete and record["status"] == RUNNING and age < timedelta(days=1):
            raise PackshotError(f"run {run_id} is at work (or broke off today): nothing is removed while it is")
        if age > timedelta(days=days) and i < len(run_ids) - keep:
            result.runs.append(run_id)
        else:
            kept.append(Run(store, spec))
    result.kept_runs = len(kept)
    with References() as references:
        for run in kept:
            references.add(_referred(run))
        until = now.timestamp() - settle_seconds
        for prefix in ("artifacts/", "photos/", "fetched/"):
            old = (key for key, written in store.ages(prefix) if _count(result, key, references, written, until))
            _remove(store, old, delete)
    # What a killed flow run left; and what only a flow run that is tried again within days would look for.
    for prefix, seconds in (("heartbeats/", settle_seconds), ("flow-runs/", days * 24 * 3600)):
        old = [key for key, written in store.ages(prefix) if written < now.timestamp() - seconds]
        result.removed[prefix.rstrip("/")] += len(old)
        _remove(store, iter(old), delete)
    for run_id in result.runs:
        prefixes = [f"runs/{run_id}/", f"prefect/{hashlib.sha256(store.url.encode()).hexdigest()[:16]}/{run_id}/"]
        for prefix in prefixes:
            result.removed[prefix.split("/")[0]] += sum(1 for _ in store.keys(prefix))
            if delete:
                store.delete_all(prefix)
    return result


class References:
    """The keys that are needed, as digests in a private database on disk: a million photos have ten million keys."""

    def __enter__(self) -> "References":
        self._db = sqlite3.connect("")
        self._db.execute("PRAGMA cache_size = -64000")
        self._db.execute("CREATE TABLE needed (key BLOB PRIMARY KEY) WITHOUT ROWID")
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def add(self, keys: Iterator[str]) -> None:
        """Remember keys, or whole families of them by their stem."""
        while page := list(islice(keys, PAGE)):
            self._db.executemany("INSERT OR IGNORE INTO needed VALUES (?)", [(_digest(key),) for key in page])

    def __contains__(self, key: str) -> bool:
        return self._db.execute("SELECT 1 FROM needed WHERE key = ?", (_digest(key),)).fetchone() is not None


def _referred(run: Run) -> Iterator[str]:
    """Every key that a run's ledger names, the final failures it relies on, and what is remembered of its URLs."""
    plan = run.read_json("plan.json") or {"shards": 0}
    for number in range(plan["shards"]):
        photos = run.shard(number)[0]
        ledger = ShardLedger(run.store, run.spec.run_id, number)
        for photo in photos:
            yield record_key(photo.url)
        by_id = {photo.photo_id: photo for photo in photos}
        for row in ledger.all_rows():
            if row.key:
                yield row.key
            elif row.outcome is Outcome.FAILED and row.stage != FETCH and row.digest and row.photo_id in by_id:
                yield failed_key(run, run.stage(row.stage), row.digest, by_id[row.photo_id])


def _count(result: Garbage, key: str, references: References, written: float, until: float) -> bool:
    """Whether a key may go; counted by its kind either way."""
    kind = key.split("/")[0]
    goes = written < until and key not in references
    (result.removed if goes else result.kept)[kind] += 1
    return goes


def _remove(store: Store, keys: Iterator[str], delete: bool) -> None:
    while page := list(islice(keys, PAGE)):
        if delete:
            store.delete(page)


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=16).digest()
