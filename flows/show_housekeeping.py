"""What `packshot gc` and `packshot forget` tell."""

from rich.console import Console
from rich.markup import escape

from packshot.forget import Traces
from packshot.gc import Garbage


def show_garbage(console: Console, found: Garbage, deleted: bool) -> None:
    """Objects by kind, and the runs that go."""
    verb = "Removed" if deleted else "Would remove"
    for run_id in found.runs:
        console.print(f"{verb} run {escape(run_id)}", soft_wrap=True, highlight=False)
    counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(found.removed.items()) if count) or "no object"
    kept = ", ".join(f"{count:,} {kind}" for kind, count in sorted(found.kept.items())) or "nothing"
    console.print(f"{verb} {counts}. {found.kept_runs} runs are kept, and of the rest {kept}.", soft_wrap=True)
    if not deleted and (found.runs or found.removed.total()):
        console.print("Nothing was changed: add --delete to do it.")


def show_traces(console: Console, found: Traces, deleted: bool) -> None:
    """What there is, or was, of a picture."""
    if not found.photos and not found.keys:
        console.print("There is no trace of it in this store.")
        return
    verb = "Removed" if deleted else "Would remove"
    runs = ", ".join(escape(run_id) for run_id in found.runs) or "no run"
    console.print(
        f"{verb} {len(found.keys):,} objects and {len(found.photos):,} rows of {runs}.", soft_wrap=True, highlight=False
    )
    if deleted:
        console.print("Take it out of the catalogue too, or the next run fetches it again.")
    else:
        console.print("Nothing was changed: add --delete to do it.")
