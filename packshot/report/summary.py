"""What a run found, as Markdown: for the page that Prefect's UI shows of it."""

import base64
import os
import re
from collections.abc import Iterator
from typing import Any

from packshot.artifacts import Raster
from packshot.errors import PackshotError
from packshot.images import decode, thumbnail
from packshot.results import read_photos
from packshot.run import Run
from packshot.store import FolderStore, S3Store, Store

PICTURES = 6
SIDE = 96
"""Thumbnails of this size cost a few kB each; all of them go into Prefect's database."""
WEEK_SECONDS = 7 * 24 * 3600


def summary_markdown(run: Run, summary: dict[str, Any], wall_seconds: float) -> str:
    """Counts, seconds a stage, photos/s, failures by code, before and after, and where the report is."""
    photos = summary["photos"]
    outcomes = summary["outcomes"]
    counts = [(name, outcomes[name]) for name in ("ok", "skipped", "failed") if name in outcomes]
    parts = [
        f"## {markdown_text(run.spec.name)}: {photos:,} photos",
        f"{headline(summary)}. {photos / max(wall_seconds, 1e-9):,.2f} photos/s over {wall_seconds:,.0f} s.",
        _usable(summary),
        report_link(run),
        *_strip(run),
        _table(("outcome", "photos"), counts),
    ]
    if summary["codes"]:
        parts.append(_table(("failure", "photos"), sorted(summary["codes"].items(), key=lambda item: -item[1])))
    if summary["verdicts"]:
        verdicts = sorted(summary["verdicts"].items(), key=lambda item: -item[1])
        parts.append(_table(("verdict", "photos"), [(name.replace("_", " "), count) for name, count in verdicts]))
    worked, seconds = summary["worked"], summary["seconds"]
    stages = [(name, worked.get(name, 0), f"{seconds[name]:,.1f}") for name in run.stages if name in seconds]
    parts.append(_table(("stage", "worked on", "seconds"), stages))
    parts.append(f"Run `{run.spec.run_id}` · profile {markdown_text(run.spec.profile.name)} · store `{run.store.url}`")
    return "\n\n".join(part for part in parts if part)


def _usable(summary: dict[str, Any]) -> str:
    if not summary.get("pictures"):
        return ""
    share = summary["usable"] / summary["pictures"]
    return f"{summary['usable']:,} of {summary['pictures']:,} pictures are usable ({share:.0%})."


def headline(summary: dict[str, Any]) -> str:
    """One sentence: all done, done with failures and their codes, or broken off."""
    photos, failed = summary["photos"], summary["outcomes"].get("failed", 0)
    if summary["unsettled"]:
        return f"{summary['unsettled']:,} of {photos:,} photos were not worked on to the end"
    if not failed:
        return f"all {photos:,} photos are settled"
    codes = ", ".join(f"{count} {code}" for code, count in sorted(summary["codes"].items()))
    again = f"; {summary['retryable']:,} may pass another time" if summary["retryable"] else ""
    return f"{failed:,} of {photos:,} photos failed ({codes}){again}"


def report_link(run: Run) -> str:
    """A link that a browser opens, where there can be one."""
    return link(run.store, f"{run.prefix}/report/index.html")


def link(store: Store, key: str) -> str:
    """A link to a report in the store.

    PACKSHOT_REPORT_URL is the address under which the store is served, if it is. Else, for a bucket, an address that is
    signed for a week (PACKSHOT_SIGNED_LINKS=off leaves it out), and for a folder the file's path.
    """
    if base := os.environ.get("PACKSHOT_REPORT_URL"):
        return f"[The report]({base.rstrip('/')}/{key})"
    if isinstance(store, FolderStore):
        return f"The report: `{store.path(key)}`"
    where = f"{store.url}/{key}"
    if isinstance(store, S3Store) and os.environ.get("PACKSHOT_SIGNED_LINKS", "on") != "off":
        return f"[The report]({store.signed_url(key, WEEK_SECONDS)}) (this link works for a week; `{where}`)"
    return f"The report: `{where}`"


def _strip(run: Run) -> Iterator[str]:
    """A table of the first photos that have something to show: the photo above what became of it."""
    shown: list[tuple[str, str, str]] = []
    for row in read_photos(run, ["sku", "photo", "cutout", "placed", "repaired", "verdict"]):
        made = row["placed"] or row["repaired"] or row["cutout"]
        if not row["photo"] or not made:
            continue
        try:
            pictures = _picture(run, row["photo"], True), _picture(run, made, False)
        except PackshotError:
            continue
        shown.append((*pictures, markdown_text((row["verdict"] or row["sku"]).replace("_", " "))[:40]))
        if len(shown) == PICTURES:
            break
    if shown:
        columns = zip(*shown, strict=True)
        befores, afters, words = ([*column] for column in columns)
        lines = [
            ["before", *(f"![before]({picture})" for picture in befores)],
            [":-:"] * (len(shown) + 1),
            ["after", *(f"![after]({picture})" for picture in afters)],
            ["", *words],
        ]
        yield "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _picture(run: Run, key: str, photo: bool) -> str:
    data = run.store.get(key)
    if data is None:
        raise PackshotError(f"{key} is gone")
    pixels = decode(data, run.spec.profile.fetch.image_limits) if photo else Raster.decode(data).pixels
    return f"data:image/jpeg;base64,{base64.b64encode(thumbnail(pixels, SIDE)).decode()}"


def _table(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [f"| {' | '.join(names)} |", "|" + "|".join([" --- ", *[" ---: "] * (len(names) - 1)]) + "|"]
    lines += [f"| {' | '.join(f'{v:,}' if isinstance(v, int) else str(v) for v in row)} |" for row in rows]
    return "\n".join(lines) if rows else ""


def markdown_text(text: str) -> str:
    """Text that came from outside, so that Markdown and HTML in it are shown, not obeyed."""
    return re.sub(r"([\\`*_{}\[\]()<>#+!|&~-])", r"\\\1", " ".join(text.split()))
