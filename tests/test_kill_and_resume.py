"""kill -9 at any point, then the same command: the same artifacts as an undisturbed run, and little done twice."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from pictures import write_pictures

from benchmarks.nothing import PROFILE, Nothing
from packshot.results import read_photos
from packshot.run import DONE, list_runs, open_run
from packshot.store import FolderStore

PHOTOS, BATCH = 40, 20
SCRIPT = """
import sys
from flows.process_catalogue import CatalogueParameters, process_catalogue
source, store, profile = sys.argv[1:]
process_catalogue(CatalogueParameters(source=source, store=store, profile=profile, batch_size=20, shard_size=40))
"""


def start(source: Path, store: Path, log: Path, api: str, sleep: float) -> subprocess.Popen:
    settings = {"PREFECT_API_URL": api, "PACKSHOT_NOTHING_LOG": str(log), "PACKSHOT_NOTHING_SLEEP": str(sleep)}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, source, store, PROFILE], env=os.environ | settings)


def artifacts(store: Path) -> dict[str, bytes]:
    """Every artifact and photo by key; what remembers times is left out."""
    opened = FolderStore(store)
    return {key: opened.get(key) or b"" for part in ("artifacts/", "photos/") for key in opened.keys(part)}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("kill") / "photos", PHOTOS)


@pytest.fixture(scope="module")
def undisturbed(pictures: Path, tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert start(pictures, folder / "store", folder / "log", prefect_server, 0).wait(120) == 0
    found = artifacts(folder / "store")
    assert len(found) == PHOTOS * 9  # the photo, and an artifact of each of eight stages
    return found


@pytest.mark.parametrize("calls", [1, PHOTOS, 5 * PHOTOS + 3, 7 * PHOTOS + 30])
def test_killed_and_run_again(
    calls: int, pictures: Path, undisturbed: dict[str, bytes], tmp_path: Path, prefect_server: str
) -> None:
    """Killed when the engines have seen `calls` photos: in the first stage, between batches, near the end."""
    store, log = tmp_path / "store", tmp_path / "log"
    process = start(pictures, store, log, prefect_server, 0.004)
    until = time.monotonic() + 60
    while not log.exists() or log.read_text().count("\n") < calls:
        assert process.poll() is None, "it came to its end before it could be killed"
        assert time.monotonic() < until
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert start(pictures, store, log, prefect_server, 0).wait(120) == 0

    assert artifacts(store) == undisturbed
    assert not list(store.rglob("*.parquet.tmp")), "a half-written object took a key"
    runs = list_runs(FolderStore(store))
    assert len(runs) == 1, "the same command must resume the run, not begin another"
    run = open_run(str(store), runs[0])
    assert run.read_json("run.json")["status"] == DONE
    assert sum(row["outcome"] == "ok" for row in read_photos(run)) == PHOTOS
    worked = Counter(log.read_text().splitlines())
    twice = sum(count - 1 for count in worked.values())
    assert len(worked) == PHOTOS * 8
    assert twice <= Nothing.max_batch, "more than the engine's batch in flight was repeated"


def test_a_killed_command_leaves_no_server_behind(pictures: Path, tmp_path: Path) -> None:
    """Where no server is configured, the command starts one; it goes when the command is killed."""
    command = [sys.executable, "-m", "flows.cli", "run", pictures, "--profile", PROFILE, "--store", tmp_path / "store"]
    environment = {k: v for k, v in os.environ.items() if k != "PREFECT_API_URL"} | {"PREFECT_HOME": str(tmp_path)}
    process = subprocess.Popen(list(map(str, command)), env=environment, stdout=subprocess.DEVNULL)
    server = _first(lambda: psutil.Process(process.pid).children())
    assert "server" in server.cmdline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    gone, alive = psutil.wait_procs([server], timeout=30)
    assert gone and not alive


def _first(children: Callable[[], list[psutil.Process]]) -> psutil.Process:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if found := children():
            return found[0]
        time.sleep(0.05)
    raise AssertionError("no server was started")
