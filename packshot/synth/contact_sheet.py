"""A page of synthetic photos side by side, to look at."""

from __future__ import annotations

import cv2
import numpy as np

from packshot.synth.compose import make_photo


def contact_sheet(
    verdict: str | None, count: int, seed: int = 0, split: str = "train", columns: int = 8, cell: int = 240
) -> np.ndarray:
    """`count` photos of a verdict, seeds from `seed` on, as an (H, W, 3) uint8 RGB page of `columns` cells a row."""
    rows = -(-count // columns)
    page = np.full((rows * cell, columns * cell, 3), 128, np.uint8)
    for number in range(count):
        image = make_photo(seed + number, verdict, split=split).image
        scale = (cell - 6) / max(image.shape[:2])
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        y = number // columns * cell + (cell - size[1]) // 2
        x = number % columns * cell + (cell - size[0]) // 2
        page[y : y + size[1], x : x + size[0]] = small
    return page
