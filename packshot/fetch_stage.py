"""The fetch stage: which URLs of a batch still need their bytes, and what came of them.

`fetched/<u2>/<sha256 of url>.json` remembers a URL's digest and validators, or its final failure; the bytes lie once
under `photos/`. Pictures of a folder or a bucket that is itself the catalogue are read where they are.
"""

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packshot import progress
from packshot.catalogue import Kind
from packshot.errors import ErrorCode, PhotoError, StoreError
from packshot.fetching import Fetched, FetchRequest, shared_fetcher
from packshot.images import ImageLimits, verify
from packshot.records import BatchRef, LedgerRow, Outcome, Photo
from packshot.run import Run
from packshot.stage import StageReport
from packshot.stages import FETCH
from packshot.store import S3Store


@dataclass(slots=True)
class FetchSurvey:
    """`settled`: photos that need no request, with their rows. `pending`: photos by URL, with what is remembered."""

    settled: list[LedgerRow]
    pending: dict[str, tuple[list[Photo], dict[str, Any]]]


def survey_fetch(run: Run, batch: BatchRef) -> FetchSurvey:
    """What is left to fetch of a batch: no request is made."""
    result = FetchSurvey([], {})
    before = run.ledger(batch.shard).rows(FETCH)
    waiting: dict[str, list[Photo]] = {}
    for photo in run.photos(batch):
        row = before.get(photo.photo_id)
        if row and not (row.outcome is Outcome.FAILED and row.retryable):
            result.settled.append(row)
        else:
            waiting.setdefault(photo.url, []).append(photo)
    keys = {url: record_key(url) for url in waiting}
    records = {key: json.loads(data) for key, data in run.store.get_many(keys.values()).items()}
    there = run.store.existing({record["key"] for record in records.values() if "key" in record})
    for url, photos in waiting.items():
        record = records.get(keys[url], {})
        if "code" in record:
            facts = {name: record[name] for name in ("code", "message", "http_status", "attempts")}
            result.settled += _rows(photos, Outcome.FAILED, reused=True, **facts)
        elif record.get("key") in there and run.spec.profile.fetch.is_fresh(record["fetched_at"]):
            result.settled += _rows(photos, Outcome.OK, record["digest"], key=record["key"], reused=True)
        else:
            result.pending[url] = (photos, record if record.get("key") in there else {})
    return result


def fetch_batch(run: Run, batch: BatchRef) -> StageReport:
    """Fetch what is pending of a batch, store photos under their digests, and write the ledger rows last."""
    started = time.perf_counter()
    report = StageReport(FETCH)
    ledger = run.ledger(batch.shard)
    before = ledger.rows(FETCH)
    found = survey_fetch(run, batch)
    rows = list(found.settled)
    progress.advance(FETCH, len(rows), found_done_in=batch)
    fresh = [row for row in rows if before.get(row.photo_id) != row]
    for url, outcome in _fetch(run, found):
        photos, record = found.pending[url]
        done = _settle(run, url, photos, record, outcome)
        for row in done:
            if earlier := before.get(row.photo_id):
                row.attempts += earlier.attempts
        rows += done
        fresh += done
        progress.advance(FETCH, len(photos))
    share = (time.perf_counter() - started) / max(1, len(found.pending))
    for row in fresh:
        if not row.reused:
            row.seconds = share
    if fresh:
        ledger.append(batch, FETCH, fresh)
    report.count(rows)
    report.engine_calls = len(found.pending)
    report.seconds = report.engine_seconds = time.perf_counter() - started
    return report


def record_key(url: str) -> str:
    """Where the fate of a URL is remembered."""
    name = hashlib.sha256(url.encode()).hexdigest()
    return f"fetched/{name[:2]}/{name}.json"


def _fetch(run: Run, found: FetchSurvey) -> Iterable[tuple[str, Fetched | PhotoError]]:
    """Every pending URL with its outcome, in the order of their ends."""
    kind = run.spec.source.kind_of_pictures
    settings = run.spec.profile.fetch
    if kind is not None:
        for url in found.pending:
            yield url, _read_local(run, kind, url, settings.image_limits)
        return
    if run.spec.source.allow_http:
        settings = settings.model_copy(update={"allow_http": True})
    requests = [
        FetchRequest(url, record.get("etag"), record.get("last_modified")) for url, (_, record) in found.pending.items()
    ]

    def store_photo(digest: str, extension: str, data: bytes) -> None:
        _store(run, digest, extension, data)

    for request, outcome in shared_fetcher(settings).stream(requests, store_photo):
        yield request.url, outcome


