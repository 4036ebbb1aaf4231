"""Other infographics that fill the sheet: drawings, instructions, documents, tables, sets and ranges."""

from __future__ import annotations

import numpy as np

from packshot.synth import textures, wording
from packshot.synth.colours import mixed
from packshot.synth.good import backdrop_for
from packshot.synth.products import KINDS, LARGE, draw_single, draw_subject
from packshot.synth.scene import Scene
from packshot.synth.symbols import certificate, line_drawing, table


def _sheet(scene: Scene, tint: float = 0.2) -> None:
    paper = (1.0, 1.0, 1.0) if scene.rng.random() > tint else mixed(scene.palette.tint, (1, 1, 1), 0.5)
    scene.picture = textures.plain(scene.shape_hw, paper)


def _drawing(
    scene: Scene, box: tuple[float, float, float, float], kind: str | None = None
) -> tuple[float, float, float, float]:
    """A technical drawing of a product fitted in a box; returns its own box."""
    rng, board = scene.rng, scene.board
    size = int(max(box[2] - box[0], box[3] - box[1]))
    piece, _, _ = draw_single(rng, scene.split, max(40, size), kind)
    fit = min((box[2] - box[0]) / piece.shape_hw[1], (box[3] - box[1]) / piece.shape_hw[0])
    piece = piece.transformed(0.0 if rng.random() < 0.7 else rng.uniform(-30, 30), fit * 0.92)
    drawing = line_drawing(piece, rng.choice([1, 2, 2, 3]))
    h, w = drawing.shape_hw
    x, y = (box[0] + box[2] - w) / 2, (box[1] + box[3] - h) / 2
    board.layer.paste(drawing, (x, y))
    board.note((x, y, x + w, y + h), "drawing")
    return (x, y, x + w, y + h)


def scheme(scene: Scene) -> None:
    """A line drawing with dimensions, in one or more views."""
    rng = scene.rng
    _sheet(scene, 0.1)
    board = scene.start_board()
    kinds = sorted(KINDS[scene.split])
    kind = str(rng.choice(kinds))
    views = (
        [(0.2, 0.15, 0.8, 0.82)]
        if rng.random() < 0.5
        else [(0.08, 0.08, 0.46, 0.46), (0.56, 0.08, 0.92, 0.46), (0.2, 0.55, 0.7, 0.92)][: int(rng.integers(2, 4))]
    )
    size = int(scene.height * rng.uniform(0.018, 0.03))
    ink = (0.15, 0.15, 0.17)
    for view in views:
        x0, y0, x1, y1 = _drawing(scene, scene.region(*view), kind)
        gap = 0.03 * scene.width
        for number in range(int(rng.integers(2, 6))):
            text = str(int(rng.integers(5, 900)))
            if number % 2:
                at = x1 + gap * (0.5 + number / 2)
                a, b = sorted((rng.uniform(y0, y1), rng.choice([y0, y1])))
                if b - a > 15:
                    board.dimension((at, a), (at, b), text, size, ink)
                    board.layer.stroke(np.array([(x1 - gap, a), (at + 4, a)]), 1, ink)
                    board.layer.stroke(np.array([(x1 - gap, b), (at + 4, b)]), 1, ink)
            else:
                at = y1 + gap * (0.5 + number / 2)
                a, b = sorted((rng.uniform(x0, x1), rng.choice([x0, x1])))
                if b - a > 15:
                    board.dimension((a, at), (b, at), text, size, ink)
                    board.layer.stroke(np.array([(a, y1 - gap), (a, at + 4)]), 1, ink)
                    board.layer.stroke(np.array([(b, y1 - gap), (b, at + 4)]), 1, ink)
        if rng.random() < 0.5:
            board.layer.stroke(np.array([((x0 + x1) / 2, y0 - gap), ((x0 + x1) / 2, y1 + gap)]), 1, (0.6, 0.6, 0.6))
    if rng.random() < 0.3:
        board.text(
            (0.5 * scene.width, 0.02 * scene.height),
            wording.pick(rng, ("Схема", "Чертёж", "Схема монтажа", "Габаритные размеры"))[0],
            size * 2,
            board.head,
            ink,
            "centre",
        )
    scene.clauses.append("scheme")


