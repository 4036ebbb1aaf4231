"""Watermarks tiled over the photo: the same writing again and again, learnt beside the product and found over it."""

import cv2
import numpy as np

from packshot.marks import Marks
from packshot.quads import line_height

_LEAST = 5
"""Boxes of one size and slant that float: fewer may be a list's captions."""
_ALIKE = 0.55
"""Correlation of two of them; captions of one length are at 0.2 to 0.4."""
_SHOWN, _FAINT = 0.25, 0.1
"""Correlation over the product, where the grid has a place for one: of the usual one, and of the faintest. Writing on
a wall behind the product does not show."""
_GRAIN = 0.06
"""Of the writing's height."""


def tiled_over(lab: np.ndarray, product: np.ndarray, marks: Marks) -> np.ndarray:
    """bool (h, w): strokes over `product` bool (h, w) of writing that is tiled over the photo. It may be darker than
    the background and lighter than the product, or only greyer than that. `lab` float32 (h, w, 3).
    """
    nothing = np.zeros(product.shape, bool)
    quads = _of_one_size(product, marks)
    if len(quads) < _LEAST:
        return nothing
    height = float(np.median([line_height(quad) for quad in quads]))
    # Tiles go on beyond the photo's edge.
    margin = int(max(np.ptp(quad, axis=0).max() for quad in quads)) // 2
    light = _detail(lab[..., 0], product, height, _GRAIN, margin)
    tile, places = _tile(light, [quad + margin for quad in quads])
    if len(places) < max(_LEAST, 0.5 * len(quads)):
        return nothing
    behind = cv2.copyMakeBorder(product.astype(np.uint8), *(4 * [margin]), cv2.BORDER_CONSTANT, value=0) > 0
    chroma = _detail(np.linalg.norm(lab[..., 1:], axis=2), product, height, _GRAIN, margin)
    for detail in (light, np.where(behind, chroma, light)):
        # Half on the product, a tile may be dark on one side of the outline and light on the other.
        ways = (detail, np.where(behind, -detail, detail))
        strength = np.max(np.abs([cv2.matchTemplate(way, tile, cv2.TM_CCOEFF_NORMED) for way in ways]), axis=0)
        places_on = _on_grid(places, strength, quads[0])
        grid = [(slice(y, y + tile.shape[0]), slice(x, x + tile.shape[1])) for x, y in places_on]
        shown = [_correlation(detail[at], tile, behind[at]) for at in grid if behind[at].mean() > 0.3]
        if not shown or np.median(shown) < _SHOWN:
            continue
        sharp = _detail(lab[..., 0], product, height, 0.0, margin)
        ink = np.mean([sharp[y : y + tile.shape[0], x : x + tile.shape[1]] for x, y in places], axis=0)
        ink = ink if abs(ink.max()) > abs(ink.min()) else -ink
        strokes = ink > 0.3 * ink.max()
        found = np.zeros(detail.shape, bool)
        for at in grid:
            found[at] |= strokes
        return found[margin : margin + product.shape[0], margin : margin + product.shape[1]] & product
    return nothing


def _detail(values: np.ndarray, product: np.ndarray, height: float, grain: float, margin: int) -> np.ndarray:
    """float32 (h + 2 margin, w + 2 margin): of `values` float32 (h, w), on each side of `product` bool (h, w), what is
    smaller than letters of this `height`, px, and larger than `grain` of that, a share; zeros in the `margin` px
    around."""
    smooth = cv2.GaussianBlur(values, (0, 0), max(0.4, grain * height)) if grain else values
    detail = on_its_side(smooth, product, max(2.0, 0.25 * height))
    return cv2.copyMakeBorder(detail, *(4 * [margin]), cv2.BORDER_CONSTANT, value=0.0)


def on_its_side(light: np.ndarray, product: np.ndarray, sigma: float) -> np.ndarray:
    """float32 (h, w): how much lighter a pixel is than around it, on the same side of the product's outline: else that
    would outshine all. `light` float32 (h, w), `product` bool (h, w), `sigma` px: how far around."""
    detail = np.zeros_like(light)
    for side in (product, ~product):
        weight = side.astype(np.float32)
        around = cv2.GaussianBlur(weight * light, (0, 0), sigma) / (cv2.GaussianBlur(weight, (0, 0), sigma) + 1e-3)
        detail[side] = (light - around)[side]
    return detail


