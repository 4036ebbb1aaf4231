"""Fonts with Cyrillic, and text drawn on layers. Train and test share no family."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from packshot.synth.raster import Colour, Layer

FONT_FOLDER = Path(__file__).parent / "fonts"

# Per split and use. "head" is for headings and plates, "body" for captions, "odd" for ugly lettering.
FONTS: dict[str, dict[str, tuple[str, ...]]] = {
    "train": {
        "head": (
            "Roboto-Black.ttf",
            "Roboto-Bold.ttf",
            "RobotoCondensed-Bold.ttf",
            "OpenSans-ExtraBold.ttf",
            "OpenSans-Bold.ttf",
            "OpenSans-CondBold.ttf",
            "Comfortaa-Bold.ttf",
            "DejaVuSans-Bold.ttf",
            "NotoSerif-Bold.ttf",
        ),
        "body": (
            "Roboto-Regular.ttf",
            "Roboto-Bold.ttf",
            "RobotoCondensed-Regular.ttf",
            "OpenSans-Regular.ttf",
            "Comfortaa-Regular.ttf",
            "DejaVuSans.ttf",
            "NotoSansDisplay-Regular.ttf",
        ),
        "odd": (
            "DejaVuSerif-Bold.ttf",
            "NotoSerif-Italic.ttf",
            "NotoSansDisplay-BoldItalic.ttf",
            "DejaVuSansMono-Bold.ttf",
            "DejaVuSans.ttf",
        ),
    },
    "test": {
        "head": ("Play-Bold.ttf", "PTS75F.ttf"),
        "body": ("PTS55F.ttf", "Play-Regular.ttf"),
        "odd": ("PTF76F.ttf", "PTS55F.ttf", "Play-Regular.ttf"),
    },
}
IDEOGRAPHS = "DroidSansFallback.ttf"


@lru_cache(maxsize=256)
def load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT_FOLDER / name), size, layout_engine=ImageFont.Layout.BASIC)


def font_for(text: str, name: str) -> str:
    """`name`, or the font with ideographs where the text has any."""
    return IDEOGRAPHS if any("\u3000" <= c <= "\uffef" for c in text) else name


def text_size(text: str, name: str, size: int, spacing: float = 1.25) -> tuple[int, int]:
    """Width and height in pixels of text with line breaks."""
    font = load_font(font_for(text, name), max(4, size))
    lines = text.split("\n")
    width = max(font.getlength(line) for line in lines)
    return int(np.ceil(width)) + 2, int(np.ceil(size * spacing * len(lines))) + 1


def text_cover(
    text: str, name: str, size: int, align: str = "left", spacing: float = 1.25, thicken: int = 0
) -> np.ndarray:
    """Coverage (h, w) float32 of text with line breaks; `thicken` adds an outline of so many pixels."""
    size = max(4, size)
    font = load_font(font_for(text, name), size)
    width, height = text_size(text, name, size, spacing)
    pad = thicken
    picture = Image.new("L", (width + 2 * pad, height + 2 * pad + size // 4), 0)
    pen = ImageDraw.Draw(picture)
    for row, line in enumerate(text.split("\n")):
        free = width - font.getlength(line)
        x = {"left": 0.0, "centre": free / 2, "right": free}[align]
        y = row * size * spacing + size * spacing / 2
        pen.text((pad + x, pad + y), line, fill=255, font=font, anchor="lm", stroke_width=thicken)
    return np.asarray(picture, np.float32) / 255


def draw_text(
    layer: Layer,
    xy: tuple[float, float],
    text: str,
    name: str,
    size: int,
    colour: Colour,
    align: str = "left",
    opacity: float = 1.0,
    spacing: float = 1.25,
    outline: tuple[int, Colour] | None = None,
    shadow: Colour | None = None,
) -> tuple[float, float, float, float]:
    """Draw text with its top left corner at `xy`; returns its xyxy box."""
    cover = text_cover(text, name, size, align, spacing)
    x, y = round(xy[0]), round(xy[1])
    if shadow is not None:
        shift = max(1, size // 14)
        layer.over(cover * opacity, shadow, (x + shift, y + shift))
    if outline is not None:
        wide = text_cover(text, name, size, align, spacing, outline[0])
        layer.over(wide, outline[1], (x - outline[0], y - outline[0]))
    layer.over(cover * opacity if opacity < 1 else cover, colour, (x, y))
    height, width = layer.shape_hw
    h, w = cover.shape
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
    if x0 < x1 and y0 < y1:
        layer.ink[y0:y1, x0:x1] |= cover[y0 - y : y1 - y, x0 - x : x1 - x] > 0.3
    box_w, box_h = text_size(text, name, size, spacing)
    return (float(x), float(y), float(x + box_w), float(y + box_h))


def fitted_size(text: str, name: str, width: float, height: float, largest: int, spacing: float = 1.25) -> int:
    """The largest size, at most `largest`, at which text fits a box of `width` by `height` pixels."""
    w, h = text_size(text, name, 100, spacing)
    return int(max(5, min(largest, 100 * width / w, 100 * height / h)))


def wrap(text: str, name: str, size: int, width: float) -> str:
    """Text broken at spaces so that lines fit `width` pixels where words allow."""
    font = load_font(font_for(text, name), max(4, size))
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(lines[-1] + " " + word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return "\n".join(lines)
