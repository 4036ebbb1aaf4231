"""The service as `make up` starts it: Prefect's server, SeaweedFS, workers that are processes. Nothing is replaced."""

import os
import signal
import stat
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest
from loopback_server import LoopbackServer, answer
from pictures import write_pictures
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterTags,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateName,
)
from prefect.client.schemas.objects import FlowRun
from prefect.states import AwaitingRetry, Cancelling

from benchmarks.nothing import PROFILE
from benchmarks.service_stack import Service, descendants, service
from deployments.home import ROOT
from flows.sweep_dead_runs import SweepParameters, sweep_dead_runs
from packshot.results import read_photos
from packshot.run import DONE, Run, open_run
from packshot.store import open_store

PHOTOS, SHARD = 60, 20
STAGES = 8


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    settings = {"PACKSHOT_NOTHING_LOG": str(folder / "calls"), "PACKSHOT_NOTHING_SLEEP": "0.02"}
    settings["PREFECT_WORKER_QUERY_SECONDS"] = "1"
    with service(folder / "home", PACKSHOT_GPUS="2", **settings) as running:
        yield running


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures") / "photos", PHOTOS)


def asked(source: Path | str, **more: Any) -> dict[str, Any]:
    facts = {"source": str(source), "profile": str(PROFILE), "shard_size": SHARD, "batch_size": 10}
    return {"parameters": facts | {"retry_delay_seconds": 1} | more}


def run_of(up: Service, flow_run_id: UUID) -> Run:
    tags = up.read(flow_run_id).tags
    found = [tag for tag in tags if "-20" in tag]
    open_run.cache_clear()
    return open_run(up.values["PACKSHOT_STORE"], found[0])


def children(up: Service, run: Run) -> list[FlowRun]:
    """The shards' flow runs."""
    with up.client() as client:
        found = client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[run.spec.run_id])))
    return [flow_run for flow_run in found if flow_run.parent_task_run_id]


def calls(up: Service) -> Counter[str]:
    log = up.folder.parent / "calls"
    return Counter(log.read_text().splitlines()) if log.exists() else Counter()


def test_fans_out_to_the_pools(up: Service, pictures: Path) -> None:
    before = calls(up)
    ended = up.run("process-catalogue/on-demand", asked(pictures))
    assert ended.state and ended.state.is_completed(), ended.state
    assert ended.state.message == f"all {PHOTOS} photos are settled"
    assert ended.name == f"process-catalogue · photos · {PHOTOS} photos"
    run = run_of(up, ended.id)
    assert [row["outcome"] for row in read_photos(run)] == ["ok"] * PHOTOS
    shards = children(up, run)
    assert sorted(child.name for child in shards) == sorted(
        f"{flow} · photos · shard {shard:03d} · {SHARD} photos"
        for shard in range(PHOTOS // SHARD)
        for flow in ("fetch-shard", "process-shard")
    )
    done = calls(up) - before
    assert len(done) == PHOTOS * STAGES, "photos were lost"
    assert set(done.values()) == {1}, "two workers worked on the same photo"
    assert len({child.infrastructure_pid for child in shards}) == len(shards)
    with up.client() as client:
        pages = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[ended.id]))
        )
    kinds = {page.type: page for page in pages}
    assert kinds["progress"].data == 100
    page = str(kinds["markdown"].data)
    for text in ("photos/s", "| ocr | 60 |", "data:image/jpeg;base64,", "[The report](http"):
        assert text in page
    link = page.split("[The report](")[1].split(")")[0]
    assert "<html" in httpx.get(link).text


def test_secrets_stay_secret(up: Service, pictures: Path) -> None:
    """After a run: in no log, no object of the store, nowhere in Prefect's database; and the API is closed."""
    secrets = [up.values[name] for name in ("AWS_SECRET_ACCESS_KEY", "PREFECT_SERVER_ENCRYPTION_KEY")]
    secrets.append(up.values["PREFECT_API_AUTH_STRING"].partition(":")[2])
    store = open_store(up.values["PACKSHOT_STORE"])
    texts = {key: store.get(key) or b"" for key in store.keys("runs/")}
    files = [
        p
        for p in up.folder.rglob("*")
        if p.is_file() and p.name != "env" and "s3" not in p.relative_to(up.folder).parts
    ]
    assert any(path.name == "prefect.db" for path in files)
    texts |= {str(path): path.read_bytes() for path in files}
    for where, data in texts.items():
        for secret in secrets:
            assert secret.encode() not in data, where
    assert stat.S_IMODE((up.folder / "env").stat().st_mode) == 0o600
    assert ROOT not in up.folder.parents
    assert httpx.post(f"{up.values['PREFECT_API_URL']}/flow_runs/filter", json={}).status_code == 401
    ours = [psutil.Process(pid) for pid in descendants(int((up.folder / "run/supervisord.pid").read_text()))]
    heard = [c.laddr.ip for p in ours if p.is_running() for c in p.net_connections() if c.status == psutil.CONN_LISTEN]
    assert heard and set(heard) == {"127.0.0.1"}


