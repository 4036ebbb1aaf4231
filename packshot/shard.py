"""The end of a shard: its ledger as one file, its counts, and the rows of photos.parquet that come from it."""

import json
from collections import Counter
from typing import Any

from packshot.artifacts import Caption, Classification, Detections, Texts, read_figures
from packshot.ledger import ShardLedger
from packshot.records import VERDICTS, LedgerRow, Outcome, Photo
from packshot.run import Run
from packshot.stages import FETCH

_READ_BACK = {"ocr": Texts, "classify": Classification, "caption": Caption, "detect": Detections}
"""Stages whose small artifacts photos.parquet repeats in columns."""
_MEASURED = ("mask", "repair", "inpaint", "deliver")
"""Stages whose pictures carry figures of their own."""
_FIGURES_WITHIN = 4096


def finish_shard(run: Run, shard: int) -> dict[str, Any]:
    """Compact the ledger and count; mark the shard done if nothing is left that may pass another time.

    Returns `photos`, `outcomes`, `verdicts`, `codes` (`stage:code`), `seconds` by stage, `retryable` photos, `pictures`
    (photos of which some were to be made) and how many of those are `usable`: every picture was made and passed.
    """
    photos, ledger = run.shard(shard)
    ledger.compact()
    summary = count_shard(run, photos, ledger)
    if not summary["retryable"] and not summary["unsettled"]:
        run.write_json(f"shards/{shard:05d}.json", summary)
    return summary


def count_shard(run: Run, photos: list[Photo], ledger: ShardLedger) -> dict[str, Any]:
    """The shard in numbers, from its ledger."""
    outcomes: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    worked: Counter[str] = Counter()
    retryable = unsettled = pictures = usable = 0
    making = [name for name in _MEASURED if name in run.stages]
    by_stage = {name: ledger.rows(name) for name in run.stages}
    for photo in photos:
        rows = [row for name in run.stages if (row := by_stage[name].get(photo.photo_id))]
        unsettled += len(rows) < len(run.stages)
        outcome, failures = photo_outcome(rows)
        outcomes[outcome] += 1
        retryable += any(row.retryable for row in failures)
        if making and _wanted(rows):
            pictures += 1
            usable += sum(row.stage in making and row.outcome is Outcome.OK for row in rows) == len(making)
        codes.update(f"{row.stage}:{failure_code(row)}" for row in failures)
        for row in rows:
            seconds[row.stage] += row.seconds
            worked[row.stage] += not row.reused and row.outcome is not Outcome.SKIPPED
            if row.stage == "classify" and row.outcome is Outcome.OK:
                verdicts[row.message or ""] += 1
    return {
        "photos": len(photos),
        "outcomes": dict(outcomes),
        "verdicts": dict(verdicts),
        "codes": dict(codes),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "worked": dict(worked),
        "retryable": retryable,
        "unsettled": unsettled,
        "pictures": pictures,
        "usable": usable,
    }


def _wanted(rows: list[LedgerRow]) -> bool:
    """Whether pictures were to be made of a photo: it was fetched, and no policy left it out."""
    fetched = any(row.stage == FETCH and row.outcome is Outcome.OK for row in rows)
    return fetched and not any((row.cause or "").startswith("policy:") for row in rows)


def photo_outcome(rows: list[LedgerRow]) -> tuple[Outcome, list[LedgerRow]]:
    """A photo's outcome over all its stages, and the rows that failed: failed if any did, else skipped if any was."""
    failures = [row for row in rows if row.outcome is Outcome.FAILED]
    if failures:
        return Outcome.FAILED, failures
    return (Outcome.SKIPPED if any(row.outcome is Outcome.SKIPPED for row in rows) else Outcome.OK), []


