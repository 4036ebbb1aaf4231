"""gc removes what no kept run needs, and only that; forget removes every trace of a picture; a full disk is told of."""

import hashlib
import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from loopback_server import LoopbackServer, answer
from pictures import write_pictures

from benchmarks import nothing
from benchmarks.nothing import PROFILE
from deployments.home import ROOT, read_env, settings
from deployments.programs import BATCHING, LOOPS, MARK
from deployments.stack import _left_behind
from flows.process_catalogue import CatalogueParameters, process_catalogue
from packshot.errors import PackshotError, SettingError, StoreError
from packshot.forget import forget
from packshot.gc import collect_garbage
from packshot.preflight import check_store
from packshot.results import read_photos
from packshot.run import RUNNING, list_runs, open_run
from packshot.store import FolderStore, S3Store


def process(source: Path, store: Path, **more: object) -> str:
    """A run; its id."""
    facts = {"source": str(source), "store": str(store), "profile": str(PROFILE), "resume": False}
    return process_catalogue(CatalogueParameters(**facts, **more))["run_id"]


def contents(store: FolderStore) -> dict[str, bytes]:
    return {key: store.get(key) or b"" for key in store.keys("")}


def test_gc_removes_what_no_kept_run_needs(tmp_path: Path, prefect_server: str) -> None:
    folder = write_pictures(tmp_path / "photos", 4)
    store = FolderStore(tmp_path / "store")
    old = process(folder, store.root)
    (folder / "p00003.png").unlink()
    write_pictures(folder, 1, first=9)
    new = process(folder, store.root)
    later = datetime.now(UTC) + timedelta(days=40)
    before = contents(store)

    told = collect_garbage(store, keep=1, now=later)
    assert told.runs == [old] and told.removed["artifacts"] == 8 and told.removed["photos"] == 1
    assert contents(store) == before, "a dry run changes nothing"
    young = collect_garbage(store, keep=1, delete=True, now=datetime.now(UTC))
    assert not young.runs and not young.removed.total(), "young objects and runs stay"

    done = collect_garbage(store, keep=1, delete=True, now=later)
    assert done.removed == told.removed
    assert list_runs(store) == [new]
    assert not collect_garbage(store, keep=1, now=later).removed.total()
    calls = nothing.calls.copy()
    process(folder, store.root)
    assert nothing.calls == calls, "what the kept run needs is still there"


def test_gc_keeps_out_of_the_way_of_a_run_at_work(tmp_path: Path, prefect_server: str) -> None:
    store = FolderStore(tmp_path / "store")
    run_id = process(write_pictures(tmp_path / "photos", 1), store.root)
    run = open_run(store.url, run_id)
    run.write_json("run.json", run.read_json("run.json") | {"status": RUNNING})
    assert collect_garbage(store).kept_runs == 1
    with pytest.raises(PackshotError, match="is at work"):
        collect_garbage(store, delete=True)


@pytest.mark.parametrize("by", ["sku", "digest", "url"])
def test_forget_removes_every_trace(by: str, tmp_path: Path, prefect_server: str) -> None:
    folder = write_pictures(tmp_path / "photos", 3)
    victim = folder / "p00001.png"
    (folder / "the-same.png").write_bytes(victim.read_bytes())
    store = FolderStore(tmp_path / "store")
    runs = [process(folder, store.root), process(folder, store.root)]
    digest = hashlib.sha256(victim.read_bytes()).hexdigest()
    what = {"sku": "p00001", "digest": digest, "url": f"file://{victim}"}[by]
    before = contents(store)
    traces = forget(store, what)
    assert set(traces.runs) == set(runs) and contents(store) == before, "a dry run changes nothing"

    forget(store, what, delete=True)
    open_run.cache_clear()
    left = contents(store)
    for key, data in left.items():
        for trace in (digest, "p00001", "the-same"):
            assert trace not in key
            assert trace.encode() not in data, key
    for run_id in runs:
        run = open_run(store.url, run_id)
        assert [row["sku"] for row in read_photos(run)] == ["p00000", "p00002"]
        assert run.read_json("run.json")["summary"]["photos"] == 2
    assert {key for key in before if key.startswith("artifacts/") and digest not in key} <= left.keys()
    assert not forget(store, what).runs


