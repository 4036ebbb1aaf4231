"""What `packshot train` and `packshot evaluate` show: progress, and what came of it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from flows.classifier_pages import told
from flows.local_server import local_server
from packshot import progress
from packshot.classifier.train import EPOCHS, MOST_PHOTOS
from packshot.records import VERDICTS


@contextmanager
def training_display(console: Console, enabled: bool = True) -> Iterator[None]:
    """A server, and a bar for each step, fed by this process: drawing, the stages, features, epochs."""
    columns = (
        TextColumn("{task.description:>9}"),
        BarColumn(36),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, disable=not enabled) as display:
        started, lock = time.monotonic(), threading.Lock()
        waiting = display.add_task("starting", total=None, note="Prefect and the engines")
        bars: dict[str, TaskID] = {}
        totals: dict[str, int] = {}

        def listener(step: str, photos: int, found_done_in: object) -> None:
            with lock:
                display.update(waiting, visible=False)
                if step == progress.TOTAL:
                    totals["photos"] = photos
                    return
                if step == MOST_PHOTOS:
                    totals[EPOCHS] = photos
                    return
                total = totals.get(EPOCHS if step == EPOCHS else "photos")
                if step not in bars:
                    bars[step] = display.add_task(step, total=total, note="")
                elif step != EPOCHS:
                    display.update(bars[step], total=total)
                display.update(bars[step], advance=photos, note=f"after {time.monotonic() - started:.0f} s")

        with progress.listening(listener), local_server():
            yield


def show_training(console: Console, summary: dict[str, Any]) -> None:
    """The figures, and the lines of a profile that use the new weights."""
    _photos(console, summary)
    console.print(
        f"Best epoch {summary['best_epoch']} of {summary['epochs']}: validation accuracy "
        f"{summary['validation_accuracy']:.3f}, macro F1 {summary['validation_macro_f1']:.3f}, calibration error "
        f"{summary['validation_calibration_error']:.3f} at temperature {summary['temperature']:.2f}.",
        soft_wrap=True,
        highlight=False,
    )
    _paths(console, ("weights", summary["weights"]), ("report", summary["report"]))
    console.print("\nTo use these weights, write into your profile\n", highlight=False)
    console.print(profile_lines(summary["weights"]), soft_wrap=True, highlight=False, markup=False)
    console.print(
        f"\nor say --set classify.weights={summary['weights']}", soft_wrap=True, highlight=False, markup=False
    )


def show_evaluation(console: Console, summary: dict[str, Any]) -> None:
    _photos(console, summary)
    console.print(
        f"Accuracy {summary['accuracy']:.3f}, macro F1 {summary['macro_f1']:.3f}, "
        f"calibration error {summary['calibration_error']:.3f}.",
        highlight=False,
    )
    _paths(console, ("weights", summary["weights"]), ("report", summary["report"]))


def profile_lines(weights: str) -> str:
    """The stage in a profile (.toml), with these weights."""
    quoted = weights.replace("\\", "\\\\").replace('"', '\\"')
    return f'[stages.classify]\nengine = "three_input"\nweights = "{quoted}"'


def _photos(console: Console, summary: dict[str, Any]) -> None:
    table = Table("verdict", "photos", box=None, header_style="bold", pad_edge=False)
    table.columns[1].justify = "right"
    for verdict in VERDICTS:
        table.add_row(verdict, f"{summary['photos'][verdict]:,}")
    console.print()
    console.print(table)
    console.print()
    for line in told(summary):
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def _paths(console: Console, *paths: tuple[str, str]) -> None:
    for name, path in paths:
        console.print(f"[bold]{name:>8}[/]  {escape(path)}", soft_wrap=True, highlight=False)
