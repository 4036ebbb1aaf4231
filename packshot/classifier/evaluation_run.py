"""An evaluation over the pictures of a run: from stored features to a report in the store, with pictures and a page."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from packshot.classifier.about import Checkpoint
from packshot.classifier.evaluate import judge, predict_logits
from packshot.classifier.evaluation_page import write_pages
from packshot.classifier.feature_set import FeatureSet, split_by_digest
from packshot.classifier.jobs import EVALUATIONS, TRAININGS, Job, open_job
from packshot.classifier.labelled_run import Picture
from packshot.classifier.stored_features import load_feature_set
from packshot.classifier.training_folder import WEIGHTS
from packshot.classifier.training_run import METRICS
from packshot.errors import SettingError
from packshot.run import Run, open_run
from packshot.store import FolderStore, Store

_REPORT = "report/report.json"
_MAIN = ("accuracy", "macro_f1", "calibration_error")


def evaluate_pictures(
    store: Store, evaluation: str, run_id: str, pictures: list[Picture], weights: str
) -> dict[str, Any]:
    """Judge pictures whose features are in the store; returns the main figures, and the page's place."""
    job, run = open_job(store, EVALUATIONS, evaluation), open_run(store.url, run_id)
    model, about = _load(Path(weights))
    features = load_feature_set(run, pictures, pooled=about.pool_logits_first)
    title = f"{Path(weights).name} on {job.record['asked']['source']}"
    report = _write(job, run, title, about, features, pictures, predict_logits(model, about, features))
    return {name: report[name] for name in _MAIN} | {"report": report_place(job)}


def evaluate_training(store: Store, training: str, run_id: str, pictures: list[Picture]) -> str:
    """The same for the photos that a training has validated on, with its epochs; returns the page's place."""
    job, run = open_job(store, TRAININGS, training), open_run(store.url, run_id)
    with (
        store.local_copy(f"{job.prefix}/{WEIGHTS}") as weights,
        store.local_copy(f"{job.prefix}/{Path(WEIGHTS).with_suffix('.json')}") as beside,
    ):
        if weights is None or beside is None:
            raise SettingError(f"the training {training} has no weights in the store {store.url}")
        model, about = _load_pair(weights, beside)
    settings = about.training["settings"]
    features = load_feature_set(run, pictures, pooled=about.pool_logits_first)
    rows = split_by_digest(features, settings["validation_share"], settings["seed"])[1]
    held_out = features[rows]
    history = [json.loads(line) for line in (store.get(f"{job.prefix}/{METRICS}") or b"").splitlines()]
    title = f"{training}: the photos it was validated on"
    chosen = [pictures[i] for i in rows]
    _write(job, run, title, about, held_out, chosen, predict_logits(model, about, held_out), history)
    return report_place(job)


def report_place(job: Job) -> str:
    """Where a person finds the page: a file's path, or its address in the bucket."""
    key = f"{job.prefix}/report/index.html"
    return str(job.store.path(key)) if isinstance(job.store, FolderStore) else f"{job.store.url}/{key}"


def read_report(job: Job) -> dict[str, Any]:
    """The figures of a job that has come to its end."""
    data = job.store.get(f"{job.prefix}/{_REPORT}")
    if data is None:
        raise SettingError(f"{job.prefix} has no report in the store {job.store.url}")
    return json.loads(data)


def _write(
    job: Job,
    run: Run,
    title: str,
    about: Checkpoint,
    features: FeatureSet,
    pictures: list[Picture],
    logits: np.ndarray,
    history: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    report = judge(logits, features.labels, about)
    for called, picture in zip(report["called"], pictures, strict=True):
        called |= {"origin": picture.sku, "photo": picture.photo_key, "digest": picture.digest}
    report |= {"title": title, "temperature": about.temperature, "history": history or []}
    data = json.dumps(report, ensure_ascii=False, indent=1).encode("utf-8", "replace")
    job.store.put(f"{job.prefix}/{_REPORT}", data)
    write_pages(job.store, f"{job.prefix}/report", report, run.spec.profile.fetch.image_limits)
    return report


def _load(path: Path) -> Any:
    from packshot.classifier.checkpoint import load_checkpoint

    return load_checkpoint(path)


def _load_pair(weights: Path, beside: Path) -> Any:
    """A checkpoint whose two files may lie apart, as copies out of a bucket do."""
    import shutil
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        for path, name in ((weights, WEIGHTS), (beside, Path(WEIGHTS).with_suffix(".json").name)):
            shutil.copyfile(path, Path(folder, name))
        return _load(Path(folder, WEIGHTS))