def instructions(scene: Scene) -> None:
    """Numbered steps with drawings or pictures."""
    rng = scene.rng
    _sheet(scene)
    board = scene.start_board()
    y = 0.04
    if rng.random() < 0.7:
        title = wording.pick(
            rng, ("Инструкция", "Сборка", "Способ применения", "Как пользоваться", "Порядок установки")
        )[0]
        box = board.text(
            (0.5 * scene.width, 0.03 * scene.height), title, int(0.05 * scene.height), board.head, None, "centre"
        )
        y = box[3] / scene.height + 0.02
    columns, rows = (2, int(rng.integers(1, 4))) if rng.random() < 0.7 else (1, 3)
    kind = str(rng.choice(sorted(KINDS[scene.split])))
    drawn = rng.random() < 0.7
    for number in range(columns * rows):
        cx, cy = number % columns, number // columns
        cell = scene.region(
            0.03 + cx * 0.95 / columns,
            y + cy * (0.97 - y) / rows,
            0.01 + (cx + 1) * 0.95 / columns,
            y + (cy + 1) * (0.97 - y) / rows - 0.02,
        )
        r = 0.03 * scene.width
        inner = (cell[0] + 2.5 * r, cell[1], cell[2], cell[3] - 0.06 * scene.height)
        if drawn:
            _drawing(scene, inner, kind)
        else:
            piece, _, _ = draw_single(rng, scene.split, int(min(inner[2] - inner[0], inner[3] - inner[1])), kind)
            board.layer.paste(piece, (inner[0], inner[1]))
            board.note((inner[0], inner[1], inner[0] + piece.shape_hw[1], inner[1] + piece.shape_hw[0]), "drawing")
        board.plate(
            (cell[0], cell[1], cell[0] + 2 * r, cell[1] + 2 * r), str(number + 1), board.palette.main, "circle", 0.05
        )
        board.text(
            (cell[0], cell[3] - 0.05 * scene.height),
            wording.pick(rng, wording.ACTIONS)[0],
            int(0.025 * scene.height),
            board.body,
            width=cell[2] - cell[0],
        )
    scene.clauses.append("instructions")


def document(scene: Scene) -> None:
    rng = scene.rng
    if rng.random() < 0.6:
        _sheet(scene)
        scene.start_board()
        wide = rng.uniform(0.6, 0.9)
        certificate(scene.board, scene.region(0.5 - wide / 2, 0.04, 0.5 + wide / 2, 0.96))
    else:
        backdrop = backdrop_for(scene, 0.7)
        scene.place(scene.region(0.03, 0.1, 0.5, 0.95), backdrop)
        scene.start_board()
        certificate(scene.board, scene.region(0.52, 0.25, 0.97, 0.85))
    scene.clauses.append("certificate")


def specifications(scene: Scene) -> None:
    rng = scene.rng
    rows, columns = int(rng.integers(5, 12)), int(rng.integers(2, 6))
    if rng.random() < 0.5:
        _sheet(scene)
        board = scene.start_board()
        table(board, scene.region(0.05, 0.15, 0.95, 0.94), rows, columns, bool(rng.random() < 0.6))
    else:
        backdrop = backdrop_for(scene, 0.7).anywhere()
        scene.place(scene.region(0.2, 0.1, 0.8, 0.5), backdrop)
        board = scene.start_board()
        table(board, scene.region(0.06, 0.55, 0.94, 0.96), min(rows, 7), columns, bool(rng.random() < 0.6))
    title = wording.pick(rng, ("Таблица размеров", "Характеристики", "Размерная сетка", "Технические данные"))[0]
    board.text((0.5 * scene.width, 0.03 * scene.height), title, int(0.045 * scene.height), board.head, None, "centre")
    scene.clauses.append("table")


def line_up(scene: Scene) -> None:
    """The contents of a set or a product range, with captions."""
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.75).anywhere()
    columns, rows = int(rng.integers(2, 5)), int(rng.integers(2, 4))
    top = 0.14
    cells = [(c, r) for r in range(rows) for c in range(columns)]
    for c, r in cells:
        x, y, w, h = 0.03 + c * 0.94 / columns, top + r * (0.97 - top) / rows, 0.94 / columns, (0.97 - top) / rows
        subject = draw_subject(
            rng,
            scene.split,
            int(min(w * scene.width, h * scene.height) * 0.9),
            str(rng.choice(sorted(set(KINDS[scene.split]) - LARGE))),
        )
        scene.place(scene.region(x + 0.01, y, x + w - 0.01, y + h * 0.78), backdrop, None, "none", subject=subject)
    board = scene.start_board()
    title = wording.pick(
        rng, ("В наборе", "Комплектация", "Вся серия", "Линейка продуктов", "Состав набора", "Выберите свой")
    )[0]
    board.text((0.5 * scene.width, 0.03 * scene.height), title, int(0.055 * scene.height), board.head, None, "centre")
    for c, r in cells:
        x, y, w, h = 0.03 + c * 0.94 / columns, top + r * (0.97 - top) / rows, 0.94 / columns, (0.97 - top) / rows
        text = wording.pick(rng, wording.PRODUCT_NAMES)[0] if rng.random() < 0.7 else wording.short_quantity(rng)
        board.text(
            ((x + w / 2) * scene.width, (y + h * 0.8) * scene.height),
            text,
            int(min(0.03 * scene.height, 0.1 * h * scene.height + 6)),
            board.body,
            None,
            "centre",
            width=w * scene.width * 0.95,
        )
    scene.clauses += ["set_contents" if "набор" in title.lower() or title == "Комплектация" else "line_up"]
