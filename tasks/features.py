"""features: what the network reads of each picture, made once from its stored artifacts."""

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from packshot import progress
from packshot.classifier.labelled_run import Pictures, readable_photos, usable_pictures
from packshot.classifier.sampling import check_sample, draw_sample, in_turn
from packshot.classifier.stored_features import choose_with_features
from packshot.run import open_run


@task(name="features", task_run_name="features · {run_id}", cache_policy=NO_CACHE, persist_result=False)
def make_features(store: str, run_id: str, choice: dict[str, Any], of_given_run: bool) -> Pictures:
    """Leaves features in the store; those that are there already stay. Returns the pictures that have them.

    The photos of a given run are sampled here; a run that was made for a training holds its sample.
    """
    run = open_run(store, run_id)
    if of_given_run:
        sample = draw_sample(readable_photos(run), choice["per_class"], choice["reserve"], choice["seed"])
        check_sample(sample, **{name: choice[name] for name in ("skip_unknown", "uneven", "every_class")})
        found = usable_pictures(run, in_turn(sample.drawn))
    else:
        found = usable_pictures(run)
    wanted = sum(min(choice["per_class"] or len(p), len(p)) for p in found.by_verdict.values())
    progress.advance(progress.TOTAL, wanted)
    chosen, codes = choose_with_features(run, found.by_verdict, choice["per_class"])
    found.left_out.update(codes)
    found.by_verdict = {v: [p for p in chosen if p.verdict == v] for v in found.by_verdict}
    return found
