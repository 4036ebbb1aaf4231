"""Other infographics: price and delivery, empty claims, drawings, instructions, documents, tables, sets, marks, adverts,
placeholders, parts of the product, nothing but its name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from packshot.synth import backgrounds, textures, wording
from packshot.synth.backgrounds import Backdrop
from packshot.synth.colours import draw_palette, hsv, mixed
from packshot.synth.good import backdrop_for
from packshot.synth.good import column as good_column
from packshot.synth.lettering import FONTS
from packshot.synth.products import KINDS, LARGE, draw_single, draw_subject
from packshot.synth.raster import Layer
from packshot.synth.scene import Scene
from packshot.synth.symbols import certificate, line_drawing, qr_code, table, watermark


def _free(backdrop: Backdrop) -> Backdrop:
    return Backdrop(backdrop.rgb, backdrop.clauses)


def priced(scene: Scene) -> None:
    """Price, discount, gift or delivery, whatever else is shown."""
    rng = scene.rng
    if rng.random() < 0.3:
        good_column(scene)
        board = scene.board
        scene.clauses.clear()
    else:
        backdrop = backdrop_for(scene, 0.55)
        scene.place(scene.region(0.08, 0.12, 0.9, 0.92), backdrop)
        board = scene.start_board()
    hot = [hsv(0.99, 0.9, 0.9), hsv(0.14, 0.95, 1.0), hsv(0.03, 0.95, 0.95), hsv(0.83, 0.7, 0.8), hsv(0.35, 0.8, 0.6)]
    for _ in range(int(rng.integers(1, 4))):
        shape = str(rng.choice(["star", "circle", "ribbon", "rect", "rounded"]))
        wide = rng.uniform(0.2, 0.36)
        tall = wide * scene.width / scene.height * (1 if shape in ("star", "circle") else 0.35)
        x, y = rng.choice([0.02, 0.98 - wide]), rng.choice([0.03, 0.97 - tall, rng.uniform(0.1, 0.7)])
        text = wording.price(rng) if rng.random() < 0.5 else wording.pick(rng, wording.PRICE_WORDS)[0]
        board.plate(scene.region(x, y, x + wide, y + tall), text, hot[int(rng.integers(len(hot)))], shape, 0.09)
    if rng.random() < 0.3:
        text = wording.pick(rng, wording.PRICE_WORDS)[0].upper()
        board.plate(scene.region(0, 0.89, 1, 1), text, hot[int(rng.integers(3))], "rect", 0.07)
    scene.clauses.append("price_or_delivery")


def claims(scene: Scene) -> None:
    """Only emotional claims, no useful facts."""
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.6)
    scene.place(scene.region(0.08, 0.08, 0.92, 0.92), backdrop)
    board = scene.start_board()
    for text in wording.pick(rng, wording.CLAIMS, int(rng.integers(1, 4))):
        shape = str(rng.choice(["star", "circle", "ribbon", "rounded", "none"]))
        wide = rng.uniform(0.18, 0.36)
        tall = wide * scene.width / scene.height * (1 if shape in ("star", "circle") else 0.35)
        x, y = rng.choice([0.02, 0.98 - wide]), rng.choice([0.02, 0.97 - tall, 0.4])
        if shape == "none":
            board.text(
                (x * scene.width, y * scene.height),
                text,
                int(0.06 * scene.height),
                board.head,
                board.palette.main,
                width=wide * scene.width,
            )
        else:
            board.plate(scene.region(x, y, x + wide, y + tall), text, None, shape, 0.08)
    scene.clauses.append("only_claims")


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
        backdrop = _free(backdrop_for(scene, 0.7))
        scene.place(scene.region(0.2, 0.1, 0.8, 0.5), backdrop)
        board = scene.start_board()
        table(board, scene.region(0.06, 0.55, 0.94, 0.96), min(rows, 7), columns, bool(rng.random() < 0.6))
    title = wording.pick(rng, ("Таблица размеров", "Характеристики", "Размерная сетка", "Технические данные"))[0]
    board.text((0.5 * scene.width, 0.03 * scene.height), title, int(0.045 * scene.height), board.head, None, "centre")
    scene.clauses.append("table")


def line_up(scene: Scene) -> None:
    """The contents of a set or a product range, with captions."""
    rng = scene.rng
    backdrop = _free(backdrop_for(scene, 0.75))
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


def marked(scene: Scene) -> None:
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.6)
    scene.place(scene.region(0.06, 0.06, 0.94, 0.94), backdrop)
    board = scene.start_board()
    watermark(board, wording.pick(rng, wording.WATERMARKS)[0], bool(rng.random() < 0.6))
    scene.clauses.append("watermark")


def qr(scene: Scene) -> None:
    rng = scene.rng
    backdrop = _free(backdrop_for(scene, 0.6))
    alone = rng.random() < 0.35
    if not alone:
        scene.place(scene.region(0.04, 0.1, 0.66, 0.94), backdrop)
    board = scene.start_board()
    wide = rng.uniform(0.4, 0.7) if alone else rng.uniform(0.2, 0.34)
    tall = wide * scene.width / scene.height
    x, y = (0.5 - wide / 2, 0.5 - tall / 2) if alone else (0.97 - wide, float(rng.choice([0.03, 0.93 - tall])))
    board.picture(scene.region(x, y, x + wide, y + tall), qr_code(rng, int(rng.choice([21, 25, 29]))), "qr_code")
    if rng.random() < 0.7:
        board.text(
            ((x + wide / 2) * scene.width, (y + tall + 0.01) * scene.height),
            wording.pick(rng, wording.ADVERTS)[0],
            int(0.03 * scene.height),
            board.body,
            None,
            "centre",
            width=max(wide, 0.3) * scene.width,
        )
    scene.clauses += ["qr_code"] + (["no_product"] if alone else [])


def advert(scene: Scene) -> None:
    """A banner of the shop: large words, logo, no product."""
    rng = scene.rng
    palette = scene.palette = draw_palette(rng, scene.split)
    scene.back(
        backgrounds.designed(rng, scene.shape_hw, scene.split, palette)
        if rng.random() < 0.6
        else backgrounds.loud(rng, scene.shape_hw, scene.split)
    )
    board = scene.start_board()
    y = rng.uniform(0.1, 0.3)
    for text, share in (
        (wording.pick(rng, wording.BRANDS)[0], 0.12),
        (wording.pick(rng, wording.ADVERTS)[0], 0.07),
        (wording.pick(rng, wording.CLAIMS)[0], 0.05),
    ):
        box = board.text(
            (0.5 * scene.width, y * scene.height),
            text,
            int(share * scene.height),
            board.head,
            None,
            "centre",
            width=0.9 * scene.width,
        )
        y = box[3] / scene.height + 0.04
    if rng.random() < 0.5:
        board.plate(
            scene.region(0.25, min(y, 0.85), 0.75, min(y, 0.85) + 0.1),
            wording.pick(rng, wording.PRICE_WORDS + wording.ADVERTS)[0],
            palette.accent,
            "pill",
        )
    scene.clauses += ["advert", "no_product"]


def placeholder(scene: Scene) -> None:
    """Where "photo coming soon" stands, with a camera or a crossed frame."""
    rng = scene.rng
    tone = rng.uniform(0.82, 1.0)
    scene.picture = textures.plain(scene.shape_hw, (tone, tone, tone) if rng.random() < 0.8 else scene.palette.tint)
    board = scene.start_board()
    ink = mixed((tone, tone, tone), (0, 0, 0) if rng.random() < 0.7 else scene.palette.main, rng.uniform(0.25, 0.7))
    w, h = scene.width, scene.height
    cx, cy, r = 0.5 * w, 0.4 * h, 0.12 * w
    if rng.random() < 0.7:
        board.layer.rectangle((cx - 1.4 * r, cy - r, cx + 1.4 * r, cy + r), ink, r * 0.2)
        board.layer.rectangle((cx - 0.5 * r, cy - 1.3 * r, cx + 0.5 * r, cy - 0.9 * r), ink, r * 0.1)
        board.layer.ellipse((cx, cy), (0.65 * r, 0.65 * r), (tone, tone, tone))
        board.layer.ellipse((cx, cy), (0.45 * r, 0.45 * r), ink)
    else:
        board.layer.stroke(
            np.array([(cx - 1.5 * r, cy - r), (cx + 1.5 * r, cy - r), (cx + 1.5 * r, cy + r), (cx - 1.5 * r, cy + r)]),
            r * 0.12,
            ink,
            1,
            True,
        )
        board.layer.polygon(
            np.array(
                [
                    (cx - 1.3 * r, cy + 0.8 * r),
                    (cx - 0.4 * r, cy - 0.2 * r),
                    (cx + 0.2 * r, cy + 0.3 * r),
                    (cx + 0.7 * r, cy - 0.3 * r),
                    (cx + 1.3 * r, cy + 0.8 * r),
                ]
            ),
            ink,
        )
    board.note((cx - 1.5 * r, cy - 1.3 * r, cx + 1.5 * r, cy + r), "icon")
    text = wording.pick(rng, wording.PLACEHOLDERS)[0]
    board.text((cx, cy + 1.6 * r), text, int(rng.uniform(0.04, 0.07) * h), board.head, ink, "centre", width=0.9 * w)
    scene.clauses += ["placeholder", "no_product"]


def part_only(scene: Scene) -> None:
    """A part of the product fills the picture, with a caption."""
    rng = scene.rng
    backdrop_for(scene, 0.6)
    zoom = rng.uniform(1.5, 2.3)
    px = int(max(scene.shape_hw) * 0.9)
    subject = draw_subject(rng, scene.split, px)
    layer = subject.layer.transformed(0, zoom)
    h, w = layer.shape_hw
    x0, y0 = int(rng.uniform(0.1, 0.5) * max(1, w - scene.width)), int(rng.uniform(0.1, 0.6) * max(1, h - scene.height))
    crop = Layer(scene.shape_hw)
    crop.paste(
        layer, (-x0 if w > scene.width else (scene.width - w) / 2, -y0 if h > scene.height else scene.height - h)
    )
    scene.picture = crop.rgb * crop.alpha[..., None] + scene.picture * (1 - crop.alpha[..., None])
    scene.alpha, scene.writing, scene.subject = crop.alpha, crop.ink, subject
    scene.words += subject.words
    board = scene.start_board()
    caption = wording.pick(rng, wording.MATERIALS + wording.FEATURES + ("Вид сзади", "Крупный план"))[0]
    if rng.random() < 0.5:
        board.plate(scene.region(0.04, 0.86, 0.6, 0.95), caption)
    else:
        board.text(
            (0.05 * scene.width, 0.04 * scene.height),
            caption,
            int(0.05 * scene.height),
            board.head,
            width=0.9 * scene.width,
        )
    scene.clauses.append("part_only")


def name_only(scene: Scene) -> None:
    """Nothing but the product's name or brand."""
    rng = scene.rng
    backdrop = _free(backdrop_for(scene, 0.6))
    top = rng.random() < 0.7
    scene.place(scene.region(0.1, 0.18, 0.9, 0.96) if top else scene.region(0.1, 0.04, 0.9, 0.82), backdrop)
    board = scene.start_board()
    text = wording.pick(rng, wording.BRANDS if rng.random() < 0.6 else wording.PRODUCT_NAMES)[0]
    font = str(rng.choice(FONTS[scene.split]["head"] + FONTS[scene.split]["odd"]))
    board.text(
        (0.5 * scene.width, (0.04 if top else 0.86) * scene.height),
        text,
        int(rng.uniform(0.05, 0.1) * scene.height),
        font,
        None,
        "centre",
        width=0.9 * scene.width,
    )
    scene.clauses.append("only_name")


LAYOUTS: tuple[tuple[Callable[[Scene], None], float], ...] = (
    (priced, 0.2), (claims, 0.12), (scheme, 0.16), (instructions, 0.07), (document, 0.06), (specifications, 0.09),
    (line_up, 0.08), (marked, 0.05), (qr, 0.04), (advert, 0.03), (placeholder, 0.04), (part_only, 0.03), (name_only, 0.03),
)  # fmt: skip


def other_infographics(scene: Scene) -> None:
    shares = np.array([share for _, share in LAYOUTS])
    LAYOUTS[int(scene.rng.choice(len(LAYOUTS), p=shares / shares.sum()))][0](scene)
