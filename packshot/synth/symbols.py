"""Things that fill a place on their own: QR codes, bar codes, tables, certificates, line drawings."""

from __future__ import annotations

import cv2
import numpy as np

from packshot.synth import wording
from packshot.synth.colours import luminance, mixed, readable_on
from packshot.synth.lettering import fitted_size, text_cover
from packshot.synth.overlays import Board, Box
from packshot.synth.raster import Colour, Layer, ellipse_points


def qr_code(rng: np.random.Generator, cells: int = 25) -> np.ndarray:
    """A picture like a QR code (it says nothing): (n, n, 3) float32 of whole cells."""
    grid = rng.integers(0, 2, (cells, cells)).astype(np.float32)
    finder = np.pad(np.pad(np.zeros((3, 3)), 1, constant_values=1), 1)
    for y, x in ((0, 0), (0, cells - 7), (cells - 7, 0)):
        block = np.ones((8, 8), np.float32)
        block[:7, :7] = finder
        grid[max(0, y - (y > 0)) : y + 7 + (y == 0), max(0, x - (x > 0)) : x + 7 + (x == 0)] = 1
        grid[y : y + 7, x : x + 7] = finder
    grid = np.pad(grid, 2, constant_values=1)
    return np.repeat(np.kron(grid, np.ones((8, 8), np.float32))[..., None], 3, 2)


def bar_code(rng: np.random.Generator) -> np.ndarray:
    bars = np.repeat(rng.integers(0, 2, 60), rng.integers(1, 4, 60)).astype(np.float32)
    bars[:3] = bars[-3:] = (0, 1, 0)
    row = np.pad(np.repeat(bars, 3), 20, constant_values=1)
    return np.broadcast_to(row[None, :, None], (90, len(row), 3)).astype(np.float32).copy()


