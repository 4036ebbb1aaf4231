"""Process a catalogue: read it, cut shards, run those that have work, collect results and report."""

import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import BaseModel, ConfigDict, Field

from flows.process_shard import process_shard
from packshot import progress
from packshot.catalogue import Source
from packshot.config import load_profile
from packshot.results import collect
from packshot.run import Run, RunSpec, new_run_id, start_run
from packshot.shard import finish_shard
from packshot.stage import settle_shard
from packshot.stages import stages_for
from packshot.store import open_store
from tasks.report import report


class Step(StrEnum):
    """A job over the catalogue."""

    CLASSIFY = "classify"
    CLEAN = "clean"
    REPAIR = "repair"
    PLACE = "place"


class CatalogueParameters(BaseModel):
    """What to process, and how. The Prefect UI shows these as a form."""

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
    retries: int = Field(default=1, ge=0, le=10, description="How often a batch with passing failures is tried again.")
    retry_delay_seconds: float = Field(default=5, ge=0, le=3600, description="Pause before a batch is tried again.")

    def run_spec(self) -> RunSpec:
        """The run that these parameters ask for. Raises `SettingError` or `SourceError` before anything starts."""
        path = self.source if "://" in self.source else str(Path(self.source).expanduser().resolve())
        source = Source(path=path, columns=self.columns, allow_http=self.allow_http)
        _ = source.kind  # a catalogue that is not there is told of now
        stages_for(tuple(self.steps))
        name = self.name or Path(path.rstrip("/")).stem
        return RunSpec(
            run_id=new_run_id(name),
            name=name,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            source=source,
            steps=tuple(step.value for step in Step if step in self.steps),
            profile=load_profile(self.profile, self.overrides),
            background=self.background.strip(),
            limit=self.limit,
            shard_size=self.shard_size,
            batch_size=self.batch_size,
        )


@flow(name="process-catalogue", flow_run_name="process-catalogue · {parameters.source}")
def process_catalogue(parameters: CatalogueParameters) -> State[dict[str, Any]]:
    """Verdicts, cutouts and placed photos for a catalogue. Every photo ends ok, skipped or failed, with a reason."""
    started = time.perf_counter()
    run = start_run(open_store(parameters.store), parameters.run_spec(), parameters.resume)
    plan = run.plan()
    progress.advance("total", plan["photos"])
    for shard in range(plan["shards"]):
        process_or_settle(run, shard, parameters)
    summary = collect(run, plan["shards"], plan=plan, wall_seconds=round(time.perf_counter() - started, 1))
    summary |= {"run_id": run.spec.run_id, "store": run.store.url, "plan": plan}
    summary["report"] = report(run.store.url, run.spec.run_id)
    return _ending(summary)


def process_or_settle(run: Run, shard: int, parameters: CatalogueParameters) -> None:
    """Run a shard's flow, unless it is done already or every photo in it is: then no task is started."""
    if done := run.shard_done(shard):
        for stage in run.stages:
            progress.advance(stage, done["photos"])
    elif settle_shard(run, shard):
        finish_shard(run, shard)
    else:
        process_shard(
            run.store.url,
            run.spec.run_id,
            shard,
            parameters.retries,
            parameters.retry_delay_seconds,
            return_state=True,
        )


def _ending(summary: dict[str, Any]) -> State[dict[str, Any]]:
    failed = summary["outcomes"].get("failed", 0)
    if not failed and not summary["unsettled"]:
        return Completed(message=f"all {summary['photos']} photos are settled", data=summary)
    codes = ", ".join(f"{count} {code}" for code, count in sorted(summary["codes"].items()))
    message = f"{failed} of {summary['photos']} photos failed: {codes}"
    return Completed(name="CompletedWithFailures", message=message, data=summary)
