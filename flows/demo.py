"""`packshot demo`: a synthetic catalogue, served over HTTP on loopback, through every stage."""

import time
from pathlib import Path

from rich.console import Console

SEED = 2026


def run_demo(console: Console, folder: Path, photos: int, verbose: bool) -> None:
    """Make the catalogue (once), serve it, process it with profile lite into a folder store under `folder`."""
    from flows.cli import process
    from flows.process_catalogue import CatalogueParameters
    from packshot.synth.catalogue import write_catalogue
    from packshot.synth.server import serve

    started = time.perf_counter()
    catalogue = folder / "catalogue"
    # The port is a part of every URL, so it stays the same for a second run to find its photos done.
    port = _port(folder)
    if not (catalogue / "pictures_market.jsonl").exists():
        with console.status(f"Drawing a catalogue of {photos} photos and some broken rows …"):
            write_catalogue(catalogue, photos, SEED, broken=True, base_url=f"http://127.0.0.1:{port}")
    with serve(catalogue, port=port):
        parameters = CatalogueParameters(
            source=str(catalogue / "pictures_market.jsonl"),
            store=str(folder / "store"),
            name="demo",
            allow_http=True,
            retries=1,
            retry_delay_seconds=1,
            overrides={
                "fetch.allow_private": True,
                "fetch.first_byte_timeout_s": 2.0,
                "fetch.attempts": 2,
                "fetch.backoff_s": 0.2,
            },
        )
        process(parameters, verbose)
    console.print(f"[bold]{'seconds':>8}[/]  {time.perf_counter() - started:.0f}", highlight=False)


def _port(folder: Path) -> int:
    """A free port, remembered in the demo's folder."""
    import socket

    file = folder / "port"
    if file.exists():
        return int(file.read_text())
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(str(port))
    return port
