"""Trying again what failed: passing failures, final ones on request, on every stage; attempts count."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from loopback_server import LoopbackServer, answer
from pictures import write_pictures

import packshot.retry as retry_module
from benchmarks import nothing
from benchmarks.nothing import PROFILE
from flows.process_catalogue import CatalogueParameters, process_catalogue
from flows.retry_failed import RetryParameters, retry_failed
from packshot.errors import ErrorCode, PhotoError, SettingError
from packshot.ledger import ShardLedger
from packshot.results import read_photos
from packshot.retry import Choice, runs_with_failures, take_back
from packshot.run import DONE, TO_RETRY, Run, list_runs, open_run
from packshot.store import FolderStore

QUICK = {"fetch.allow_private": True, "fetch.attempts": 1, "fetch.backoff_s": 0.01}


def the_run(store: Path) -> Run:
    open_run.cache_clear()
    return open_run(str(store), list_runs(FolderStore(store))[-1])


def attempts(run: Run, stage: str) -> list[int]:
    return sorted(row.attempts for row in ShardLedger(run.store, run.spec.run_id, 0).rows(stage).values())


def test_final_http_failures_are_taken_back_on_request(tmp_path: Path, prefect_server: str) -> None:
    paths = sorted(write_pictures(tmp_path / "photos", 4).iterdir())
    bodies = {f"/{path.name}": answer(body=path.read_bytes(), Content_Type="image/png") for path in paths}
    names, server = list(bodies), LoopbackServer()
    try:
        server.routes |= bodies | {names[0]: answer("404 Not Found"), names[1]: answer("410 Gone")}
        source = tmp_path / "c.csv"
        source.write_text("sku,url\n" + "".join(f"{n},{server.url(n)}\n" for n in names))
        summary = process_catalogue(
            CatalogueParameters(
                source=str(source),
                store=str(tmp_path / "store"),
                profile=str(PROFILE),
                allow_http=True,
                overrides=QUICK,
                retries=0,
            )
        )
        assert summary["codes"] == {"fetch:http_404": 1, "fetch:http_410": 1}
        run = the_run(tmp_path / "store")
        assert run.read_json("run.json")["status"] == DONE

        server.routes |= bodies
        asked = len(server.asked)
        assert retry_failed(RetryParameters(run=run.spec.run_id, store=run.store.url)) == {}, "final ones stay"
        assert len(server.asked) == asked
        plan = take_back(run, Choice(("http_404",)), dry_run=True)
        assert plan.codes == {"fetch:http_404": 1} and plan.shards == [0]

        wanted = RetryParameters(run=run.spec.run_id, store=run.store.url, codes=["http_404"], retries=0)
        results = retry_failed(wanted)
        assert results[run.spec.run_id]["tried_again"] == {"fetch:http_404": 1}
        assert server.paths()[asked:] == [names[0]], "only what was asked for is fetched again"
        assert [row["code"] for row in read_photos(run)] == [None, "http_4xx", None, None]
        assert attempts(run, "fetch") == [1, 1, 1, 2]

        server.routes[names[1]] = answer("404 Not Found")
        retry_failed(wanted.model_copy(update={"codes": ["http_4xx"]}))
        assert attempts(run, "fetch") == [1, 1, 2, 2]
        assert [row["http_status"] for row in read_photos(run)] == [None, 404, None, None]
        record = run.store.get(retry_module.record_key(server.url(names[1])))
        assert json.loads(record or b"{}")["http_status"] == 404, "it is final again, and kept"
        assert not take_back(run, Choice(("http_404",), max_attempts=2)).photos, "tried often enough"
    finally:
        server.close()


class Moody(nothing.Detect):
    """Finds no product until told otherwise."""

    there = False

    def run(self, images: list, *upstream: list) -> list:
        found = super().run(images, *upstream)
        return found if Moody.there else [PhotoError(ErrorCode.NO_PRODUCT, "not today") for _ in found]


def test_final_failures_of_an_engine(tmp_path: Path, prefect_server: str) -> None:
    source = write_pictures(tmp_path / "photos", 3)
    parameters = CatalogueParameters(
        source=str(source),
        store=str(tmp_path / "store"),
        profile=str(PROFILE),
        overrides={"detect.engine": "test_retry:Moody"},
        retries=0,
    )
    summary = process_catalogue(parameters)
    assert summary["codes"] == {"detect:no_product": 3} and summary["retryable"] == 0
    run = the_run(tmp_path / "store")
    before = nothing.calls.copy()
    Moody.there = True
    again = RetryParameters(run=run.spec.run_id, store=run.store.url, codes=["no_product"], retries=0)
    retry_failed(again)
    done = nothing.calls - before
    assert done == {"detect": 3, "mask": 3, "inpaint": 3, "deliver": 3}, "what worked is not redone"
    assert [row["outcome"] for row in read_photos(run)] == ["ok"] * 3
    assert attempts(run, "detect") == [2, 2, 2]
    assert not [key for key in run.store.keys("artifacts/detect/") if key.endswith(".failed.json")]


def test_a_wrong_code_is_told_of() -> None:
    with pytest.raises(SettingError, match="no error code 'http_999'"):
        Choice(("http_999",))


def test_runs_with_failures_by_age(tmp_path: Path, prefect_server: str) -> None:
    good, bad = write_pictures(tmp_path / "good", 1), tmp_path / "bad"
    write_pictures(bad, 1)
    cv2.imwrite(str(bad / "small.png"), np.zeros((4, 4, 3), np.uint8))
    for source in (good, bad):
        process_catalogue(CatalogueParameters(source=str(source), store=str(tmp_path / "store"), profile=str(PROFILE)))
    store = FolderStore(tmp_path / "store")
    assert [run.spec.name for run in runs_with_failures(store, 1)] == ["bad"]
    assert runs_with_failures(store, 0) == []
    run = the_run(tmp_path / "store")
    take_back(run, Choice(("too_small",)))
    assert run.read_json("run.json")["status"] == TO_RETRY
