"""sample: draw labelled photos from a catalogue, or make synthetic ones, and plan them as a run."""

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from packshot.catalogue import read_catalogue
from packshot.classifier.data import SyntheticSource
from packshot.classifier.labelled_run import plan_sample
from packshot.classifier.sampling import check_sample, draw_sample, verdict_of_place
from packshot.classifier.synthetic_photos import draw_into_store, synthetic_rows
from packshot.run import open_run


@task(name="sample", task_run_name="sample · {run_id}", cache_policy=NO_CACHE, persist_result=False)
def sample_catalogue(store: str, run_id: str, choice: dict[str, Any], synthetic: SyntheticSource | None = None) -> None:
    """One pass over the catalogue, unless the run has its photos already. Leaves the run's plan and shards."""
    run = open_run(store, run_id)
    if run.read_json("plan.json"):
        return
    if synthetic:
        rows = iter(synthetic_rows(synthetic))
    else:
        place = verdict_of_place(run.spec.source)
        rows = read_catalogue(run.spec.source)
        rows = map(place.label, rows) if place else rows
    sample = draw_sample(rows, choice["per_class"], choice["reserve"], choice["seed"])
    rules = {name: choice[name] for name in ("skip_unknown", "uneven", "every_class")}
    check_sample(sample, **rules)
    plan_sample(run, sample)


@task(name="draw", task_run_name="draw · {synthetic.photos} photos", cache_policy=NO_CACHE, persist_result=False)
def draw_synthetic(store: str, synthetic: SyntheticSource) -> None:
    """Draw what is not there yet of the synthetic catalogue, into the store."""
    draw_into_store(store, synthetic)
