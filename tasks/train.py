"""train: the epochs, over stored features. Goes on after the last finished epoch of a training that was killed."""

from collections.abc import Callable
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from packshot.classifier.about import Checkpoint
from packshot.classifier.labelled_run import Picture
from packshot.classifier.train import TrainSettings
from packshot.classifier.training_run import train_on_pictures
from packshot.store import open_store


@task(name="train", task_run_name="train · {training}", cache_policy=NO_CACHE, persist_result=False)
def train(
    store: str,
    training: str,
    run_id: str,
    pictures: list[Picture],
    settings: TrainSettings,
    threads: int,
    on_epoch: Callable[[dict[str, Any]], None],
) -> Checkpoint:
    """Leaves the checkpoint under trainings/<training>/, and a line an epoch in its metrics file."""
    return train_on_pictures(open_store(store), training, run_id, pictures, settings, threads, on_epoch)
