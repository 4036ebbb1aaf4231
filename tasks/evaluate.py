"""evaluate: judge labelled pictures and write what came of it: figures, pictures, and a page."""

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from packshot.classifier.evaluation_run import evaluate_pictures, evaluate_training
from packshot.classifier.labelled_run import Picture
from packshot.store import open_store


@task(name="evaluate", task_run_name="evaluate · {evaluation}", cache_policy=NO_CACHE, persist_result=False)
def evaluate(store: str, evaluation: str, run_id: str, pictures: list[Picture], weights: str) -> dict[str, Any]:
    """Leaves evaluations/<evaluation>/report/. Returns the main figures, and where the page is."""
    return evaluate_pictures(open_store(store), evaluation, run_id, pictures, weights)


@task(name="evaluate", task_run_name="evaluate · {training}", cache_policy=NO_CACHE, persist_result=False)
def evaluate_validation(store: str, training: str, run_id: str, pictures: list[Picture]) -> str:
    """Leaves trainings/<training>/report/: the same of the training's validation photos. Returns where the page is."""
    return evaluate_training(open_store(store), training, run_id, pictures)
