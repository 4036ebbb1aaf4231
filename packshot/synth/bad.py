"""Bad infographics: bare or tiny text, too much, foreign words, codes, jargon, unnamed sizes, empty magnifiers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from packshot.synth import rooms, wording
from packshot.synth.backgrounds import Backdrop
from packshot.synth.colours import hsv, luminance, mixed, readable_on
from packshot.synth.crowded import crowded
from packshot.synth.good import backdrop_for
from packshot.synth.lettering import FONTS
from packshot.synth.poster import block, brand, free_spot, on_its_side, stand
from packshot.synth.raster import Colour
from packshot.synth.scene import Scene
from packshot.synth.symbols import bar_code

LOUD: tuple[Colour, ...] = (
    (0.85, 0.05, 0.1),
    (0.0, 0.0, 0.0),
    (0.1, 0.2, 0.75),
    (0.9, 0.1, 0.5),
    (0.0, 0.5, 0.2),
    (0.45, 0.1, 0.5),
)


def _backdrop(scene: Scene) -> Backdrop:
    """Mostly white or grey; sometimes a snapshot."""
    if scene.rng.random() < 0.14:
        scene.snapshot = True
        return scene.back(rooms.amateur(scene.rng, scene.shape_hw, scene.split))
    return backdrop_for(scene, 0.66)


def _pen(scene: Scene) -> tuple[str, Colour]:
    """A font and a colour such as beginners choose."""
    rng = scene.rng
    font = str(rng.choice(FONTS[scene.split]["odd"] + FONTS[scene.split]["body"]))
    colour = LOUD[int(rng.integers(len(LOUD)))] if rng.random() < 0.75 else scene.palette.main
    return font, colour


def _legible(colour: Colour, ground: Colour) -> Colour:
    """The colour, or black or white where it would vanish on the ground."""
    if abs(luminance(colour) - luminance(ground)) > 0.25:
        return colour
    return readable_on(ground)


def bare(scene: Scene) -> None:
    """Characteristics as lines of text with nothing around them."""
    rng = scene.rng
    backdrop = _backdrop(scene)
    spot = str(rng.choice(["left", "right", "top", "bottom", "around", "over", "vertical"]))
    regions = {
        "left": (0.4, 0.08, 0.98, 0.95),
        "right": (0.02, 0.08, 0.6, 0.95),
        "top": (0.1, 0.3, 0.9, 0.97),
        "bottom": (0.1, 0.04, 0.9, 0.7),
    }
    scene.place(scene.region(*regions.get(spot, (0.1, 0.1, 0.9, 0.92))), backdrop)
    board = scene.start_board()
    font, colour = _pen(scene)
    count = int(rng.integers(1, 6)) if spot != "around" else int(rng.integers(2, 5))
    size = int(scene.height * rng.uniform(0.024, 0.05))
    lines = wording.facts(rng, count)
    if rng.random() < 0.2:
        lines[0] = wording.short_quantity(rng)
        size = int(scene.height * rng.uniform(0.05, 0.1))
    if rng.random() < 0.2:
        lines = [line.upper() for line in lines]
    on_dark = luminance(board.ground((0, 0, scene.width, scene.height))) < 0.4
    if on_dark and luminance(colour) < 0.5:
        colour = (1, 1, 1) if rng.random() < 0.6 else hsv(0.15, 0.9, 1.0)
    if spot == "vertical":
        _vertical(scene, lines[0], font, colour)
        lines = lines[1:3]
    align = str(rng.choice(["left", "centre"]))
    if spot == "around":
        for text in lines:
            for _ in range(8):
                x, y = rng.uniform(0.02, 0.62), rng.choice([rng.uniform(0.02, 0.2), rng.uniform(0.75, 0.9)])
                if board.clear(scene.region(x, y, x + 0.36, y + 0.1)):
                    break
            board.text((x * scene.width, y * scene.height), text, size, font, colour, width=0.36 * scene.width)
    else:
        starts = {
            "left": (0.03, 0.15),
            "right": (0.62, 0.15),
            "top": (0.06, 0.03),
            "bottom": (0.06, 0.74),
            "over": (0.1, 0.3),
            "vertical": (0.03, 0.1),
        }
        x, y = starts[spot]
        wide = 0.35 if spot in ("left", "right") else 0.5 if spot == "vertical" else 0.88
        y = y * scene.height + (rng.uniform(0, 0.2) * scene.height if spot in ("left", "right") else 0)
        shadow = (0.6, 0.6, 0.6) if rng.random() < 0.15 else None
        for text in lines:
            at = (x + wide / 2 if align == "centre" else x) * scene.width
            box = board.text((at, y), text, size, font, colour, align, width=wide * scene.width, shadow=shadow)
            y = box[3] + size * rng.uniform(0.1, 0.9)
            if y > scene.height * 0.97:
                break
    scene.clauses.append("bare_text")
    if spot == "over":
        scene.clauses.append("text_over_product")


def _vertical(scene: Scene, text: str, font: str, colour: Colour) -> None:
    """Text turned on its side along the edge, large."""
    rng = scene.rng
    text = (rng.choice(wording.BRANDS) if rng.random() < 0.5 else text).upper()
    lines = [(str(text), rng.uniform(0.06, 0.24))]
    if rng.random() < 0.4:
        lines.append((wording.pick(rng, wording.FOREIGN)[0].upper(), rng.uniform(0.03, 0.07)))
    on_its_side(scene, lines, font, colour)


def scattered(scene: Scene) -> None:
    """Blocks of bare text wherever there was room, under a heading in the same loud colour."""
    rng = scene.rng
    board = stand(scene, _backdrop(scene))
    font, colour = _pen(scene)
    if rng.random() < 0.6:
        font = board.head
    size = int(scene.height * rng.uniform(0.026, 0.042))
    if rng.random() < 0.6:
        box = free_spot(scene, rng.uniform(0.35, 0.7), rng.uniform(0.1, 0.2))
        if box:
            lines = [scene.product_name(), *wording.facts(rng, int(rng.integers(0, 2)))]
            block(board, box, lines, int(1.3 * size), font, colour, "centre")
    if rng.random() < 0.3:
        brand(scene)
    if rng.random() < 0.2:
        on_its_side(scene, [(wording.pick(rng, wording.BRANDS)[0].upper(), rng.uniform(0.08, 0.24))], font, colour)
    align = str(rng.choice(["left", "centre"]))
    for _ in range(int(rng.integers(1, 5))):
        box = free_spot(scene, rng.uniform(0.22, 0.45), rng.uniform(0.08, 0.22), 0.15)
        if box:
            block(board, box, wording.facts(rng, int(rng.integers(1, 4))), size, font, colour, align)
    if not board.texts:
        block(board, scene.region(0.05, 0.8, 0.6, 0.97), wording.facts(rng, 2), size, font, colour, align)
    scene.clauses.append("bare_text")


def tiny(scene: Scene) -> None:
    """Paragraphs in print too small to read."""
    rng = scene.rng
    backdrop = _backdrop(scene)
    left = rng.random() < 0.5
    scene.place(scene.region(0.42, 0.1, 0.98, 0.95) if left else scene.region(0.02, 0.1, 0.58, 0.95), backdrop)
    board = scene.start_board()
    font, _ = _pen(scene)
    size = max(7, int(scene.height * rng.uniform(0.011, 0.016)))
    x = 0.03 if left else 0.61
    y = 0.08 * scene.height
    if rng.random() < 0.6:
        box = board.text(
            (x * scene.width, y),
            scene.product_name(),
            size * 2,
            board.head,
            None,
            width=0.36 * scene.width,
        )
        y = box[3] + size
    stop = scene.height * rng.uniform(0.5, 0.95)
    while y < stop:
        text = " ".join(wording.pick(rng, wording.SENTENCES, int(rng.integers(1, 4))))
        box = board.text((x * scene.width, y), text, size, font, width=0.36 * scene.width)
        y = box[3] + size * rng.uniform(0.3, 1.5)
    scene.clauses.append("tiny_text")


def covered(scene: Scene) -> None:
    crowded(scene, _backdrop(scene))


def foreign(scene: Scene) -> None:
    """Most of the words are not in the market's language."""
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.5)
    left = rng.random() < 0.5
    scene.place(scene.region(0.38, 0.16, 0.98, 0.95) if left else scene.region(0.02, 0.16, 0.62, 0.95), backdrop)
    board = scene.start_board()
    pool = wording.IDEOGRAPHS if rng.random() < 0.4 else wording.FOREIGN
    count = int(rng.integers(2, 6))
    phrases = wording.pick(rng, pool, count + 1)
    size = int(scene.height * rng.uniform(0.035, 0.06))
    board.text(
        (0.5 * scene.width, 0.03 * scene.height),
        phrases[0].upper(),
        size,
        board.head,
        None,
        "centre",
        width=0.94 * scene.width,
    )
    x, y = (0.03 if left else 0.64), 0.2
    plates = rng.random() < 0.5
    for text in phrases[1:]:
        if plates:
            board.plate(
                scene.region(x, y, x + 0.33, y + 0.09), text, None, str(rng.choice(["rounded", "pill", "rect"])), 0.04
            )
        else:
            if rng.random() < 0.5:
                board.icon(((x + 0.03) * scene.width, (y + 0.03) * scene.height), 0.025 * scene.width)
            board.text(
                ((x + 0.07) * scene.width, y * scene.height),
                text,
                int(size * 0.6),
                board.body,
                width=0.28 * scene.width,
            )
        y += 0.14
    scene.clauses.append("foreign_text")


