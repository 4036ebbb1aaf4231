"""THE photo loop: pending photos → load inputs → engine → store → ledger rows. Every engine's stage runs through here.

`survey` finds out what is left to do and costs no engine; `run_stage` does it.
"""

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from packshot import progress
from packshot.engines.base import Engine, check_same_length
from packshot.errors import ErrorCode, PhotoError, StoreError
from packshot.records import BatchRef, LedgerRow, Outcome, Photo
from packshot.run import Run
from packshot.stages import FETCH, Stage
from packshot.stamp import stamp
from packshot.working_set import WorkingSet

_CUTTING = frozenset({"caption", "detect", "mask", "repair", "inpaint", "deliver"})
"""Stages that a policy may skip for photos of some verdicts."""


@dataclass(slots=True)
class StageReport:
    """What a stage did with a batch, in numbers: small enough to travel between tasks."""

    stage: str
    photos: int = 0
    ok: int = 0
    skipped: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    retryable: int = 0
    engine_calls: int = 0
    engine_seconds: float = 0.0
    decode_seconds: float = 0.0
    seconds: float = 0.0

    def count(self, rows: list[LedgerRow]) -> None:
        self.photos = len(rows)
        for row in rows:
            if row.outcome is Outcome.OK:
                self.ok += 1
            elif row.outcome is Outcome.SKIPPED:
                self.skipped += 1
            else:
                self.failed[row.code or ""] = self.failed.get(row.code or "", 0) + 1
                self.retryable += row.retryable


@dataclass(slots=True)
class Subject:
    """What a stage works on once: a picture (and prompt), for all the photos that show it."""

    digest: str
    photo_key: str
    prompt: str
    photos: list[Photo]

    @property
    def name(self) -> str:
        """The artifact's name: the digest, and a digest of the prompt where one was given."""
        return f"{self.digest}-{hashlib.sha256(self.prompt.encode()).hexdigest()[:8]}" if self.prompt else self.digest


@dataclass(slots=True)
class Survey:
    """`settled`: photos whose row needs no work, with that row. `pending`: subjects that need the engine. A photo in
    neither waits for an upstream stage that has not looked at it yet."""

    settled: list[LedgerRow]
    pending: list[Subject]


def artifact_key(run: Run, stage: str, name: str) -> str:
    """The key of a stage's artifact, without its suffix."""
    return f"artifacts/{stage}/{run.fingerprints[stage]}/{name[:2]}/{name}"


def failed_key(run: Run, stage: Stage, digest: str, photo: Photo) -> str:
    """Where a photo's final failure is kept."""
    subject = Subject(digest, "", _prompt(run, stage, photo), [])
    return f"{artifact_key(run, stage.name, subject.name)}.failed.json"


def _prompt(run: Run, stage: Stage, photo: Photo) -> str:
    return (photo.background or run.spec.background) if stage.prompted else ""


def survey(run: Run, stage: Stage, batch: BatchRef, upstream: dict[str, dict[str, LedgerRow]]) -> Survey:
    """What is left of a stage for a batch. `upstream` gives the latest rows of earlier stages by stage and photo."""
    result = Survey([], [])
    before = run.ledger(batch.shard).rows(stage.name)
    subjects: dict[str, Subject] = {}
    for photo in run.photos(batch):
        row = before.get(photo.photo_id)
        if row and (row.outcome is Outcome.OK or (row.outcome is Outcome.FAILED and not row.retryable)):
            result.settled.append(row)
            continue
        fetched, cause = upstream_of(run, stage, photo, upstream)
        if cause:
            digest = fetched.digest if fetched else None
            result.settled.append(LedgerRow(photo.photo_id, stage.name, Outcome.SKIPPED, digest, cause=cause))
        elif fetched is not None:
            subject = Subject(fetched.digest or "", fetched.key or "", _prompt(run, stage, photo), [])
            subjects.setdefault(subject.name, subject).photos.append(photo)
    _find_done(run, stage, subjects, result)
    return result


def upstream_of(
    run: Run, stage: Stage, photo: Photo, upstream: dict[str, dict[str, LedgerRow]]
) -> tuple[LedgerRow | None, str | None]:
    """The photo's fetch row, and why this stage has to skip it, if so. Neither: an earlier stage is still to come."""
    fetched = upstream[FETCH].get(photo.photo_id)
    for name in (FETCH, *stage.reads):
        row = upstream[name].get(photo.photo_id)
        if row is None:
            return None, None
        if row.outcome is Outcome.FAILED:
            return fetched, f"{name}:{row.code}"
        if row.outcome is Outcome.SKIPPED:
            return fetched, row.cause
    if run.spec.profile.skip_verdicts and stage.name in _CUTTING and "classify" in run.stages:
        row = upstream["classify"].get(photo.photo_id)
        if row is None:
            return None, None
        if row.outcome is Outcome.OK and row.message in run.spec.profile.skip_verdicts:
            return fetched, f"policy:{row.message}"
    return fetched, None


