"""A run whose pictures go through gates and a preset: keys, figures, usable rate, export; without Prefect."""

import json
from pathlib import Path

import cv2
import numpy as np
from pictures import batch, begin, write_pictures

from packshot.export import export_run
from packshot.fetch_stage import fetch_batch
from packshot.preset_check import check
from packshot.presets import load_preset
from packshot.provenance import COMPOSITE, source_type
from packshot.results import collect, read_photos
from packshot.run import Run
from packshot.shard import finish_shard
from packshot.stage import run_stage, settle_shard
from packshot.store import FolderStore
from packshot.working_set import WorkingSet

ENGINES = {
    "detect.engine": "masks",
    "mask.engine": "grabcut",
    "inpaint.engine": "studio",
    "deliver.engine": "preset",
    "gates.cutout_confidence": 0.0,
}


def work(run: Run) -> dict:
    ref, held = batch(run), WorkingSet()
    fetch_batch(run, ref)
    for name in run.stages[1:]:
        run_stage(run, name, ref, held)
    return finish_shard(run, 0)


def start(folder: Path, pictures: Path, steps=("place",), background="", **overrides) -> Run:
    store = FolderStore(folder)
    return begin(store, pictures, steps, overrides=ENGINES | overrides, background=background)


def test_files_follow_the_preset_and_the_table_says_what_was_measured(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures", 2, side=240)
    run = start(tmp_path / "store", pictures, background="oak table", **{"deliver.preset": "wildberries"})
    summary = work(run)
    assert summary["pictures"] == summary["usable"] == 2 and summary["outcomes"] == {"ok": 2}
    collect(run, 1)
    rows = list(read_photos(run))
    for row in rows:
        data = run.store.get(row["delivered"])
        assert row["delivered"].endswith(".jpg") and row["placed"].endswith(".png")
        assert not [finding for finding in check(data, load_preset("wildberries")) if finding.binding]
        assert source_type(data) == source_type(run.store.get(row["placed"])) == COMPOSITE
        figures = json.loads(row["figures"])
        assert figures["inpaint"]["gates"]["changed_pixels"] == 0 and figures["inpaint"]["preset"] == "wildberries"
        assert figures["deliver"]["preset"] == "wildberries" and figures["deliver"]["bytes"] > 1000
    assert export_run(run, tmp_path / "out") == {"cutout": 2, "delivered": 2, "placed": 2}
    assert sorted(path.suffix for path in (tmp_path / "out" / "delivered").iterdir()) == [".jpg", ".jpg"]
    again = start(tmp_path / "store", pictures, background="oak table", **{"deliver.preset": "wildberries"})
    fetch_batch(again, batch(again))
    assert settle_shard(again, 0), "everything is found done, under the same keys"
    marble = start(tmp_path / "store", pictures, background="white marble", **{"deliver.preset": "wildberries"})
    work(marble)
    collect(marble, 1)
    assert {r["delivered"] for r in read_photos(marble)}.isdisjoint(r["delivered"] for r in rows), "its own prompt"


def test_what_fails_is_told_and_counts_as_not_usable(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures", 2, side=240)
    blank = np.full((240, 240, 3), 255, np.uint8)

    cv2.imwrite(str(pictures / "blank.png"), blank)
    run = start(tmp_path / "store", pictures, ("clean",), **{"deliver.preset": "amazon_main"})
    summary = work(run)
    assert summary["codes"] == {"deliver:too_small": 2, "detect:no_product": 1}
    assert summary["pictures"] == 3 and summary["usable"] == 0
    collect(run, 1)
    small = [row for row in read_photos(run) if row["code"] == "too_small"]
    assert json.loads(small[0]["figures"])["deliver"]["upscale"] > 2 and "max_upscale" in small[0]["message"]
    larger = start(
        tmp_path / "store", pictures, ("clean",), **{"deliver.preset": "amazon_main", "deliver.max_upscale": 8.0}
    )
    assert work(larger)["usable"] == 2
    strict = start(tmp_path / "store", pictures, ("place",), **{"gates.contrast": 101.0, "inpaint.fallback": "none"})
    assert work(strict)["codes"]["inpaint:gate_failed"] == 2
    rows = strict.ledger(0).rows("inpaint")
    tries = [json.loads(row.figures)["tries"] for row in rows.values() if row.code == "gate_failed"]
    assert [t["setting"] for t in tries[0]] == ["as asked", "as asked", "stricter"]