def coded(scene: Scene) -> None:
    """Article numbers, bar codes, jargon: nothing a buyer understands."""
    rng = scene.rng
    backdrop = _backdrop(scene)
    scene.place(scene.region(0.1, 0.14, 0.9, 0.86), backdrop)
    board = scene.start_board()
    font, colour = _pen(scene)
    size = int(scene.height * rng.uniform(0.03, 0.055))
    kind = str(rng.choice(["article", "barcode", "jargon"]))
    x, y = float(rng.choice([0.04, 0.55])), float(rng.choice([0.03, 0.88 if kind != "jargon" else 0.74]))
    if kind == "barcode":
        wide = rng.uniform(0.25, 0.42)
        board.picture(scene.region(0.96 - wide, 0.84, 0.96, 0.95), bar_code(rng), "barcode")
        board.text(
            ((0.96 - wide) * scene.width, 0.955 * scene.height),
            str(rng.integers(10**11, 10**12)),
            int(size * 0.6),
            board.body,
        )
        scene.clauses.append("barcode")
    texts = [wording.article(rng)] if kind != "jargon" else wording.pick(rng, wording.JARGON, int(rng.integers(1, 4)))
    for text in texts:
        spot = scene.region(x, y, x + 0.42, y + 0.08)
        colour = _legible(colour, board.ground(spot))
        box = board.text((x * scene.width, y * scene.height), text, size, font, colour, width=0.42 * scene.width)
        y = box[3] / scene.height + 0.01
        if y > 0.93:
            break
    scene.clauses.append({"article": "article_numbers", "barcode": "article_numbers", "jargon": "jargon"}[kind])