def _find_done(run: Run, stage: Stage, subjects: dict[str, Subject], result: Survey) -> None:
    """Sort subjects into those with an artifact or a kept final failure, and the pending ones."""
    done_keys = {name: f"{artifact_key(run, stage.name, name)}.{stage.suffix}" for name in subjects}
    failed_keys = {name: f"{artifact_key(run, stage.name, name)}.failed.json" for name in subjects}
    there = run.store.existing(done_keys.values())
    kept = run.store.get_many(
        run.store.existing(failed_keys[name] for name, key in done_keys.items() if key not in there)
    )
    verdicts = {}
    if stage.name == "classify":
        verdicts = run.store.get_many([key for key in done_keys.values() if key in there])
    for name, subject in subjects.items():
        if done_keys[name] in there:
            note = stage.result.decode(verdicts[done_keys[name]]).verdict if verdicts else None
            result.settled += _rows(stage, subject, Outcome.OK, key=done_keys[name], message=note, reused=True)
        elif data := kept.get(failed_keys[name]):
            facts = json.loads(data)
            result.settled += _rows(
                stage,
                subject,
                Outcome.FAILED,
                code=facts["code"],
                message=facts["message"],
                figures=_figures(facts["figures"]),
                reused=True,
            )
        else:
            result.pending.append(subject)


def run_stage(run: Run, stage_name: str, batch: BatchRef, working_set: WorkingSet) -> StageReport:
    """Do a stage for a batch: what is settled stays, the rest goes through the engine. Writes the ledger rows last.

    Never raises for a photo. What could not be done for a passing reason is counted as `retryable` in the report.
    """
    started = time.perf_counter()
    stage = run.stage(stage_name)
    ledger = run.ledger(batch.shard)
    report = StageReport(stage_name)
    found = survey(run, stage, batch, {name: ledger.rows(name) for name in run.stages})
    rows = list(found.settled)
    progress.advance(stage_name, len(rows), found_done_in=batch)
    if found.pending:
        engine = run.engine(stage_name)
        for start in range(0, len(found.pending), engine.max_batch):
            chunk = found.pending[start : start + engine.max_batch]
            done = _work(run, stage, engine, chunk, working_set, report)
            rows += done
            progress.advance(stage_name, len(done))
    before = ledger.rows(stage_name)
    for row in rows:
        if (earlier := before.get(row.photo_id)) and earlier is not row:
            # A skip is no attempt; a failure that was tried again is.
            row.attempts = earlier.attempts + (earlier.outcome is Outcome.FAILED)
    fresh = [row for row in rows if before.get(row.photo_id) != row]
    if fresh:
        ledger.append(batch, stage_name, fresh)
    report.count(rows)
    report.seconds = time.perf_counter() - started
    return report


def _work(
    run: Run, stage: Stage, engine: Engine, subjects: list[Subject], working_set: WorkingSet, report: StageReport
) -> list[LedgerRow]:
    """Load, run and store one engine batch."""
    clock = time.perf_counter()
    inputs = _each(lambda subject: _inputs(run, stage, subject, working_set), subjects)
    report.decode_seconds += time.perf_counter() - clock
    ready = [i for i, value in enumerate(inputs) if not isinstance(value, PhotoError)]
    clock = time.perf_counter()
    results = dict(zip(ready, _run_engine(engine, stage, [inputs[i] for i in ready], report), strict=True))
    share = (time.perf_counter() - clock) / max(1, len(ready))
    report.engine_seconds += share * len(ready)

    def keep(item: tuple[Subject, Any]) -> list[LedgerRow]:
        subject, value = item
        key = artifact_key(run, stage.name, subject.name)
        try:
            if isinstance(value, PhotoError):
                if not value.code.retryable:  # kept like an artifact, so that later runs leave it alone
                    record = {"code": value.code, "message": value.message, "figures": value.figures}
                    run.store.put(f"{key}.failed.json", stamp(json.dumps(record, ensure_ascii=False).encode()))
                return _failure(stage, subject, value, share)
            key = f"{key}.{stage.suffix}"
            run.store.put(key, stamp(value.encode()))
        except StoreError as error:
            return _failure(stage, subject, PhotoError(ErrorCode.STORE_ERROR, str(error)), share)
        working_set.put(key, value)
        note = value.verdict if stage.name == "classify" else None
        figures = _figures(getattr(value, "figures", None))
        return _rows(stage, subject, Outcome.OK, key=key, seconds=share, message=note, figures=figures)

    outcome = [results.get(i, value) for i, value in enumerate(inputs)]
    return [row for rows in _each(keep, list(zip(subjects, outcome, strict=True))) for row in rows]


