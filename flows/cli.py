"""The command `packshot`: it starts flows and shows what came of them."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from flows.cli_classifier import evaluate, train
from flows.models import app as models_app
from packshot import __version__
from packshot.errors import PackshotError

app = typer.Typer(
    name="packshot",
    help="Verdicts, cutouts and placed photos for a marketplace's catalogue.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(models_app, name="models")
app.command()(train)
app.command()(evaluate)
console = Console()
errors = Console(stderr=True)

StoreOption = Annotated[
    str | None,
    typer.Option("--store", help="Folder or s3://bucket/prefix. Default: PACKSHOT_STORE, else ./packshot-store."),
]
RunArgument = Annotated[str | None, typer.Argument(help="Id of the run; by default the latest.", show_default=False)]


@app.command()
def run(
    source: Annotated[
        str, typer.Argument(help="Catalogue: .jsonl, .csv, .parquet, a folder of pictures, or s3://bucket/prefix.")
    ],
    steps: Annotated[str, typer.Option(help="Any of classify, clean, repair, place.")] = "classify,clean,place",
    profile: Annotated[str, typer.Option(help="lite, or the path of a profile (.toml).")] = "lite",
    store: StoreOption = None,
    name: Annotated[str | None, typer.Option(help="The run's name. Default: the catalogue's.")] = None,
    background: Annotated[str, typer.Option(help="Prompt for backgrounds, such as 'light oak table'.")] = "",
    preset: Annotated[
        str | None, typer.Option(help="Deliver for amazon_main, google_merchant, …, or a preset of your own (.toml).")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Take only so many photos.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="FIELD=NAME for sku, url, verdict or background. May be repeated.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the profile, such as ocr.engine=easyocr. May be repeated."),
    ] = None,
    allow_http: Annotated[bool, typer.Option(help="Take http:// URLs too; read //host/path as http.")] = False,
    resume: Annotated[
        bool | None,
        typer.Option("--resume/--new", help="Insist on resuming, or on a new run. Default: resume if unfinished."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many photos are new, and what they cost.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's log.")] = False,
) -> None:
    """Process a catalogue.

    Exit code 0: every photo is accounted for, failed ones too. 1: the run broke off. 2: a setting is wrong.
    """
    from flows.settings import prepare_prefect

    prepare_prefect(verbose)
    from flows.process_catalogue import CatalogueParameters, Step

    wanted = [step.strip() for step in steps.split(",") if step.strip()]
    unknown = [step for step in wanted if step not in list(Step)]
    if unknown or not wanted:
        raise typer.BadParameter(
            f"no step {unknown[0]!r}: choose from {', '.join(Step)}" if unknown else "no step given"
        )
    parameters = CatalogueParameters(
        source=source,
        steps=[Step(step) for step in wanted],
        profile=profile,
        store=store,
        name=name,
        background=background,
        preset=preset,
        limit=limit,
        columns=dict(_pair(text, "--column") for text in column or ()),
        allow_http=allow_http,
        overrides={key: _toml_value(value) for key, value in (_pair(text, "--set") for text in set_ or ())},
        resume=resume,
    )
    if dry_run:
        from flows.show import show_estimate
        from packshot.estimate import estimate
        from packshot.store import open_store

        show_estimate(console, estimate(open_store(store), parameters.run_spec()))
        return
    process(parameters, verbose)


def process(parameters: Any, verbose: bool = False) -> dict[str, Any]:
    """Run the flow with a progress display, and show the summary."""
    from flows.local_server import local_server
    from flows.process_catalogue import process_catalogue
    from flows.show import progress_display, show_summary

    parameters.run_spec()  # wrong settings are told of before a server is started
    with progress_display(console, enabled=not verbose), local_server():
        summary = process_catalogue(parameters)
    show_summary(console, summary)
    return summary


@app.command()
def check(
    photos: Annotated[list[str], typer.Argument(help="Files, folders or glob patterns.")],
    preset: Annotated[str, typer.Option(help="A preset's name, or the path of one of your own (.toml).")],
    read: Annotated[bool, typer.Option("--read/--no-read", help="Look for writing off the product too.")] = True,
) -> None:
    """Hold finished pictures against a marketplace's rules. Exit code 1: one breaks a rule; warnings do not count."""
    from flows.show_check import show_check, show_checked
    from packshot.preset_files import check_files, find_pictures
    from packshot.presets import load_preset

    found = load_preset(preset)
    results = []
    for result in check_files(find_pictures(photos), found, read):
        show_checked(console, result)
        results.append(result)
    show_check(console, found, results)
    raise typer.Exit(0 if all(result.passes for result in results) else 1)


