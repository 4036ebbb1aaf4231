"""report/index.html: one file that opens anywhere, without scripts, and shows a sample of every kind of result.

Text from photos, SKUs and URLs is hostile until escaped: Jinja2 escapes all of it, links are only made of http(s) URLs,
and a content security policy forbids everything but the page's own style and pictures.
"""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import Any

from jinja2 import Environment

from packshot.artifacts import Raster
from packshot.errors import PackshotError
from packshot.images import decode, thumbnail
from packshot.records import VERDICTS
from packshot.results import read_photos
from packshot.run import Run
from packshot.store import FolderStore

SAMPLE = 36
"""Photos shown of each kind of result."""
FAILURES = 200
THUMBNAIL_SIDE = 200


def write_report(run: Run) -> str:
    """Write the page into the store. Returns its key."""
    record = run.read_json("run.json")
    if "summary" not in record:
        raise PackshotError(f"run {run.spec.run_id} has not come to its end yet: run the same command again to go on")
    key = f"{run.prefix}/report/index.html"
    run.store.put(key, render(run, record).encode("utf-8", "replace"))
    return key


def render(run: Run, record: dict[str, Any]) -> str:
    """The page as HTML."""
    groups, failures = _sample(run)
    with ThreadPoolExecutor(4) as pool:
        sections = [
            {"name": name, "photos": list(pool.map(lambda row: _card(run, row), rows))}
            for name, rows in groups.items()
            if rows
        ]
    summary = record["summary"]
    template = (resources.files("packshot.report") / "page.html.j2").read_text("utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["words"] = lambda name: name.replace("_", " ")
    return environment.from_string(template).render(
        spec=run.spec,
        status=record["status"],
        summary=summary,
        plan=record.get("plan", {}),
        wall_seconds=record.get("wall_seconds"),
        stages=[(name, summary["seconds"].get(name, 0.0), summary["worked"].get(name, 0)) for name in run.stages],
        verdicts=[(name, summary["verdicts"][name]) for name in VERDICTS if name in summary["verdicts"]],
        sections=sections,
        failures=failures,
        failed=summary["outcomes"].get("failed", 0),
    )


def _sample(run: Run) -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, Any]]]:
    """The first photos of each verdict (photos without one under "cut out"), and the first failures."""
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in (*VERDICTS, "photos")}
    failures: list[dict[str, Any]] = []
    for row in read_photos(run):
        if row["outcome"] == "failed" and len(failures) < FAILURES:
            failures.append(row | {"link": row["url"] if row["url"].startswith(("http://", "https://")) else None})
        if row["photo"]:
            group = groups.setdefault(row["verdict"] or "photos", [])
            if len(group) < SAMPLE:
                group.append(row)
    return groups, failures


def _card(run: Run, row: dict[str, Any]) -> dict[str, Any]:
    probabilities = [(name, row[f"p_{name}"]) for name in VERDICTS if row[f"p_{name}"] is not None]
    return {
        "sku": row["sku"],
        "pictures": list(_pictures(run, row)),
        "probabilities": sorted(probabilities, key=lambda item: -item[1])[:3],
        "reasons": row["reasons"].split("; ") if row["reasons"] else [],
        "facts": _facts(json.loads(row["facts"])) if row["facts"] else "",
        "caption": row["caption"],
        "texts": " · ".join(json.loads(row["texts"]))[:160] if row["texts"] else "",
        "unread": row["unread_texts"],
        "background": row["background"],
        "note": row["message"] if row["outcome"] == "failed" else row["skipped_because"],
    }


def _facts(facts: dict[str, Any]) -> str:
    """The main measures in one line; what is unknown is left out."""
    named = [
        (facts["infographics_share"], "text and plates {:.0%}"),
        (facts["product_share"], "product {:.0%}"),
        (facts["sharpness"], "sharpness {:.2f}"),
    ]
    shown = [form.format(value).replace("%", " %") for value, form in named if value is not None]
    background = " ".join([facts["background"], *facts["background_colours"][:1], "background"])
    return " · ".join([f"{facts['width']} × {facts['height']} px", *shown, background])


def _pictures(run: Run, row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What it was and a data URL, for the photo and each picture made of it."""
    for name in ("photo", "cutout", "repaired", "placed", "delivered"):
        if row[name] is None:
            continue
        data = run.store.get(row[name])
        if data is None:
            continue
        pixels = decode(data, run.spec.profile.fetch.image_limits) if name == "photo" else Raster.decode(data).pixels
        yield name, f"data:image/jpeg;base64,{base64.b64encode(thumbnail(pixels, THUMBNAIL_SIDE)).decode()}"


def report_path(run: Run) -> str:
    """Where a person finds the report: a file's path, or its address in the bucket."""
    key = f"{run.prefix}/report/index.html"
    return str(run.store.path(key)) if isinstance(run.store, FolderStore) else f"{run.store.url}/{key}"
