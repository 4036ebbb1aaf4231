"""`packshot models`: which weights there are, getting them, checking them."""

from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Weights of profile full: list, pull, verify, and carry them in the artifact store.")
console = Console()

Names = Annotated[list[str] | None, typer.Argument(help="Names as `list` shows them. Default: those of --profile.")]
ProfileOption = Annotated[str, typer.Option(help="Take the weights that this profile names.")]
StoreOption = Annotated[str | None, typer.Option("--store", help="The artifact store. Default: PACKSHOT_STORE.")]


@app.command("list")
def list_() -> None:
    """Every entry: source, pinned revision, size, licence, and whether it is on this machine."""
    from packshot.weights import models_folder, read_lock, registry

    for entry in registry().values():
        here = "on this machine" if read_lock(entry.folder) else "not here"
        use = "" if entry.commercial else ", no commercial use"
        hashes = {entry.file: entry.sha256} if entry.sha256 else entry.sha256s
        pins = [f"revision {entry.revision}"] * bool(entry.revision)
        pins += [f"SHA-256 {digest} ({name})" for name, digest in hashes.items()]
        console.print(f"{entry.name}: for {', '.join(entry.stages)}, {entry.size_bytes / 1e9:.2f} GB, {here}")
        console.print(f"    licence {entry.licence}{use}", soft_wrap=True, highlight=False)
        console.print(f"    {entry.source}", soft_wrap=True, highlight=False, markup=False)
        for pin in pins or ["not pinned here: the first pull records what it finds"]:
            console.print(f"    {pin}", soft_wrap=True, highlight=False)
    console.print(f"On this machine they lie in {models_folder()} (PACKSHOT_MODELS).", soft_wrap=True, highlight=False)


@app.command()
def pull(
    names: Names = None,
    profile: ProfileOption = "full",
    from_store: Annotated[bool, typer.Option("--from-store", help="Copy them from the artifact store.")] = False,
    store: StoreOption = None,
) -> None:
    """Download weights, check them, and record what came. The folder may be copied to machines without internet."""
    from packshot.store import open_store
    from packshot.weights_pull import pull, pull_from_store

    for entry in _entries(names, profile):
        size = f"{entry.size_bytes / 1e9:.2f} GB"
        console.print(f"{entry.name}: {size} from {'the store' if from_store else entry.source}", soft_wrap=True)
        folder = pull_from_store(entry, open_store(store)) if from_store else pull(entry)
        console.print(f"{entry.name}: {folder} (licence: {entry.licence})", soft_wrap=True, highlight=False)


@app.command()
def push(names: Names = None, profile: ProfileOption = "full", store: StoreOption = None) -> None:
    """Copy weights from this machine into the artifact store, for workers without internet."""
    from packshot.store import open_store
    from packshot.weights_pull import push_to_store

    opened = open_store(store)
    for entry in _entries(names, profile):
        files = push_to_store(entry, opened)
        console.print(f"{entry.name}: {files} files to {opened.url}", soft_wrap=True, highlight=False)


@app.command()
def verify(names: Names = None, profile: ProfileOption = "full") -> None:
    """Hash what is on this machine and compare it with what was pinned and pulled. Exit code 1: something is wrong."""
    from packshot.weights_pull import verify

    wrong = 0
    for entry in _entries(names, profile):
        problems = verify(entry)
        wrong += bool(problems)
        for problem in problems or ["whole"]:
            console.print(f"{entry.name}: {problem}", soft_wrap=True, highlight=False)
    raise typer.Exit(1 if wrong else 0)


def _entries(names: list[str] | None, profile: str) -> list:
    from packshot.config import load_profile
    from packshot.weights import named_by
    from packshot.weights_pull import entry_of

    return [entry_of(name) for name in names or named_by(load_profile(profile))]