def photo_table(run: Run, photos: list[Photo], ledger: ShardLedger) -> list[dict[str, Any]]:
    """One row a photo, as photos.parquet and photos.csv hold it; artifacts are keys in the store."""
    by_stage = {name: ledger.rows(name) for name in run.stages}
    wanted = [s for s in _READ_BACK if s in by_stage]
    keys = {row.key for s in wanted for row in by_stage[s].values() if row.outcome is Outcome.OK and row.key}
    found = run.store.get_many(keys)

    def result(stage: str, photo: Photo) -> Any | None:
        row = by_stage.get(stage, {}).get(photo.photo_id)
        data = found.get(row.key) if row and row.outcome is Outcome.OK and row.key else None
        return _READ_BACK[stage].decode(data) if data else None

    unread = {
        row.key
        for name in _MEASURED
        for row in by_stage.get(name, {}).values()
        if row.outcome is Outcome.OK and row.key and row.figures is None
    }
    beginnings = run.store.beginnings(unread, _FIGURES_WITHIN)

    def figures(stage: str, photo: Photo) -> dict[str, Any]:
        row = by_stage.get(stage, {}).get(photo.photo_id)
        if row is None or row.figures:
            return json.loads(row.figures) if row and row.figures else {}
        return read_figures(beginnings[row.key]) if row.key in beginnings else {}

    def key(stage: str, photo: Photo) -> str | None:
        row = by_stage.get(stage, {}).get(photo.photo_id)
        return row.key if row and row.outcome is Outcome.OK else None

    table = []
    for photo in photos:
        rows = [row for name in run.stages if (row := by_stage[name].get(photo.photo_id))]
        outcome, failures = photo_outcome(rows)
        first = failures[0] if failures else None
        skipped = next((row.cause for row in rows if row.outcome is Outcome.SKIPPED), None)
        texts, verdict = result("ocr", photo), result("classify", photo)
        caption, boxes = result("caption", photo), result("detect", photo)
        table.append(
            {
                "photo_id": photo.photo_id,
                "sku": photo.sku,
                "url": photo.url,
                "digest": next((row.digest for row in rows if row.digest), None),
                "outcome": outcome.value,
                "stage": first.stage if first else None,
                "code": first.code if first else None,
                "http_status": first.http_status if first else None,
                "message": first.message if first else None,
                "retryable": any(row.retryable for row in failures),
                "attempts": max((row.attempts for row in rows), default=0),
                "skipped_because": None if failures else skipped,
                "labelled_verdict": photo.verdict,
                "verdict": verdict.verdict if verdict else None,
                **{f"p_{name}": verdict.probabilities.get(name) if verdict else None for name in VERDICTS},
                "clauses": "; ".join(r.clause for r in verdict.reasons) if verdict else None,
                "reasons": "; ".join(r.text for r in verdict.reasons) if verdict else None,
                "facts": json.dumps(verdict.facts, ensure_ascii=False) if verdict and verdict.facts else None,
                "texts": json.dumps([b.text for b in texts.boxes if b.readable], ensure_ascii=False) if texts else None,
                "unread_texts": sum(not b.readable for b in texts.boxes) if texts else None,
                "caption": caption.text if caption else None,
                "product_boxes": _boxes(boxes.products) if boxes else None,
                "overlay_boxes": _boxes(boxes.overlays) if boxes else None,
                "background": photo.background or run.spec.background or None,
                "figures": json.dumps({name: told for name in _MEASURED if (told := figures(name, photo))}),
                "seconds": round(sum(row.seconds for row in rows), 4),
                "photo": key(FETCH, photo),
                "cutout": key("mask", photo),
                "delivered": key("deliver", photo),
                "repaired": key("repair", photo),
                "placed": key("inpaint", photo),
            }
        )
    return table


def _boxes(boxes: list[Any]) -> str:
    return json.dumps([[round(float(v), 1) for v in box.xyxy] for box in boxes])


def failure_code(row: LedgerRow) -> str:
    """The error code, with the status where there is one: `http_404`."""
    return f"http_{row.http_status}" if row.code == "http_4xx" and row.http_status else row.code or ""
