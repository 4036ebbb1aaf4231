"""Other infographics: price and delivery, empty claims, marks, adverts, placeholders, parts, names alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from packshot.synth import backgrounds, textures, wording
from packshot.synth.colours import draw_palette, hsv, mixed
from packshot.synth.good import backdrop_for, composed
from packshot.synth.good import column as good_column
from packshot.synth.lettering import FONTS
from packshot.synth.products import draw_subject
from packshot.synth.raster import Colour, Layer
from packshot.synth.scene import Scene
from packshot.synth.sheets import document, instructions, line_up, scheme, specifications
from packshot.synth.symbols import qr_code, watermark


def _spot(scene: Scene, wide: float, tall: float) -> tuple[float, float]:
    """Where an element of this size (shares) goes: at an edge, beside what is drawn already if that can be."""
    rng = scene.rng
    spot = (0.02, 0.02)
    for _ in range(10):
        x = rng.choice([0.02, 0.98 - wide])
        y = rng.choice([0.03, 0.97 - tall, rng.uniform(0.1, 0.7)])
        spot = (float(x), float(min(y, 0.98 - tall)))
        if scene.board.clear(scene.region(*spot, spot[0] + wide, spot[1] + tall)):
            break
    return spot


def _sticker_colour(scene: Scene) -> Colour:
    """Signal red, yellow or orange mostly: shops want prices and claims to be seen."""
    rng = scene.rng
    roll = rng.random()
    if roll < 0.75:
        return hsv(float(rng.choice([0.99, 0.98, 0.14, 0.13, 0.04])), rng.uniform(0.85, 1.0), rng.uniform(0.85, 1.0))
    return (0.08, 0.08, 0.09) if roll < 0.83 else scene.palette.accent


def priced(scene: Scene) -> None:
    """Price, discount, gift or delivery, whatever else is shown."""
    rng = scene.rng
    if rng.random() < 0.35:
        (good_column, composed)[int(rng.integers(2))](scene)
        board = scene.board
        scene.clauses.clear()
    else:
        backdrop = backdrop_for(scene, 0.55)
        scene.place(scene.region(0.08, 0.12, 0.9, 0.92), backdrop)
        board = scene.start_board()
    for _ in range(int(rng.integers(1, 4))):
        shape = str(rng.choice(["star", "circle", "ribbon", "rect", "rounded"], p=[0.32, 0.22, 0.2, 0.16, 0.1]))
        wide = rng.uniform(0.2, 0.36)
        tall = wide * scene.width / scene.height * (1 if shape in ("star", "circle") else 0.35)
        x, y = _spot(scene, wide, tall)
        text = wording.price(rng) if rng.random() < 0.5 else wording.pick(rng, wording.PRICE_WORDS)[0]
        board.plate(scene.region(x, y, x + wide, y + tall), text, _sticker_colour(scene), shape, 0.09)
    if rng.random() < 0.3:
        text = wording.pick(rng, wording.PRICE_WORDS)[0].upper()
        board.plate(scene.region(0, 0.89, 1, 1), text, _sticker_colour(scene), "rect", 0.07)
    scene.clauses.append("price_or_delivery")


def claims(scene: Scene) -> None:
    """Only emotional claims, no useful facts."""
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.6)
    scene.place(scene.region(0.08, 0.08, 0.92, 0.92), backdrop)
    board = scene.start_board()
    for text in wording.pick(rng, wording.CLAIMS, int(rng.integers(1, 4))):
        shape = str(rng.choice(["star", "ribbon", "circle", "none"], p=[0.45, 0.27, 0.1, 0.18]))
        wide = rng.uniform(0.18, 0.36)
        tall = wide * scene.width / scene.height * (1 if shape in ("star", "circle") else 0.35)
        x, y = _spot(scene, wide, tall)
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
            board.plate(scene.region(x, y, x + wide, y + tall), text, _sticker_colour(scene), shape, 0.08)
    scene.clauses.append("only_claims")


def marked(scene: Scene) -> None:
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.6)
    scene.place(scene.region(0.06, 0.06, 0.94, 0.94), backdrop)
    board = scene.start_board()
    watermark(board, wording.pick(rng, wording.WATERMARKS)[0], bool(rng.random() < 0.6))
    scene.clauses.append("watermark")


def qr(scene: Scene) -> None:
    rng = scene.rng
    backdrop = backdrop_for(scene, 0.6).anywhere()
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
    backdrop = backdrop_for(scene, 0.6).anywhere()
    top = rng.random() < 0.7
    scene.place(scene.region(0.1, 0.18, 0.9, 0.96) if top else scene.region(0.1, 0.04, 0.9, 0.82), backdrop)
    board = scene.start_board()
    text = wording.pick(rng, wording.BRANDS)[0] if rng.random() < 0.6 else scene.product_name()
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
    (line_up, 0.08), (marked, 0.05), (qr, 0.04), (advert, 0.03), (placeholder, 0.04), (part_only, 0.03),
    (name_only, 0.03),
)  # fmt: skip


def other_infographics(scene: Scene) -> None:
    shares = np.array([share for _, share in LAYOUTS])
    LAYOUTS[int(scene.rng.choice(len(LAYOUTS), p=shares / shares.sum()))][0](scene)
