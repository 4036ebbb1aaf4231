"""The whole service, as `make up` starts it, on free ports and in a folder of its own; for tests and measurements."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOGGING_LEVEL,
    temporary_settings,
)

from deployments.home import ROOT, read_env


class Service:
    """A running service. `values` is its environment: addresses, keys, password."""

    def __init__(self, folder: Path, values: dict[str, str]):
        self.folder = folder
        self.values = values

    def client(self) -> SyncPrefectClient:
        return get_client(sync_client=True)

    def start(self, deployment: str, parameters: dict[str, Any]) -> FlowRun:
        # Prefect's client asks again where the server was slow to answer; with a key that is still one flow run.
        return run_deployment(
            deployment, parameters=parameters, timeout=0, as_subflow=False, idempotency_key=str(uuid4())
        )

    def wait(self, run_id: UUID, seconds: float = 180, pause: float = 0.5) -> FlowRun:
        """Until the flow run has come to its end. Each look costs the server some 10 ms of CPU."""
        return self.until(lambda: self._ended(run_id), seconds, f"flow run {run_id} did not end", pause)

    def run(self, deployment: str, parameters: dict[str, Any], seconds: float = 180, pause: float = 0.5) -> FlowRun:
        return self.wait(self.start(deployment, parameters).id, seconds, pause)

    def read(self, run_id: UUID) -> FlowRun:
        with self.client() as client:
            return client.read_flow_run(run_id)

    def until(self, found: Callable[[], Any], seconds: float, otherwise: str, pause: float = 0.25) -> Any:
        """Poll until `found` gives something; `AssertionError` with `otherwise` after so long."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            with suppress(OSError, ConnectionError):
                if value := found():
                    return value
            time.sleep(pause)
        raise AssertionError(f"{otherwise} within {seconds:.0f} s")

    def control(self, *command: str) -> str:
        """supervisorctl."""
        config = str(self.folder / "supervisord.conf")
        out = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisorctl", "-c", config, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return out.stdout

    def pid(self, program: str) -> int:
        return int(self.control("pid", program).strip())

    def server_up(self) -> bool:
        import httpx

        with suppress(httpx.TransportError):
            return httpx.get(f"{self.values['PREFECT_API_URL']}/health").status_code in (200, 401)
        return False

    def _ended(self, run_id: UUID) -> FlowRun | None:
        import httpx

        with suppress(httpx.TransportError):
            found = self.read(run_id)
            return found if found.state and found.state.is_final() else None
        return None


@contextmanager
def service(folder: Path, **settings: str) -> Iterator[Service]:
    """Start it with these settings (environment variables) beside the usual ones, and stop it."""
    first = _free_ports(7)
    ports = {"PACKSHOT_PORT": str(first), "PACKSHOT_S3_PORT": str(first + 1)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PREFECT_", "PACKSHOT_"))}
    variables = kept | {"PACKSHOT_HOME": str(folder), "PREFECT_LOGGING_LEVEL": "INFO"}
    variables |= ports | settings
    stack = [sys.executable, "-m", "deployments.stack"]
    try:
        subprocess.run([*stack, "up"], cwd=ROOT, env=variables, check=True, stdout=subprocess.DEVNULL)
        values = read_env(folder / "env")
        before = dict(os.environ)
        os.environ.update({name: value for name, value in values.items() if name.startswith("AWS_")})
        told = {
            PREFECT_API_URL: values["PREFECT_API_URL"],
            PREFECT_API_AUTH_STRING: values.get("PREFECT_API_AUTH_STRING"),
            PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
            PREFECT_LOGGING_LEVEL: "ERROR",
        }
        try:
            with temporary_settings(told):
                yield Service(folder, values)
        finally:
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                del os.environ[name]
            os.environ.update({name: value for name, value in before.items() if name.startswith("AWS_")})
    finally:
        subprocess.run([*stack, "down"], cwd=ROOT, env=variables, check=False, stdout=subprocess.DEVNULL)


def descendants(pid: int) -> list[int]:
    """A process and all that it started."""
    import psutil

    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def _free_ports(count: int) -> int:
    """The first of `count` free ports in a row; SeaweedFS takes each plus 10,000 too."""
    start = 21_000 + os.getpid() * 37 % 9_000
    for port in range(start, start + 20_000, 10):
        with suppress(OSError):
            for part in range(count):
                for number in (port + part, port + part + 10_000):
                    socket.create_server(("127.0.0.1", number)).close()
            return port
    raise RuntimeError("no free port")
