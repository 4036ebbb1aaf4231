"""The photos of a training or evaluation: a run of sampled rows, worked on as any run is, in rounds.

The first round is as many photos as were asked for. What ends broken is made up for by the same verdict's reserve, in
further rounds, until a class has its photos or nothing is left to draw.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from packshot.classifier.sampling import Sample, in_turn
from packshot.records import VERDICTS, LedgerRow, Outcome, Photo
from packshot.run import Run
from packshot.shard import failure_code
from packshot.stages import FETCH

NEEDED = (FETCH, "ocr", "segment")
"""Stages that must have ended ok for a photo to have features."""
_PLAN, _RESERVE = "plan.json", "reserve.json"


@dataclass(frozen=True, slots=True)
class Picture:
    """A labelled photo whose artifacts are in the store. `digest` SHA-256, 64 hex digits; `photo_key` its bytes'."""

    digest: str
    verdict: str
    sku: str
    photo_id: str
    photo_key: str
    shard: int


@dataclass(slots=True)
class Pictures:
    """`by_verdict`: pictures in the order of the draw, each once a verdict. `left_out`: how many photos there were
    that could not be used, by `stage:code`; `repeated`: photos that show a picture their verdict has already."""

    by_verdict: dict[str, list[Picture]]
    left_out: Counter[str] = field(default_factory=Counter)
    repeated: int = 0


def plan_sample(run: Run, sample: Sample) -> None:
    """Make the drawn photos the run's own: its shards and, for later rounds, its reserve."""
    for start_over in ("shards/", "ledger/"):
        run.store.delete_all(f"{run.prefix}/{start_over}")
    reserve = {verdict: [_plain(p) for p in photos[sample.per_class :]] for verdict, photos in sample.drawn.items()}
    run.write_json(_RESERVE, reserve)
    rows = sum(sample.rows.values()) + sample.unlabelled + sample.untrained + sample.unknown.total() + sample.problems
    plan = {"photos": 0, "rows": rows, "shards": 0, "problems": {}}
    plan["sample"] = {"per_class": sample.per_class, "complete": False, "catalogue": sample.about()}
    _add_shards(run, plan, sample.taken())


def next_round(run: Run) -> int:
    """Draw replacements for what is missing after a round; how many. 0: there is nothing left to do or to draw.

    Killed anywhere in between, the same command draws the same ones.
    """
    plan = run.read_json(_PLAN)
    if plan["sample"]["complete"]:
        return 0
    usable = usable_pictures(run).by_verdict
    tried = {photo.photo_id for photo in _photos(run)}
    more = {}
    for verdict, plain in (run.read_json(_RESERVE) or {}).items():
        left = (photo for photo in (Photo(*values) for values in plain) if photo.photo_id not in tried)
        more[verdict] = list(islice(left, max(0, plan["sample"]["per_class"] - len(usable[verdict]))))
    photos = in_turn(more)
    if photos:
        _add_shards(run, plan, photos)
    else:
        plan["sample"]["complete"] = True
        run.write_json(_PLAN, plan)
        run.store.delete([f"{run.prefix}/{_RESERVE}"])
    return len(photos)


def is_complete(run: Run) -> bool:
    plan = run.read_json(_PLAN)
    return bool(plan and plan.get("sample", {}).get("complete"))


def usable_pictures(run: Run, among: Iterable[Photo] | None = None) -> Pictures:
    """Pictures of a run whose photos were fetched, read and segmented; only `among` these photos, and in their order,
    where they are given."""
    found: dict[str, Picture] = {}
    result = Pictures({verdict: [] for verdict in VERDICTS})
    order = None if among is None else {photo.photo_id: i for i, photo in enumerate(among)}
    for number, photo, rows in _settled(run):
        if photo.verdict not in result.by_verdict or (order is not None and photo.photo_id not in order):
            continue
        if failed := next((row for row in rows if row.outcome is Outcome.FAILED), None):
            result.left_out[f"{failed.stage}:{failure_code(failed)}"] += 1
        elif len(rows) == len(NEEDED) and all(row.outcome is Outcome.OK for row in rows):
            fetched = rows[0]
            found[photo.photo_id] = Picture(
                fetched.digest or "", photo.verdict, photo.sku, photo.photo_id, fetched.key or "", number
            )
        else:
            result.left_out["not worked on"] += 1
    names = list(found) if order is None else sorted(found, key=order.__getitem__)
    seen: set[tuple[str, str]] = set()
    for name in names:
        picture = found[name]
        if (picture.verdict, picture.digest) in seen:
            result.repeated += 1
            continue
        seen.add((picture.verdict, picture.digest))
        result.by_verdict[picture.verdict].append(picture)
    return result


def readable_photos(run: Run) -> Iterator[Photo]:
    """The photos of a run that were fetched, read and segmented, one shard in memory at a time."""
    for _, photo, rows in _settled(run):
        if len(rows) == len(NEEDED) and all(row.outcome is Outcome.OK for row in rows):
            yield photo


def _settled(run: Run) -> Iterator[tuple[int, Photo, list[LedgerRow]]]:
    """Each photo with its shard and the rows of the needed stages, as the store has them now."""
    run.reload()
    for number in range((run.read_json(_PLAN) or {"shards": 0})["shards"]):
        photos, ledger = run.shard(number)
        by_stage = [ledger.rows(stage) for stage in NEEDED]
        for photo in photos:
            yield number, photo, [row for rows in by_stage if (row := rows.get(photo.photo_id))]


def _photos(run: Run) -> Iterator[Photo]:
    for number in range(run.read_json(_PLAN)["shards"]):
        yield from run.shard(number)[0]


def _add_shards(run: Run, plan: dict, photos: list[Photo]) -> None:
    """The shards first, the plan that counts them last."""
    size = run.spec.shard_size
    for start in range(0, len(photos), size):
        run.replace_shard(plan["shards"], photos[start : start + size])
        plan["shards"] += 1
    plan["photos"] += len(photos)
    run.write_json(_PLAN, plan)


def _plain(photo: Photo) -> list[str | None]:
    return [photo.photo_id, photo.sku, photo.url, photo.verdict, photo.background]
