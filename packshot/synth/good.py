"""Good infographics: useful facts, framed and laid out, beside a whole product."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from packshot.synth import backgrounds, interiors, wording
from packshot.synth.backgrounds import Backdrop
from packshot.synth.colours import draw_object_colour, luminance, mixed
from packshot.synth.poster import poster
from packshot.synth.scene import Scene


def backdrop_for(scene: Scene, white: float = 0.5) -> Backdrop:
    """White mostly, else even, designed, or a professional setting."""
    rng = scene.rng
    roll = rng.random()
    if roll < white:
        return scene.back(backgrounds.even(rng, scene.shape_hw, scene.split, "white"))
    if roll < white + 0.15:
        return scene.back(backgrounds.even(rng, scene.shape_hw, scene.split))
    if roll < 0.9:
        return scene.back(backgrounds.designed(rng, scene.shape_hw, scene.split, scene.palette))
    return scene.back(interiors.interior(rng, scene.shape_hw, scene.split))


def _heading(scene: Scene, x: float, y: float, width: float, align: str = "left", framed: bool | None = None) -> float:
    """A heading at shares of the photo; returns the share where it ends."""
    rng, board = scene.rng, scene.board
    text = wording.pick(rng, wording.HEADINGS)[0] if rng.random() < 0.5 else scene.product_name()
    if rng.random() < 0.6:
        text = text.upper()
    size = int(scene.height * rng.uniform(0.035, 0.065))
    if framed if framed is not None else rng.random() < 0.35:
        h = size * 1.9 / scene.height
        board.plate(
            scene.region(x, y, x + width, y + h),
            text,
            None,
            str(rng.choice(["rounded", "pill", "rect", "ribbon"])),
            0.06,
        )
        return y + h + 0.02
    colour = board.palette.main if rng.random() < 0.5 and luminance(board.palette.main) < 0.6 else None
    if colour and luminance(board.ground(scene.region(x, y, x + width, y + 0.1))) < 0.45:
        colour = None
    at = {"left": x, "centre": x + width / 2, "right": x + width}[align]
    box = board.text(
        (at * scene.width, y * scene.height), text, size, board.head, colour, align, width=width * scene.width
    )
    if rng.random() < 0.3:
        board.layer.rectangle((box[0], box[3] + 2, box[0] + scene.width * 0.12, box[3] + 7), board.palette.accent)
    return box[3] / scene.height + 0.02


def column(scene: Scene) -> None:
    """Facts with icons or plates in a column beside the product."""
    rng = scene.rng
    left = rng.random() < 0.5
    wide = rng.uniform(0.34, 0.44)
    backdrop = backdrop_for(scene)
    scene.place(
        scene.region(wide + 0.02, 0.12, 0.98, 0.95) if left else scene.region(0.02, 0.12, 0.98 - wide, 0.95), backdrop
    )
    board = scene.start_board()
    x = 0.03 if left else 0.97 - wide + 0.02
    width = wide - 0.04
    y = _heading(
        scene, x, rng.uniform(0.04, 0.09), width if rng.random() < 0.6 else min(0.9, width * 1.6) if left else width
    )
    count = int(rng.integers(2, 6))
    step = min(0.24, (0.95 - y) / count)
    style = str(rng.choice(["plates", "icons", "icon_plates", "outlined"]))
    fill = None if rng.random() < 0.3 else board.palette.main
    shape = str(rng.choice(["rounded", "pill", "rect"]))
    for text in wording.facts(rng, count):
        h = step * rng.uniform(0.62, 0.7)
        if style == "plates":
            board.plate(scene.region(x, y, x + width, y + h), text, fill, shape, 0.04, opacity=0.92)
        else:
            r = min(h * scene.height / 2, width * scene.width * 0.16)
            centre = (x * scene.width + r + 2, (y + h / 2) * scene.height)
            box = (centre[0] + r * 1.3, y * scene.height, (x + width) * scene.width, (y + h) * scene.height)
            if style == "icon_plates":
                whole = scene.region(x, y, x + width, y + h)
                board.layer.rectangle(whole, mixed(board.palette.tint, (1, 1, 1), 0.4), r * 0.6, 0.95)
                board.note(whole, "plate")
            elif style == "outlined":
                whole = scene.region(x, y, x + width, y + h)
                board.layer.stroke(
                    np.array([whole[:2], (whole[2], whole[1]), whole[2:], (whole[0], whole[3])]),
                    2.5,
                    board.palette.main,
                    1,
                    True,
                )
                board.note(whole, "plate")
            board.icon(centre, r * 0.85)
            size = int(min(scene.height * rng.uniform(0.03, 0.045), h * scene.height * 0.42))
            board.text((box[0], box[1] + (box[3] - box[1]) * 0.15), text, size, board.body, width=box[2] - box[0])
        y += step
    scene.clauses += ["characteristics", "icons" if style != "plates" else "plates"]


def badges(scene: Scene) -> None:
    """One to three large badges over a corner of the picture."""
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.65)
    scene.place(scene.region(0.05, 0.06, 0.88, 0.95), backdrop)
    board = scene.start_board()
    if rng.random() < 0.35:
        _heading(scene, 0.05, 0.03, 0.55)
    count = int(rng.integers(1, 4))
    for number in range(count):
        size = rng.uniform(0.22, 0.46 if count == 1 else 0.32)
        shape = str(rng.choice(["circle", "ellipse", "rounded", "pill", "circle"]))
        tall = size * scene.width / scene.height * {"circle": 1, "ellipse": 0.6, "rounded": 0.55, "pill": 0.35}[shape]
        spots = [(0.98 - size, 0.97 - tall), (0.98 - size, 0.04), (0.03, 0.05), (0.03, 0.97 - tall), (0.98 - size, 0.4)]
        free = [k for k in spots if board.clear(scene.region(*k, k[0] + size, k[1] + tall))]
        if not free:
            continue
        x, y = free[0] if number == 0 and rng.random() < 0.5 else free[int(rng.integers(len(free)))]
        text = wording.short_quantity(rng) if rng.random() < 0.4 else wording.fact(rng)
        if number == 0 and shape == "circle" and rng.random() < 0.3:
            text = " ".join(wording.facts(rng, 2)).upper()
        board.plate(scene.region(x, y, x + size, y + tall), text, None, shape, 0.07, outline=bool(rng.random() < 0.3))
    scene.clauses += ["characteristics", "plates"]


def sized(scene: Scene) -> None:
    """Dimensions both drawn and written, with what they measure."""
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.7)
    box = scene.place(scene.region(0.12, 0.2, 0.74, 0.84), backdrop)
    board = scene.start_board()
    size = int(scene.height * rng.uniform(0.028, 0.042))
    named = rng.random() < 0.6
    gap = 0.03 * scene.width
    x0, y0, x1, y1 = box
    tall = wording.length(rng)
    board.dimension(
        (min(x1 + gap, scene.width * 0.78), y0),
        (min(x1 + gap, scene.width * 0.78), y1),
        f"Высота\n{tall}" if named else tall,
        size,
    )
    wide = wording.length(rng)
    board.dimension(
        (x0, min(y1 + gap, scene.height * 0.9)),
        (x1, min(y1 + gap, scene.height * 0.9)),
        f"Ширина {wide}" if named else wide,
        size,
    )
    if rng.random() < 0.3:
        board.dimension((x0, y1 - 0.1 * (y1 - y0)), (x0 + 0.2 * (x1 - x0), y1), wording.length(rng), size)
    y = _heading(scene, 0.05, 0.03, 0.9, "centre", None if named else True)
    if rng.random() < 0.4:
        board.plate(scene.region(0.03, y, 0.3, y + 0.08), wording.fact(rng))
    scene.clauses += ["size_shown", "size_written"]


def annotated(scene: Scene) -> None:
    """Captions with lines to parts of the product."""
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.55)
    box = scene.place(scene.region(0.26, 0.16, 0.74, 0.93), backdrop)
    board = scene.start_board()
    y = _heading(scene, 0.06, 0.03, 0.88, "centre")
    count = int(rng.integers(2, 6))
    framed = rng.random() < 0.75
    ys, xs = np.nonzero(scene.alpha > 0.5)
    slots = [(side, share) for share in np.linspace(y + 0.03, 0.8, 3) for side in (0, 1)]
    order = rng.permutation(len(slots))[:count]
    for text, slot in zip(wording.facts(rng, count), order, strict=True):
        side, top = slots[int(slot)]
        label = scene.region(0.02, top, 0.25, top + 0.1) if side == 0 else scene.region(0.75, top, 0.98, top + 0.1)
        near = np.flatnonzero(np.abs(ys - (top + 0.05) * scene.height) < 0.12 * scene.height)
        pool = near if len(near) else np.arange(len(ys))
        pool = pool[(xs[pool] < (box[0] + box[2]) / 2) == (side == 0)] if len(pool) > 50 else pool
        at = int(pool[int(rng.integers(len(pool)))]) if len(pool) else 0
        board.callout((float(xs[at]), float(ys[at])), label, text, framed)
    scene.clauses += ["characteristics", "callouts"]


def panel(scene: Scene) -> None:
    """Facts in a panel along the bottom, the top or a side."""
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.6)
    tall = rng.uniform(0.22, 0.36)
    scene.place(
        scene.region(0.1, 0.16, 0.9, 0.97 - tall),
        backdrop.anywhere(),
    )
    board = scene.start_board()
    fill = board.palette.main if rng.random() < 0.5 else mixed(board.palette.main, (1, 1, 1), 0.6)
    top = 1 - tall
    if rng.random() < 0.5:
        xs = np.linspace(0, 1, 40)
        wave = np.stack([xs, top + 0.02 * np.sin(xs * 6 * rng.uniform(0.6, 1.5))], 1)
        board.layer.polygon(np.concatenate([wave, [(1, 1.01), (0, 1.01)]]) * (scene.width, scene.height), fill)
    else:
        inset = rng.choice([0.0, 0.04])
        board.layer.rectangle(scene.region(inset, top, 1 - inset, 1 - inset), fill, 0.03 * scene.width if inset else 0)
    board.note(scene.region(0, top - 0.02, 1, 1), "plate")
    _heading(scene, 0.05, 0.04, 0.9, "centre")
    count = int(rng.integers(2, 5))
    if rng.random() < 0.5:
        size = int(min(scene.height * 0.034, tall * scene.height * 0.8 / count / 1.3))
        for row, text in enumerate(wording.facts(rng, count)):
            y = (top + 0.035) * scene.height + row * (tall - 0.05) * scene.height / count
            mark = board.palette.accent
            board.layer.ellipse((0.07 * scene.width, y + size * 0.6), (size * 0.25, size * 0.25), mark)
            board.text((0.1 * scene.width, y), text, size, board.body, width=0.85 * scene.width)
    else:
        for i, text in enumerate(wording.facts(rng, count)):
            cx = (i + 0.5) / count
            r = min(0.06 * scene.width, tall * scene.height * 0.22)
            board.icon(
                (cx * scene.width, (top + tall * 0.3) * scene.height),
                r,
                board.palette.accent if rng.random() < 0.5 else mixed(fill, (1, 1, 1), 0.7),
            )
            size = int(scene.height * 0.026)
            board.text(
                (cx * scene.width, (top + tall * 0.56) * scene.height),
                text,
                size,
                board.body,
                None,
                "centre",
                width=scene.width * 0.86 / count,
            )
    scene.clauses += ["characteristics", "plates"]


def magnified(scene: Scene) -> None:
    """A detail enlarged in a circle, with its caption."""
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.45)
    left = rng.random() < 0.5
    box = scene.place(scene.region(0.03, 0.14, 0.6, 0.95) if left else scene.region(0.4, 0.14, 0.97, 0.95), backdrop)
    board = scene.start_board()
    ys, xs = np.nonzero(scene.alpha > 0.9)
    for number in range(int(rng.integers(1, 3))):
        at = int(rng.integers(len(xs))) if len(xs) else None
        target = (float(xs[at]), float(ys[at])) if at is not None else ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        r = rng.uniform(0.13, 0.18) * scene.width
        centre = ((0.8 if left else 0.2) * scene.width, (0.36 + 0.4 * number) * scene.height)
        board.magnifier(centre, r, target, rng.uniform(2, 3.2))
        caption = wording.pick(rng, wording.MATERIALS + wording.FEATURES)[0]
        board.text(
            (centre[0], centre[1] + r + 6),
            caption,
            int(scene.height * 0.03),
            board.body,
            None,
            "centre",
            width=0.36 * scene.width,
        )
    _heading(scene, 0.05, 0.035, 0.9)
    if rng.random() < 0.5:
        x = 0.62 if left else 0.03
        board.plate(scene.region(x, 0.14, x + 0.34, 0.2), wording.measure(rng))
    scene.clauses += ["magnified_detail", "characteristics"]


def coloured(scene: Scene) -> None:
    """A palette of the colours on sale, with their names."""
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.6)
    backdrop = backdrop.anywhere()
    scene.place(scene.region(0.12, 0.14, 0.88, 0.78), backdrop)
    board = scene.start_board()
    count = int(rng.integers(3, 6))
    colours = [draw_object_colour(rng, scene.split) for _ in range(count)]
    board.swatches(scene.region(0.06, 0.83, 0.94, 0.97), wording.pick(rng, wording.SHADES, count), colours)
    y = _heading(scene, 0.06, 0.03, 0.88, "centre")
    if rng.random() < 0.5:
        board.plate(scene.region(0.04, y, 0.34, y + 0.08), wording.fact(rng))
    scene.clauses += ["palette_captions"]


def laid_out(scene: Scene) -> None:
    """Plain text, but set like a poster: name, size, a line of facts."""
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.7)
    backdrop = backdrop.anywhere()
    scene.place(scene.region(0.14, 0.28, 0.86, 0.97), backdrop)
    board = scene.start_board()
    name = scene.product_name()
    size = int(scene.height * rng.uniform(0.05, 0.08))
    box = board.text(
        (scene.width / 2, 0.04 * scene.height), name, size, board.head, None, "centre", width=0.9 * scene.width
    )
    line = f"{wording.measure(rng)} · {wording.quantity(rng)}" if rng.random() < 0.6 else wording.measure(rng)
    board.layer.rectangle((scene.width * 0.44, box[3] + 3, scene.width * 0.56, box[3] + 7), board.palette.accent)
    board.text(
        (scene.width / 2, box[3] + 0.02 * scene.height),
        line,
        int(size * 0.6),
        board.body,
        None,
        "centre",
        width=0.9 * scene.width,
    )
    for i, text in enumerate(wording.facts(rng, int(rng.integers(1, 3)))):
        x = 0.03 if i == 0 else 0.7
        board.plate(scene.region(x, 0.86, x + 0.27, 0.95), text, None, str(rng.choice(["pill", "rounded"])), 0.035)
    scene.clauses += ["characteristics", "laid_out_text"]


def in_use(scene: Scene) -> None:
    """The product in use in one part, alone in the other, with captions on plates."""
    rng = scene.rng
    scene.back(backgrounds.designed(rng, scene.shape_hw, scene.split, scene.palette))
    if rng.random() < 0.5:
        scene.picture[:] = 1.0
    share = rng.uniform(0.4, 0.6)
    wide = rng.random() < 0.5
    inset = rng.choice([0.0, 0.025])
    x1, y1 = (share, 1 - inset) if wide else (1 - inset, share)
    x0, y0, x1, y1 = (int(v) for v in scene.region(inset, inset, x1, y1))
    cell = Scene(rng, scene.split, (y1 - y0, x1 - x0), scene.palette)
    setting = cell.back(interiors.interior(rng, cell.shape_hw, scene.split))
    cell.place(cell.region(0.12, 0.12, 0.88, 0.9), setting, tone=0.2)
    kind = cell.subject.kind if cell.subject else None
    rest = scene.region(share + 0.04, 0.2, 0.97, 0.66) if wide else scene.region(0.05, share + 0.05, 0.5, 0.97)
    scene.place(rest, Backdrop(scene.picture, ()), kind, "none")
    part = np.s_[y0:y1, x0:x1]
    scene.picture[part], scene.alpha[part], scene.writing[part] = cell.picture, cell.alpha, cell.writing
    scene.words += cell.words
    board = scene.start_board()
    x, y, width = (share + 0.03, 0.05, 0.93 - share) if wide else (0.53, share + 0.04, 0.43)
    y = _heading(scene, x, y, width)
    y = 0.7 if wide else y
    count = int(rng.integers(2, 4))
    step = (0.97 - y) / count
    for text in wording.facts(rng, count):
        board.plate(
            scene.region(x, y, x + width, y + 0.72 * step), text, None, str(rng.choice(["rounded", "pill"])), 0.04
        )
        y += step
    scene.clauses += ["in_use", "characteristics", "plates"]


def composed(scene: Scene) -> None:
    poster(scene, backdrop_for(scene))


LAYOUTS: tuple[tuple[Callable[[Scene], None], float], ...] = (
    (composed, 0.3), (column, 0.17), (badges, 0.12), (sized, 0.1), (annotated, 0.08), (panel, 0.08), (magnified, 0.06),
    (coloured, 0.04),
    (laid_out, 0.05), (in_use, 0.06),
)  # fmt: skip


def good_infographics(scene: Scene) -> None:
    shares = np.array([share for _, share in LAYOUTS])
    LAYOUTS[int(scene.rng.choice(len(LAYOUTS), p=shares / shares.sum()))][0](scene)
