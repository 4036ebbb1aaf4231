"""Quadrilaterals around lines of writing: (4, 2) float corners clockwise from top left."""

import cv2
import numpy as np


def upright(picture: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """The writing in `quad` of a picture, grey or in colour, upright; tall ones are turned by a quarter, as readers
    expect."""
    width = max(1, int(max(np.linalg.norm(quad[0] - quad[1]), np.linalg.norm(quad[2] - quad[3]))))
    height = max(1, int(max(np.linalg.norm(quad[0] - quad[3]), np.linalg.norm(quad[1] - quad[2]))))
    corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    line = cv2.warpPerspective(
        picture,
        cv2.getPerspectiveTransform(quad, corners),
        (width, height),
        None,
        cv2.INTER_CUBIC,
        cv2.BORDER_REPLICATE,
    )
    return np.ascontiguousarray(np.rot90(line)) if height >= 1.5 * width else line


def line_height(quad: np.ndarray) -> float:
    """The quadrilateral's shorter side, px."""
    return float(min(np.linalg.norm(quad[0] - quad[3]), np.linalg.norm(quad[0] - quad[1])))


def fill_quad(quad: np.ndarray, shape_hw: tuple[int, int]) -> np.ndarray:
    """bool (h, w): what it covers."""
    mask = np.zeros(shape_hw, np.uint8)
    cv2.fillPoly(mask, [np.round(quad).astype(np.int32)], 1)
    return mask > 0
