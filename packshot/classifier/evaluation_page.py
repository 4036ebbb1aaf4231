"""An evaluation as pictures and as one page that opens anywhere, without scripts.

The text of photos and SKUs is hostile until escaped: Jinja2 escapes all of it, and a content security policy forbids
everything but the page's own style and pictures.
"""

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import Any

from jinja2 import Environment
from PIL import Image

from packshot.classifier import figures
from packshot.classifier.evaluate import as_markdown
from packshot.errors import PackshotError
from packshot.images import ImageLimits, decode, thumbnail
from packshot.store import Store

WRONG, RIGHT_A_CLASS = 60, 8
"""Photos shown: of those judged wrong the surest first; of those judged right, of each verdict the surest and the least
sure."""
SIDE = 300


def write_pages(store: Store, prefix: str, report: dict[str, Any], limits: ImageLimits) -> None:
    """Write report.md, confusion.png, reliability.png, curves.png, right.png, wrong.png and index.html."""
    wrong, right = _wrong(report["called"]), _right(report["called"])
    small = _thumbnails(store, [*wrong, *right], limits)
    opened = {digest: Image.open(io.BytesIO(data)) for digest, data in small.items()}
    pictures = {
        "confusion": figures.png(figures.confusion_matrix(report)),
        "reliability": figures.png(figures.reliability_diagram(report)),
    }
    if report["history"]:
        pictures["curves"] = figures.png(figures.training_curves(report["history"], _best(report["history"])))
    sheets = {
        "wrong": figures.png(figures.gallery(wrong, opened)),
        "right": figures.png(figures.gallery(right, opened)),
    }
    for name, data in (pictures | sheets).items():
        store.put(f"{prefix}/{name}.png", data)
    store.put(f"{prefix}/report.md", as_markdown(report, report["title"]).encode("utf-8", "replace"))
    store.put(f"{prefix}/index.html", _page(report, pictures, wrong, right, small).encode("utf-8", "replace"))


def _page(
    report: dict[str, Any],
    pictures: dict[str, bytes],
    wrong: list[dict[str, Any]],
    right: list[dict[str, Any]],
    small: dict[str, bytes],
) -> str:
    template = (resources.files("packshot.classifier") / "evaluation.html.j2").read_text("utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["words"] = figures.short_name
    called = report["called"]
    return environment.from_string(template).render(
        report=report,
        pictures={
            name: ("data:image/png;base64," + base64.b64encode(data).decode(), _width(data))
            for name, data in pictures.items()
        },
        wrong=wrong,
        right=right,
        mistakes=sum(c["verdict"] != c["called"] for c in called),
        small={d: "data:image/jpeg;base64," + base64.b64encode(data).decode() for d, data in small.items()},
    )


def _wrong(called: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [c for c in called if c["verdict"] != c["called"]]
    return sorted(found, key=lambda c: -c["probability"])[:WRONG]


def _right(called: list[dict[str, Any]]) -> list[dict[str, Any]]:
    shown = []
    for verdict in dict.fromkeys(c["verdict"] for c in called):
        found = [c for c in called if c["verdict"] == verdict == c["called"]]
        found.sort(key=lambda c: -c["probability"])
        half = RIGHT_A_CLASS // 2
        shown += found if len(found) <= RIGHT_A_CLASS else found[:half] + found[-half:]
    return shown


def _thumbnails(store: Store, shown: list[dict[str, Any]], limits: ImageLimits) -> dict[str, bytes]:
    """JPEGs by digest; a photo that is gone from the store has none."""

    def make(item: dict[str, Any]) -> tuple[str, bytes | None]:
        data = store.get(item["photo"])
        try:
            return item["digest"], None if data is None else thumbnail(decode(data, limits), SIDE)
        except PackshotError:
            return item["digest"], None

    with ThreadPoolExecutor(4) as pool:
        return {digest: data for digest, data in pool.map(make, shown) if data is not None}


def _best(history: list[dict[str, Any]]) -> int:
    return max(history, key=lambda row: (row["validation_accuracy"], -row["epoch"]))["epoch"]


def _width(png: bytes) -> int:
    return Image.open(io.BytesIO(png)).width // figures.SCALE
