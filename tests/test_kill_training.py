"""kill -9 of `packshot train` while photos are read and between epochs; then the same command: the same weights."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from labelled_pictures import write_folders

from benchmarks.nothing import PROFILE
from packshot.classifier.jobs import TRAININGS, list_jobs
from packshot.classifier.training_folder import training_folder
from packshot.run import list_runs
from packshot.store import FolderStore, S3Store

PER_VERDICT = 5
PATIENCE_SECONDS = 600
OPTIONS = ["--per-class", str(PER_VERDICT), "--epochs", "3", "--patience", "3", "--bfloat16", "--threads", "1"]


def start(source: Path, store: Path, log: Path, api: str, sleep: float) -> subprocess.Popen:
    settings = {"PREFECT_API_URL": api, "PACKSHOT_NOTHING_LOG": str(log), "PACKSHOT_NOTHING_SLEEP": str(sleep)}
    command = [sys.executable, "-m", "flows.cli", "train", str(source), "--store", str(store), "--profile", PROFILE]
    return subprocess.Popen([*command, *OPTIONS], env=os.environ | settings, stdout=subprocess.DEVNULL)


def kill_when(process: subprocess.Popen, reached: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    try:
        while not reached():
            assert process.poll() is None, "it came to its end before it could be killed"
            assert time.monotonic() < until, "it is taking too long"
            time.sleep(0.01)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def lines(path: Path) -> int:
    return path.read_text().count("\n") if path.exists() else 0


@pytest.mark.timeout(1800)
def test_killed_and_run_again_it_ends_with_the_same_weights(tmp_path: Path, prefect_server: str) -> None:
    pictures = write_folders(tmp_path / "photos", PER_VERDICT)
    store, log = tmp_path / "store", tmp_path / "log"
    kill_when(start(pictures, store, log, prefect_server, 0.05), lambda: lines(log) >= 10)

    def metrics() -> Path:
        found = list(store.glob("trainings/*/classifier.metrics.jsonl"))
        return found[0] if found else store / "none"

    kill_when(start(pictures, store, log, prefect_server, 0), lambda: lines(metrics()) == 1)
    assert not list(store.glob("trainings/*/classifier.safetensors"))
    first_epoch = metrics().read_text()
    assert start(pictures, store, log, prefect_server, 0).wait(PATIENCE_SECONDS) == 0
    assert lines(metrics()) == 3 and metrics().read_text().startswith(first_epoch)
    opened = FolderStore(store)
    assert len(list_jobs(opened, TRAININGS)) == len(list_runs(opened)) == 1, (
        "the same command goes on, it begins nothing"
    )
    worked = Counter(log.read_text().splitlines())
    assert len(worked) == 2 * 6 * PER_VERDICT
    assert sum(count - 1 for count in worked.values()) <= 2 * 16, "no more than an engine's batch is read twice"

    undisturbed = tmp_path / "undisturbed"
    assert start(pictures, undisturbed, tmp_path / "other-log", prefect_server, 0).wait(PATIENCE_SECONDS) == 0
    (whole,) = undisturbed.glob("trainings/*/classifier.safetensors")
    (resumed,) = store.glob("trainings/*/classifier.safetensors")
    assert resumed.read_bytes() == whole.read_bytes()
    assert not list(store.glob("trainings/*/*.training")) and not list(store.glob("trainings/*/*.partial"))


def test_a_training_goes_on_from_a_bucket_on_another_machine(s3_bucket: str, tmp_path: Path) -> None:
    store = S3Store(s3_bucket, tmp_path.name)
    with training_folder(store, "trainings/t") as here:
        for epoch in ("epoch-0001", "epoch-0002"):
            folder = here.path / "classifier.training" / epoch
            folder.mkdir(parents=True)
            (folder / "weights.safetensors").write_bytes(epoch.encode())
            (folder / "state.json").write_bytes(b"{}")
            (here.path / "classifier.metrics.jsonl").write_text(epoch)
            here.save()
        for file in (here.path / "classifier.training" / "epoch-0001").iterdir():
            file.unlink()
        here.save()
    # Killed while it copied the third epoch: its last file is not there, so it does not count.
    store.put("trainings/t/classifier.training/epoch-0003/weights.safetensors", b"half")
    with training_folder(store, "trainings/t") as there:
        assert there.path != here.path
        names = sorted(p.relative_to(there.path).as_posix() for p in there.path.rglob("*") if p.is_file())
        assert names[0] == "classifier.metrics.jsonl"
        assert names[1:] == [f"classifier.training/epoch-0002/{name}" for name in ("state.json", "weights.safetensors")]
        assert [(there.path / names[i]).read_bytes() for i in (0, 2)] == [b"epoch-0002"] * 2
