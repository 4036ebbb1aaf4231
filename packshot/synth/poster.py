"""Infographics composed freely: a heading, then elements wherever there is room, as no two sellers do alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from packshot.synth import wording
from packshot.synth.backgrounds import Backdrop
from packshot.synth.colours import luminance, mixed
from packshot.synth.lettering import draw_text, fitted_size, text_size, wrap
from packshot.synth.overlays import Board, Box
from packshot.synth.raster import Colour, Layer
from packshot.synth.scene import Scene

# Where the product stands; elements take what is left.
_STANDS = (
    (0.04, 0.1, 0.62, 0.97), (0.38, 0.1, 0.96, 0.97), (0.14, 0.22, 0.86, 0.97), (0.14, 0.05, 0.86, 0.74),
    (0.22, 0.14, 0.78, 0.9), (0.02, 0.3, 0.7, 0.98), (0.3, 0.3, 0.98, 0.98), (0.2, 0.24, 0.8, 0.6),
)  # fmt: skip


def stand(scene: Scene, backdrop: Backdrop) -> Board:
    """The product at one of the usual places, and the board over it."""
    region = np.array(_STANDS[int(scene.rng.integers(len(_STANDS)))]) + scene.rng.uniform(-0.02, 0.02, 4)
    scene.place(scene.region(*np.clip(region, 0.01, 0.99)), backdrop.anywhere())
    return scene.start_board()


def free_spot(scene: Scene, wide: float, tall: float, over: float = 0.08) -> Box | None:
    """A place for an element of this size (shares of the photo), as pixels: off other elements, hiding at most `over`
    of its own area's worth of product. None where there is none."""
    rng, board = scene.rng, scene.board
    product = scene.alpha[::4, ::4] > 0.5
    height, width = product.shape
    for _ in range(30):
        x = float(rng.choice([0.03, 0.97 - wide, rng.uniform(0.02, max(0.021, 0.98 - wide))]))
        y = float(rng.choice([0.03, 0.97 - tall, rng.uniform(0.02, max(0.021, 0.98 - tall))]))
        box = scene.region(x, y, x + wide, y + tall)
        under = product[int(y * height) : int((y + tall) * height) + 1, int(x * width) : int((x + wide) * width) + 1]
        if board.clear(box) and under.mean() <= over:
            return box
    return None


def pen_on(board: Board, box: Box, colour: Colour) -> Colour | None:
    """The colour where it can be read on what lies there; None lets the board choose."""
    return colour if abs(luminance(colour) - luminance(board.ground(box))) > 0.3 else None


def block(board: Board, box: Box, lines: list[str], size: int, font: str, colour: Colour, align: str) -> None:
    """Lines below one another inside a box, each wrapped to its width; what does not fit is left out."""
    y = box[1]
    for line in lines:
        text = wrap(line, font, size, box[2] - box[0])
        if y > box[1] and y + text_size(text, font, size)[1] > box[3]:
            return
        x = box[0] if align == "left" else (box[0] + box[2]) / 2
        pen = pen_on(board, box, colour)
        y = board.text((x, y), line, size, font, pen, align, width=box[2] - box[0])[3] + size * 0.15


def on_its_side(scene: Scene, lines: list[tuple[str, float]], font: str, colour: Colour) -> None:
    """Lines turned a quarter along an edge, each with its height as a share of the photo's width."""
    board, rng = scene.board, scene.rng
    left = rng.random() < 0.35
    x = 0.02 if left else 0.98
    for text, share in lines:
        size = min(int(share * scene.width), fitted_size(text, font, 0.94 * scene.height, 10_000, scene.height))
        w, h = text_size(text, font, size)
        strip = Layer((h + 4, w + 4))
        draw_text(strip, (2, 2), text, font, size, colour)
        turned = strip.trimmed().transformed(90)
        tall, wide = turned.shape_hw
        at = (x * scene.width - (0 if left else wide), (scene.height - tall) * rng.choice([0.5, 0.97]))
        board.layer.paste(turned, at)
        board.note((at[0], at[1], at[0] + wide, at[1] + tall), "text")
        board.texts.append(text)
        x += (1 if left else -1) * (wide / scene.width + 0.015)


def brand(scene: Scene) -> None:
    """The seller's name on a small plate, or a strip of the house colour along an edge."""
    rng, board = scene.rng, scene.board
    if rng.random() < 0.5:
        wide, tall = rng.uniform(0.16, 0.3), rng.uniform(0.05, 0.09)
        box = free_spot(scene, wide, tall)
        if box:
            board.plate(box, wording.pick(rng, wording.BRANDS)[0].upper(), None, "rect", 0.06)
        return
    thick = rng.uniform(0.012, 0.035)
    edges = ((0, 0, 1, thick), (0, 1 - thick, 1, 1), (0, 0, thick, 1))
    box = scene.region(*edges[int(rng.integers(3))])
    board.layer.rectangle(box, board.palette.main)
    board.note(box, "frame")


