"""What training and evaluation share: which labelled photos to take, and how they pass fetch, ocr and segment."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from prefect import get_run_logger
from pydantic import BaseModel, ConfigDict, Field

from flows.fan_out import Effort, work_on_shards
from packshot import progress
from packshot.catalogue import Source
from packshot.classifier.data import SyntheticSource
from packshot.classifier.jobs import TRAININGS, Job, begin_job
from packshot.classifier.labelled_run import Picture, is_complete, next_round
from packshot.classifier.stored_features import feature_engines
from packshot.classifier.synthetic_photos import synthetic_count
from packshot.config import Profile, check_engines, load_profile
from packshot.errors import SettingError
from packshot.results import collect
from packshot.run import RUNNING, Run, RunSpec, list_runs, open_run, start_run
from packshot.store import Store
from tasks.features import make_features
from tasks.report import report
from tasks.sample import draw_synthetic, sample_catalogue

STEPS = ("read",)


class LabelledPhotos(BaseModel):
    """Which labelled photos to take."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(
        min_length=1,
        description="A catalogue with verdicts (.jsonl, .csv, .parquet), a folder of pictures with a folder for each "
        "verdict or a labels.csv, s3://bucket/prefix likewise, the id of a run over a catalogue, or synthetic:N.",
    )
    profile: str = Field(default="lite", description="Whose ocr and segment read the photos: lite, full, or a .toml.")
    store: str | None = Field(
        default=None, description="A folder or s3://bucket/prefix; by default PACKSHOT_STORE, else ./packshot-store."
    )
    name: str | None = Field(default=None, max_length=60, description="By default the source's.")
    columns: dict[Literal["sku", "url", "verdict", "background"], str] = Field(
        default_factory=dict, description="Names of the catalogue's columns where they differ from the usual ones."
    )
    allow_http: bool = Field(default=False, description="Take http:// URLs too, and read //host/path as http.")
    overrides: dict[str, Any] = Field(
        default_factory=dict, description="Single settings of the profile by dotted name, such as ocr.engine."
    )
    per_class: int | None = Field(
        default=None, ge=0, le=1_000_000, description="Photos of each verdict, drawn at random; 0 takes all."
    )
    reserve: float = Field(
        default=1.0, ge=0, le=100, description="How many more are drawn, as a share, to stand in for broken links."
    )
    seed: int = Field(default=0, ge=0, description="Another seed draws other photos.")
    skip_unknown: bool = Field(default=False, description="Leave out rows with unknown verdicts.")
    uneven: bool = Field(default=False, description="Go on where a class has fewer photos than were asked for.")
    shard_size: int = Field(default=2048, ge=1, le=100_000, description="Photos that one worker handles at a time.")
    batch_size: int = Field(default=128, ge=1, le=4096, description="Photos that one task handles.")
    resume: bool | None = Field(
        default=None, description="On: go on with the latest equal one. Off: a new one. Empty: if it is unfinished."
    )

    def loaded_profile(self) -> Profile:
        return load_profile(self.profile, self.overrides)

    def catalogue(self) -> Source:
        """The source as a catalogue. Raises `SourceError` where there is none."""
        path = self.source if "://" in self.source else str(Path(self.source).expanduser().resolve())
        found = Source(path=path, columns=self.columns, allow_http=self.allow_http)
        _ = found.kind
        return found

    def drawn(self, split: str) -> SyntheticSource | None:
        """What `synthetic:N` stands for; None for other sources."""
        count = synthetic_count(self.source)
        return None if count is None else SyntheticSource(count, split=split, seed=self.seed)

    def title(self) -> str:
        return self.name or Path(self.source.replace(":", "-").rstrip("/")).stem


_DECISIVE = {"source", "columns", "allow_http", "per_class", "reserve", "seed", "skip_unknown", "uneven"}
"""Parameters that decide which photos are taken."""