def _inputs(run: Run, stage: Stage, subject: Subject, working_set: WorkingSet) -> tuple[Any, ...] | PhotoError:
    """The photo, the upstream results in the stage's order, and the prompt where the stage takes one."""
    try:
        values = [working_set.picture(run, subject.photo_key)]
        for name in stage.reads:
            upstream = run.stage(name)
            named = subject.name if upstream.prompted else subject.digest
            key = f"{artifact_key(run, name, named)}.{upstream.suffix}"
            values.append(working_set.result(run, key, upstream.result))
    except PhotoError as error:
        return error
    except StoreError as error:
        return PhotoError(ErrorCode.STORE_ERROR, str(error))
    return (*values, subject.prompt) if stage.prompted else tuple(values)


def _run_engine(engine: Engine, stage: Stage, inputs: list[tuple[Any, ...]], report: StageReport) -> list[Any]:
    """Run the engine on a batch; if it raises for the whole batch, halve it until the culprit is alone."""
    if not inputs:
        return []
    try:
        report.engine_calls += 1
        columns = [list(column) for column in zip(*inputs, strict=True)]
        return check_same_length(stage.name, len(inputs), engine.run(*columns))
    except Exception as error:
        if len(inputs) > 1:
            middle = len(inputs) // 2
            return _run_engine(engine, stage, inputs[:middle], report) + _run_engine(
                engine, stage, inputs[middle:], report
            )
        if isinstance(error, PhotoError):
            return [error]
        out_of_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
        code = ErrorCode.OUT_OF_MEMORY if out_of_memory else ErrorCode.ENGINE_ERROR
        return [PhotoError(code, f"{type(error).__name__}: {error}"[:500])]


def _rows(stage: Stage, subject: Subject, outcome: Outcome, seconds: float = 0.0, **facts: Any) -> list[LedgerRow]:
    """A row for each photo that shows the subject; the first carries the time."""
    return [
        LedgerRow(photo.photo_id, stage.name, outcome, subject.digest, seconds=seconds if i == 0 else 0.0, **facts)
        for i, photo in enumerate(subject.photos)
    ]


def _failure(stage: Stage, subject: Subject, error: PhotoError, seconds: float) -> list[LedgerRow]:
    return _rows(
        stage,
        subject,
        Outcome.FAILED,
        seconds=seconds,
        code=error.code.value,
        message=error.message,
        figures=_figures(error.figures),
        retryable=error.code.retryable,
    )


def _figures(figures: dict[str, Any] | None) -> str | None:
    return json.dumps(figures, ensure_ascii=False, separators=(",", ":")) if figures else None


def _each(function: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """Map over items on two threads: decoding, encoding and writing let go of the GIL."""
    if len(items) == 1:
        return [function(items[0])]
    return list(_pool.map(function, items))


_pool = ThreadPoolExecutor(4, thread_name_prefix="photo-loop")


def settle_shard(run: Run, shard: int) -> bool:
    """Write the rows of a shard in which nothing is pending, without an engine or a task. False: there is work."""
    from packshot.fetch_stage import survey_fetch

    surveyed: list[tuple[BatchRef, dict[str, dict[str, LedgerRow]]]] = []
    for batch in run.batches(shard):
        fetch = survey_fetch(run, batch)
        if fetch.pending:
            return False
        rows: dict[str, dict[str, LedgerRow]] = {FETCH: {row.photo_id: row for row in fetch.settled}}
        for name in run.stages[1:]:
            found = survey(run, run.stage(name), batch, rows)
            if found.pending:
                return False
            rows[name] = {row.photo_id: row for row in found.settled}
        surveyed.append((batch, rows))
    ledger = run.ledger(shard)
    merged: dict[str, list[LedgerRow]] = defaultdict(list)
    for batch, rows in surveyed:
        for name, by_photo in rows.items():
            merged[name] += [row for photo, row in by_photo.items() if ledger.rows(name).get(photo) != row]
            progress.advance(name, len(by_photo), found_done_in=batch)
    ledger.append_shard([row for rows in merged.values() for row in rows])
    return True
