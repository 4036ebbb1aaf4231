"""The command line as a user meets it, in a process of its own, against a real Prefect server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pictures import write_pictures

from benchmarks.nothing import PROFILE


def packshot(*arguments: object, store: Path, api: str = "", code: int = 0) -> str:
    """Run the command; what it printed, once its exit code is as expected."""
    settings = {"PACKSHOT_STORE": str(store), "PREFECT_API_URL": api, "COLUMNS": "140", "NO_COLOR": "1"}
    settings["PREFECT_LOGGING_LEVEL"] = "CRITICAL"
    out = subprocess.run(
        [sys.executable, "-m", "flows.cli", *map(str, arguments)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert out.returncode == code, out.stdout + out.stderr
    return out.stdout + out.stderr


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> tuple[Path, Path, str, str]:
    """Store, folder of pictures, run id, and what `packshot run` printed."""
    folder = tmp_path_factory.mktemp("cli")
    pictures = write_pictures(folder / "photos", 12)
    (pictures / "letter.png").write_text("no picture")
    out = packshot("run", pictures, "--profile", PROFILE, store=folder / "store", api=prefect_server)
    run_id = re.search(r"run\s+(photos-\S+Z)", out).group(1)
    return folder / "store", pictures, run_id, out


def test_run_prints_what_came_of_it(ran: tuple[Path, Path, str, str]) -> None:
    store, _, run_id, out = ran
    assert re.search(r"ok\s+12\b", out) and re.search(r"fetch:not_an_image\s+1\b", out)
    for name in ("photos.csv", "report/index.html"):
        path = store / "runs" / run_id / name
        assert str(path) in out and path.is_file()


def test_dry_run_counts_what_is_new_and_starts_nothing(ran: tuple[Path, Path, str, str], tmp_path: Path) -> None:
    store, pictures, _, _ = ran
    before = sorted((store / "runs").iterdir())
    out = packshot("run", pictures, "--profile", PROFILE, "--dry-run", store=store)
    assert "0 of 13 photos are new" in out
    out = packshot("run", pictures, "--profile", PROFILE, "--dry-run", "--set", "mask.setting=5", store=store)
    assert "12 of 13 photos are new" in out and re.search(r"ocr\s+0\b", out) and re.search(r"mask\s+12\b", out)
    assert sorted((store / "runs").iterdir()) == before
    out = packshot("run", pictures, "--profile", PROFILE, "--dry-run", store=tmp_path / "empty")
    assert "13 of 13 photos are new" in out


def test_status_lists_runs_and_shows_one(ran: tuple[Path, Path, str, str]) -> None:
    store, _, run_id, _ = ran
    assert re.search(rf"{run_id}\s+done\s+13\s+1\b", packshot("status", store=store))
    out = packshot("status", run_id, "--failures", store=store)
    assert re.search(r"fetch:not_an_image\s+final\s+1\b", out)


def test_report_is_written_anew(ran: tuple[Path, Path, str, str]) -> None:
    store, _, run_id, _ = ran
    page = store / "runs" / run_id / "report" / "index.html"
    page.unlink()
    assert str(page) in packshot("report", store=store)
    assert "13" in page.read_text()


def test_export_names_files_by_sku(ran: tuple[Path, Path, str, str], tmp_path: Path) -> None:
    store, _, run_id, _ = ran
    out = packshot("export", run_id, tmp_path / "out", store=store)
    assert "12 cutout, 12 delivered, 12 placed" in out
    assert sorted(path.name for path in (tmp_path / "out" / "placed").iterdir())[:2] == ["p00000.png", "p00001.png"]
    assert (tmp_path / "out" / "photos.csv").is_file()


def test_check_tells_what_breaks_a_preset(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures", 2, side=1000)
    out = packshot("check", pictures, "--preset", "amazon_main", "--no-read", store=tmp_path / "store", code=1)
    assert out.count("breaks frame_share") == 2 and "0 of 2 pass amazon_main" in out
    out = packshot("check", pictures / "*.png", "--preset", "white", store=tmp_path / "store")
    assert "2 of 2 pass white" in out
    wrong = packshot("check", tmp_path / "none", "--preset", "white", store=tmp_path / "store", code=2)
    assert "names no picture" in wrong


def test_mistakes_are_one_line_and_exit_code_2(ran: tuple[Path, Path, str, str], tmp_path: Path) -> None:
    store, pictures, _, _ = ran
    (tmp_path / "empty").mkdir()
    (tmp_path / "rows.csv").write_text("name,price\na,1\n")
    for arguments, message in (
        (("run", tmp_path / "none.csv"), "does not exist"),
        (("run", pictures, "--profile", "light"), "there is no profile 'light'"),
        (("run", pictures, "--set", "ocr.engine=abc"), "no engine 'abc'"),
        (("run", pictures, "--steps", "polish"), "no step 'polish'"),
        (("run", pictures, "--set", "nonsense"), "takes NAME=VALUE"),
        (("run", tmp_path / "rows.csv", "--dry-run", "--profile", PROFILE), "--column url=NAME"),
        (("status", "no-such-run"), "there is no run 'no-such-run'"),
        (("export", "no-such-run", tmp_path / "x"), "there is no run 'no-such-run'"),
    ):
        out = packshot(*arguments, store=store, code=2)
        assert message in " ".join(out.split()), out
        assert "Traceback" not in out


def test_a_source_without_a_usable_row_is_an_error(tmp_path: Path, prefect_server: str) -> None:
    (tmp_path / "rows.jsonl").write_text('{"sku": 1}\n{broken\n')
    arguments = ("run", tmp_path / "rows.jsonl", "--profile", PROFILE)
    out = packshot(*arguments, store=tmp_path / "store", api=prefect_server, code=2)
    assert "has no usable row: line 1: no URL" in " ".join(out.split())
    assert "Traceback" not in out
