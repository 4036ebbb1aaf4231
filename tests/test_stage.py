"""The photo loop: one poisoned photo costs one row, nothing is done twice, and rows say what happened."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pictures import batch, begin, write_pictures

from benchmarks import nothing
from packshot.errors import ErrorCode, PhotoError
from packshot.fetch_stage import fetch_batch
from packshot.records import Outcome
from packshot.run import Run
from packshot.stage import StageReport, run_stage, settle_shard
from packshot.store import FolderStore
from packshot.working_set import WorkingSet


@pytest.fixture(autouse=True)
def count_from_zero() -> Iterator[None]:
    nothing.calls.clear()
    yield
    nothing.calls.clear()


def work(run: Run, number: int = 0, stages: tuple[str, ...] | None = None) -> dict[str, StageReport]:
    """All stages of a batch, without Prefect."""
    ref, held = batch(run, number), WorkingSet()
    reports = {"fetch": fetch_batch(run, ref)}
    for name in stages or run.stages[1:]:
        reports[name] = run_stage(run, name, ref, held)
    return reports


class Poisoned(nothing.Ocr):
    """Raises for a whole batch that holds a marked photo (its first pixel's red is 7, 13 or 21)."""

    seen: list[int] = []

    def run(self, images: list, *upstream: list) -> list[Any]:
        marks = {int(image[0, 0, 2]) for image in images}
        Poisoned.seen.append(len(images))
        if 7 in marks:
            raise RuntimeError("this photo breaks the model")
        if 13 in marks:
            raise MemoryError("out of memory")
        if 21 in marks and len(images) == 1:
            raise PhotoError(ErrorCode.NO_PRODUCT, "nothing there")
        if 21 in marks:
            raise RuntimeError("cannot say which")
        return super().run(images, *upstream)


def mark(path: Path, red: int) -> None:
    pixels = cv2.imread(str(path))
    pixels[0, 0] = (red, 200, 1)  # BGR on disk: the marker is read as the last channel
    cv2.imwrite(str(path), pixels)


def test_a_poisoned_photo_costs_one_row(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "photos", 32)
    for path in folder.iterdir():
        mark(path, 0)
        pixels = cv2.imread(str(path))
        pixels[1, 1] = (int(path.stem[1:]), 1, 1)
        cv2.imwrite(str(path), pixels)
    mark(folder / "p00003.png", 7)
    mark(folder / "p00009.png", 13)
    mark(folder / "p00020.png", 21)
    Poisoned.seen.clear()
    run = begin(FolderStore(tmp_path / "store"), folder, overrides={"ocr.engine": "test_stage:Poisoned"})
    report = work(run, stages=("ocr", "segment", "classify"))["ocr"]
    assert report.failed == {"engine_error": 1, "out_of_memory": 1, "no_product": 1}
    assert (report.ok, report.retryable) == (29, 2)
    rows = {photo.sku: run.ledger(0).rows("ocr")[photo.photo_id] for photo in run.photos(batch(run))}
    assert rows["p00003"].code == "engine_error" and "breaks the model" in rows["p00003"].message
    assert rows["p00009"].code == "out_of_memory" and rows["p00009"].retryable
    assert rows["p00020"].code == "no_product" and not rows["p00020"].retryable
    skipped = [row for row in run.ledger(0).rows("classify").values() if row.outcome is Outcome.SKIPPED]
    assert sorted(row.cause for row in skipped) == ["ocr:engine_error", "ocr:no_product", "ocr:out_of_memory"]
    assert min(Poisoned.seen) == 1 and max(Poisoned.seen) == nothing.Ocr.max_batch


def test_only_what_failed_for_a_passing_reason_is_tried_again(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "photos", 6)
    mark(folder / "p00001.png", 7)
    mark(folder / "p00002.png", 21)
    run = begin(FolderStore(tmp_path / "store"), folder, overrides={"ocr.engine": "test_stage:Poisoned"})
    first = work(run, stages=("ocr",))["ocr"]
    calls = nothing.calls["ocr"]
    second = work(run, stages=("ocr",))["ocr"]
    assert (first.ok, first.retryable) == (4, 1) and second.failed == first.failed
    assert nothing.calls["ocr"] == calls, "photos that ended ok must not be read again"
    attempts = sorted(row.attempts for row in run.ledger(0).rows("ocr").values())
    assert attempts == [1, 1, 1, 1, 1, 2]


def test_an_engine_that_loses_a_photo_is_caught(tmp_path: Path) -> None:
    class Forgetful(nothing.Ocr):
        def run(self, images: list, *upstream: list) -> list[Any]:
            return super().run(images)[:-1] if len(images) > 1 else super().run(images)

    globals()["Forgetful"] = Forgetful
    run = begin(
        FolderStore(tmp_path / "store"),
        write_pictures(tmp_path / "photos", 5),
        overrides={"ocr.engine": "test_stage:Forgetful"},
    )
    assert work(run, stages=("ocr",))["ocr"].ok == 5


def test_equal_pictures_are_worked_on_once(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "photos", 3)
    for i in range(4):
        (folder / f"copy{i}.png").write_bytes((folder / "p00000.png").read_bytes())
    run = begin(FolderStore(tmp_path / "store"), folder, batch_size=4)
    for number in range(2):
        work(run, number)
    assert nothing.calls["ocr"] == nothing.calls["inpaint"] == 3
    rows = run.ledger(0).rows("inpaint")
    assert len(rows) == 7 and all(row.outcome is Outcome.OK for row in rows.values())


def test_a_prompt_of_its_own_is_an_artifact_of_its_own(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "photos", 1)
    store = FolderStore(tmp_path / "store")
    keys = set()
    for background in ("", "oak table", "marble"):
        run = begin(store, folder, background=background)
        work(run)
        keys |= {row.key for row in run.ledger(0).rows("inpaint").values()}
    assert len(keys) == 3
    assert nothing.calls["inpaint"] == 3 and nothing.calls["mask"] == 1


def test_a_new_run_over_the_same_catalogue_calls_no_engine(tmp_path: Path) -> None:
    folder, store = write_pictures(tmp_path / "photos", 20), FolderStore(tmp_path / "store")
    work(begin(store, folder))
    nothing.calls.clear()
    again = begin(store, folder)
    assert settle_shard(again, 0)
    assert not nothing.calls
    for stage in again.stages:
        rows = again.ledger(0).rows(stage).values()
        assert len(rows) == 20 and all(row.outcome is Outcome.OK and row.reused for row in rows)


def test_a_changed_parameter_redoes_its_stage_and_those_after_it(tmp_path: Path) -> None:
    folder, store = write_pictures(tmp_path / "photos", 5), FolderStore(tmp_path / "store")
    work(begin(store, folder))
    nothing.calls.clear()
    changed = begin(store, folder, overrides={"detect.setting": 1})
    assert not settle_shard(changed, 0)
    work(changed)
    assert nothing.calls == {"detect": 5, "mask": 5, "inpaint": 5, "deliver": 5}


def test_an_engine_s_final_failure_is_kept_for_later_runs(tmp_path: Path) -> None:
    folder, store = write_pictures(tmp_path / "photos", 3), FolderStore(tmp_path / "store")
    mark(folder / "p00001.png", 21)
    settings = {"ocr.engine": "test_stage:Poisoned"}
    work(begin(store, folder, overrides=settings))
    again = begin(store, folder, overrides=settings)
    assert settle_shard(again, 0)
    codes = [row.code for row in again.ledger(0).rows("ocr").values()]
    assert sorted(codes, key=str) == [None, None, "no_product"]


def test_photos_are_skipped_by_verdict_when_the_profile_says_so(tmp_path: Path) -> None:
    run = begin(
        FolderStore(tmp_path / "store"),
        write_pictures(tmp_path / "photos", 2),
        overrides={"skip_verdicts": ["good_infographics"]},  # what the engine that does nothing says of every photo
    )
    reports = work(run)
    assert reports["classify"].ok == 2
    assert [reports[name].skipped for name in ("caption", "detect", "mask", "inpaint", "deliver")] == [2] * 5
    assert {row.cause for row in run.ledger(0).rows("inpaint").values()} == {"policy:good_infographics"}


def test_an_artifact_that_is_gone_costs_its_photo_only(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    run = begin(store, write_pictures(tmp_path / "photos", 4))
    ref = batch(run)
    fetch_batch(run, ref)
    run_stage(run, "ocr", ref, WorkingSet())
    run_stage(run, "segment", ref, WorkingSet())
    gone = next(iter(run.ledger(0).rows("segment").values()))
    store.delete([gone.key])
    report = run_stage(run, "classify", ref, WorkingSet())
    assert (report.ok, report.failed) == (3, {"store_error": 1})


def test_what_is_kept_decoded_is_bounded() -> None:
    held = WorkingSet(max_bytes=10_000)
    for i in range(50):
        held.put(f"k{i}", np.zeros(1000, np.uint8))
    assert held._bytes <= 10_000 and len(held._held) == 10
