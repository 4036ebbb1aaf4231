"""Photos that infographics cover by more than half: walls of plates, mosaics of text, catalogue pages."""

from __future__ import annotations

import numpy as np

from packshot.synth import wording
from packshot.synth.backgrounds import Backdrop
from packshot.synth.colours import hsv, mixed
from packshot.synth.overlays import Board, Box
from packshot.synth.products import draw_single
from packshot.synth.scene import Scene


def crowded(scene: Scene, backdrop: Backdrop) -> None:
    """A small product in the middle or a corner of text, plates and pictures."""
    rng = scene.rng
    backdrop = backdrop.anywhere()
    spots = ((0.52, 0.52, 0.97, 0.97), (0.03, 0.52, 0.48, 0.97), (0.28, 0.32, 0.72, 0.68), (0.52, 0.03, 0.97, 0.48))
    box = scene.place(scene.region(*spots[int(rng.integers(4))]), backdrop)
    board = scene.start_board()
    style = (_columns, _wall_of_plates, _mosaic, _page)[int(rng.choice(4, p=[0.36, 0.16, 0.2, 0.28]))]
    style(scene, board, box)
    _fill_up(scene, board, box)
    scene.clauses.append("covers_half")


def _hides(cell: Box, box: Box) -> bool:
    """Whether a cell would lie over a good part of the product."""
    w = min(cell[2], box[2]) - max(cell[0], box[0])
    h = min(cell[3], box[3]) - max(cell[1], box[1])
    area = min((cell[2] - cell[0]) * (cell[3] - cell[1]), (box[2] - box[0]) * (box[3] - box[1]))
    return w > 0 and h > 0 and w * h > 0.25 * area


def _covered(board: Board) -> np.ndarray:
    """(H, W) bool, under the box of any element."""
    mask = np.zeros(board.under.shape[:2], bool)
    for (x0, y0, x1, y1), _ in board.boxes:
        mask[int(y0) : int(y1), int(x0) : int(x1)] = True
    return mask


def _fill_up(scene: Scene, board: Board, box: Box) -> None:
    """More plates into gaps, over the product at last, until more than half is covered."""
    mask = _covered(board)
    for over_product in (False, True):
        for number in scene.rng.permutation(40):
            if mask.mean() > 0.53:
                return
            x, y = 0.02 + number % 4 * 0.24, 0.01 + number // 4 * 0.098
            cell = scene.region(x, y, x + 0.23, y + 0.09)
            part = np.s_[int(cell[1]) : int(cell[3]), int(cell[0]) : int(cell[2])]
            if mask[part].mean() > 0.3 or (_hides(cell, box) and not over_product):
                continue
            board.plate(cell, wording.fact(scene.rng), None, "rounded", 0.03)
            mask[part] = True


def _wall_of_plates(scene: Scene, board: Board, box: Box) -> None:
    rng = scene.rng
    loud = [hsv(h, 0.9, 0.8) for h in rng.uniform(0, 1, 3)]
    y = 0.02
    while y < 0.95:
        x, tall = 0.02, rng.uniform(0.07, 0.14)
        while x < 0.9:
            wide = min(rng.uniform(0.22, 0.5), 0.98 - x)
            cell = scene.region(x, y, x + wide, min(y + tall, 0.98))
            if not _hides(cell, box):
                fill = loud[int(rng.integers(3))] if rng.random() < 0.5 else None
                board.plate(cell, wording.fact(rng), fill, "rect", 0.035)
            x += wide + 0.012
        y += tall + 0.012


def _mosaic(scene: Scene, board: Board, box: Box) -> None:
    """Tinted cells, each with a heading and small print."""
    rng = scene.rng
    rows, columns = int(rng.integers(3, 6)), int(rng.integers(2, 4))
    for row in range(rows):
        for column in range(columns):
            x, y = 0.02 + column * 0.96 / columns, 0.02 + row * 0.96 / rows
            cell = scene.region(x, y, x + 0.94 / columns, y + 0.94 / rows)
            if _hides(cell, box):
                continue
            board.layer.rectangle(cell, mixed(board.palette.tint, board.palette.main, rng.uniform(0, 0.4)))
            board.note(cell, "plate")
            _paragraph(scene, board, cell, int(scene.height * rng.uniform(0.02, 0.03)), wording.fact(rng))


def _columns(scene: Scene, board: Board, box: Box) -> None:
    """Two columns of sentences and headings."""
    rng = scene.rng
    size = int(scene.height * rng.uniform(0.02, 0.034))
    for x in (0.03, 0.51):
        y = 0.025 * scene.height
        while y < 0.95 * scene.height:
            row = (x * scene.width, y, (x + 0.46) * scene.width, y + 3 * size)
            if _hides(row, box):
                y += size
                continue
            heading = rng.random() < 0.22
            text = (
                wording.pick(rng, wording.HEADINGS)[0].upper() if heading else wording.pick(rng, wording.SENTENCES)[0]
            )
            font = board.head if heading else board.body
            y = board.text((row[0], y), text, size, font, width=row[2] - row[0])[3] + size * 0.3


def _page(scene: Scene, board: Board, box: Box) -> None:
    """Like a page of a printed catalogue: pictures and paragraphs in cells."""
    rng = scene.rng
    rows, columns = int(rng.integers(2, 4)), 2
    kind = scene.subject.kind if scene.subject else None
    for row in range(rows):
        for column in range(columns):
            cell = scene.region(
                0.03 + column * 0.48, 0.04 + row * 0.95 / rows, 0.47 + column * 0.48, 0.02 + (row + 1) * 0.95 / rows
            )
            if _hides(cell, box):
                continue
            if rng.random() < 0.4:
                tint = mixed(board.palette.tint, (0.8, 0.8, 0.8), rng.uniform(0, 0.8))
                board.layer.rectangle(cell, tint)
                board.note(cell, "picture")
                w, h = cell[2] - cell[0], cell[3] - cell[1]
                piece, _, _ = draw_single(rng, scene.split, int(max(w, h)), kind)
                piece = piece.transformed(0, 0.9 * min(w / piece.shape_hw[1], h / piece.shape_hw[0]))
                piece.ink = np.zeros_like(piece.ink)
                board.layer.paste(
                    piece, ((cell[0] + cell[2] - piece.shape_hw[1]) / 2, (cell[1] + cell[3] - piece.shape_hw[0]) / 2)
                )
                if rng.random() < 0.6:
                    r = 0.03 * scene.width
                    spot = (cell[0] + 4, cell[1] + 4, cell[0] + 4 + 2 * r, cell[1] + 4 + 2 * r)
                    board.plate(spot, str(int(rng.integers(1, 9))), hsv(0.0, 0.85, 0.8), "circle", 0.04)
            else:
                _paragraph(
                    scene,
                    board,
                    cell,
                    int(scene.height * rng.uniform(0.018, 0.026)),
                    wording.pick(rng, wording.HEADINGS)[0],
                )


def _paragraph(scene: Scene, board: Board, cell: Box, size: int, heading: str) -> None:
    """A heading and as many sentences as the cell holds."""
    inset, width = 6.0, cell[2] - cell[0] - 12
    y = board.text((cell[0] + inset, cell[1] + inset), heading, size, board.head, width=width)[3] + 2
    small = max(7, int(size * 0.75))
    while y < cell[3] - 4 * small:
        text = wording.pick(scene.rng, wording.SENTENCES)[0]
        y = board.text((cell[0] + inset, y), text, small, board.body, width=width)[3]
