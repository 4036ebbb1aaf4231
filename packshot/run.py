"""A run: one processing of a catalogue. What it is to do is fixed in run.json; its shards are Parquet files."""

import io
import json
import re
import threading
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from packshot import __version__
from packshot.catalogue import Problem, Source, read_catalogue
from packshot.config import Profile, fingerprints, lineage, shaped
from packshot.engines import make_engine
from packshot.engines.base import Engine
from packshot.errors import SettingError, SourceError
from packshot.ledger import ShardLedger
from packshot.records import BatchRef, Photo
from packshot.stages import FETCH, Stage, stages_for
from packshot.store import Store, open_store

RUNNING, TO_RETRY, DONE, FAILED = "running", "to retry", "done", "failed"
"""Status of a run. `to retry`: every photo is accounted for, but some failures may pass another time."""

_PHOTO_COLUMNS = [field.name for field in fields(Photo)]
_PHOTO_SCHEMA = pa.schema([(name, pa.string()) for name in _PHOTO_COLUMNS])


class RunSpec(BaseModel):
    """What a run is to do. Two runs with equal `job` do the same work."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run_id: str
    name: str
    created_at: str
    packshot_version: str = __version__
    source: Source
    steps: tuple[str, ...]
    profile: Profile
    background: str = ""
    limit: int | None = None
    shard_size: int = Field(default=2048, ge=1)
    batch_size: int = Field(default=128, ge=1)

    @property
    def job(self) -> dict[str, Any]:
        """What must be equal for the same command to resume this run."""
        return self.model_dump(
            mode="json",
            include={"source", "steps", "background", "limit", "profile", "shard_size", "batch_size"},
        )


class Run:
    """A run as one process sees it: its spec, its store, its engines, and the shard at hand."""

    def __init__(self, store: Store, spec: RunSpec):
        self.store = store
        self.spec = spec
        self.stages = stages_for(spec.steps)
        self._shards = threading.Lock()
        self._shard: tuple[int, list[Photo], ShardLedger] | None = None

    @classmethod
    def of_photos(cls, store: Store, spec: RunSpec, shard: int, photos: list[Photo]) -> "Run":
        """A run that is only thought of, not in the store: one shard of it, to see what it would find done."""
        run = cls(store, spec)
        run._shard = (shard, photos, ShardLedger(store, spec.run_id, shard))
        return run

    @property
    def prefix(self) -> str:
        return f"runs/{self.spec.run_id}"

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        return fingerprints(self.spec.profile)

    @cached_property
    def _shaped(self) -> dict[str, Stage]:
        return shaped(self.spec.profile)

    def stage(self, name: str) -> Stage:
        """A stage as this run's engine does it."""
        return self._shaped[name]

    def engine(self, stage: str) -> Engine:
        """The engine of a stage, loaded once a process."""
        choice = self.spec.profile.stages[stage]
        return _load_engine(stage, choice.engine, json.dumps(choice.params, sort_keys=True))

    def shard(self, number: int) -> tuple[list[Photo], ShardLedger]:
        """Photos and ledger of a shard; one shard is kept in memory at a time."""
        with self._shards:
            if self._shard is None or self._shard[0] != number:
                photos = _decode_photos(self._read(f"shards/{number:05d}.parquet"))
                self._shard = (number, photos, ShardLedger(self.store, self.spec.run_id, number))
            return self._shard[1], self._shard[2]

    def replace_shard(self, number: int, photos: list[Photo]) -> None:
        """Write a shard's photos anew, when some are to be forgotten."""
        self.store.put(f"{self.prefix}/shards/{number:05d}.parquet", _encode_photos(photos))
        self.reload()

    def reload(self) -> None:
        """Forget the shard at hand: another process may have worked on it."""
        with self._shards:
            self._shard = None

    def photos(self, batch: BatchRef) -> list[Photo]:
        return self.shard(batch.shard)[0][batch.start : batch.stop]

    def ledger(self, shard: int) -> ShardLedger:
        return self.shard(shard)[1]

    def batches(self, shard: int) -> list[BatchRef]:
        count, size = len(self.shard(shard)[0]), self.spec.batch_size
        return [
            BatchRef(self.store.url, self.spec.run_id, shard, number, start, min(start + size, count))
            for number, start in enumerate(range(0, count, size))
        ]

    def shard_done(self, number: int) -> dict[str, Any] | None:
        """What a shard's end recorded; None while it is not done."""
        data = self.store.get(f"{self.prefix}/shards/{number:05d}.json")
        return json.loads(data) if data else None

    def write_json(self, name: str, value: Any) -> None:
        self.store.put(f"{self.prefix}/{name}", json.dumps(value, ensure_ascii=False, indent=1).encode())

    def read_json(self, name: str) -> Any | None:
        data = self.store.get(f"{self.prefix}/{name}")
        return json.loads(data) if data else None

    def plan(self) -> dict[str, Any]:
        """Cut the catalogue into shards, once: `{"photos", "rows", "shards", "problems": {code: n}}`.

        A run that was killed while it cut them cuts them again, to the same keys. Raises `SourceError` when the
        catalogue has no usable row.
        """
        plan = self.read_json("plan.json")
        if plan is None:
            plan = self._cut()
            self.write_json("plan.json", plan)
        return plan

    def _cut(self) -> dict[str, Any]:
        plan = {"photos": 0, "rows": 0, "shards": 0, "problems": {}}
        held: list[Photo] = []
        problems = ProblemFile()

        def write_shard() -> None:
            self.store.put(f"{self.prefix}/shards/{plan['shards']:05d}.parquet", _encode_photos(held))
            plan["shards"] += 1
            held.clear()

        for row in read_catalogue(self.spec.source):
            plan["rows"] += 1
            if isinstance(row, Problem):
                problems.add(row)
                continue
            held.append(row)
            plan["photos"] += 1
            if len(held) == self.spec.shard_size:
                write_shard()
            if plan["photos"] == self.spec.limit:
                break
        if held:
            write_shard()
        plan["problems"] = problems.counts
        problems.save(self)
        if not plan["photos"]:
            raise SourceError(f"the catalogue {self.spec.source.path} has no usable row: {problems.explain()}")
        return plan

    def _read(self, name: str) -> bytes:
        data = self.store.get(f"{self.prefix}/{name}")
        if data is None:
            raise SettingError(f"run {self.spec.run_id} has no {name} in the store {self.store.url}")
        return data


