"""Products on white, drawn with their masks, for tests of cutouts."""

import numpy as np


def striped_tin(bottom: int) -> tuple[np.ndarray, np.ndarray]:
    """A striped tin from row 110 to `bottom`: photo RGB uint8 (400, 400, 3) and its mask, bool (400, 400)."""
    image = np.full((400, 400, 3), 255, np.uint8)
    for row in range(110, bottom):
        image[row, 90:250] = (150 + 60 * (row // 20 % 2), 90, 60 + row // 4)
    return image, (image != 255).any(axis=2)