@app.command()
def status(
    run_id: RunArgument = None,
    store: StoreOption = None,
    failures: Annotated[bool, typer.Option("--failures", help="Failures by host and code.")] = False,
) -> None:
    """The runs of a store; with RUN, how far it is and what failed."""
    from flows.show import show_failures, show_run, show_runs
    from packshot.run import list_runs
    from packshot.store import open_store

    opened = open_store(store)
    if run_id is None and not failures:
        show_runs(console, opened)
        return
    found = _open(opened, run_id or (list_runs(opened) or [""])[-1])
    show_run(console, found)
    if failures:
        show_failures(console, found)


@app.command()
def report(run_id: RunArgument = None, store: StoreOption = None) -> None:
    """Write the run's gallery page anew, and print where it is."""
    from packshot.report.page import report_path, write_report
    from packshot.store import open_store

    found = _open(open_store(store), run_id)
    write_report(found)
    console.print(report_path(found), soft_wrap=True, highlight=False)


@app.command()
def explain(
    run_id: Annotated[str, typer.Argument(help="Id of the run.", metavar="RUN")],
    photo: Annotated[str, typer.Argument(help="A photo's id, SKU, URL or SHA-256 digest.", metavar="PHOTO")],
    store: StoreOption = None,
) -> None:
    """A photo's whole history: each stage's outcome, engine, weights, settings, seeds and artifact."""
    from packshot.explain import explain
    from packshot.store import open_store

    for history in explain(_open(open_store(store), run_id), photo):
        console.print("\n".join(history.lines()), soft_wrap=True, highlight=False, markup=False)


@app.command()
def export(
    run_id: Annotated[str, typer.Argument(help="Id of the run.", metavar="RUN")],
    folder: Annotated[Path, typer.Argument(help="Where the files go.", metavar="DIR")],
    store: StoreOption = None,
) -> None:
    """Copy a run's pictures into a folder, named by SKU."""
    from packshot.export import export_run
    from packshot.store import open_store

    counts = export_run(_open(open_store(store), run_id), folder)
    parts = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing"
    console.print(f"Exported {parts} to {folder}", soft_wrap=True)


@app.command()
def retry(
    run_id: RunArgument = None,
    code: Annotated[
        list[str] | None,
        typer.Option(help="Error code, such as http_404; final ones are taken back. Default: whatever may pass."),
    ] = None,
    max_attempts: Annotated[int, typer.Option(min=1, help="Leave alone what was tried so many times.")] = 10,
    store: StoreOption = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's log.")] = False,
) -> None:
    """Try a run's failed photos again. What worked is not redone."""
    from flows.settings import prepare_prefect

    prepare_prefect(verbose)
    from packshot.store import open_store

    found = _open(open_store(store), run_id)
    from flows.retry_failed import RetryParameters, retry_failed
    from flows.show import progress_display, show_run
    from packshot.retry import Choice

    Choice(tuple(code or ()))  # a wrong code is told of before a server is started
    parameters = RetryParameters(
        run=found.spec.run_id, codes=code or [], max_attempts=max_attempts, store=found.store.url
    )
    with progress_display(console, enabled=not verbose):
        results = retry_failed(parameters)
    if results:
        show_run(console, found)
    else:
        console.print("There is nothing to try again; --code NAME takes final failures back too.")


