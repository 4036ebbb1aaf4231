"""Process a catalogue: read it, cut shards, run those that have work, collect results and report."""

import json
import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import deployment, flow_run
from prefect.states import Completed, Failed
from pydantic import BaseModel, ConfigDict, Field

from flows.fan_out import Effort, cancel_shards, work_on_shards
from flows.run_pages import show_run, show_summary
from packshot import progress
from packshot.catalogue import Source
from packshot.config import check_engines, load_profile
from packshot.errors import RunBrokenOff
from packshot.preflight import check_store
from packshot.report.summary import headline
from packshot.results import collect
from packshot.run import Run, RunSpec, new_run_id, open_run, start_run
from packshot.stages import stages_for
from packshot.store import Store, open_store
from tasks._heartbeat import heartbeat
from tasks.report import report

FLOW_RUNS = "flow-runs/"


class Step(StrEnum):
    """A job over the catalogue."""

    CLASSIFY = "classify"
    CLEAN = "clean"
    REPAIR = "repair"
    PLACE = "place"


class Catalogue(BaseModel):
    """What to process."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(
        description="The catalogue: a .jsonl, .csv or .parquet file, a folder of pictures, or s3://bucket/prefix.",
        min_length=1,
    )
    steps: list[Step] = Field(
        default=[Step.CLASSIFY, Step.CLEAN, Step.PLACE],
        min_length=1,
        description="classify: a verdict. clean: a cutout without infographics. repair: the photo itself without its "
        "overlays. place: the product on a background.",
    )
    profile: str = Field(default="lite", description="lite, or the path of a profile of your own (.toml).")
    store: str | None = Field(
        default=None, description="A folder or s3://bucket/prefix; by default PACKSHOT_STORE, else ./packshot-store."
    )
    name: str | None = Field(default=None, max_length=60, description="The run's name; by default the catalogue's.")
    background: str = Field(
        default="",
        max_length=500,
        description="Prompt for the background of photos without one of their own, such as 'light oak table'.",
    )
    preset: str | None = Field(
        default=None,
        max_length=200,
        description="Whose rules the delivered files follow: amazon_main, google_merchant, walmart, ebay, ozon, "
        "wildberries, yandex_market, white, lifestyle, or the path of a preset (.toml). Empty: the profile's.",
    )
    limit: int | None = Field(default=None, ge=1, description="Take only so many photos of the catalogue.")
    columns: dict[Literal["sku", "url", "verdict", "background"], str] = Field(
        default_factory=dict, description="Names of the catalogue's columns where they differ from the usual ones."
    )
    allow_http: bool = Field(default=False, description="Take http:// URLs too, and read //host/path as http.")
    overrides: dict[str, Any] = Field(
        default_factory=dict, description="Single settings of the profile by dotted name, such as ocr.engine."
    )
    resume: bool | None = Field(
        default=None, description="On: resume the latest equal run. Off: a new run. Empty: resume if it is unfinished."
    )
    shard_size: int = Field(default=2048, ge=1, le=100_000, description="Photos that one worker handles at a time.")
    batch_size: int = Field(default=128, ge=1, le=4096, description="Photos that one task handles.")


class CatalogueParameters(Effort, Catalogue):
    """What to process, and how."""

    def run_spec(self) -> RunSpec:
        """The run that these parameters ask for. Raises `SettingError` or `SourceError` before anything starts."""
        path = self.source if "://" in self.source else str(Path(self.source).expanduser().resolve())
        source = Source(path=path, columns=self.columns, allow_http=self.allow_http)
        _ = source.kind  # a catalogue that is not there is told of now
        chosen = {"deliver.preset": self.preset} if self.preset else {}
        profile = load_profile(self.profile, chosen | self.overrides)
        check_engines(profile, stages_for(tuple(self.steps)))
        name = self.name or Path(path.rstrip("/")).stem
        return RunSpec(
            run_id=new_run_id(name),
            name=name,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            source=source,
            steps=tuple(step.value for step in Step if step in self.steps),
            profile=profile,
            background=self.background.strip(),
            limit=self.limit,
            shard_size=self.shard_size,
            batch_size=self.batch_size,
        )


@flow(
    name="process-catalogue",
    flow_run_name="process-catalogue · {parameters.source}",
    on_cancellation=[cancel_shards],
)
def process_catalogue(parameters: CatalogueParameters) -> State[dict[str, Any]]:
    """Verdicts, cutouts and placed photos for a catalogue. Every photo ends ok, skipped or failed, with a reason."""
    store = open_store(parameters.store)
    check_store(store)
    with heartbeat(store):
        run = _own_run(store) or start_run(store, parameters.run_spec(), parameters.resume)
        _remember(store, run)
        return work_on_run(run, parameters)


def work_on_run(run: Run, effort: Effort, flow: str = "process-catalogue") -> State[dict[str, Any]]:
    """Plan a run, bring its shards to their end, collect results and report. The state says what came of it."""
    started = time.perf_counter()
    plan = run.plan()
    show_run(run, plan["photos"], flow)
    progress.advance(progress.TOTAL, plan["photos"])
    work_on_shards(run, plan["shards"], effort)
    run.reload()
    wall = time.perf_counter() - started
    summary = collect(run, plan["shards"], plan=plan, wall_seconds=round(wall, 1))
    summary |= {"run_id": run.spec.run_id, "store": run.store.url, "plan": plan}
    summary["report"] = report(run.store.url, run.spec.run_id)
    show_summary(run, summary, wall)
    if summary["unsettled"]:
        return Failed(message=headline(summary), data=RunBrokenOff(f"run {run.spec.run_id}: {headline(summary)}"))
    if summary["outcomes"].get("failed"):
        return Completed(name="CompletedWithFailures", message=headline(summary), data=summary)
    return Completed(message=headline(summary), data=summary)


def _own_run(store: Store) -> Run | None:
    """The run that this flow run began when it was tried before: Retry in the UI goes on with it."""
    data = store.get(f"{FLOW_RUNS}{flow_run.id}.json") if flow_run.run_count > 1 else None
    return open_run(store.url, json.loads(data)["run_id"]) if data else None


def _remember(store: Store, run: Run) -> None:
    """So that a flow run that is tried again finds its run. Only a deployment's flow run can be."""
    if deployment.id:
        store.put(f"{FLOW_RUNS}{flow_run.id}.json", json.dumps({"run_id": run.spec.run_id}).encode())