def unnamed(scene: Scene) -> None:
    """Numbers beside the product that do not say what they measure."""
    rng = scene.rng
    backdrop = _backdrop(scene)
    box = scene.place(scene.region(0.14, 0.14, 0.86, 0.86), backdrop)
    board = scene.start_board()
    font, colour = _pen(scene)
    size = int(scene.height * rng.uniform(0.03, 0.06))
    style = str(rng.choice(["numbers", "product", "arrows"]))
    if style == "product":
        text = "×".join(str(int(v)) for v in rng.integers(3, 90, int(rng.integers(2, 4))))
        board.text(
            (rng.uniform(0.05, 0.5) * scene.width, rng.choice([0.03, 0.88]) * scene.height),
            text,
            int(size * 1.4),
            font,
            colour,
        )
    else:
        for _ in range(int(rng.integers(2, 5))):
            at = (
                (rng.uniform(box[0], box[2]), rng.uniform(box[1], box[3]))
                if rng.random() < 0.5
                else (rng.uniform(0.03, 0.85) * scene.width, rng.uniform(0.05, 0.9) * scene.height)
            )
            colour = _legible(colour, board.ground((at[0], at[1], at[0] + 2 * size, at[1] + size)))
            board.text(at, str(int(rng.integers(2, 400))), size, font, colour)
            if style == "arrows":
                end = (at[0] + rng.uniform(-0.3, 0.3) * scene.width, at[1] + rng.uniform(-0.1, 0.1) * scene.height)
                board.arrow(at, end, colour, max(2, size / 12), bool(rng.random() < 0.5))
    scene.clauses.append("unnamed_dimensions")


def empty_magnifier(scene: Scene) -> None:
    """A magnified part that shows nothing, with bare text."""
    rng = scene.rng
    backdrop = _backdrop(scene)
    scene.place(scene.region(0.04, 0.12, 0.64, 0.95), backdrop)
    board = scene.start_board()
    for number in range(int(rng.integers(1, 4))):
        r = rng.uniform(0.1, 0.16) * scene.width
        target = (rng.uniform(0.02, 0.98) * scene.width, rng.uniform(0.02, 0.2) * scene.height)
        board.magnifier((0.8 * scene.width, (0.2 + 0.28 * number) * scene.height), r, target, rng.uniform(1.0, 1.3))
    if rng.random() < 0.5:
        font, colour = _pen(scene)
        board.text(
            (0.05 * scene.width, 0.03 * scene.height), wording.fact(rng), int(0.035 * scene.height), font, colour
        )
    scene.clauses.append("unclear_magnifier")


def faint(scene: Scene) -> None:
    """Text hardly darker than what lies beneath, or across the product."""
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.4)
    scene.place(scene.region(0.06, 0.06, 0.94, 0.94), backdrop)
    board = scene.start_board()
    font, _ = _pen(scene)
    size = int(scene.height * rng.uniform(0.03, 0.06))
    y = rng.uniform(0.1, 0.5) * scene.height
    for text in wording.facts(rng, int(rng.integers(2, 5))):
        x = rng.uniform(0.05, 0.3) * scene.width
        ground = board.ground((x, y, x + 0.5 * scene.width, y + size))
        tone = mixed(ground, (0, 0, 0) if luminance(ground) > 0.5 else (1, 1, 1), rng.uniform(0.25, 0.45))
        box = board.text((x, y), text, size, font, tone, width=0.6 * scene.width)
        y = box[3] + size * 0.5
    scene.clauses.append("low_contrast_text")


LAYOUTS: tuple[tuple[Callable[[Scene], None], float], ...] = (
    (bare, 0.3), (scattered, 0.15), (tiny, 0.12), (covered, 0.13), (foreign, 0.07), (coded, 0.07), (unnamed, 0.07),
    (empty_magnifier, 0.04),
    (faint, 0.04),
)  # fmt: skip


def bad_infographics(scene: Scene) -> None:
    shares = np.array([share for _, share in LAYOUTS])
    LAYOUTS[int(scene.rng.choice(len(LAYOUTS), p=shares / shares.sum()))][0](scene)
