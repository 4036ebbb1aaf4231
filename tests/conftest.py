"""Real servers for the tests: Prefect, and SeaweedFS as S3. Each is started once a session, and stopped by it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

os.environ["PREFECT_LOGGING_LEVEL"] = "ERROR"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["PYTHONPATH"] = str(ROOT)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """A real Prefect server with a database of its own. Yields its API address, for other processes too."""
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield PREFECT_API_URL.value()


@pytest.fixture(scope="session")
def s3_bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket on a real S3 server on loopback, its endpoint and keys in the environment."""
    folder = tmp_path_factory.mktemp("seaweedfs")
    port, bucket = _free_port(), "photos"
    keys = {"AWS_ACCESS_KEY_ID": "packshot-test", "AWS_SECRET_ACCESS_KEY": "a-secret-for-tests-only"}
    weed = Path(sys.executable).with_name("weed")
    ports = [f"-{name}.port={_free_port()}" for name in ("master", "filer", "volume", "admin")]
    ports += ["-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(
            [weed, "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.port={port}"]
            + [f"-bucket={bucket}", "-admin.ui=false", *ports],
            env=os.environ | keys,
            stdout=log,
            stderr=log,
        )
    os.environ.update(keys | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_DEFAULT_REGION": "us-east-1"})
    try:
        _wait_for_bucket(bucket, server, folder / "log")
        yield bucket
    finally:
        server.terminate()
        server.wait(30)


def _wait_for_bucket(bucket: str, server: subprocess.Popen, log: Path) -> None:
    from packshot.errors import StoreError
    from packshot.store import S3Store

    until = time.monotonic() + 60
    while True:
        try:
            S3Store(bucket).put("ready", b"")
            return
        except StoreError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"SeaweedFS did not come up: {log.read_text()[-2000:]}") from None
            time.sleep(0.3)


def _free_port() -> int:
    """SeaweedFS takes each port plus 10,000 for gRPC, so the port must leave room for that."""
    for port in range(20_000 + os.getpid() % 10_000, 45_000):
        if port in _given:
            continue
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            with socket.create_server(("127.0.0.1", port + 10_000)):
                _given.add(port)
                return port
    raise RuntimeError("no free port")


_given: set[int] = set()
