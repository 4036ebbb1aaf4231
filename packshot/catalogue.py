"""Reading catalogues: JSON lines, CSV, Parquet, a folder of pictures, an S3 prefix. Streamed, row by row.

A row that cannot be used is a `Problem` with its line number, and the rest goes on.
"""

import csv
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field

from packshot.errors import SourceError
from packshot.records import Photo, photo_id

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})
COLUMNS = {
    "sku": ("market_sku_id", "sku", "offer_id", "id"),
    "url": ("pic_url", "url", "image_url", "picture", "image_link"),
    "verdict": ("verdict",),
    "background": ("background",),
}
"""The names under which a column is looked for when the source does not map it. The first are the method's."""


class Kind(StrEnum):
    JSON_LINES = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    FOLDER = "folder"
    S3 = "s3"


class Source(BaseModel):
    """A catalogue and how to read it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(description="A .jsonl, .csv or .parquet file, a folder of pictures, or s3://bucket/prefix.")
    columns: dict[Literal["sku", "url", "verdict", "background"], str] = Field(
        default_factory=dict, description="Names of the columns where they differ from the usual ones."
    )
    allow_http: bool = Field(
        default=False, description="Take http:// URLs as they are and read //host/path as http. Otherwise https only."
    )

    @property
    def kind(self) -> Kind:
        if self.path.startswith("s3://"):
            return Kind.S3
        path = Path(self.path)
        if path.is_dir():
            return Kind.FOLDER
        suffixes = {".jsonl": Kind.JSON_LINES, ".json": Kind.JSON_LINES, ".ndjson": Kind.JSON_LINES}
        suffixes |= {".csv": Kind.CSV, ".tsv": Kind.CSV, ".parquet": Kind.PARQUET}
        kind = suffixes.get(path.suffix.lower())
        if kind is None and path.name.startswith("pictures_market"):
            kind = Kind.JSON_LINES  # the method's file has no suffix
        if not path.exists():
            raise SourceError(f"the catalogue {self.path} does not exist")
        if kind is None:
            raise SourceError(
                f"cannot tell what kind of catalogue {self.path} is: name it .jsonl, .csv or .parquet, "
                "or give a folder of pictures or s3://bucket/prefix"
            )
        return kind

    @property
    def kind_of_pictures(self) -> Kind | None:
        """Where the pictures are when the catalogue is the pictures themselves; None when its rows name URLs."""
        if self.path.startswith("s3://"):
            return Kind.S3
        return Kind.FOLDER if Path(self.path).is_dir() else None


class ProblemCode(StrEnum):
    BAD_LINE = "bad_line"
    NO_URL = "no_url"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that is no photo. `line` counts from 1: lines of a text file, rows of a Parquet file."""

    line: int
    code: ProblemCode
    message: str


