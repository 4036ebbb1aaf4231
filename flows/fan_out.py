"""Where a run's shards are worked on: in this process, or fetched on the `cpu` pool while earlier ones are worked on on
the `gpu` pool. Shards that are done are not run again; those that broke off are run once more."""

import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import httpx
from prefect import Flow, get_client, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, State
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.futures import PrefectFuture, as_completed
from prefect.runtime import deployment, flow_run
from prefect.settings import PREFECT_API_URL
from prefect.states import AwaitingRetry, Cancelling
from pydantic import BaseModel, Field

from flows.process_shard import process_shard
from flows.progress_artifact import ProgressArtifact
from flows.shard_parameters import ShardParameters
from packshot import progress
from packshot.errors import PackshotError, SettingError
from packshot.fetch_stage import survey_fetch
from packshot.run import Run
from packshot.shard import count_shard, finish_shard
from packshot.stage import settle_shard
from packshot.weights_pull import bring_weights

FETCH_SHARD, PROCESS_SHARD = "fetch-shard/cpu", "process-shard/gpu"
SHARD_TRIES = 2
"""How often a shard is run whose flow broke off, without every photo accounted for."""
CRASH_TRIES = 4
"""After so many starts a crashed shard is given up; until then the sweeper starts it again."""
PATIENCE_SECONDS = 900
"""How long to wait for a Prefect server that is away, and for the sweeper to start a crashed shard again."""

T = TypeVar("T")


class Where(StrEnum):
    AUTO = "auto"
    HERE = "here"
    WORK_POOLS = "work_pools"


class Effort(BaseModel):
    """How a run is worked on. Nothing here changes what comes of it."""

    where: Where = Field(
        default=Where.AUTO,
        description="here: in the process of this flow. work_pools: shards go to the pools cpu and gpu. auto: to the "
        "pools if a server with these deployments and workers is there, else here.",
    )
    shards_in_flight: int = Field(
        default=4, ge=1, le=64, description="Shards that are fetched or worked on at a time on the work pools."
    )
    retries: int = Field(default=1, ge=0, le=10, description="How often a batch with passing failures is tried again.")
    retry_delay_seconds: float = Field(default=5, ge=0, le=3600, description="Pause before a batch is tried again.")


def work_on_shards(run: Run, shards: int, effort: Effort) -> None:
    """Bring every shard to its end, wherever that is. What is left shows in the ledgers."""
    elsewhere = on_work_pools(effort.where)
    shown = ProgressArtifact(f"Shards of {run.spec.run_id}")
    left = [shard for shard in range(shards) if not _settled(run, shard)]
    shown.update(shards - len(left), shards)
    if elsewhere:
        _on_the_pools(run, left, shards, effort, shown)
        return
    if left:
        bring_weights(run.spec.profile, run.stages, run.store)
    for done, shard in enumerate(left, shards - len(left) + 1):
        _in_this_process(run, shard, effort)
        shown.update(done, shards)


def on_work_pools(where: Where) -> bool:
    """Whether shards go to the work pools. Raises `SettingError` where that was asked for and can't be."""
    if where is Where.HERE or (where is Where.AUTO and not PREFECT_API_URL.value()):
        return False
    with get_client(sync_client=True) as client:
        for name in (FETCH_SHARD, PROCESS_SHARD):
            try:
                found = client.read_deployment_by_name(name)
                pool = client.read_work_pool(found.work_pool_name or "")
            except ObjectNotFound:
                if where is Where.AUTO:
                    return False
                raise SettingError(
                    f"there is no deployment {name} with a work pool on the server {PREFECT_API_URL.value()}: start "
                    "the service with `make up`, or set where to here"
                ) from None
            # A run that was itself started from a deployment waits for workers that are not up yet.
            if where is Where.AUTO and not deployment.id and str(pool.status) != "WorkPoolStatus.READY":
                return False
    return True


def _settled(run: Run, shard: int) -> bool:
    """Whether a shard is done already, or every photo in it is: then no flow is started for it."""
    if done := run.shard_done(shard):
        for stage in run.stages:
            progress.advance(stage, done["photos"], found_done_in=shard)
        return True
    if settle_shard(run, shard):
        finish_shard(run, shard)
        return True
    return False


def _in_this_process(run: Run, shard: int, effort: Effort) -> None:
    for attempt in range(SHARD_TRIES):
        process_shard(_shard_parameters(run, shard, effort), return_state=True)
        if not _unsettled(run, shard):
            return
        if attempt + 1 < SHARD_TRIES:
            time.sleep(effort.retry_delay_seconds)


