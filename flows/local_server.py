"""A Prefect server for one command, where none is configured.

Prefect can start one by itself, but a command that is killed leaves that one behind. This one goes with its command.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from packshot.errors import PackshotError

STARTUP_SECONDS = 120
"""A first start makes the database, which takes some twenty seconds."""


@contextmanager
def local_server() -> Iterator[None]:
    """Make sure that flows find a server: the configured one (PREFECT_API_URL or a Prefect profile), else one of this
    process's own on a free port of loopback, with the user's usual Prefect database."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    if PREFECT_API_URL.value():
        yield
        return
    with serve({}) as api, temporary_settings({PREFECT_API_URL: api}):
        yield


@contextmanager
def serve(settings: dict[str, str]) -> Iterator[str]:
    """Start a server with these environment settings, wait until it answers, yield its API's address, stop it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    api = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"PREFECT_API_URL": api, "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL"} | settings
    server = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_end_with_parent
    )
    try:
        _wait(f"{api}/health", server)
        yield api
    finally:
        server.terminate()
        server.wait(30)


def _wait(url: str, server: subprocess.Popen) -> None:
    until = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise PackshotError(
        "Prefect's server did not come up on this machine: try `prefect server start` to see why, "
        "or set PREFECT_API_URL to one that runs"
    )


def _end_with_parent() -> None:
    """In the child: have Linux end it when the parent dies, even by kill -9."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
