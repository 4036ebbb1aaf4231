"""Confusion matrix, reliability diagram, training curves and galleries, drawn as pictures (Pillow), at twice the size
in which a page shows them."""

import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

from PIL import Image, ImageDraw, ImageFont

INK, SOFT, LINE, PAPER = "#1d2126", "#667080", "#e3e6ea", "#ffffff"
MARK, BAD, WARM = "#2f6f4f", "#b3392f", "#c98a2b"
SCALE = 2
"""Pixels for each pixel of the page."""

Point = tuple[float, float]


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def short_name(verdict: str) -> str:
    """`clean_photo_good_background` as `clean, good background`."""
    return verdict.replace("clean_photo_", "clean, ").replace("_", " ")


def confusion_matrix(report: dict[str, Any]) -> Image.Image:
    """Rows are what photos are, columns what they were called; a cell's shade is its share of the row."""
    names = [short_name(name) for name in report["classes"]]
    counts = report["confusion"]
    cell, left, top, foot = 76, 190, 78, 10
    side = cell * len(names)
    picture = _blank(left + side + 16, top + side + foot)
    draw = ImageDraw.Draw(picture)
    _text(draw, (left + side / 2, 14), "called", SOFT, 13, "mm")
    _text(draw, (left - 12, top - 12), "is", SOFT, 13, "rm")
    for i, name in enumerate(names):
        for line, words in enumerate(_two_lines(name)):
            _text(draw, (left + cell * (i + 0.5), 38 + 17 * line), words, INK, 11, "mm")
        _text(draw, (left - 12, top + cell * (i + 0.5) - 8), name, INK, 13, "rm")
        _text(
            draw,
            (left - 12, top + cell * (i + 0.5) + 10),
            f"{(n := sum(counts[i])):,} photo{'s' * (n != 1)}",
            SOFT,
            12,
            "rm",
        )
        for j, count in enumerate(counts[i]):
            x, y = left + cell * (j + 0.5), top + cell * (i + 0.5)
            share = count / max(1, sum(counts[i]))
            box = (x - cell / 2 + 1.5, y - cell / 2 + 1.5, x + cell / 2 - 1.5, y + cell / 2 - 1.5)
            shade = _mix("#f1f4f2", MARK, share) if i == j else _mix("#f7f3f2", BAD, min(1.0, share * 1.3))
            _box(draw, box, shade, 6)
            if count:
                ink = PAPER if share > 0.45 else INK
                _text(draw, (x, y - 8), f"{count:,}", ink, 18, "mm", True)
                _text(draw, (x, y + 14), f"{100 * share:.0f} %", ink, 12, "mm")
    return picture


def reliability_diagram(report: dict[str, Any]) -> Image.Image:
    """Of the photos that were called with a probability in each tenth, the share that is right: before and after the
    temperature. On the diagonal the classifier is as sure as it should be."""
    panels = (
        ("before: temperature 1", report["uncalibrated"], WARM),
        (f"after: temperature {report['temperature']:.2f}", report, MARK),
    )
    side, left, top, gap = 270, 46, 40, 66
    picture = _blank(left + 2 * side + gap + 18, top + side + 62)
    draw = ImageDraw.Draw(picture)
    for number, (title, part, colour) in enumerate(panels):
        at = left + number * (side + gap)

        def place(x: float, y: float, at: float = at) -> Point:
            return at + side * x, top + side * (1 - y)

        _axes(draw, place, "probability said; upwards the share that is right", _tenths(), _tenths())
        _line(draw, [place(0, 0), place(1, 1)], SOFT, 1)
        most = max((b["photos"] for b in part["reliability"]), default=1)
        for b in part["reliability"]:
            x0, x1 = b["from"], b["from"] + 0.1
            (px0, py0), (px1, py1) = place(x0 + 0.008, b["accuracy"]), place(x1 - 0.008, 0)
            _box(draw, (px0, min(py0, py1 - 1), px1, py1), _mix(PAPER, colour, 0.35 + 0.65 * b["photos"] / most), 2)
            x, y = place(b["confidence"], b["accuracy"])
            _dot(draw, x, y, 3.5, INK)
        _text(draw, (at, top - 18), title, INK, 14, "lm", True)
        _text(draw, (at + side, top - 18), f"error {part['calibration_error']:.3f}", SOFT, 12.5, "rm")
    return picture