class ProblemFile:
    """The rows that are no photos, as JSON lines: written to a temporary file first, since there may be many."""

    def __init__(self) -> None:
        from tempfile import NamedTemporaryFile

        self.counts: dict[str, int] = {}
        self._first: Problem | None = None
        self._file = NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8", errors="replace")

    def add(self, problem: Problem) -> None:
        self._first = self._first or problem
        self.counts[problem.code] = self.counts.get(problem.code, 0) + 1
        print(json.dumps(asdict(problem), ensure_ascii=False), file=self._file)

    def explain(self) -> str:
        return f"line {self._first.line}: {self._first.message}" if self._first else "it is empty"

    def save(self, run: Run) -> None:
        from pathlib import Path

        self._file.flush()
        run.store.put_file(f"{run.prefix}/problems.jsonl", Path(self._file.name))
        self._file.close()


def start_run(store: Store, spec: RunSpec, resume: bool | None = None) -> Run:
    """Resume the latest unfinished run that does the same, or begin a new one.

    `resume` True insists on a run to resume, even a finished one, and raises `SettingError` where there is none;
    False always begins a new one; None resumes an unfinished one if there is any.
    """
    if resume is not False:
        for run_id in reversed(list_runs(store)):
            record = json.loads(store.get(f"runs/{run_id}/run.json") or b"{}")
            if not record or (resume is None and record["status"] == DONE):
                continue
            found = RunSpec.model_validate(record["spec"])
            if found.job == spec.job:
                return open_run(store.url, run_id)
        if resume:
            raise SettingError("there is no earlier run of this catalogue with equal steps and profile to resume")
    run = Run(store, spec)
    write_record(run, RUNNING)
    return open_run(store.url, spec.run_id)


def write_record(run: Run, status: str, **more: Any) -> None:
    """Write run.json: what the run is, how far it came, and (at the end) what it found."""
    record = {
        "status": status,
        "spec": run.spec.model_dump(mode="json"),
        "fingerprints": {name: run.fingerprints[name] for name in run.stages if name != FETCH},
        "lineage": {name: facts for name, facts in lineage(run.spec.profile).items() if name in run.stages},
    }
    run.write_json("run.json", record | more)


@lru_cache(maxsize=4)
def open_run(store_url: str, run_id: str) -> Run:
    """A run that is in the store; opened once a process. `SettingError` when there is none."""
    store = open_store(store_url)
    data = store.get(f"runs/{run_id}/run.json")
    if data is None:
        names = ", ".join(list_runs(store)[-5:]) or "none yet"
        raise SettingError(f"there is no run {run_id!r} in the store {store.url}; the latest: {names}")
    return Run(store, RunSpec.model_validate(json.loads(data)["spec"]))


def list_runs(store: Store) -> list[str]:
    """Ids of the runs in a store, oldest first."""
    return sorted(store.children("runs/"), key=lambda run_id: run_id.rsplit("-", 1)[-1])


def new_run_id(name: str, now: datetime | None = None) -> str:
    """The run's name and UTC time: `spring-sale-20261122T144410123Z`."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "run"
    return f"{slug}-{(now or datetime.now(UTC)).strftime('%Y%m%dT%H%M%S%f')[:-3]}Z"


_engines_lock = threading.Lock()


def _load_engine(stage: str, name: str, params: str) -> Engine:
    with _engines_lock:
        return _make_engine(stage, name, params)


@lru_cache(maxsize=16)
def _make_engine(stage: str, name: str, params: str) -> Engine:
    return make_engine(stage, name, json.loads(params))


def _encode_photos(photos: list[Photo]) -> bytes:
    columns = [pa.array([getattr(photo, name) for photo in photos], pa.string()) for name in _PHOTO_COLUMNS]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=_PHOTO_SCHEMA), buffer, compression="zstd")
    return buffer.getvalue()


def _decode_photos(data: bytes) -> list[Photo]:
    columns = pq.read_table(io.BytesIO(data)).to_pydict()
    return [Photo(*values) for values in zip(*(columns[name] for name in _PHOTO_COLUMNS), strict=True)]