class Duplicates:
    """Which photos were seen, in a temporary database on disk: a million rows stay out of memory."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")  # a private file that SQLite removes by itself
        self._db.execute("PRAGMA cache_size = -32000")
        self._db.execute("CREATE TABLE seen (id BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def first_line(self, photo: str, line: int) -> int | None:
        """The line on which this photo stood before, or None, and then it is remembered."""
        key = bytes.fromhex(photo)
        if self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, line)).rowcount:
            return None
        return self._db.execute("SELECT line FROM seen WHERE id = ?", (key,)).fetchone()[0]

    def close(self) -> None:
        self._db.close()


def read_catalogue(source: Source) -> Iterator[Photo | Problem]:
    """Every row of a catalogue in its order: a photo, or what is wrong with it.

    Raises `SourceError` when the catalogue cannot be read at all. Equal pairs of SKU and URL are duplicates.
    """
    duplicates = Duplicates()
    readers = {
        Kind.JSON_LINES: _json_lines,
        Kind.CSV: _csv,
        Kind.PARQUET: _parquet,
        Kind.FOLDER: _folder,
        Kind.S3: _s3,
    }
    try:
        for line, row in readers[source.kind](source):
            if isinstance(row, Problem):
                yield row
                continue
            photo = _photo(source, line, row)
            if isinstance(photo, Photo) and (first := duplicates.first_line(photo.photo_id, line)) is not None:
                yield Problem(line, ProblemCode.DUPLICATE, f"the same SKU and URL as line {first}")
            else:
                yield photo
    except OSError as error:
        raise SourceError(f"the catalogue {source.path} cannot be read: {error.strerror or error}") from error
    finally:
        duplicates.close()


def _photo(source: Source, line: int, row: dict[str, Any]) -> Photo | Problem:
    def value(field: Literal["sku", "url", "verdict", "background"]) -> str | None:
        names = (source.columns[field],) if field in source.columns else COLUMNS[field]
        for name in names:
            found = row.get(name)
            if found is not None and found == found and str(found).strip():  # NaN is not equal to itself
                return str(found).strip().encode("utf-8", "replace").decode()  # lone surrogates can't be stored
        return None

    url = value("url")
    if url is None:
        wanted = source.columns.get("url") or " or ".join(COLUMNS["url"])
        return Problem(line, ProblemCode.NO_URL, f"no URL in column {wanted}")
    if url.startswith("//"):
        url = f"{'http' if source.allow_http else 'https'}:{url}"
    sku = value("sku") or url
    return Photo(photo_id(sku, url), sku, url, value("verdict"), value("background"))


def _json_lines(source: Source) -> Iterator[tuple[int, Any]]:
    with open(source.path, "rb") as file:
        for line, data in enumerate(file, 1):
            if not data.strip():
                continue
            try:
                row = json.loads(data.decode("utf-8-sig"))
                if not isinstance(row, dict):
                    raise ValueError("not an object")
                yield line, row
            except (ValueError, RecursionError) as error:
                yield line, Problem(line, ProblemCode.BAD_LINE, f"not a JSON object: {error}")


def _csv(source: Source) -> Iterator[tuple[int, Any]]:
    delimiter = "\t" if source.path.lower().endswith(".tsv") else ","
    with open(source.path, encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        header = next(reader, None)
        if header is None:
            return
        _check_columns(source, header)
        while True:
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield reader.line_num, Problem(reader.line_num, ProblemCode.BAD_LINE, f"not valid CSV: {error}")
                continue
            if len(values) > len(header):
                message = f"{len(values)} values, but the header has {len(header)} columns"
                yield reader.line_num, Problem(reader.line_num, ProblemCode.BAD_LINE, message)
            elif values:
                yield reader.line_num, dict(zip(header, values, strict=False))


def _parquet(source: Source) -> Iterator[tuple[int, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(source.path)
    except pa.ArrowInvalid as error:
        raise SourceError(f"the catalogue {source.path} is not a Parquet file: {error}") from error
    names = file.schema_arrow.names
    _check_columns(source, names)
    wanted = {name for field in COLUMNS for name in (source.columns.get(field), *COLUMNS[field])}
    line = 0
    for table in file.iter_batches(batch_size=4096, columns=[name for name in names if name in wanted]):
        for row in table.to_pylist():
            line += 1
            yield line, row


def _folder(source: Source) -> Iterator[tuple[int, Any]]:
    root = Path(source.path).resolve()
    line = 0
    for path in _pictures(root):
        line += 1
        yield line, {"sku": path.relative_to(root).with_suffix("").as_posix(), "url": f"file://{quote(str(path))}"}


def _pictures(folder: Path) -> Iterator[Path]:
    """Depth first, names in order, one folder's names in memory at a time."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _pictures(path)
        elif path.suffix.lower() in PICTURE_SUFFIXES:
            yield path


def _s3(source: Source) -> Iterator[tuple[int, Any]]:
    from packshot.store import S3Store

    parts = urlsplit(source.path)
    store = S3Store.of_bucket(parts.netloc)
    prefix = parts.path.lstrip("/")
    line = 0
    for key in store.keys(prefix):
        if Path(key).suffix.lower() in PICTURE_SUFFIXES:
            line += 1
            sku = key[len(prefix) :].lstrip("/").rsplit(".", 1)[0]
            yield line, {"sku": sku or key, "url": f"s3://{parts.netloc}/{quote(key)}"}


def _check_columns(source: Source, names: list[str]) -> None:
    """Say at once which column is missing, rather than a million times that a row has no URL."""
    for field, name in source.columns.items():
        if name not in names:
            raise SourceError(
                f"the catalogue {source.path} has no column {name!r} for {field}; it has {', '.join(names)}"
            )
    if "url" not in source.columns and not set(COLUMNS["url"]) & set(names):
        raise SourceError(
            f"the catalogue {source.path} has none of the columns {', '.join(COLUMNS['url'])}; "
            f"it has {', '.join(names)}: say which holds the URL with --column url=NAME"
        )