def training_curves(history: Sequence[dict[str, Any]], best_epoch: int) -> Image.Image:
    """Accuracy and loss of each epoch, of the photos that were learnt from and those that were not."""
    side, left, top, gap = 270, 46, 40, 66
    width = side + 60
    picture = _blank(left + 2 * width + gap + 18, top + side + 62)
    draw = ImageDraw.Draw(picture)
    last = max(2, len(history))
    for number, (title, names) in enumerate(
        (("accuracy", ("accuracy", "validation_accuracy")), ("loss", ("loss", "validation_loss")))
    ):
        at = left + number * (width + gap)
        high = 1.0 if not number else max(0.1, max(row[name] for row in history for name in names)) * 1.05

        def place(x: float, y: float, at: float = at, high: float = high) -> Point:
            return at + width * x, top + side * (1 - y / high)

        step = max(1, last // 8)
        ticks_x = [((e - 1) / (last - 1), str(e)) for e in range(1, last + 1, step)]
        ticks_y = _tenths() if not number else [(high * i / 4, f"{high * i / 4:.2f}") for i in range(5)]
        _axes(draw, place, "epoch", ticks_x, ticks_y)
        if best_epoch:
            x = (best_epoch - 1) / (last - 1)
            _line(draw, [place(x, 0), place(x, high)], LINE, 4)
        for name, colour in zip(names, (WARM, MARK), strict=True):
            points = [place((row["epoch"] - 1) / (last - 1), row[name]) for row in history]
            _line(draw, points, colour, 2.5)
            for point in points:
                _dot(draw, *point, 3, colour)
        _text(draw, (at, top - 18), title, INK, 14, "lm", True)
        _text(draw, (at + width - 76, top - 18), "learnt from", WARM, 12.5, "rm")
        _text(draw, (at + width, top - 18), "validation", MARK, 12.5, "rm")
    return picture


def gallery(items: Sequence[dict[str, Any]], thumbnails: dict[str, Image.Image], columns: int = 6) -> Image.Image:
    """A sheet of photos with what they are and what they were called."""
    side, gap, words = 150, 14, 54
    rows = -(-len(items) // columns)
    picture = _blank(gap + columns * (side + gap), gap + max(1, rows) * (side + words + gap))
    draw = ImageDraw.Draw(picture)
    for i, item in enumerate(items):
        x, y = gap + (i % columns) * (side + gap), gap + (i // columns) * (side + words + gap)
        _box(draw, (x, y, x + side, y + side), "#eef0f2", 6)
        if (small := thumbnails.get(item["digest"])) is not None:
            ratio = side * SCALE / max(small.size)
            fitted = small.resize(tuple(max(1, round(v * ratio)) for v in small.size), Image.Resampling.LANCZOS)
            middle = (x + side / 2) * SCALE, (y + side / 2) * SCALE
            picture.paste(fitted, (round(middle[0] - fitted.width / 2), round(middle[1] - fitted.height / 2)))
        right = item["verdict"] == item["called"]
        _text(draw, (x, y + side + 13), short_name(item["verdict"]), INK, 11.5, "lm", True)
        called = "right" if right else f"called {short_name(item['called'])}"
        _text(draw, (x, y + side + 30), called, MARK if right else BAD, 11.5, "lm")
        _text(draw, (x, y + side + 46), f"{item['probability']:.2f}", SOFT, 11.5, "lm")
    return picture


def _axes(
    draw: ImageDraw.ImageDraw,
    place: Callable[[float, float], Point],
    name_x: str,
    ticks_x: list[tuple[float, str]],
    ticks_y: list[tuple[float, str]],
) -> None:
    for value, words in ticks_y:
        _line(draw, [place(0, value), place(1, value)], LINE, 1)
        x, y = place(0, value)
        _text(draw, (x - 8, y), words, SOFT, 11.5, "rm")
    for value, words in ticks_x:
        x, y = place(value, 0)
        _text(draw, (x, y + 14), words, SOFT, 11.5, "mm")
    _line(draw, [place(0, 0), place(1, 0)], SOFT, 1)
    x, y = place(0.5, 0)
    _text(draw, (x, y + 36), name_x, SOFT, 12.5, "mm")


def _tenths() -> list[tuple[float, str]]:
    return [(i / 5, f"{i / 5:.1f}") for i in range(6)]


def _two_lines(name: str) -> list[str]:
    words = name.split(" ")
    return [words[0], " ".join(words[1:])] if len(words) == 2 else [" ".join(words[:2]), " ".join(words[2:])]


def _blank(width: float, height: float) -> Image.Image:
    return Image.new("RGB", (round(width * SCALE), round(height * SCALE)), PAPER)


def _text(
    draw: ImageDraw.ImageDraw, at: Point, words: str, colour: str, size: float, anchor: str, bold: bool = False
) -> None:
    draw.text((at[0] * SCALE, at[1] * SCALE), words, colour, _font(size, bold), anchor)


def _box(draw: ImageDraw.ImageDraw, box: Sequence[float], colour: str, radius: float) -> None:
    draw.rounded_rectangle([v * SCALE for v in box], radius * SCALE, colour)


def _line(draw: ImageDraw.ImageDraw, points: list[Point], colour: str, width: float) -> None:
    if len(points) > 1:
        draw.line([(x * SCALE, y * SCALE) for x, y in points], colour, round(width * SCALE), "curve")


def _dot(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: str) -> None:
    draw.ellipse([(x - radius) * SCALE, (y - radius) * SCALE, (x + radius) * SCALE, (y + radius) * SCALE], colour)


def _mix(first: str, second: str, share: float) -> str:
    def channels(colour: str) -> list[int]:
        return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]

    mixed = [round(a + (b - a) * share) for a, b in zip(channels(first), channels(second), strict=True)]
    return "#" + "".join(f"{v:02x}" for v in mixed)


@lru_cache(maxsize=32)
def _font(size: float, bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    with resources.as_file(resources.files("packshot") / "synth" / "fonts" / name) as path:
        return ImageFont.truetype(str(path), size * SCALE)