def test_unknown_parameters_are_refused(up: Service, pictures: Path) -> None:
    for wrong in ({"sauce": 1}, {"steps": ["polish"]}, {"batch_size": 0}):
        with pytest.raises(Exception, match=r"sauce|polish|minimum|less than|greater"):
            up.start("process-catalogue/on-demand", asked(pictures, **wrong))
    for name in ("process-shard/gpu", "fetch-shard/cpu", "sweep-dead-runs/every-minute", "retry-failed/on-demand"):
        with pytest.raises(Exception, match="sauce"):
            up.start(name, {"parameters": {"sauce": 1}})
    with pytest.raises(Exception, match=r"minimum|greater"):
        up.start("process-shard/gpu", {"parameters": {"store": "x", "run_id": "y", "shard": -1}})
    ended = up.run("process-catalogue/on-demand", asked(pictures, store="s3://no-such-bucket"))
    assert ended.state and ended.state.is_failed()
    assert "no bucket 'no-such-bucket': make it, or correct PACKSHOT_STORE" in (ended.state.message or "")


def test_killed_machine_is_found_and_its_run_finished(up: Service, pictures: Path, tmp_path: Path) -> None:
    """kill -9 of the flow's process, and of its worker: another start finishes what is missing, and nothing else."""
    before = calls(up)
    started = up.start("process-catalogue/on-demand", asked(pictures, where="here", overrides=_again(1), resume=False))
    up.until(lambda: sum((calls(up) - before).values()) > 200, 90, "the run did not get going")
    found = up.until(lambda: up.read(started.id).infrastructure_pid, 5, "no process id")
    victims = [up.pid("worker-cpu"), int(str(found).rpartition(":")[2])]
    for pid in (pid for victim in victims for pid in descendants(victim)):
        os.kill(pid, signal.SIGKILL)
    assert up.read(started.id).state.is_running(), "nobody was left to tell the server"
    assert sweep_dead_runs()["crashed"] == 0, "it may yet be alive"
    time.sleep(6)
    assert sweep_dead_runs(SweepParameters(dead_after_seconds=5))["crashed"] == 1
    assert up.read(started.id).state.is_crashed()
    assert sweep_dead_runs(SweepParameters(dead_after_seconds=5, restart_after_seconds=0))["restarted"] == 1
    ended = up.wait(started.id)
    assert ended.state.is_completed() and ended.run_count == 2
    run = run_of(up, started.id)
    assert run.read_json("run.json")["status"] == DONE
    with up.client() as client:
        cached = client.read_task_runs(
            task_run_filter=TaskRunFilter(state=TaskRunFilterState(name=TaskRunFilterStateName(any_=["Cached"])))
        )
        assert cached, "finished batches were worked on anew"
    done = calls(up) - before
    assert len(done) == PHOTOS * STAGES
    assert sum(done.values()) - len(done) <= 16, "more than the batch in flight was done twice"