@app.command()
def gc(
    days: Annotated[float, typer.Option(min=0, help="Keep runs that are younger than this.")] = 30,
    keep: Annotated[int, typer.Option(min=1, help="Keep the latest runs, however old.")] = 3,
    delete: Annotated[bool, typer.Option("--delete", help="Remove it. Without this, only tell what would go.")] = False,
    store: StoreOption = None,
) -> None:
    """Remove runs that are not kept, and artifacts that no kept run refers to."""
    from flows.show_housekeeping import show_garbage
    from packshot.gc import collect_garbage
    from packshot.store import open_store

    show_garbage(console, collect_garbage(open_store(store), days, keep, delete), delete)


@app.command()
def forget(
    what: Annotated[str, typer.Argument(help="A picture's URL, SKU or SHA-256 digest.", metavar="URL|SKU|DIGEST")],
    delete: Annotated[bool, typer.Option("--delete", help="Remove it. Without this, only tell what would go.")] = False,
    store: StoreOption = None,
) -> None:
    """Takedown: remove every trace of a picture from the store, from reports, and from Prefect's pages."""
    from flows.settings import prepare_prefect

    prepare_prefect()
    from flows.show_housekeeping import show_traces
    from packshot.forget import forget as forget_picture
    from packshot.store import open_store

    traces = forget_picture(open_store(store), what, delete)
    if delete and traces.runs:
        from flows.run_pages import forget_pages

        forget_pages(traces.runs)
    show_traces(console, traces, delete)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where catalogue, store and results go.")] = Path("demo"),
    photos: Annotated[int, typer.Option(min=6, help="Synthetic photos.")] = 120,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's log.")] = False,
) -> None:
    """Make a synthetic catalogue, serve it on loopback, and process it."""
    from flows.demo import run_demo
    from flows.settings import prepare_prefect

    prepare_prefect(verbose)
    run_demo(console, folder, photos, verbose)


@app.command()
def bench(
    profile: Annotated[str, typer.Option(help="lite, full, or the path of a profile (.toml).")] = "lite",
    steps: Annotated[str, typer.Option(help="Any of classify, clean, repair, place.")] = "classify,clean,place",
    photos: Annotated[int, typer.Option(min=1, help="Synthetic photos of 800×800 to measure with.")] = 16,
    per_hour: Annotated[float, typer.Option(min=0, help="What an hour of this machine costs.")] = 0,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting of the profile. May be repeated.")] = None,
) -> None:
    """Photos a second and peak memory of each stage on this machine, and what a million photos take."""
    from packshot.bench import bench, lines
    from packshot.config import load_profile
    from packshot.stages import stages_for
    from packshot.synth import make_photo

    overrides = {key: _toml_value(value) for key, value in (_pair(text, "--set") for text in set_ or ())}
    wanted = stages_for([step.strip() for step in steps.split(",") if step.strip()])
    images = [make_photo(90_000 + i, size_wh=(800, 800)).image for i in range(photos)]
    speeds = bench(load_profile(profile, overrides), wanted, images)
    console.print("\n".join(lines(speeds, per_hour)), soft_wrap=True, highlight=False, markup=False)


@app.command()
def version() -> None:
    """Print packshot's version."""
    console.print(__version__, highlight=False)


def main() -> None:
    """Entry point: errors that packshot raises on purpose become one line, not a traceback."""
    try:
        app()
    except PackshotError as error:
        errors.print(f"[bold red]packshot:[/] {_escape(str(error))}", soft_wrap=True, highlight=False)
        from packshot.errors import SettingError, SourceError

        raise SystemExit(2 if isinstance(error, SettingError | SourceError) else 1) from None
    except KeyboardInterrupt:
        errors.print("packshot: stopped; the same command goes on where this one left off")
        raise SystemExit(130) from None


def _open(store: Any, run_id: str | None) -> Any:
    from packshot.errors import SettingError
    from packshot.run import list_runs, open_run

    runs = list_runs(store)
    if not runs:
        raise SettingError(f"there are no runs in the store {store.url}; set --store or PACKSHOT_STORE")
    return open_run(store.url, run_id or runs[-1])


def _pair(text: str, option: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise typer.BadParameter(f"{option} takes NAME=VALUE, not {text!r}")
    return key.strip(), value.strip()


def _toml_value(text: str) -> Any:
    """A number, true, false or a list as TOML writes it; anything else is text."""
    import tomllib

    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


if __name__ == "__main__":
    main()
