"""A photo's whole history in a run: what each stage did with it, by which engine, weights and settings."""

import json
from dataclasses import dataclass
from typing import Any

from packshot import __version__
from packshot.engines import engine_class
from packshot.errors import SettingError
from packshot.records import LedgerRow, Outcome, Photo
from packshot.run import Run
from packshot.stages import FETCH, STAGES


@dataclass(slots=True)
class StageHistory:
    """What one stage did. `lineage` is what went into the artifact's fingerprint, as run.json recorded it; `seeds` are
    those of a generating engine; `found` is what the artifact says, where it is words."""

    stage: str
    row: LedgerRow | None
    fingerprint: str | None
    lineage: dict[str, Any]
    seeds: list[int]
    found: str


@dataclass(slots=True)
class History:
    """A photo and its stages, in order."""

    photo: Photo
    packshot_version: str
    stages: list[StageHistory]

    def lines(self) -> list[str]:
        """The history as text, a few lines a stage."""
        photo = self.photo
        lines = [f"photo {photo.photo_id}", f"  sku {photo.sku}", f"  url {photo.url}"]
        lines += [f"  packshot {self.packshot_version}"]
        for stage in self.stages:
            lines += ["", f"{stage.stage}: {_outcome(stage.row)}", *(f"  {line}" for line in _details(stage))]
        return lines


def explain(run: Run, what: str) -> list[History]:
    """Histories of the photos of a run that `what` names: a photo_id, SKU, URL, or the picture's SHA-256 digest.

    Raises `SettingError` when the run has no such photo.
    """
    record = run.read_json("run.json") or {}
    plan = run.read_json("plan.json") or {"shards": 0}
    found = []
    for number in range(plan["shards"]):
        photos, ledger = run.shard(number)
        fetched = ledger.rows(FETCH)
        for photo in photos:
            row = fetched.get(photo.photo_id)
            if what in (photo.photo_id, photo.sku, photo.url, row.digest if row else None):
                rows = {name: ledger.rows(name).get(photo.photo_id) for name in run.stages}
                found.append(_history(run, record, photo, rows))
    if not found:
        raise SettingError(
            f"run {run.spec.run_id} has no photo {what!r}: give a photo_id, SKU, URL or digest, as in photos.csv"
        )
    return found


def _history(run: Run, record: dict[str, Any], photo: Photo, rows: dict[str, LedgerRow | None]) -> History:
    stages = []
    for name, row in rows.items():
        lineage = record.get("lineage", {}).get(name, {})
        done = row is not None and row.outcome is Outcome.OK and row.key is not None and name in STAGES
        stages.append(
            StageHistory(
                name,
                row,
                record.get("fingerprints", {}).get(name),
                lineage,
                _seeds(run, name, photo, rows) if done else [],
                _words(run, name, row) if done and row else "",
            )
        )
    return History(photo, record.get("spec", {}).get("packshot_version", __version__), stages)


def _seeds(run: Run, name: str, photo: Photo, rows: dict[str, LedgerRow | None]) -> list[int]:
    """Seeds of an engine that generates: it says itself how it draws them from the photo."""
    choice = run.spec.profile.stages[name]
    cls = engine_class(name, choice.engine)
    draw = getattr(cls, "seeds", None)
    fetched = rows[FETCH]
    data = run.store.get(fetched.key) if draw and fetched and fetched.key else None
    if draw is None or data is None:
        return []
    from packshot.images import decode

    image = decode(data, run.spec.profile.fetch.image_limits)
    return draw(cls.Params(**choice.params), image, photo.background or run.spec.background)


def _words(run: Run, name: str, row: LedgerRow) -> str:
    """What a small artifact says: text that was read, verdict, caption, boxes."""
    stage = STAGES[name]
    data = run.store.get(row.key or "") if stage.suffix == "json" else None
    if data is None:
        return ""
    value = json.loads(data)
    if name == "ocr":
        return ", ".join(repr(t["text"]) for t in value["texts"]) or "no writing"
    if name == "classify":
        return ", ".join(f"{k} {v:.2f}" for k, v in sorted(value["probabilities"].items(), key=lambda item: -item[1]))
    if name == "caption":
        return f"{value['caption']} [{', '.join(value['phrases'])}]"
    boxes = [
        f"{kind[:-1]} {b['label']} {b['score']:.2f} at {b['xyxy']}"
        for kind in ("products", "overlays")
        for b in value[kind]
    ]
    return "; ".join(boxes)


def _outcome(row: LedgerRow | None) -> str:
    if row is None:
        return "not worked on yet"
    if row.outcome is Outcome.SKIPPED:
        return f"skipped because of {row.cause}"
    if row.outcome is Outcome.FAILED:
        again = "may pass another time" if row.retryable else "final"
        return f"failed: {row.code} ({again}), {row.message}"
    return "ok, found done" if row.reused else f"ok in {row.seconds:.2f} s"


def _details(stage: StageHistory) -> list[str]:
    lines = [stage.found] if stage.found else []
    if stage.row and stage.row.attempts > 1:
        lines.append(f"attempts {stage.row.attempts}")
    if stage.lineage:
        facts = stage.lineage
        lines.append(f"engine {facts['engine']} version {facts['engine_version']}, fingerprint {stage.fingerprint}")
        if facts["weights"]:
            lines.append(f"weights {facts['weights']}")
        if facts["params"]:
            lines.append("settings " + ", ".join(f"{k} = {v!r}" for k, v in facts["params"].items()))
    if stage.seeds:
        lines.append("seeds " + ", ".join(map(str, stage.seeds)))
    if stage.row and stage.row.key:
        lines.append(f"artifact {stage.row.key}")
    return lines
