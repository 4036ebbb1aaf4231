"""Hostile and broken input costs one row with the right code, and never the run."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.process_catalogue import CatalogueParameters, process_catalogue
from packshot.artifacts import Raster
from packshot.export import KINDS, export_run, file_name
from packshot.images import decode
from packshot.results import read_photos
from packshot.run import Run, open_run
from packshot.synth.catalogue import write_catalogue
from packshot.synth.server import serve

FAILURES = {
    "fault:404": ("fetch", "http_4xx", 404),
    "fault:403": ("fetch", "http_4xx", 403),
    "fault:500": ("fetch", "http_5xx", 500),
    "fault:timeout": ("fetch", "timeout", None),
    "fault:html": ("fetch", "not_an_image", None),
    "fault:empty": ("fetch", "empty", None),
    "fault:truncated.jpg": ("fetch", "truncated", None),
    "fault:loop": ("fetch", "too_many_redirects", None),
    "fault:reset": ("fetch", "connection", None),
    "fault:429": ("fetch", "http_429", 429),
    "file:cut_short.jpg": ("fetch", "corrupt_image", None),
    "file:tiny.png": ("fetch", "too_small", None),
    "file:bomb.png": ("fetch", "too_many_pixels", None),
    "file:no_product.png": ("detect", "no_product", None),
    "unreachable": ("fetch", "connection", None),
}
"""What must become of the catalogue's broken rows; all others that are photos must end ok."""
RETRYABLE = {"fault:500", "fault:timeout", "fault:truncated.jpg", "fault:reset", "fault:429", "unreachable"}
NO_LIMITS = {
    "gates.cutout_confidence": 0.0,
    "gates.covered_outline": 1.0,
    "gates.edge_roughness": 99.0,
    "gates.halo": 1.0,
    "gates.texts_left": 99,
}
"""How good the pictures are is not asked here."""
OVERRIDES = NO_LIMITS | {
    "fetch.allow_private": True,
    "fetch.first_byte_timeout_s": 1.0,
    "fetch.attempts": 2,
    "fetch.backoff_s": 0.05,
}
NO_PHOTOS = {"missing_url", "duplicate", "bad_line"}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Iterator[tuple[dict[str, Any], Path]]:
    """The summary of a run over a small catalogue with every kind of broken row, and the catalogue's folder."""
    folder = tmp_path_factory.mktemp("broken")
    with serve(_empty(folder / "catalogue")) as base_url:
        write_catalogue(folder / "catalogue", 6, 11, broken=True, base_url=base_url)
        yield (
            process_catalogue(
                CatalogueParameters(
                    source=str(folder / "catalogue" / "pictures_market.jsonl"),
                    store=str(folder / "store"),
                    allow_http=True,
                    retries=1,
                    retry_delay_seconds=0,
                    overrides=OVERRIDES,
                )
            ),
            folder / "catalogue",
        )


@pytest.fixture
def run(broken: tuple[dict[str, Any], Path]) -> Run:
    return open_run(broken[0]["store"], broken[0]["run_id"])


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


def by_case(run: Run, catalogue: Path) -> dict[str, dict[str, Any]]:
    """The rows of photos.parquet by what the catalogue meant them to be."""
    rows = {row["sku"]: row for row in read_photos(run)}
    truth = [json.loads(line) for line in (catalogue / "truth.jsonl").read_text().splitlines()]
    cases = [(fact["case"], str(fact["market_sku_id"])) for fact in truth if "case" in fact]
    return {case: rows[sku] for case, sku in cases if case not in NO_PHOTOS}


def test_every_row_is_accounted_for(broken: tuple[dict[str, Any], Path]) -> None:
    summary, catalogue = broken
    lines = (catalogue / "pictures_market.jsonl").read_text().splitlines()
    assert summary["photos"] + sum(summary["plan"]["problems"].values()) == len(lines)
    assert summary["plan"]["problems"] == {"no_url": 1, "duplicate": 1, "bad_line": 1}
    assert summary["unsettled"] == 0
    assert sum(summary["outcomes"].values()) == summary["photos"]


