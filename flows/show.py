"""What the command line shows: progress while a run works, and tables of what came of it."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from packshot import progress
from packshot.estimate import CostEstimate
from packshot.ledger import ShardLedger
from packshot.report.page import report_path
from packshot.results import read_photos
from packshot.run import RUNNING, Run, list_runs, open_run
from packshot.shard import count_shard
from packshot.stages import ALL_STAGES
from packshot.store import FolderStore, Store


@contextmanager
def progress_display(console: Console, enabled: bool = True) -> Iterator[None]:
    """A bar a stage, fed by the photo loop of this process; at the end, how much was found done."""
    if not enabled:
        yield
        return
    columns = (
        TextColumn("{task.description:>9}"),
        BarColumn(36),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as display:
        started = time.monotonic()
        waiting = display.add_task("starting", total=None, note="Prefect and the engines")
        bars: dict[str, TaskID] = {}
        total = 0
        lock = threading.Lock()

        found: dict[str, dict[object, int]] = {}

        def listener(stage: str, photos: int, found_done_in: object) -> None:
            nonlocal total
            with lock:
                if stage == progress.TOTAL:
                    total = photos
                    display.update(waiting, visible=False)
                    return
                found.setdefault(stage, {})
                if found_done_in is not None:
                    found[stage].setdefault(found_done_in, photos)
                if stage not in bars:
                    bars[stage] = display.add_task(stage, total=total, note="")
                done = display.tasks[bars[stage]].completed
                # A batch that is tried again passes its photos again.
                seconds = f"after {time.monotonic() - started:.0f} s"
                display.update(bars[stage], completed=min(total, done + photos), note=seconds)

        with progress.listening(listener):
            yield
    if done := min((sum(batches.values()) for batches in found.values()), default=0):
        console.print(f"\n{done:,} of {total:,} photos were found done.", highlight=False)


def show_summary(console: Console, summary: dict[str, Any]) -> None:
    """Photos by verdict, by outcome and error code, seconds a stage, and where the results are."""
    console.print()
    verdicts, outcomes, stages = _table("verdict", "photos"), _table("outcome", "photos"), _table("stage", "seconds")
    for name, count in sorted(summary["verdicts"].items(), key=lambda item: -item[1]):
        verdicts.add_row(name, f"{count:,}")
    for name in ("ok", "skipped", "failed"):
        if count := summary["outcomes"].get(name):
            outcomes.add_row(name, f"{count:,}")
    for code, count in sorted(summary["codes"].items(), key=lambda item: -item[1]):
        outcomes.add_row(f"  {code}", f"{count:,}")
    for code, count in summary.get("plan", {}).get("problems", {}).items():
        outcomes.add_row(f"[dim]left out: {code}[/]", f"{count:,}")
    for name in ALL_STAGES:
        if name in summary["seconds"]:
            stages.add_row(name, f"{summary['seconds'][name]:,.1f}")
    shown = [table for table in (verdicts, outcomes, stages) if table.row_count]
    if console.width >= 110:
        grid = Table.grid(padding=(0, 4))
        grid.add_row(*shown)
        shown = [grid]
    for table in shown:
        console.print(table)
        console.print()
    if pictures := summary.get("pictures"):
        share = summary["usable"] / pictures
        console.print(
            f"{summary['usable']:,} of {pictures:,} pictures are usable ({share:.0%}): made, and passed by all gates."
        )
    if summary["retryable"]:
        again = "photo may" if summary["retryable"] == 1 else "photos may"
        console.print(f"{summary['retryable']:,} {again} pass another time: the same command tries them again.")
    run = open_run(summary["store"], summary["run_id"])
    _paths(console, run)


def _paths(console: Console, run: Run) -> None:
    where = _where(run.store, run.prefix)
    for name, path in (("run", run.spec.run_id), ("results", f"{where}/photos.csv"), ("report", report_path(run))):
        console.print(f"[bold]{name:>8}[/]  {escape(path)}", soft_wrap=True, highlight=False)


def show_runs(console: Console, store: Store) -> None:
    """The runs of a store, oldest first."""
    table = _table("run", "status", "photos", "failed")
    for run_id in list_runs(store):
        record = json.loads(store.get(f"runs/{run_id}/run.json") or b"{}")
        if not record:
            continue
        summary = record.get("summary", {})
        photos, failed = summary.get("photos"), summary.get("outcomes", {}).get("failed", 0)
        table.add_row(
            escape(run_id),
            record["status"],
            "–" if photos is None else f"{photos:,}",
            f"{failed:,}" if summary else "–",
        )
    if table.row_count:
        console.print(table)
    else:
        console.print(f"There are no runs in the store {escape(store.url)} yet.", soft_wrap=True)


def show_run(console: Console, run: Run) -> None:
    """How far a run is, or what it found."""
    record = run.read_json("run.json")
    console.print(f"[bold]{escape(run.spec.run_id)}[/]  {record['status']}", highlight=False)
    if record["status"] != RUNNING and "summary" in record:
        summary = record["summary"] | {"plan": record.get("plan", {})}
        show_summary(console, summary | {"store": run.store.url, "run_id": run.spec.run_id})
        return
    plan = run.read_json("plan.json")
    if plan is None:
        console.print("The catalogue is still being read.")
        return
    done = Counter[str]()
    for number in range(plan["shards"]):
        photos, _ = run.shard(number)
        # Another process may be at work: read its ledger anew.
        ledger = ShardLedger(run.store, run.spec.run_id, number)
        for stage in run.stages:
            done[stage] += len(ledger.rows(stage))
        part = count_shard(run, photos, ledger)
        done.update({f"failed {code}": count for code, count in part["codes"].items()})
    table = _table("stage", "photos", "of")
    for stage in run.stages:
        table.add_row(stage, f"{done[stage]:,}", f"{plan['photos']:,}")
    console.print(table)


def show_failures(console: Console, run: Run) -> None:
    """Failures by host and code, most first."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in read_photos(run, ["url", "outcome", "stage", "code", "http_status", "retryable"]):
        if row["outcome"] == "failed":
            code = f"http_{row['http_status']}" if row["code"] == "http_4xx" else row["code"]
            again = "may pass" if row["retryable"] else "final"
            counts[_host(row["url"]), f"{row['stage']}:{code}", again] += 1
    table = _table("host", "stage:code", "again?", "photos")
    for (host, code, again), count in counts.most_common():
        table.add_row(escape(host), code, again, f"{count:,}")
    console.print(table if counts else "No photo failed.")


def show_estimate(console: Console, found: CostEstimate) -> None:
    """What `--dry-run` found."""
    table = _table("stage", "to do")
    for stage, count in found.pending.items():
        table.add_row(stage, f"{count:,}")
    console.print(table)
    for code, count in found.problems.items():
        console.print(f"{count:,} rows are left out: {code}")
    basis = f"as measured in run {found.measured_in}" if found.measured_in else "by the profile's estimate"
    console.print(
        f"{found.new:,} of {found.photos:,} photos are new: about {_duration(found.seconds)} of work, "
        f"{found.bytes / 1e9:,.2f} GB of storage ({escape(basis)}).",
        soft_wrap=True,
        highlight=False,
    )


def _table(*names: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in names:
        table.add_column(
            name, no_wrap=True, justify="right" if name in ("photos", "seconds", "failed", "to do", "of") else "left"
        )
    return table


def _where(store: Store, prefix: str) -> str:
    return str(store.path(prefix)) if isinstance(store, FolderStore) else f"{store.url}/{prefix}"


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "–"
    except ValueError:
        return "–"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.1f} h"