def _of_one_size(product: np.ndarray, marks: Marks) -> list[np.ndarray]:
    """The largest group of boxes off the product, wholly in the photo, that are as wide and as high as each other. None
    that are too small to compare."""
    limit = np.array(product.shape[::-1]) - 1
    quads = [
        quad
        for quad, mask in zip(marks.quads, marks.writing, strict=True)
        if not (mask & product).any() and (quad >= 0).all() and (quad <= limit).all() and line_height(quad) >= 4
    ]
    if not quads:
        return []
    # Corners from the first one: length and slant in one.
    shapes = np.array([np.concatenate([quad[1] - quad[0], quad[3] - quad[0]]) for quad in quads])
    lengths = np.linalg.norm(shapes, axis=1)
    alike = np.linalg.norm(shapes[:, None] - shapes[None], axis=2) < 0.12 * lengths[:, None]
    return [quads[k] for k in np.flatnonzero(alike[alike.sum(axis=1).argmax()])]


def _tile(detail: np.ndarray, quads: list[np.ndarray]) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """What the boxes have in common, float32 (th, tw), and the places (x, y) of those that show it."""
    best: tuple[np.ndarray, list[tuple[int, int]]] = np.zeros((1, 1), np.float32), []
    for quad in quads[:4]:
        (x0, y0), (x1, y1) = np.floor(quad.min(axis=0)).astype(int), np.ceil(quad.max(axis=0)).astype(int)
        tile = detail[y0:y1, x0:x1]
        places = []
        for other in quads:
            x, y = np.floor(other.min(axis=0)).astype(int)
            window = detail[max(0, y - 6) : y + tile.shape[0] + 6, max(0, x - 6) : x + tile.shape[1] + 6]
            if window.shape[0] < tile.shape[0] or window.shape[1] < tile.shape[1]:
                continue
            _, level, _, (dx, dy) = cv2.minMaxLoc(cv2.matchTemplate(window, tile, cv2.TM_CCOEFF_NORMED))
            if level > _ALIKE:
                places.append((max(0, x - 6) + dx, max(0, y - 6) + dy))
        if len(places) > len(best[1]):
            height, width = tile.shape
            best = np.mean([detail[y : y + height, x : x + width] for x, y in places], axis=0), places
    return best


def _correlation(patch: np.ndarray, tile: np.ndarray, where: np.ndarray) -> float:
    """How much alike two pictures are, with or against each other, in [0, 1]; `where` bool, of the same shape."""
    first, second = (values[where] - values[where].mean() for values in (patch, tile))
    return float(abs(first @ second) / (np.linalg.norm(first) * np.linalg.norm(second) + 1e-3))


def _on_grid(places: list[tuple[int, int]], strength: np.ndarray, quad: np.ndarray) -> list[tuple[int, int]]:
    """Places (x, y) of tiles, none over another: where steps from known ones to each other lead to, three of them at
    least, and the tile shows. `quad` float32 (4, 2), the box of one of them."""
    known = np.array(places[:24])
    steps = (known[:, None] - known[None]).reshape(-1, 2)
    reached = (known[:, None] + steps[None]).reshape(-1, 2)
    rows, cols = strength.shape
    reached = reached[((reached >= 0) & (reached < (cols, rows))).all(axis=1)]
    votes = np.zeros(strength.shape, np.float32)
    np.add.at(votes, (reached[:, 1], reached[:, 0]), 1)
    level = np.where(cv2.boxFilter(votes, -1, (5, 5), normalize=False) >= 3, strength, 0)
    along, down = quad[1] - quad[0], quad[3] - quad[0]
    across = np.mgrid[:rows, :cols][::-1].astype(np.float32)
    ends = [np.tensordot(side / (side @ side), across, 1) for side in (along, down)]
    found = []
    while level.max() > _FAINT:
        y, x = (int(at) for at in np.unravel_index(level.argmax(), level.shape))
        found.append((x, y))
        level[np.all([abs(end - end[y, x]) < 0.9 for end in ends], axis=0)] = 0
    return found