class Intake:
    """The photos of one training or evaluation, from its parameters. `kind` is one of `packshot.classifier.jobs`."""

    job: Job
    """Its record, once it has begun."""

    def __init__(self, store: Store, kind: str, parameters: LabelledPhotos, default_per_class: int):
        self.store, self.kind, self.parameters = store, kind, parameters
        self.synthetic = parameters.drawn("train" if kind == TRAININGS else "test")
        self.given = None if self.synthetic else _named_run(store, parameters.source)
        if self.given:
            self.profile = self.given.spec.profile
        else:
            self.profile = parameters.loaded_profile()
            check_engines(self.profile, STEPS)
            if not self.synthetic:
                parameters.catalogue()
        usual = 0 if self.synthetic else default_per_class
        self.per_class = usual if parameters.per_class is None else parameters.per_class

    def begin(self, **asked: Any) -> Job:
        """The record of this training or evaluation: an unfinished one that was asked the same, or a new one. `asked`
        is what decides its outcome besides the photos."""
        asked |= self.parameters.model_dump(mode="json", include=_DECISIVE)
        asked |= {"per_class": self.per_class, "feature_engines": feature_engines(self.profile)}
        if not (self.given or self.synthetic):
            asked["source"] = self.parameters.catalogue().path
        name = f"{self.kind.removesuffix('s')}-{self.parameters.title()}"
        given = self.given.spec.run_id if self.given else None
        self.job = begin_job(self.store, self.kind, name, asked, self.parameters.resume, given)
        return self.job

    def pictures(self, effort: Effort) -> tuple[Run, list[Picture], dict[str, Any]]:
        """The run, its labelled pictures with features, and what became of the rest: `photos` by verdict, `short` (how
        many a verdict has too few), `left_out` by `stage:code`, `repeated`.

        Raises `SettingError` where a class that is to be trained has no usable photo.
        """
        run = self.work(effort)
        found = make_features(self.store.url, run.spec.run_id, self.choice(), of_given_run=self.given is not None)
        counts = {verdict: len(pictures) for verdict, pictures in found.by_verdict.items()}
        asked = self.per_class if self.kind == TRAININGS or self.parameters.per_class else 0
        account = {
            "photos": counts,
            "short": {v: asked - n for v, n in counts.items() if n < asked},
            "left_out": dict(found.left_out),
            "repeated": found.repeated,
        }
        empty = [verdict for verdict, count in counts.items() if not count]
        if empty and (self.kind == TRAININGS or not any(counts.values())):
            codes = ", ".join(f"{n} {code}" for code, n in found.left_out.most_common()) or "none"
            raise SettingError(
                f"no photo of {', '.join(empty)} can be used (photos left out: {codes}). "
                f"`packshot status {run.spec.run_id} --failures` tells of them by host. Correct the catalogue and "
                "begin with --new: what is done is found done"
            )
        return run, [picture for held in found.by_verdict.values() for picture in held], account

    def work(self, effort: Effort) -> Run:
        """Bring the photos through fetch, ocr and segment; what ends broken is replaced while there is a reserve."""
        if self.given:
            return self.given
        run = self._own_run()
        if is_complete(run) and run.read_json("run.json")["status"] != RUNNING:
            return run
        if self.synthetic:
            progress.advance(progress.TOTAL, self.synthetic.photos)
            draw_synthetic(self.store.url, self.synthetic)
        sample_catalogue(run.store.url, run.spec.run_id, self.choice(), self.synthetic)
        while True:
            plan = run.read_json("plan.json")
            progress.advance(progress.TOTAL, plan["photos"])
            work_on_shards(run, plan["shards"], effort)
            drawn = next_round(run)
            if not drawn:
                break
            get_run_logger().info("%s photos cannot be used; as many others of their verdicts were drawn", drawn)
        run.reload()
        collect(run, plan["shards"], plan=run.read_json("plan.json"))
        report(run.store.url, run.spec.run_id)
        return run

    def choice(self) -> dict[str, Any]:
        """How photos are drawn, as the tasks take it."""
        p = self.parameters
        return {
            "per_class": self.per_class,
            "reserve": p.reserve,
            "seed": p.seed,
            "skip_unknown": p.skip_unknown,
            "uneven": p.uneven or self.synthetic is not None,
            "every_class": self.kind == TRAININGS,
        }

    def _own_run(self) -> Run:
        p, run_id = self.parameters, self.job.run_id
        if run_id in list_runs(self.store):
            return open_run(self.store.url, run_id)
        spec = RunSpec(
            run_id=run_id,
            name=run_id.rsplit("-", 1)[0],
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            source=Source(path=p.source) if self.synthetic else p.catalogue(),
            steps=STEPS,
            profile=self.profile,
            shard_size=p.shard_size,
            batch_size=p.batch_size,
        )
        return start_run(self.store, spec, resume=False)


def _named_run(store: Store, source: str) -> Run | None:
    """The run of that id; None where the source is none."""
    if "/" in source or source not in list_runs(store):
        return None
    run = open_run(store.url, source)
    if missing := {"ocr", "segment"} - set(run.stages):
        raise SettingError(f"run {source} has no {' and no '.join(sorted(missing))}: its photos have no features")
    return run
