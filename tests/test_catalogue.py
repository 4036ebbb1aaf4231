"""Reading catalogues of every kind, and saying what is wrong with which line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from stored_objects import put_all

from packshot.catalogue import Problem, ProblemCode, Source, read_catalogue
from packshot.errors import SourceError
from packshot.records import Photo
from packshot.store import S3Store

ROWS = [
    {"market_sku_id": 1, "pic_url": "//host/a.jpg", "verdict": "good_infographics", "background": "oak table"},
    {"market_sku_id": 2, "pic_url": "https://host/b.jpg", "verdict": None},
]


def photos(source: Source) -> list[Photo]:
    return [row for row in read_catalogue(source) if isinstance(row, Photo)]


def problems(source: Source) -> list[tuple[int, ProblemCode]]:
    return [(row.line, row.code) for row in read_catalogue(source) if isinstance(row, Problem)]


def write_lines(path: Path, *lines: str) -> Source:
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return Source(path=str(path))


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_the_same_rows_from_every_kind_of_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"catalogue.{suffix}"
    table = pd.DataFrame(ROWS)
    if suffix == "jsonl":
        path.write_text("\n".join(map(json.dumps, ROWS)))
    elif suffix == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    first, second = photos(Source(path=str(path)))
    assert (first.sku, first.url) == ("1", "https://host/a.jpg")
    assert (first.verdict, first.background) == ("good_infographics", "oak table")
    assert (second.sku, second.url, second.verdict, second.background) == ("2", "https://host/b.jpg", None, None)
    assert first.photo_id != second.photo_id and len(first.photo_id) == 32


def test_protocol_relative_means_https_unless_http_is_allowed(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "c.jsonl", json.dumps(ROWS[0]))
    assert photos(source)[0].url == "https://host/a.jpg"
    assert photos(source.model_copy(update={"allow_http": True}))[0].url == "http://host/a.jpg"


def test_bad_rows_are_told_by_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    source = write_lines(
        tmp_path / "c.jsonl",
        json.dumps({"sku": "a", "url": "https://h/1"}),
        "{broken",
        "",
        json.dumps({"sku": "b"}),
        json.dumps(["no", "object"]),
        json.dumps({"sku": "a", "url": "https://h/1"}),
        json.dumps({"sku": "c", "url": "   "}),
        '{"sku": "\\ud800", "url": "https://h/2"}',
        json.dumps({"sku": "other", "url": "https://h/1"}),
    )
    assert problems(source) == [
        (2, ProblemCode.BAD_LINE),
        (4, ProblemCode.NO_URL),
        (5, ProblemCode.BAD_LINE),
        (6, ProblemCode.DUPLICATE),
        (7, ProblemCode.NO_URL),
    ]
    assert [photo.sku for photo in photos(source)] == ["a", "?", "other"]
    duplicate = next(row for row in read_catalogue(source) if isinstance(row, Problem) and row.line == 6)
    assert duplicate.message == "the same SKU and URL as line 1"


def test_bytes_that_are_no_utf8_cost_their_line(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"sku": 1, "url": "https://h/1"}\n\xff\xfe{}\n{"sku": 2, "url": "https://h/2"}\n')
    assert [row.line if isinstance(row, Problem) else row.sku for row in read_catalogue(Source(path=str(path)))] == [
        "1",
        2,
        "2",
    ]


def test_csv_keeps_quoted_commas_and_tells_of_rows_that_are_too_long(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "c.csv", "sku,url", '"a,b",https://h/1', "x,https://h/2,surplus", "y")
    assert [photo.sku for photo in photos(source)] == ["a,b"]
    assert problems(source) == [(3, ProblemCode.BAD_LINE), (4, ProblemCode.NO_URL)]


def test_columns_are_mapped_and_a_missing_one_is_named(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "c.csv", "artikul,foto,fon", "7,https://h/7.jpg,marble")
    mapped = source.model_copy(update={"columns": {"sku": "artikul", "url": "foto", "background": "fon"}})
    assert [(p.sku, p.url, p.background) for p in photos(mapped)] == [("7", "https://h/7.jpg", "marble")]
    with pytest.raises(SourceError, match="--column url=NAME"):
        photos(source)
    with pytest.raises(SourceError, match="no column 'nope' for sku"):
        photos(source.model_copy(update={"columns": {"sku": "nope", "url": "foto"}}))


def test_a_row_without_sku_goes_by_its_url(tmp_path: Path) -> None:
    assert photos(write_lines(tmp_path / "c.jsonl", '{"url": "https://h/x.jpg"}'))[0].sku == "https://h/x.jpg"


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    for name in ("b/2.PNG", "a.jpg", "b/notes.txt", "ж я.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = photos(Source(path=str(tmp_path)))
    assert [photo.sku for photo in found] == ["a", "b/2", "ж я"]
    assert all(photo.url.startswith("file:///") for photo in found)


def test_an_s3_prefix(s3_bucket: str) -> None:
    store = S3Store(s3_bucket)
    put_all(store, {"spring/a.jpg": b"", "spring/deep/b.png": b"", "spring/readme.md": b"", "autumn/c.jpg": b""})
    found = photos(Source(path=f"s3://{s3_bucket}/spring/"))
    assert [(photo.sku, photo.url) for photo in found] == [
        ("a", f"s3://{s3_bucket}/spring/a.jpg"),
        ("deep/b", f"s3://{s3_bucket}/spring/deep/b.png"),
    ]


def test_what_is_no_catalogue_is_told_of(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.csv", "does not exist"),
        (tmp_path / "letter.doc", "cannot tell what kind"),
        (tmp_path / "fake.parquet", "not a Parquet file"),
    ):
        if path.suffix != ".csv":
            path.write_text("x")
        with pytest.raises(SourceError, match=message):
            list(read_catalogue(Source(path=str(path))))


def test_a_million_rows_are_not_held(tmp_path: Path) -> None:
    """Reading 20 times as many rows takes hardly more memory: measured in processes of their own."""
    script = (
        "import resource, sys\n"
        "from packshot.catalogue import Source, read_catalogue\n"
        "n = sum(1 for _ in read_catalogue(Source(path=sys.argv[1])))\n"
        "print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = []
    for count in (10_000, 200_000):
        path = tmp_path / f"{count}.jsonl"
        with path.open("w") as file:
            file.writelines(f'{{"sku": {i}, "url": "https://host/{i}.jpg"}}\n' for i in range(count))
        out = subprocess.run(
            [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True, env=os.environ
        ).stdout.split()
        assert int(out[0]) == count
        peaks.append(int(out[1]))
    assert peaks[1] - peaks[0] < 45_000  # kB; the rows as objects would take more than 100,000
