"""A training over the pictures of a run: from stored features to a checkpoint in the store."""

from collections.abc import Callable
from typing import Any

from packshot.classifier.about import Checkpoint
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


def weights_address(store: Store, training: str) -> str:
    """What `classify.weights` names: the file's path, or its address in the bucket."""
    key = f"{TRAININGS}/{training}/{WEIGHTS}"
    return str(store.path(key)) if isinstance(store, FolderStore) else f"{store.url}/{key}"