def _settle(
    run: Run, url: str, photos: list[Photo], record: dict[str, Any], outcome: Fetched | PhotoError
) -> list[LedgerRow]:
    """Remember what came of a URL, then make its rows."""
    now = time.time()
    try:
        if isinstance(outcome, PhotoError):
            facts = {
                "code": outcome.code.value,
                "message": outcome.message,
                "http_status": outcome.http_status,
                "attempts": outcome.attempts,
            }
            if not outcome.code.retryable:
                _remember(run, url, facts | {"fetched_at": now})
            return _rows(photos, Outcome.FAILED, retryable=outcome.code.retryable, **facts)
        if outcome.not_modified:
            _remember(run, url, record | {"fetched_at": now})
            return _rows(photos, Outcome.OK, record["digest"], key=record["key"], attempts=outcome.attempts)
        key = photo_key(outcome.digest or "", outcome.extension or "")
        facts = {
            "digest": outcome.digest,
            "key": key,
            "size_bytes": outcome.size_bytes,
            "size_wh": outcome.size_wh,
            "etag": outcome.etag,
            "last_modified": outcome.last_modified,
            "fetched_at": now,
        }
        _remember(run, url, facts)
        return _rows(photos, Outcome.OK, outcome.digest, key=key, attempts=outcome.attempts)
    except StoreError as error:
        code = ErrorCode.STORE_ERROR
        return _rows(photos, Outcome.FAILED, code=code.value, message=str(error), retryable=True)


def _remember(run: Run, url: str, record: dict[str, Any]) -> None:
    run.store.put(record_key(url), json.dumps({"url": url} | record, ensure_ascii=False).encode())


def photo_key(digest: str, extension: str) -> str:
    """Where a photo's bytes lie, as they were fetched."""
    return f"photos/{digest[:2]}/{digest}.{extension}"


def _store(run: Run, digest: str, extension: str, data: bytes) -> None:
    key = photo_key(digest, extension)
    if not run.store.existing([key]):
        run.store.put(key, data)


def _read_local(run: Run, kind: Kind, url: str, limits: ImageLimits) -> Fetched | PhotoError:
    """A picture of the folder or bucket that is the catalogue."""
    try:
        data = _read_file(run, url) if kind is Kind.FOLDER else _read_object(run, url)
        info = verify(data, limits)
        digest = hashlib.sha256(data).hexdigest()
        _store(run, digest, info.extension, data)
    except PhotoError as error:
        return error
    except StoreError as error:
        return PhotoError(ErrorCode.STORE_ERROR, str(error))
    return Fetched(url, url, False, digest, info.extension, len(data), info.size_wh, None, None, 1, 0.0)


def _read_file(run: Run, url: str) -> bytes:
    path = Path(unquote(urlsplit(url).path)).resolve()
    if not path.is_relative_to(run.spec.source.path):
        raise PhotoError(ErrorCode.BAD_URL, f"{path} lies outside the catalogue's folder {run.spec.source.path}")
    limit = run.spec.profile.fetch.max_bytes
    try:
        if path.stat().st_size > limit:
            raise PhotoError(ErrorCode.TOO_LARGE, f"{path} is larger than {limit} bytes")
        return path.read_bytes()
    except OSError as error:
        raise PhotoError(ErrorCode.CONNECTION, f"{path} cannot be read: {error.strerror}") from error


def _read_object(run: Run, url: str) -> bytes:
    parts = urlsplit(url)
    data = S3Store.of_bucket(parts.netloc).get(unquote(parts.path).lstrip("/"))
    if data is None:
        raise PhotoError(ErrorCode.HTTP_4XX, f"{url} is gone from the bucket", http_status=404)
    return data


def _rows(photos: list[Photo], outcome: Outcome, digest: str | None = None, **facts: Any) -> list[LedgerRow]:
    return [LedgerRow(photo.photo_id, FETCH, outcome, digest, **facts) for photo in photos]
