"""What a run would cost: how many photos are new, and their time and storage. Nothing is fetched or written."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from packshot.catalogue import Problem, read_catalogue
from packshot.fetch_stage import survey_fetch
from packshot.records import LedgerRow, Photo
from packshot.run import Run, RunSpec, list_runs
from packshot.stage import survey
from packshot.stages import FETCH
from packshot.store import Store


@dataclass(slots=True)
class CostEstimate:
    """`pending` counts photos a stage; one that waits for an earlier stage is pending for all after it.
    `seconds` and `bytes` are for all new photos; `measured_in` names the run whose speed was taken, if any."""

    photos: int = 0
    new: int = 0
    problems: dict[str, int] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    bytes: int = 0
    measured_in: str | None = None


def estimate(store: Store, spec: RunSpec) -> CostEstimate:
    """Compare a catalogue with the store. Raises `SourceError` when it cannot be read."""
    result = CostEstimate()
    pending: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    for number, photos in enumerate(_shards(spec, problems)):
        run = Run.of_photos(store, spec, number, photos)
        for batch in run.batches(number):
            rows: dict[str, dict[str, LedgerRow]] = {}
            new: set[str] = set()
            for name in run.stages:
                found = survey_fetch(run, batch) if name == FETCH else survey(run, run.stage(name), batch, rows)
                rows[name] = {row.photo_id: row for row in found.settled}
                missing = {photo.photo_id for photo in run.photos(batch)} - rows[name].keys()
                pending[name] += len(missing)
                new |= missing
            result.new += len(new)
        result.photos += len(photos)
    result.problems, result.pending = dict(problems), dict(pending)
    speed = _measured(store, spec)
    if speed:
        result.measured_in = speed[0]
        result.seconds = sum(count * speed[1].get(name, 0.0) for name, count in pending.items())
    else:
        result.seconds = result.new * spec.profile.estimate.seconds_per_photo
    result.bytes = result.new * spec.profile.estimate.bytes_per_photo
    return result


def _shards(spec: RunSpec, problems: Counter[str]) -> Iterator[list[Photo]]:
    def usable() -> Iterator[Photo]:
        for row in read_catalogue(spec.source):
            if isinstance(row, Problem):
                problems[row.code] += 1
            else:
                yield row

    photos = islice(usable(), spec.limit)
    while shard := list(islice(photos, spec.shard_size)):
        yield shard


def _measured(store: Store, spec: RunSpec) -> tuple[str, dict[str, float]] | None:
    """Seconds a photo by stage of the latest run with this profile that worked on a fair number of photos."""
    import json

    for run_id in reversed(list_runs(store)):
        record = json.loads(store.get(f"runs/{run_id}/run.json") or b"{}")
        summary = record.get("summary")
        if not summary or record["spec"]["profile"]["name"] != spec.profile.name:
            continue
        worked = summary["worked"]
        if all(worked.get(name, 0) >= 20 for name in ("fetch", "ocr")):
            return run_id, {name: summary["seconds"][name] / n for name, n in worked.items() if n}
    return None
