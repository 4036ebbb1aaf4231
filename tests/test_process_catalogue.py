"""The flow end to end with engines that do nothing: both stores, shards, reuse, and what Prefect is asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pictures import write_pictures
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId
from prefect.exceptions import ParameterTypeError
from pydantic import ValidationError
from stored_objects import put_all

from benchmarks import nothing
from benchmarks.nothing import PROFILE
from flows.process_catalogue import CatalogueParameters, process_catalogue
from packshot.records import VERDICTS
from packshot.results import read_photos
from packshot.run import open_run
from packshot.store import S3Store


@pytest.fixture(autouse=True)
def count_from_zero() -> Iterator[None]:
    nothing.calls.clear()
    yield


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, prefect_server: str) -> str:
    if request.param == "folder":
        return str(tmp_path / "store")
    return f"s3://{request.getfixturevalue('s3_bucket')}/{tmp_path.name}"


def parameters(source: Path | str, store: str, **more: object) -> CatalogueParameters:
    return CatalogueParameters(source=str(source), store=store, profile=PROFILE, shard_size=10, batch_size=4, **more)


def task_runs_below(flow_run_name: str) -> int:
    """How many flow and task runs the latest run of that name started."""
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(limit=200)
        parent = max((run for run in runs if run.name.startswith(flow_run_name)), key=lambda run: run.created)
        children = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[parent.id]))
        )
    return len(children)


def test_a_catalogue_over_several_shards(store: str, tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "photos", 23)
    summary = process_catalogue(parameters(pictures, store))
    assert summary["status"] == "done" and summary["plan"]["shards"] == 3
    assert summary["outcomes"] == {"ok": 23}
    stages = ("ocr", "segment", "classify", "caption", "detect", "mask", "inpaint", "deliver")
    assert nothing.calls == dict.fromkeys(stages, 23)
    run = open_run(summary["store"], summary["run_id"])
    rows = list(read_photos(run))
    assert len(rows) == 23 and {row["verdict"] for row in rows} <= set(VERDICTS)
    for row in rows:
        assert abs(sum(row[f"p_{name}"] for name in VERDICTS) - 1) < 0.01
        for kind in ("photo", "cutout", "delivered", "placed"):
            assert run.store.get(row[kind]), f"{kind} of {row['sku']} is not in the store"
    assert run.store.get(summary["report"]).startswith(b"<!doctype html>")


def test_again_and_anew_call_no_engine_and_start_no_task(tmp_path: Path, prefect_server: str) -> None:
    pictures, store = write_pictures(tmp_path / "photos", 12), str(tmp_path / "store")
    first = process_catalogue(parameters(pictures, store))
    nothing.calls.clear()
    for resume in (True, None, False):
        again = process_catalogue(parameters(pictures, store, resume=resume))
        assert not nothing.calls and again["outcomes"] == first["outcomes"]
        assert (again["run_id"] == first["run_id"]) == (resume is True)
        assert task_runs_below("process-catalogue") == 0, "a shard with nothing pending starts no flow and no task"
    assert sum(again["worked"].values()) == 0


def test_changed_parameters_and_new_photos_are_all_that_is_worked_on(tmp_path: Path, prefect_server: str) -> None:
    pictures, store = write_pictures(tmp_path / "photos", 12), str(tmp_path / "store")
    process_catalogue(parameters(pictures, store))
    nothing.calls.clear()
    process_catalogue(parameters(pictures, store, overrides={"mask.setting": 1}))
    assert nothing.calls == {"mask": 12, "inpaint": 12, "deliver": 12}
    nothing.calls.clear()
    write_pictures(tmp_path / "photos", 2, first=12)
    process_catalogue(parameters(pictures, store))
    assert set(nothing.calls.values()) == {2}


def test_a_prompt_of_its_own_beats_the_run_s(tmp_path: Path, prefect_server: str) -> None:
    store = str(tmp_path / "store")
    pictures = write_pictures(tmp_path / "photos", 2)
    summary = process_catalogue(parameters(pictures, store, background="oak table"))
    run = open_run(summary["store"], summary["run_id"])
    assert {row["background"] for row in read_photos(run)} == {"oak table"}


def test_a_bucket_as_the_catalogue(s3_bucket: str, tmp_path: Path, prefect_server: str) -> None:
    folder, source = write_pictures(tmp_path / "photos", 5), S3Store(s3_bucket)
    prefix = f"catalogue-{tmp_path.name}"
    put_all(source, {f"{prefix}/{path.name}": path.read_bytes() for path in folder.iterdir()})
    summary = process_catalogue(parameters(f"s3://{s3_bucket}/{prefix}/", str(tmp_path / "store")))
    assert summary["outcomes"] == {"ok": 5}


@pytest.mark.parametrize(
    "wrong", [{"steps": []}, {"steps": ["polish"]}, {"limit": 0}, {"batch_size": 0}, {"nonsense": 1}, {"source": ""}]
)
def test_nonsense_is_refused_before_anything_starts(wrong: dict, tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        CatalogueParameters(**({"source": "x.csv"} | wrong))


def test_the_flow_itself_refuses_nonsense(prefect_server: str) -> None:
    with pytest.raises(ParameterTypeError):
        process_catalogue({"source": "x.csv", "steps": ["polish"]})