def _roundel(scene: Scene) -> bool:
    """A large disc with several lines of capitals, over the product's edge."""
    rng = scene.rng
    wide = rng.uniform(0.28, 0.5)
    box = free_spot(scene, wide, wide * scene.width / scene.height, 0.18)
    if box is None:
        return False
    text = " ".join(wording.facts(rng, int(rng.integers(1, 4))))
    text = text.upper() if rng.random() < 0.7 else text
    scene.board.plate(box, text, None, "circle", rng.uniform(0.045, 0.08), outline=bool(rng.random() < 0.25))
    return True


def _plates(scene: Scene) -> bool:
    rng = scene.rng
    wide, tall, count = rng.uniform(0.24, 0.38), rng.uniform(0.065, 0.11), int(rng.integers(1, 5))
    box = free_spot(scene, wide, count * tall * 1.25)
    if box is None:
        return False
    shape = str(rng.choice(["rounded", "pill", "rect"]))
    fill = mixed(scene.palette.main, (1, 1, 1), rng.choice([0.0, 0.0, 0.7]))
    step = (box[3] - box[1]) / count
    for row, text in enumerate(wording.facts(rng, count)):
        top = box[1] + row * step
        scene.board.plate((box[0], top, box[2], top + 0.8 * step), text, fill, shape, 0.04, scene.board.body)
    return True


def _icons(scene: Scene) -> bool:
    """Pictograms in a row or a column, captions under or beside them."""
    rng, board = scene.rng, scene.board
    count, row = int(rng.integers(2, 5)), rng.random() < 0.5
    unit = rng.uniform(0.13, 0.2)
    box = free_spot(scene, unit * count, unit * 1.2) if row else free_spot(scene, rng.uniform(0.26, 0.4), unit * count)
    if box is None:
        return False
    r = 0.33 * unit * scene.width * (1 if row else 0.8)
    size = int(scene.height * rng.uniform(0.022, 0.032))
    filled = bool(rng.random() < 0.5)
    for i, text in enumerate(wording.facts(rng, count)):
        if row:
            x, y = box[0] + (i + 0.5) * (box[2] - box[0]) / count, box[1] + r
            board.icon((x, y), r, filled=filled)
            board.text((x, y + 1.2 * r), text, size, board.body, None, "centre", width=(box[2] - box[0]) / count * 0.95)
        else:
            x, y = box[0] + r, box[1] + (i + 0.5) * (box[3] - box[1]) / count
            board.icon((x, y), r, filled=filled)
            board.text((x + 1.3 * r, y - size), text, size, board.body, width=box[2] - x - 1.3 * r)
    return True


def _lens(scene: Scene) -> bool:
    rng = scene.rng
    ys, xs = np.nonzero(scene.alpha > 0.9)
    wide = rng.uniform(0.24, 0.46)
    box = free_spot(scene, wide, wide * scene.width / scene.height, 0.22)
    if box is None or not len(xs):
        return False
    at = int(rng.integers(len(xs)))
    centre = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    scene.board.magnifier(centre, wide * scene.width / 2, (float(xs[at]), float(ys[at])), rng.uniform(1.6, 3))
    return True