def test_each_broken_row_ends_with_its_code(run: Run, broken: tuple[dict[str, Any], Path]) -> None:
    found = by_case(run, broken[1])
    assert FAILURES.keys() <= found.keys()
    for case, row in found.items():
        got = (row["stage"], row["code"], row["http_status"]) if row["outcome"] == "failed" else row["outcome"]
        assert got == FAILURES.get(case, "ok"), f"{case}: {row['message']}"
        assert row["retryable"] == (case in RETRYABLE), case
        if case in FAILURES:
            assert row["message"], f"{case} does not say what happened"


def test_odd_formats_come_out_upright_and_whole(run: Run, broken: tuple[dict[str, Any], Path]) -> None:
    found = by_case(run, broken[1])
    for name in ("animated.gif", "cmyk.jpg", "sixteen_bit.png", "palette.png", "transparent.png", "exif_rotated.jpg"):
        row = found[f"file:{name}"]
        photo = decode(run.store.get(row["photo"]), run.spec.profile.fetch.image_limits)
        cutout = Raster.decode(run.store.get(row["cutout"])).pixels
        assert cutout.shape == (*photo.shape[:2], 4), name


def test_product_pixels_are_the_original_ones(run: Run) -> None:
    checked = 0
    for row in read_photos(run):
        if row["placed"]:
            photo = decode(run.store.get(row["photo"]), run.spec.profile.fetch.image_limits)
            cutout, placed, white = (
                Raster.decode(run.store.get(row[k])).pixels for k in ("cutout", "placed", "delivered")
            )
            solid = cutout[..., 3] == 255
            assert solid.any()
            for picture in (cutout[..., :3], placed, white):
                assert (picture[solid] == photo[solid]).all(), row["sku"]
            checked += 1
    assert checked >= 12


def test_hostile_skus_stay_inside_the_export(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "export"
    counts = export_run(run, target)
    assert counts["cutout"] == sum(1 for row in read_photos(run) if row["cutout"])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(target) for path in files)
    assert len(files) == sum(counts.values()) + 1
    assert {path.parent.name for path in files} <= {*KINDS, "export"}
    assert (target / "cutout" / "etc_passwd.png").exists()


def test_hostile_text_is_harmless_in_report_and_table(run: Run) -> None:
    page = run.store.get(f"{run.prefix}/report/index.html").decode()
    assert "<script" not in page.lower()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "Content-Security-Policy" in page and "javascript:" not in page
    table = run.store.get(f"{run.prefix}/photos.csv").decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert len(rows) == run.read_json("plan.json")["photos"]
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())


def test_no_sku_enters_a_key(run: Run) -> None:
    keys = [key for part in ("artifacts/", "photos/", "fetched/", "runs/") for key in run.store.keys(part)]
    assert not [key for key in keys if "passwd" in key or "script" in key or ".." in key]


@pytest.mark.parametrize(
    ("sku", "name"),
    [
        ("../../etc/passwd", "etc_passwd"),
        ("<script>alert(1)</script>", "script_alert_1_script"),
        ("", None),
        ("...", None),
        ("артикул 7", "артикул_7"),
        (".hidden", "hidden"),
        ("a/b", "a_b"),
    ],
)
def test_file_names(sku: str, name: str | None) -> None:
    found = file_name(sku)
    assert found == name if name else found.startswith("sku-")
    assert len(file_name("ж" * 500).encode()) <= 100


def test_run_json_tells_what_made_the_results(run: Run) -> None:
    record = run.read_json("run.json")
    assert record["status"] == "to retry"
    assert set(record["fingerprints"]) == set(run.stages) - {"fetch"}
    assert record["versions"]["packshot"] and record["spec"]["profile"]["stages"]["ocr"]["params"]
    assert record["summary"]["verdicts"] and record["summary"]["seconds"]["ocr"] > 0


def test_the_same_command_tries_only_what_may_pass(broken: tuple[dict[str, Any], Path]) -> None:
    """Last, since it goes on with the same run: nothing is read or cut out again."""
    summary, _ = broken
    run = open_run(summary["store"], summary["run_id"])
    parameters = CatalogueParameters(
        source=run.spec.source.path,
        store=summary["store"],
        allow_http=True,
        retries=0,
        overrides=OVERRIDES,
    )
    again = process_catalogue(parameters)
    assert again["run_id"] == summary["run_id"], "an unfinished run is resumed"
    assert again["codes"] == summary["codes"] and again["outcomes"] == summary["outcomes"]
    assert again["seconds"]["ocr"] == summary["seconds"]["ocr"], "no photo was read again"
