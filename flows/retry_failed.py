"""Try failed photos again: those that may pass, or chosen error codes, final ones too. What worked is not redone."""

from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import BaseModel, ConfigDict, Field

from flows.fan_out import Effort, cancel_shards
from flows.process_catalogue import work_on_run
from packshot.errors import RunBrokenOff
from packshot.preflight import check_store
from packshot.retry import Choice, runs_with_failures, take_back
from packshot.run import open_run
from packshot.store import open_store
from tasks._heartbeat import heartbeat

Code = Annotated[str, Field(pattern=r"^[a-z]+(_[a-z0-9]+)*$", max_length=40)]


class RetryChoice(BaseModel):
    """Which failures to try again."""

    model_config = ConfigDict(extra="forbid")

    run: str | None = Field(
        default=None, description="Id of a run. Empty: every run of the last days that ended with failures."
    )
    codes: list[Code] = Field(
        default_factory=list,
        description="Error codes, such as timeout, http_5xx, http_404 or no_product; final ones are taken back. "
        "Empty: whatever may pass another time.",
    )
    days: float = Field(default=7, gt=0, le=3650, description="How old a run may be, if none is named.")
    max_attempts: int = Field(default=10, ge=1, le=1000, description="Leave alone what was tried so many times.")
    store: str | None = Field(default=None, description="A folder or s3://bucket/prefix; by default PACKSHOT_STORE.")


class RetryParameters(Effort, RetryChoice):
    """Which failures to try again, and how."""


@flow(name="retry-failed", flow_run_name="retry-failed · {parameters.run}", on_cancellation=[cancel_shards])
def retry_failed(parameters: RetryParameters) -> State[dict[str, Any]]:
    """Take chosen failures back and go on with their runs."""
    store = open_store(parameters.store)
    check_store(store)
    choice = Choice(tuple(parameters.codes), parameters.max_attempts)
    if parameters.run:
        runs = [open_run(store.url, parameters.run)]
    else:
        runs = runs_with_failures(store, parameters.days)
    results: dict[str, Any] = {}
    broken: list[str] = []
    names: list[str] = []
    with heartbeat(store):
        for run in runs:
            taken = take_back(run, choice)
            if not taken.photos and run.read_json("run.json")["status"] != "running":
                continue
            state = work_on_run(run, parameters, "retry-failed")
            results[run.spec.run_id] = {"tried_again": dict(taken.codes), "message": state.message}
            names.append(state.name or "")
            if state.is_failed():
                broken.append(run.spec.run_id)
    message = (
        "; ".join(f"{run_id}: {result['message']}" for run_id, result in results.items()) or "nothing to try again"
    )
    if broken:
        return Failed(message=message, data=RunBrokenOff(message))
    if "CompletedWithFailures" in names:
        return Completed(name="CompletedWithFailures", message=message, data=results)
    return Completed(message=message, data=results)
