"""A training over the pictures of a run: from stored features to a checkpoint in the store."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from packshot.classifier.about import Checkpoint, read_about, side_file
from packshot.classifier.jobs import TRAININGS, open_job
from packshot.classifier.labelled_run import Picture
from packshot.classifier.stored_features import feature_engines, load_feature_set
from packshot.classifier.train import TrainSettings, train
from packshot.classifier.training_folder import WEIGHTS, training_folder
from packshot.run import open_run
from packshot.store import FolderStore, Store

METRICS = "classifier.metrics.jsonl"


def train_on_pictures(
    store: Store,
    training: str,
    run_id: str,
    pictures: list[Picture],
    settings: TrainSettings,
    threads: int,
    on_epoch: Callable[[dict[str, Any]], None],
) -> Checkpoint:
    """Train on features that are in the store, on so many CPU threads. The same settings and pictures go on with what
    an earlier process has left, and end with the same weights."""
    import torch

    job, run = open_job(store, TRAININGS, training), open_run(store.url, run_id)
    with training_folder(store, job.prefix) as folder:
        if (about := _finished(folder.weights)) is not None:
            return about
    features = load_feature_set(run, pictures, pooled=settings.pool_logits_first)
    source = {"kind": "photos", "source": job.record["asked"]["source"], "run": run_id, "photos": features.counts()}
    about = {"engines": feature_engines(run.spec.profile), "sources": [source]}
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with training_folder(store, job.prefix) as folder:

            def saved(row: dict[str, Any]) -> None:
                folder.save()
                on_epoch(row)

            made = train(features, about, folder.weights, settings, saved)
            folder.save()
            return made
    finally:
        torch.set_num_threads(before)


def _finished(weights: Path) -> Checkpoint | None:
    """What a training has left that was killed after its last epoch; None where epochs are still to come."""
    if weights.with_suffix(".training").exists() or not (weights.is_file() and side_file(weights).is_file()):
        return None
    return read_about(weights)


def weights_address(store: Store, training: str) -> str:
    """What `classify.weights` names: the file's path, or its address in the bucket."""
    key = f"{TRAININGS}/{training}/{WEIGHTS}"
    return str(store.path(key)) if isinstance(store, FolderStore) else f"{store.url}/{key}"