def line_drawing(layer: Layer, stroke: float = 2.0, ink: Colour = (0.1, 0.1, 0.1)) -> Layer:
    """A product turned into a technical drawing: outline and inner edges on transparency."""
    rgb = (np.clip(layer.rgb, 0, 1) * 255).astype(np.uint8)
    smooth = cv2.GaussianBlur(rgb, (0, 0), 1.6)
    edges = cv2.Canny(cv2.cvtColor(smooth, cv2.COLOR_RGB2GRAY), 40, 110)
    edges[layer.alpha < 0.6] = 0
    solid = (np.pad(layer.alpha, 3) > 0.5).astype(np.uint8)
    contours, _ = cv2.findContours(solid, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    shape = solid.shape
    canvas = np.pad(edges, 3)
    cv2.drawContours(canvas, contours, -1, 255, max(1, round(stroke)), cv2.LINE_AA)
    cover = cv2.GaussianBlur(canvas.astype(np.float32) / 255, (0, 0), 0.6)
    out = Layer(shape)
    out.over(np.clip(cover * 1.4, 0, 1), ink)
    return out


def table(board: Board, box: Box, rows: int, columns: int, styled: bool) -> None:
    """A table of specifications or sizes."""
    rng = board.rng
    x0, y0, x1, y1 = box
    high, wide = (y1 - y0) / rows, (x1 - x0) / columns
    board.layer.rectangle(box, (1, 1, 1), 0, 0.96)
    if styled:
        board.layer.rectangle((x0, y0, x1, y0 + high), board.palette.main)
        for row in range(2, rows, 2):
            board.layer.rectangle((x0, y0 + row * high, x1, y0 + (row + 1) * high), board.palette.tint)
    line = (0.35, 0.35, 0.38)
    for row in range(rows + 1):
        board.layer.stroke(np.array([(x0, y0 + row * high), (x1, y0 + row * high)]), 1.4, line)
    for column in range(columns + 1):
        board.layer.stroke(np.array([(x0 + column * wide, y0), (x0 + column * wide, y1)]), 1.4, line)
    for row in range(rows):
        for column in range(columns):
            if row == 0:
                text = wording.pick(rng, wording.TABLE_HEADS)[0]
            elif column == 0:
                text = wording.pick(rng, wording.SIZES + wording.QUANTITIES)[0]
            else:
                text = str(rng.integers(2, 250)) if rng.random() < 0.7 else wording.length(rng)
            size = fitted_size(text, board.body, wide * 0.86, high * 0.75, int(board.height * 0.035))
            colour = readable_on(board.palette.main) if styled and row == 0 else (0.12, 0.12, 0.14)
            board.text(
                (x0 + (column + 0.5) * wide, y0 + (row + 0.5) * high - size * 0.62),
                text,
                size,
                board.body,
                colour,
                "centre",
            )
    board.note(box, "table")


def certificate(board: Board, box: Box) -> None:
    """A document with a border, a heading, small lines, a seal and a signature."""
    rng = board.rng
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    board.layer.rectangle(box, mixed((1, 1, 1), board.palette.tint, 0.6))
    for inset, width in ((0.03, 0.012), (0.05, 0.004)):
        a, b = inset * w, inset * w
        board.layer.stroke(
            np.array([(x0 + a, y0 + b), (x1 - a, y0 + b), (x1 - a, y1 - b), (x0 + a, y1 - b)]),
            w * width,
            board.palette.main,
            1,
            True,
        )
    title = wording.pick(rng, wording.CERTIFICATE)[0]
    size = fitted_size(title, board.head, w * 0.8, h * 0.08, 200)
    board.text(((x0 + x1) / 2, y0 + 0.1 * h), title, size, board.head, (0.15, 0.12, 0.12), "centre")
    board.text(
        ((x0 + x1) / 2, y0 + 0.2 * h),
        f"№ RU {rng.integers(10**5, 10**6)}.{rng.integers(10, 99)}",
        max(7, int(h * 0.025)),
        None,
        (0.2, 0.2, 0.2),
        "centre",
    )
    small = max(6, int(h * 0.021))
    y = y0 + 0.28 * h
    while y < y0 + 0.75 * h:
        if rng.random() < 0.85:
            text = wording.pick(rng, wording.SENTENCES)[0]
            board.text((x0 + 0.1 * w, y), text, small, board.body, (0.25, 0.25, 0.28), width=w * 0.8)
        y += small * 2.9
    seal = (x0 + rng.uniform(0.25, 0.75) * w, y0 + 0.85 * h)
    for r in (0.09, 0.07):
        board.layer.stroke(ellipse_points(seal, (r * w, r * w)), max(2, w * 0.006), (0.2, 0.25, 0.65), 0.8, True)
    xs = np.linspace(0, 1, 30)
    sign = np.stack([x0 + (0.55 + 0.25 * xs) * w, y0 + 0.85 * h + 0.02 * h * np.sin(xs * 18) * (1 - xs)], 1)
    board.layer.stroke(sign, max(1.5, w * 0.003), (0.1, 0.15, 0.5))
    board.note(box, "certificate")


def watermark(board: Board, text: str, tiled: bool) -> None:
    """Faint writing across the photo, once or repeated."""
    rng = board.rng
    size = int(board.height * (rng.uniform(0.03, 0.06) if tiled else rng.uniform(0.07, 0.14)))
    mark = Layer((size * 2, int(size * len(text) * 0.9) + 8))
    cover = text_cover(text, board.head, size)
    ground = luminance(board.ground((0, 0, board.width, board.height)))
    pale = ground < 0.45 or (ground < 0.8 and rng.random() < 0.4)
    tone = (1.0, 1.0, 1.0) if pale else (0.35, 0.35, 0.38)
    mark.over(cover, tone, (2, size // 3))
    mark = mark.trimmed().transformed(float(rng.choice([0, 30, 45, -30])) if tiled or rng.random() < 0.7 else 0.0)
    opacity = rng.uniform(0.35, 0.6)
    h, w = mark.shape_hw
    spots = [((board.width - w) / 2, (board.height - h) / 2)]
    if tiled:
        spots = [
            (x + (y // (h * 2) % 2) * w / 2, y)
            for y in range(-h // 2, board.height, int(h * 1.6))
            for x in range(-w // 2, board.width, int(w * 1.3))
        ]
    for x, y in spots:
        board.layer.paste(mark, (x, y), opacity)
        board.note((x, y, x + w, y + h), "watermark")
    board.texts.append(text)