def _card(scene: Scene) -> bool:
    """A tinted area with an even or wavy upper edge, or along a side, with a list in it."""
    rng, board = scene.rng, scene.board
    fill = mixed(board.palette.main, (1, 1, 1), rng.choice([0.0, 0.5, 0.75]))
    inset = float(rng.choice([0.0, 0.04, 0.07]))
    if rng.random() < 0.65:
        tall = rng.uniform(0.18, 0.36)
        x0, x1, y1 = inset, 1 - inset, 1 - inset * rng.choice([1, 3])
        y0 = y1 - tall
    else:
        wide = rng.uniform(0.3, 0.42)
        x0, x1 = (inset, inset + wide) if rng.random() < 0.5 else (1 - inset - wide, 1 - inset)
        y0, y1 = rng.choice([inset, 0.25]), 1 - inset
    box = scene.region(x0, y0, x1, y1)
    under = scene.alpha[int(box[1]) : int(box[3]), int(box[0]) : int(box[2])]
    if not board.clear(box, 0) or (under > 0.5).mean() > 0.1:
        return False
    xs = np.linspace(0, 1, 40)
    wave = rng.choice([0.0, 0.0, 0.06, 0.1]) * np.sin(xs * 2 * np.pi * rng.uniform(0.5, 1.5) + rng.uniform(0, 6))
    top = np.stack([box[0] + xs * (box[2] - box[0]), box[1] + wave * (box[3] - box[1])], 1)
    board.layer.polygon(np.concatenate([top, [(box[2], box[3]), (box[0], box[3])]]), fill, rng.choice([1.0, 1.0, 0.85]))
    board.note(box, "plate")
    size = int(scene.height * rng.uniform(0.022, 0.036))
    pad = 0.02 * scene.width + size
    mark, y = board.palette.accent, box[1] + 0.15 * (box[3] - box[1])
    bullets = rng.random() < 0.6
    for text in wording.facts(rng, int(rng.integers(2, 7))):
        if y + 1.3 * size > box[3]:
            break
        if bullets:
            board.layer.ellipse((box[0] + pad * 0.6, y + size * 0.6), (size * 0.22, size * 0.22), mark)
        y = board.text((box[0] + pad, y), text, size, board.body, width=box[2] - box[0] - 1.5 * pad)[3] + 0.2 * size
    return True


def _measures(scene: Scene) -> bool:
    """One or two dimensions of the product, drawn and written."""
    rng, board = scene.rng, scene.board
    if scene.product_box is None:
        return False
    x0, y0, x1, y1 = scene.product_box
    size, gap, drawn = int(scene.height * rng.uniform(0.025, 0.036)), 0.025 * scene.width, False
    if board.clear((x1 + gap - 4, y0, x1 + gap + 5 * size, y1)) and rng.random() < 0.8:
        board.dimension((x1 + gap, y0), (x1 + gap, y1), wording.length(rng), size)
        drawn = True
    if board.clear((x0, y1 + gap - 4, x1, y1 + gap + 2 * size)) and rng.random() < 0.8:
        board.dimension((x0, y1 + gap), (x1, y1 + gap), wording.length(rng), size)
        drawn = True
    return drawn


def _heading(scene: Scene) -> bool:
    rng, board = scene.rng, scene.board
    text = scene.product_name() if rng.random() < 0.6 else wording.pick(rng, wording.HEADINGS)[0]
    text = text.upper() if rng.random() < 0.6 else text
    size = int(scene.height * rng.uniform(0.04, 0.085))
    wide = rng.uniform(0.4, 0.9)
    shown = wrap(text, board.head, size, wide * scene.width)
    size = min(size, fitted_size(shown, board.head, wide * scene.width, 10_000, size))
    w, h = text_size(shown, board.head, size)
    below = wording.measure(rng) if rng.random() < 0.4 else ""
    box = free_spot(scene, w / scene.width, (h + (1.2 * size if below else 0)) / scene.height, 0.1)
    if box is None:
        return False
    align = str(rng.choice(["left", "centre"]))
    x = box[0] if align == "left" else (box[0] + box[2]) / 2
    colour = pen_on(board, box, board.palette.main) if rng.random() < 0.6 else None
    board.text((x, box[1]), shown, size, board.head, colour, align, width=w + 2)
    if below:
        board.text((x, box[1] + h), below, int(0.5 * size), board.body, None, align, width=w + 2)
    return True


_USEFUL: tuple[tuple[Callable[[Scene], bool], float, str], ...] = (
    (_roundel, 0.2, "plates"), (_plates, 0.22, "plates"), (_icons, 0.18, "icons"), (_card, 0.22, "plates"),
    (_lens, 0.1, "magnified_detail"), (_measures, 0.08, "size_shown"),
)  # fmt: skip


def poster(scene: Scene, backdrop: Backdrop) -> None:
    """One to four useful elements, mostly under a heading."""
    rng = scene.rng
    stand(scene, backdrop)
    if rng.random() < 0.75:
        _heading(scene)
    if rng.random() < 0.3:
        brand(scene)
    shares = np.array([share for _, share, _ in _USEFUL])
    wanted, drawn = int(rng.integers(1, 5)), 0
    for number in rng.choice(len(_USEFUL), 8, p=shares / shares.sum()):
        make, _, clause = _USEFUL[int(number)]
        if make(scene):
            drawn += 1
            scene.clauses += [c for c in (clause,) if c not in scene.clauses]
        if drawn == wanted:
            break
    if not drawn:
        scene.board.plate(scene.region(0.03, 0.86, 0.4, 0.96), wording.measure(rng))
        scene.clauses.append("plates")
    scene.clauses.append("characteristics")