def test_a_full_disk_is_told_of_before_any_work(
    tmp_path: Path, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACKSHOT_MIN_FREE_GB", "1e9")
    with pytest.raises(StoreError, match=r"is full: .* set PACKSHOT_MIN_FREE_GB"):
        process(write_pictures(tmp_path / "photos", 1), tmp_path / "store")
    assert not list_runs(FolderStore(tmp_path / "store"))
    monkeypatch.setenv("PACKSHOT_MIN_FREE_GB", "much")
    with pytest.raises(SettingError, match="PACKSHOT_MIN_FREE_GB is 'much'"):
        check_store(FolderStore(tmp_path / "store"))


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        ("507 Insufficient Storage", "InsufficientStorage", "the server is full: .* PACKSHOT_STORE"),
        ("507 Insufficient Storage", "", "the server is full"),
        ("500 Internal Server Error", "InternalError", "whether its disk is full"),  # what SeaweedFS answers
    ],
)
def test_a_full_s3_server_is_told_of(status: str, code: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = f"<Error><Code>{code}</Code><Message>We have no room</Message></Error>" if code else ""
    server = LoopbackServer()
    server.routes |= {"/photos": answer(), "*": answer(status, body.encode())}
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "ENDPOINT_URL": server.url("")}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(S3Store, "TRIES", 1)
    try:
        with pytest.raises(StoreError, match=told):
            check_store(S3Store("photos"))
    finally:
        server.close()


def test_wrong_keys_are_told_of_before_any_work(
    s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    with pytest.raises(StoreError, match="AWS_SECRET_ACCESS_KEY"):
        S3Store(s3_bucket)


def test_settings_are_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKSHOT_HOME", str(tmp_path / "home"))
    for name in ("PACKSHOT_STORE", "PACKSHOT_AUTH", "PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_AUTH_STRING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-another-service")
    first = settings()
    assert first["AWS_SECRET_ACCESS_KEY"] != "of-another-service", "our own S3 server has keys of its own"
    assert settings() == first == read_env(tmp_path / "home/env")
    assert len(first["PREFECT_SERVER_API_AUTH_STRING"]) > 30
    monkeypatch.setenv("PACKSHOT_AUTH", "off")
    assert "PREFECT_API_AUTH_STRING" not in settings()
    monkeypatch.setenv("PACKSHOT_HOST", "0.0.0.0")
    with pytest.raises(SettingError, match="anyone could read every secret"):
        settings()


def test_what_a_killed_worker_leaves_behind_is_found(tmp_path: Path) -> None:
    """`make down` ends it too; the same program of another service is left alone."""
    started = [
        subprocess.Popen(["sleep", "60"], env=os.environ | {MARK: str(folder)})
        for folder in (tmp_path, tmp_path / "other")
    ]
    try:
        assert list(_left_behind(tmp_path)) == [started[0].pid]
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_containers_are_set_up_as_make_up_sets_up_its_programs() -> None:
    """No container runs where the tests do; that the files agree with the rest of the service can be seen."""
    compose = yaml.safe_load((ROOT / "deployments/compose.yaml").read_text())
    services = compose["services"]
    assert set(BATCHING | LOOPS) <= services["server"]["environment"].keys()
    for name, value in (BATCHING | LOOPS).items():
        assert services["server"]["environment"][name] == value, name
    for worker in ("worker-cpu", "worker-gpu"):
        pool = worker.removeprefix("worker-")
        assert f"--pool {pool} " in services[worker]["command"]
    wanted = set(re.findall(r"\$\{(\w+):\?", (ROOT / "deployments/compose.yaml").read_text()))
    assert wanted <= read_env(ROOT / "deployments/compose.env.example").keys(), "a password that nobody is told of"
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)
    for line in (ROOT / "deployments/Containerfile").read_text().splitlines():
        if line.startswith("COPY "):
            assert all((ROOT / name).exists() for name in line.split()[1:-1]), line
