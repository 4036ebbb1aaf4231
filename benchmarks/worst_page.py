"""A sheet of the worst cutouts: photo, truth, cutout side by side, worst first."""

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from packshot.fidelity import Gates
from packshot.synth import SynthPhoto

CELL, COLUMNS, COUNT = 300, 2, 20


def write_worst(
    path: str, rows: Sequence[Any], cutouts: list[np.ndarray], draw: Callable[[int], SynthPhoto], gates: Gates
) -> None:
    """`rows` with `number`, `kind`, `figures`, `gated` and `passes`, asked with `gates`. A photo that shows no
    product is worst when it passes, and is left out when it does not."""
    shown = [i for i, row in enumerate(rows) if row.kind != "no product" or row.passes(gates)]
    scores = [-1.0 if rows[i].kind == "no product" else rows[i].figures.iou for i in shown]
    cells = []
    for i in (shown[k] for k in np.argsort(scores)[:COUNT]):
        photo, row = draw(rows[i].number), rows[i]
        truth = np.where(photo.overlay_mask, 0, np.round(255 * photo.product_alpha)).astype(np.uint8)
        cell = np.hstack(
            [
                _fit(photo.image),
                _fit(on_pink(np.dstack([photo.image, truth]))),
                _fit(on_pink(cutouts[i])),
            ]
        )
        confidence = row.gated.get("cutout_confidence", 0.0)
        text = f"{row.number} {row.kind}: IoU {row.figures.iou:.2f}, confidence {confidence:.2f}"
        cv2.putText(cell, text, (4, CELL - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 200), 1, cv2.LINE_AA)
        cells.append(cell)
    while len(cells) % COLUMNS:
        cells.append(np.full_like(cells[0], 255))
    page = np.vstack([np.hstack(cells[k : k + COLUMNS]) for k in range(0, len(cells), COLUMNS)])
    cv2.imwrite(path, cv2.cvtColor(page, cv2.COLOR_RGB2BGR))


def on_pink(rgba: np.ndarray) -> np.ndarray:
    """RGBA over a pink checkerboard, a colour that few products have."""
    rows, columns = np.indices(rgba.shape[:2]) // max(1, max(rgba.shape) // 40)
    board = np.where(((rows + columns) % 2)[..., None], (255, 130, 255), (205, 70, 205)).astype(np.float32)
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return (rgba[..., :3] * alpha + board * (1 - alpha)).astype(np.uint8)


def _fit(image: np.ndarray) -> np.ndarray:
    scale = CELL / max(image.shape[:2])
    size_wh = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(
        small, 0, CELL - small.shape[0], 0, CELL - small.shape[1], cv2.BORDER_CONSTANT, value=(255, 255, 255)
    )
