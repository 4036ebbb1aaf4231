"""The commands `packshot train` and `packshot evaluate`."""

from typing import Annotated, Any

import typer
from rich.console import Console

console = Console()

Source = Annotated[
    str,
    typer.Argument(
        help="A catalogue with verdicts (.jsonl, .csv, .parquet), a folder or s3://bucket/prefix with a folder for "
        "each verdict or a labels.csv, the id of a run, or synthetic:N."
    ),
]
Profile = Annotated[str, typer.Option(help="Whose ocr and segment read the photos: lite, full, or a .toml.")]
Store = Annotated[
    str | None,
    typer.Option("--store", help="Folder or s3://bucket/prefix. Default: PACKSHOT_STORE, else ./packshot-store."),
]
Name = Annotated[str | None, typer.Option(help="Default: the source's.")]
Columns = Annotated[list[str] | None, typer.Option("--column", help="FIELD=NAME for sku, url or verdict. Repeatable.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="A setting of the profile, such as fetch.per_host=8. Repeatable.")
]
AllowHttp = Annotated[bool, typer.Option(help="Take http:// URLs too; read //host/path as http.")]
Reserve = Annotated[float, typer.Option(min=0, help="Share drawn on top, to stand in for broken links.")]
SkipUnknown = Annotated[bool, typer.Option("--skip-unknown", help="Leave out rows with unknown verdicts.")]
Uneven = Annotated[bool, typer.Option("--uneven", help="Go on where a class has fewer photos than were asked for.")]
Resume = Annotated[
    bool | None,
    typer.Option("--resume/--new", help="Insist on going on, or on a new one. Default: go on if unfinished."),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's log.")]


def train(
    source: Source,
    per_class: Annotated[
        int | None, typer.Option(min=0, help="Photos of each verdict; 0: all. Default: 500; synthetic:N takes all.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="At most so many passes over the photos.")] = 15,
    patience: Annotated[int, typer.Option(min=1, help="Stop after so many without better validation.")] = 3,
    batch: Annotated[int, typer.Option(min=2, help="Photos that the network learns from at a time.")] = 16,
    start: Annotated[
        str, typer.Option(help="Weights to begin with: shipped, a path or s3://… Default: random ones.")
    ] = "",
    learning_rate: Annotated[float, typer.Option(help="Adam's.")] = 4e-4,
    validation_share: Annotated[float, typer.Option(help="Share of the photos to validate on.")] = 0.2,
    label_smoothing: Annotated[float, typer.Option(help="Share of certainty given to all classes.")] = 0.0,
    class_weights: Annotated[bool, typer.Option(help="Weigh classes by the inverse of their frequency.")] = False,
    pool_logits_first: Annotated[bool, typer.Option(help="Average the mask logits to 64×64 first: faster.")] = True,
    bfloat16: Annotated[bool, typer.Option(help="Compute in bfloat16: faster on CPUs that have it.")] = False,
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=VALUE of the rest: rate_factor, rate_patience, cosine, flip, upside_down, quarter_turns, "
            "degrees, crop, colour, unread, dull, photo_head. Repeatable."
        ),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads that the network computes on.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw, the split, and the training.")] = 0,
    reserve: Reserve = 1.0,
    skip_unknown: SkipUnknown = False,
    uneven: Uneven = False,
    profile: Profile = "lite",
    set_: Settings = None,
    store: Store = None,
    name: Name = None,
    column: Columns = None,
    allow_http: AllowHttp = False,
    resume: Resume = None,
    verbose: Verbose = False,
) -> None:
    """Train the classifier on labelled photos. The same command goes on where a killed one left off."""
    values = dict(locals())
    _prepare(values)
    from flows.cli import _pair, _toml_value
    from flows.show_classifier import show_training, training_display
    from flows.train_classifier import PER_CLASS, TrainParameters, train_classifier

    values |= {
        key: _toml_value(value) for key, value in (_pair(text, "--recipe") for text in values.pop("recipe") or ())
    }
    parameters = _checked(TrainParameters, values, PER_CLASS, "trainings")
    with training_display(console, enabled=not verbose):
        summary = train_classifier(parameters)
    show_training(console, summary)


def evaluate(
    source: Source,
    weights: Annotated[
        str, typer.Option(help="Checkpoint: a path or s3://…, its .json beside it. Default: what the profile names.")
    ] = "",
    per_class: Annotated[
        int | None, typer.Option(min=0, help="Photos of each verdict; 0: all. Default: 200; synthetic:N takes all.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    reserve: Reserve = 1.0,
    skip_unknown: SkipUnknown = False,
    uneven: Annotated[bool, typer.Option(help="Go on where a class has fewer photos than were asked for.")] = True,
    profile: Profile = "lite",
    set_: Settings = None,
    store: Store = None,
    name: Name = None,
    column: Columns = None,
    allow_http: AllowHttp = False,
    resume: Resume = None,
    verbose: Verbose = False,
) -> None:
    """Judge labelled photos: report, confusion matrix, reliability, photos that were judged right and wrong."""
    values = dict(locals())
    _prepare(values)
    from flows.evaluate_classifier import PER_CLASS, EvaluateParameters, evaluate_classifier
    from flows.show_classifier import show_evaluation, training_display

    parameters = _checked(EvaluateParameters, values, PER_CLASS, "evaluations")
    with training_display(console, enabled=not verbose):
        summary = evaluate_classifier(parameters)
    show_evaluation(console, summary)


def _prepare(values: dict[str, Any]) -> None:
    """Prefect's settings, before it is imported; and options under the names that the parameters have."""
    from flows.settings import prepare_prefect

    prepare_prefect(values.pop("verbose"))
    from flows.cli import _pair, _toml_value

    values["columns"] = dict(_pair(text, "--column") for text in values.pop("column") or ())
    pairs = (_pair(text, "--set") for text in values.pop("set_") or ())
    values["overrides"] = {key: _toml_value(value) for key, value in pairs}


def _checked(model: Any, values: dict[str, Any], per_class: int, kind: str) -> Any:
    """The parameters, once what can be wrong with them has been told of: before a server is started."""
    from pydantic import ValidationError

    from flows.labelled_photos import Intake
    from packshot.errors import SettingError
    from packshot.store import open_store

    try:
        parameters = model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
    Intake(open_store(parameters.store), kind, parameters, per_class)
    return parameters