def test_retry_does_what_is_missing(up: Service, pictures: Path, tmp_path: Path) -> None:
    """A catalogue of which a third answers 503 and one photo 404: Retry, then retry-failed with the final code."""
    server = LoopbackServer()
    files = sorted(pictures.iterdir())[:12]
    bodies = {f"/{path.name}": answer(body=path.read_bytes(), Content_Type="image/png") for path in files}
    names = list(bodies)
    server.routes |= bodies | dict.fromkeys(names[:4], answer("503 Service Unavailable"))
    server.routes[names[4]] = answer("404 Not Found")
    source = tmp_path / "catalogue.csv"
    source.write_text("sku,url\n" + "".join(f"{n},{server.url(n)}\n" for n in names))
    quick = {"fetch.allow_private": True, "fetch.attempts": 1, "fetch.backoff_s": 0.05}
    wanted = asked(source, allow_http=True, overrides=quick | _again(2), retries=0, where="here")
    try:
        ended = up.run("process-catalogue/on-demand", wanted)
        assert ended.state and ended.state.name == "CompletedWithFailures"
        assert "1 fetch:http_404, 4 fetch:http_5xx" in (ended.state.message or "")
        run = run_of(up, ended.id)
        before, requests = calls(up), len(server.asked)

        server.routes |= bodies
        with up.client() as client:  # what the Retry button does
            client.set_flow_run_state(ended.id, AwaitingRetry(), force=True)
        ended = up.wait(ended.id)
        assert ended.state and ended.state.name == "CompletedWithFailures"
        assert "1 fetch:http_404" in (ended.state.message or "")
        assert sorted(server.paths()[requests:]) == sorted(names[:4])
        assert sum((calls(up) - before).values()) == 4 * STAGES

        ended = up.run(
            "retry-failed/on-demand", {"parameters": {"run": run.spec.run_id, "codes": ["http_404"], "where": "here"}}
        )
        assert ended.state and ended.state.name == "Completed", ended.state
        assert sum((calls(up) - before).values()) == 5 * STAGES
        rows = list(read_photos(run))
        assert [row["outcome"] for row in rows] == ["ok"] * 12
        run.reload()
        assert {row.attempts for row in run.ledger(0).rows("fetch").values()} == {1, 2}
    finally:
        server.close()


def test_cancelling_a_run_cancels_its_shards(up: Service, pictures: Path) -> None:
    """What the Cancel button does: no shard goes on or is begun; Retry finishes what is missing."""
    before = calls(up)
    facts = asked(pictures, overrides={"segment.sleep": 0.4}, batch_size=2, shards_in_flight=2, resume=False)
    started = up.start("process-catalogue/on-demand", facts)
    up.until(lambda: sum((calls(up) - before).values()) > 20, 90, "the run did not get going")
    with up.client() as client:
        client.set_flow_run_state(started.id, Cancelling())
    assert up.wait(started.id).state.is_cancelled()
    run = run_of(up, started.id)

    def ended() -> bool:
        return all(child.state.is_final() for child in children(up, run))

    up.until(ended, 60, "the shards were not cancelled")
    assert any(child.state.is_cancelled() for child in children(up, run))
    cancelled = calls(up)
    assert (cancelled - before).total() < PHOTOS * STAGES, "the run was done before it was cancelled"
    time.sleep(3)
    assert calls(up) == cancelled, "a shard went on"
    with up.client() as client:
        client.set_flow_run_state(started.id, AwaitingRetry(), force=True)
    ended_state = up.wait(started.id).state
    assert ended_state.name == "Completed", ended_state
    assert [row["outcome"] for row in read_photos(run_of(up, started.id))] == ["ok"] * PHOTOS


def test_outages_lose_nothing(up: Service, pictures: Path) -> None:
    """The S3 server away for a while, then Prefect's server: the same artifacts, each photo once."""
    before = calls(up)
    started = up.start("process-catalogue/on-demand", asked(pictures, overrides=_again(3), resume=False))
    for program, at in (("seaweedfs", 60), ("prefect-server", 250)):
        up.until(lambda at=at: sum((calls(up) - before).values()) > at, 90, "the run did not get going")
        up.control("stop", program)
        time.sleep(6)
        up.control("start", program)
    up.until(up.server_up, 60, "the server did not come back")
    # A shard whose process was just starting when the server went away has crashed. The sweeper's own turn comes within
    # a minute and a half; here it is called at once.
    time.sleep(10)
    sweep_dead_runs(SweepParameters(restart_after_seconds=0))
    ended = up.wait(started.id)
    assert ended.state and ended.state.is_completed() and ended.state.name == "Completed", ended.state
    assert [row["outcome"] for row in read_photos(run_of(up, ended.id))] == ["ok"] * PHOTOS
    done = calls(up) - before
    assert len(done) == PHOTOS * STAGES


def _again(setting: int) -> dict[str, int]:
    """Another fingerprint for every engine, so that nothing is found done."""
    return {f"{stage}.setting": setting for stage in ("ocr", "segment")}
