"""How every stage's task runs: its cache key, when it is tried again, and how it is called in the DAG."""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from prefect import Task, allow_failure, get_client, task
from prefect.client.schemas.objects import State, TaskRun
from prefect.concurrency.sync import concurrency
from prefect.context import TaskRunContext

from packshot.errors import PackshotError, SettingError
from packshot.records import BatchRef, Outcome
from packshot.run import Run, open_run
from packshot.stage import StageReport, run_stage, upstream_of
from packshot.stages import FETCH
from packshot.working_set import WorkingSet
from tasks._results import result_storage


class RetryableFailures(PackshotError):
    """Some photos of a batch failed for a passing reason. Their rows are written; the task may be tried again."""


def batch_task(function: Callable[[BatchRef], dict[str, Any]]) -> Task:
    """Make a stage's function a cached task over a batch. Its name is the stage's."""
    return task(
        name=function.__name__,
        task_run_name=_task_run_name,
        cache_key_fn=_cache_key,
        persist_result=True,
        result_serializer="json",
        retry_condition_fn=_worth_another_try,
        log_prints=False,
    )(function)


def work(stage: str, batch: BatchRef) -> dict[str, Any]:
    """Do a stage for a batch; raise `RetryableFailures` when some photos should be tried again."""
    return settle(run_stage(open_run(batch.store, batch.run_id), stage, batch, working_set(batch)))


def settle(report: StageReport) -> dict[str, Any]:
    """The report as a result that travels, or `RetryableFailures` with the counts by code."""
    if report.retryable:
        codes = ", ".join(f"{count} {code}" for code, count in sorted(report.failed.items()))
        raise RetryableFailures(
            f"{report.stage}: {report.retryable} of {report.photos} photos failed for a passing reason ({codes})"
        )
    return asdict(report)


class Dag:
    """Calls stages in their order: passes over those that no step asked for, and goes on after a failed batch."""

    def __init__(self, run: Run, batch: BatchRef, retries: int, retry_delay_seconds: float):
        self._run, self._batch = run, batch
        self._options = {
            "retries": retries,
            "retry_delay_seconds": retry_delay_seconds,
            "result_storage": result_storage(batch.store),
        }

    def __call__(self, stage: Task, *upstream: State | None) -> State | None:
        """Run one stage's task. A failed one leaves rows too, so the stages after it take what ended ok."""
        if stage.name not in self._run.stages or (stage.name == FETCH and self._fetched()):
            return None
        before = [allow_failure(state) for state in upstream if state is not None]
        return stage.with_options(**self._options)(self._batch, wait_for=before, return_state=True)

    def _fetched(self) -> bool:
        """Whether fetch-shard has left nothing to fetch: a task run would cost more than it does."""
        rows = self._run.ledger(self._batch.shard).rows(FETCH)
        found = [rows.get(photo.photo_id) for photo in self._run.photos(self._batch)]
        return all(row is not None and not row.retryable for row in found)


@contextmanager
def gpu_slot() -> Iterator[None]:
    """Hold this worker's GPU for as long as the block runs.

    PACKSHOT_GPU_SLOT names a global concurrency limit of Prefect, one for each GPU, and is set with the worker that has
    the GPU; where it is not set, nothing is waited for. A killed holder's slot comes free after the lease, and a server
    that is away for a while costs no slot.
    """
    name = os.environ.get("PACKSHOT_GPU_SLOT")
    if not name:
        yield
        return
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(name, 1)
    with concurrency(name, occupy=1, lease_duration=90, raise_on_lease_renewal_failure=False):
        yield


_working_sets: OrderedDict[BatchRef, WorkingSet] = OrderedDict()


def working_set(batch: BatchRef) -> WorkingSet:
    """What is kept decoded for the batch at hand; starting another batch drops it."""
    if batch not in _working_sets:
        _working_sets.clear()
        _working_sets[batch] = WorkingSet()
    return _working_sets[batch]


def _cache_key(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    """Store, run, stage, fingerprint, and what the batch's photos bring with them from upstream: a batch whose failed
    photos were fetched since is another batch, and so is one with photos to be tried again."""
    batch: BatchRef = arguments["batch"]
    stage = context.task.name
    run = open_run(batch.store, batch.run_id)
    photos = hashlib.sha256()
    upstream = {name: run.ledger(batch.shard).rows(name) for name in run.stages}
    for photo in run.photos(batch):
        photos.update(photo.photo_id.encode())
        if stage != FETCH:
            fetched, cause = upstream_of(run, run.stage(stage), photo, upstream)
            photos.update(f"{fetched.digest if fetched else ''} {cause or ''}\n".encode())
        row = upstream[stage].get(photo.photo_id) if stage in upstream else None
        if row and row.outcome is Outcome.FAILED and row.retryable:
            photos.update(f"again after {row.attempts}\n".encode())
    store = hashlib.sha256(batch.store.encode()).hexdigest()[:16]
    fingerprint = run.fingerprints.get(stage, "")
    return f"{store}/{batch.run_id}/{stage}/{fingerprint}/{photos.hexdigest()[:32]}"


def _task_run_name() -> str:
    from prefect.runtime import task_run

    batch: BatchRef = task_run.parameters["batch"]
    photos = batch.stop - batch.start
    return f"{task_run.task_name} · shard {batch.shard:03d} · batch {batch.number:03d} · {photos} photos"


def _worth_another_try(task: Task, run: TaskRun, state: State) -> bool:
    """Wrong settings stay wrong; whatever else went wrong may pass."""
    try:
        state.result()
    except SettingError:
        return False
    except Exception:
        return True
    return False