def _on_the_pools(run: Run, left: list[int], shards: int, effort: Effort, shown: ProgressArtifact) -> None:
    futures: list[PrefectFuture[Any]] = []
    ended = 0
    _ending.clear()

    def wait_for_one() -> None:
        nonlocal ended
        future = next(as_completed(futures))
        futures.remove(future)
        ended += 1
        shown.update(shards - len(left) + ended, shards)

    try:
        for shard in left:
            if len(futures) >= effort.shards_in_flight:
                wait_for_one()
            futures.append(work_on_shard.submit(run, shard, effort))
        while futures:
            wait_for_one()
    except BaseException:  # SIGTERM among them: the process can't end before its threads have
        _ending.set()
        raise


_ending = threading.Event()
"""This process is to end: whoever waits for a shard gives up."""


def _task_run_name() -> str:
    from prefect.runtime import task_run

    return f"shard {task_run.parameters['shard']:03d}"


@task(name="shard", task_run_name=_task_run_name, cache_policy=NO_CACHE, persist_result=False)
def work_on_shard(run: Run, shard: int, effort: Effort) -> str:
    """Fetch a shard on `cpu`, then work on it on `gpu`; the flow runs are this task's children."""
    own = Run(run.store, run.spec)  # each run keeps one shard in memory, and several tasks run at once
    asked = _shard_parameters(own, shard, effort)
    if any(survey_fetch(own, batch).pending for batch in own.batches(shard)):
        _child(FETCH_SHARD, asked)
    for _ in range(SHARD_TRIES):
        child = _child(PROCESS_SHARD, asked)
        own.reload()
        if own.shard_done(shard) or not _unsettled(own, shard) or (child.state and child.state.is_cancelled()):
            break  # whoever cancelled a shard does not want it again
    return f"{child.name}: {child.state.name if child.state else 'unknown'}"


def _shard_parameters(run: Run, shard: int, effort: Effort) -> ShardParameters:
    return ShardParameters(
        store=run.store.url,
        run_id=run.spec.run_id,
        shard=shard,
        retries=effort.retries,
        retry_delay_seconds=effort.retry_delay_seconds,
    )


def cancel_shards(flow: Flow, flow_run: FlowRun, state: State) -> None:
    """When a parent is cancelled, its shards are at once. Prefect's server would do it too, but looks every 20 s."""
    children = FlowRunFilter(
        parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[flow_run.id]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(not_any_=list(TERMINAL_STATES))),
    )
    with get_client(sync_client=True) as client:
        for child in client.read_flow_runs(flow_run_filter=children):
            client.set_flow_run_state(child.id, Cancelling(message="its parent was cancelled"))


def _unsettled(run: Run, shard: int) -> int:
    """Photos of a shard that some stage has not accounted for: its flow broke off."""
    run.reload()
    return count_shard(run, *run.shard(shard))["unsettled"]


def _child(name: str, asked: ShardParameters) -> FlowRun:
    """Start a deployment's flow run, or start it again where this parent had one that ended; wait for its end."""
    run_id, shard = asked.run_id, asked.shard
    started = _patiently(
        lambda: run_deployment(
            name,
            parameters={"parameters": asked.model_dump()},
            timeout=0,
            tags=[run_id, f"shard-{shard:03d}"],
            idempotency_key=f"{flow_run.id}/{run_id}/{shard}/{name}",
        )
    )
    if started.state and started.state.is_final():
        _patiently(lambda: _try_again(started.id))
    return _wait(started.id)


def _try_again(run_id: UUID) -> None:
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run_id, AwaitingRetry(message="its parent runs it again"), force=True)


def _wait(run_id: UUID) -> FlowRun:
    """Poll until a flow run has come to its end. A crashed one is waited for while the sweeper may start it again."""
    pause, crashed_at = 1.0, None
    while True:
        found = _patiently(lambda: _read(run_id))
        state = found.state
        if state and state.is_crashed() and found.run_count < CRASH_TRIES:
            crashed_at = crashed_at or time.monotonic()
            if time.monotonic() - crashed_at > PATIENCE_SECONDS:
                return found
        elif state and state.is_final():
            return found
        else:
            crashed_at = None
        if _ending.wait(pause):
            raise PackshotError(f"flow run {run_id} is no longer waited for: its parent's process ends")
        pause = min(10.0, pause * 1.3)


def _read(run_id: UUID) -> FlowRun:
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run_id)


def _patiently(call: Callable[[], T]) -> T:
    """Call again while the server can't be reached: a restart of the server must not break a run of hours."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return call()
        except (httpx.TransportError, httpx.HTTPStatusError) as error:
            passing = not isinstance(error, httpx.HTTPStatusError) or error.response.status_code >= 500
            if not passing or time.monotonic() > until:
                raise
            get_run_logger().warning("Prefect's server does not answer (%s); trying again", type(error).__name__)
            time.sleep(3)
