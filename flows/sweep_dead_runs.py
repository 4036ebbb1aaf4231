"""Find flow runs that died with their machine, and start them again. Runs every minute from its deployment.

A killed process leaves its run Running for ever, and Prefect's own retries do not fire for it. Flow runs of packshot's
deployments (tag `packshot`) leave a heartbeat in the store; one that has left none for `dead_after_seconds` is marked
Crashed, and a crashed one is started again until it has had `max_tries`. Working twice on a photo gives the same
artifact, so a run that was only cut off from the server loses nothing by this.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import flow, get_client, get_run_logger
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.runtime import deployment, flow_run
from prefect.states import AwaitingRetry, Crashed
from pydantic import BaseModel, ConfigDict, Field

from flows.fan_out import CRASH_TRIES
from packshot.errors import PackshotError
from packshot.store import open_store
from tasks._heartbeat import last_heartbeat

PAGE = 200
DEAD_AFTER = float(os.environ.get("PACKSHOT_DEAD_AFTER_SECONDS", "300"))
"""Must be several times the heartbeat's period, 30 s."""
KEEP_SWEEPS = timedelta(hours=1)


class SweepParameters(BaseModel):
    """When a flow run counts as dead, and what is done then."""

    model_config = ConfigDict(extra="forbid")

    dead_after_seconds: float = Field(default=DEAD_AFTER, ge=5, description="No sign of life for so long: Crashed.")
    pending_after_seconds: float = Field(
        default=DEAD_AFTER, ge=5, description="Taken by a worker so long ago, and not begun: Crashed."
    )
    restart_after_seconds: float = Field(default=30, ge=0, description="Pause before a crashed run is started again.")
    max_tries: int = Field(
        default=CRASH_TRIES, ge=1, le=20, description="Starts after which a crashed run is left alone."
    )


@flow(name="sweep-dead-runs", flow_run_name="sweep-dead-runs", retries=0)
def sweep_dead_runs(parameters: SweepParameters = SweepParameters()) -> dict[str, int]:  # noqa: B008
    """Mark dead runs Crashed, start crashed ones again, and remove old runs of this sweeper itself."""
    dead_after, pending_after = parameters.dead_after_seconds, parameters.pending_after_seconds
    counts = {"crashed": 0, "restarted": 0, "given_up": 0, "removed": 0}
    now = datetime.now(UTC)
    log = get_run_logger()
    with get_client(sync_client=True) as client:
        for run in _runs(client, StateType.RUNNING):
            silent = timedelta(seconds=dead_after)
            if run.id != flow_run.id and _age(run, now) > silent and not _alive(run, now - silent):
                _set(client, run, Crashed(message=f"no sign of life for {dead_after:.0f} s"))
                log.warning("%s is dead: marked Crashed", run.name)
                counts["crashed"] += 1
        for run in _runs(client, StateType.PENDING):
            if _age(run, now) > timedelta(seconds=pending_after):
                _set(
                    client,
                    run,
                    Crashed(message=f"taken by a worker {pending_after:.0f} s ago, but never began"),
                )
                log.warning("%s never began: marked Crashed", run.name)
                counts["crashed"] += 1
        for run in _runs(client, StateType.CRASHED, since=now - timedelta(days=2)):
            if str(run.deployment_id) == str(deployment.id):
                continue  # the next sweep is due in a minute anyway
            if run.run_count >= parameters.max_tries:
                counts["given_up"] += 1
            elif _age(run, now) >= timedelta(seconds=parameters.restart_after_seconds):
                _set(
                    client,
                    run,
                    AwaitingRetry(message=f"start {run.run_count + 1} of {parameters.max_tries} after a crash"),
                )
                log.warning("%s is started again", run.name)
                counts["restarted"] += 1
        counts["removed"] = _remove_old_sweeps(client, now)
    return counts


def _runs(client: SyncPrefectClient, state: StateType, since: datetime | None = None) -> Iterator[FlowRun]:
    """Flow runs of deployments in a state. Read to the end first, since what is found is about to change."""
    wanted = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[state])),
        deployment_id=FlowRunFilterDeploymentId(is_null_=False),
        tags=FlowRunFilterTags(all_=["packshot"]),
        expected_start_time=FlowRunFilterExpectedStartTime(after_=since) if since else None,
    )
    found: list[FlowRun] = []
    while page := client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=len(found)):
        found += page
    yield from found


def _age(run: FlowRun, now: datetime) -> timedelta:
    return now - run.state.timestamp if run.state else timedelta(0)


def _alive(run: FlowRun, since: datetime) -> bool:
    """Whether the run has given a sign of life since then. In doubt it has: a store that is away proves nothing."""
    parameters = run.parameters.get("parameters", run.parameters)
    try:
        last = last_heartbeat(open_store(parameters.get("store")), str(run.id))
    except PackshotError as error:
        get_run_logger().warning("%s is not judged: %s", run.name, error)
        return True
    return last is not None and datetime.fromtimestamp(last, UTC) >= since


def _set(client: SyncPrefectClient, run: FlowRun, state: Any) -> None:
    """Change the state only if it is still the one that was seen: the run may have come to its end meanwhile."""
    found = client.read_flow_run(run.id)
    if found.state and run.state and found.state.id == run.state.id:
        client.set_flow_run_state(run.id, state)


def _remove_old_sweeps(client: SyncPrefectClient, now: datetime) -> int:
    """Sixty runs an hour would bury the others in the UI, and the server's database under them."""
    if not deployment.id:
        return 0
    wanted = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[deployment.id]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED])),
        expected_start_time=FlowRunFilterExpectedStartTime(before_=now - KEEP_SWEEPS),
    )
    old = client.read_flow_runs(flow_run_filter=wanted, limit=PAGE)
    for run in old:
        client.delete_flow_run(run.id)
    return len(old)
