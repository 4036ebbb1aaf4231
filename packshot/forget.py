"""Takedown: remove every trace of a picture, by URL, SKU or digest: its bytes, artifacts, records, ledger rows, and the
lines and thumbnails of every run that showed it."""

import json
import re
from dataclasses import dataclass, field

from packshot.classifier.jobs import forget_pages
from packshot.fetch_stage import record_key
from packshot.records import Photo
from packshot.report.page import write_report
from packshot.results import collect
from packshot.run import Run, list_runs, open_run
from packshot.shard import finish_shard
from packshot.store import Store


@dataclass(slots=True)
class Traces:
    """What was found of a picture: photos (rows of catalogues), digests, and runs in which they are."""

    photos: set[str] = field(default_factory=set)
    urls: set[str] = field(default_factory=set)
    digests: set[str] = field(default_factory=set)
    runs: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


def forget(store: Store, what: str, delete: bool = False) -> Traces:
    """Find, and with `delete` remove, all that is known of a picture. `what` is a URL, a SKU or a SHA-256 digest.

    Everything that shows the same picture goes, under whatever SKU or URL. Take the row out of your catalogue too, or
    the next run fetches it again.
    """
    traces = Traces()
    if re.fullmatch(r"[0-9a-f]{64}", what):
        traces.digests.add(what)
    runs = [open_run(store.url, run_id) for run_id in list_runs(store) if store.get(f"runs/{run_id}/run.json")]
    for run in runs:
        _look_up(run, what, traces)
    if data := store.get(record_key(what)):
        traces.urls.add(what)
        traces.digests |= {json.loads(data).get("digest")} - {None}
    for run in runs:  # the same picture under other names, in other runs
        _look_up(run, what, traces)
    traces.keys = list(_keys(store, traces))
    if not delete:
        return traces
    for run in runs:
        if run.spec.run_id in traces.runs:
            _rewrite(run, traces)
    forget_pages(store, set(traces.runs))
    store.delete(traces.keys)
    return traces


def _look_up(run: Run, what: str, traces: Traces) -> None:
    for number in range(_shards(run)):
        run.reload()
        photos, ledger = run.shard(number)
        digests = {row.photo_id: row.digest for row in ledger.all_rows() if row.digest}
        for photo in photos:
            if what in (photo.url, photo.sku) or digests.get(photo.photo_id) in traces.digests:
                traces.photos.add(photo.photo_id)
                traces.urls.add(photo.url)
                if digest := digests.get(photo.photo_id):
                    traces.digests.add(digest)
                if run.spec.run_id not in traces.runs:
                    traces.runs.append(run.spec.run_id)


def _keys(store: Store, traces: Traces) -> set[str]:
    found = store.existing([record_key(url) for url in traces.urls])
    folders = {f"photos/{digest[:2]}/" for digest in traces.digests}
    for stage in store.children("artifacts/"):
        for fingerprint in store.children(f"artifacts/{stage}/"):
            folders |= {f"artifacts/{stage}/{fingerprint}/{digest[:2]}/" for digest in traces.digests}
    for folder in folders:
        found |= {key for key in store.keys(folder) if key.rpartition("/")[2][:64] in traces.digests}
    return found


def _rewrite(run: Run, traces: Traces) -> None:
    """Take the photos out of a run: its shards, ledger, tables, problem lines and report."""
    for number in range(_shards(run)):
        run.reload()
        photos, ledger = run.shard(number)
        left: list[Photo] = [photo for photo in photos if photo.photo_id not in traces.photos]
        if len(left) == len(photos):
            continue
        ledger.forget(traces.photos)
        run.replace_shard(number, left)
        if run.shard_done(number):
            finish_shard(run, number)
    plan = run.read_json("plan.json")
    plan["photos"] = sum(len(run.shard(number)[0]) for number in range(plan["shards"]))
    run.write_json("plan.json", plan)
    record = run.read_json("run.json")
    if "summary" in record and plan["photos"]:
        collect(run, plan["shards"], plan=plan, wall_seconds=record.get("wall_seconds"))
        write_report(run)
    elif "summary" in record:  # nothing is left of this run
        run.store.delete_all(f"{run.prefix}/")
        open_run.cache_clear()


def _shards(run: Run) -> int:
    return (run.read_json("plan.json") or {"shards": 0})["shards"]
