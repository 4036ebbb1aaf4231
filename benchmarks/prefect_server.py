"""A Prefect server of the benchmark's own: a process on a free port of loopback, with a database that goes with it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory


@contextmanager
def prefect_server() -> Iterator[str]:
    """Start it, wait until it answers, yield the API's address, stop it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    api = f"http://127.0.0.1:{port}/api"
    with TemporaryDirectory() as home:
        settings = {
            "PREFECT_HOME": home,
            "PREFECT_API_URL": api,
            "PREFECT_LOGGING_SERVER_LEVEL": "ERROR",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        }
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(
            command, env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait(f"{api}/health", server)
            yield api
        finally:
            server.terminate()
            server.wait(30)


def _wait(url: str, server: subprocess.Popen) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError("Prefect's server did not come up")
