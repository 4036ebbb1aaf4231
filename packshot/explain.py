"""A photo's whole history in a run: what each stage did with it, by which engine, weights, settings and packshot."""

import json
from dataclasses import dataclass, field
from typing import Any

from packshot import __version__
from packshot.artifacts import read_figures
from packshot.errors import SettingError
from packshot.records import LedgerRow, Outcome, Photo
from packshot.run import Run
from packshot.stages import FETCH, STAGES
from packshot.stamp import made_by

_PICTURES = (b"\x89PNG", b"\xff\xd8")


@dataclass(slots=True)
class StageHistory:
    """What one stage did. `lineage` is what went into the artifact's fingerprint, as run.json recorded it. The artifact
    itself says which packshot made it (`made_by`), what was measured on it (`figures`, among them the seed that made
    it and whether a fallback did), and, where it is words, what was `found`."""

    stage: str
    row: LedgerRow | None
    fingerprint: str | None
    lineage: dict[str, Any]
    made_by: str | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    found: str = ""


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
        history = StageHistory(name, row, record.get("fingerprints", {}).get(name), lineage)
        if row is not None and row.figures:
            history.figures = json.loads(row.figures)
        data = run.store.get(row.key) if row and row.key and row.outcome is Outcome.OK and name in STAGES else None
        if data is not None:
            history.made_by = made_by(data)
            if data.startswith(_PICTURES):
                history.figures = read_figures(data)
            history.found = _words(name, data)
        stages.append(history)
    return History(photo, record.get("spec", {}).get("packshot_version", __version__), stages)


def _words(name: str, data: bytes) -> str:
    """What a small artifact says: text that was read, verdict, caption, boxes."""
    if STAGES[name].suffix != "json":
        return ""
    value = json.loads(data)
    if name == "ocr":
        return ", ".join(repr(t["text"]) for t in value["texts"]) or "no writing"
    if name == "classify":
        ranked = sorted(value["probabilities"].items(), key=lambda item: -item[1])
        return "; ".join([", ".join(f"{k} {v:.2f}" for k, v in ranked), *(r["text"] for r in value["reasons"])])
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
    figures = dict(stage.figures)
    if fallback := figures.pop("fallback", None):
        lines.append(
            f"NOT by its engine: {fallback} took its place ({figures.pop('fallback_cause', 'no cause given')})"
        )
    if figures:
        lines.append("figures " + ", ".join(f"{k} = {v!r}" for k, v in figures.items()))
    if stage.row and stage.row.key:
        lines.append(f"artifact {stage.row.key}" + (f", made by packshot {stage.made_by}" if stage.made_by else ""))
    return lines
