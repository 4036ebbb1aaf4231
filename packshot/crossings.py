"""Callout lines that go on over the product: followed from where they come in, and filled from both sides."""

import cv2
import numpy as np

_STEP_OFF = 14.0
"""Lab units; how far a line's colour may change along it."""


def crossing_lines(lab: np.ndarray, product: np.ndarray, lines: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """bool (h, w): where callout lines, and the dots in which they end, lie over the product.

    `lab` float32 (h, w, 3); `product` and `lines` (found off the product) bool (h, w); `strength` float32 (h, w), the
    colour distance from the background.
    """
    found = np.zeros(product.shape, np.uint8)
    side = max(product.shape)
    reach = max(4, round(0.015 * side))
    near = cv2.dilate(product.astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(lines.astype(np.uint8), connectivity=8)
    for label in range(1, count):
        x, y, w, h, _ = stats[label]
        if max(w, h) < 0.03 * side:
            continue
        piece = labels[y : y + h, x : x + w] == label
        points = np.argwhere(piece)[:, ::-1].astype(np.float32) + (x, y)
        centre = points.mean(axis=0)
        _, sizes, axes = np.linalg.svd(points - centre, full_matrices=False)
        if sizes[1] > 2.0 * np.sqrt(len(points)):
            continue
        along = (points - centre) @ axes[0]
        for way in (1.0, -1.0):
            heading = way * axes[0]
            start = centre + heading * float((way * along).max())
            column, row = np.clip(np.round(start), 0, np.array(product.shape[::-1]) - 1).astype(int)
            if near[row, column]:
                power = strength[y : y + h, x : x + w][piece]
                colour = np.median(lab[y : y + h, x : x + w][piece][power >= np.median(power)], axis=0)
                _follow(lab, product, start, heading, colour, found)
    return (found > 0) & product


def _follow(
    lab: np.ndarray, product: np.ndarray, start: np.ndarray, heading: np.ndarray, colour: np.ndarray, found: np.ndarray
) -> None:
    """Draw into `found` what goes on from `start` (x, y) in the line's colour."""
    side = max(product.shape)
    across = np.array([-heading[1], heading[0]])
    limit = np.array(product.shape[::-1]) - 1
    last, hits, misses, inside = None, 0, 0, 0
    for step in range(-2, side // 2):
        here = start + heading * step
        if (here < 3).any() or (here > limit - 3).any():
            break
        offsets = [_unlike(lab, here + across * k, colour) for k in (-1, 0, 1)]
        sides = here - 5 * across, here + 5 * across
        if any((end < 0).any() or (end > limit).any() for end in sides):
            break
        beside = [_unlike(lab, end, colour) for end in sides]
        # A line lies on the product; a thin part of the product is bounded by the background.
        on = all(bool(product[tuple(np.round(end[::-1]).astype(int))]) for end in sides)
        inside += on
        if min(offsets) < _STEP_OFF and (min(beside) > min(offsets) + 6 if on else max(beside) > min(offsets) + 6):
            hits += on
            misses = 0
            last = here
        else:
            misses += 1
            if misses > 5:
                break
    if last is None or hits < 5 or hits < 0.7 * (inside - misses):
        return
    ends = tuple(np.round(start).astype(int).tolist()), tuple(np.round(last).astype(int).tolist())
    cv2.line(found, *ends, 1, max(3, round(side / 150)))
    # The dot at its end: a ring of the line's colour.
    radius = side / 90
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = np.stack([np.cos(turns), np.sin(turns)], axis=1) * 0.75 * radius
    for step in range(-round(radius), round(1.5 * radius) + 1):
        centre = last + heading * step
        if (centre < radius + 1).any() or (centre > limit - radius - 1).any():
            continue
        if np.mean([_unlike(lab, centre + point, colour) < 1.5 * _STEP_OFF for point in ring]) > 0.75:
            cv2.circle(found, tuple(np.round(centre).astype(int).tolist()), round(1.25 * radius) + 1, 1, cv2.FILLED)
            break


def _unlike(lab: np.ndarray, at: np.ndarray, colour: np.ndarray) -> float:
    column, row = np.round(at).astype(int)
    return float(np.linalg.norm(lab[row, column] - colour))


def fill_crossings(
    image: np.ndarray, cutout: np.ndarray, product: np.ndarray, covered: np.ndarray
) -> tuple[np.ndarray, float]:
    """The cutout with its crossings filled in, and the share of its pixels that is (A. Telea, "An image inpainting
    technique based on the fast marching method", 2004). `covered` bool (h, w) is a part of `product` bool (h, w), both
    at a reduced size.

    Filled pixels have an alpha of 254 at most: 255 says that a pixel is the photo's own.
    """
    height, width = image.shape[:2]
    size_wh = covered.shape[::-1]
    holes = cv2.dilate(covered.astype(np.uint8), np.ones((3, 3), np.uint8))
    small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    # Colours are taken from the product only, not from the background beyond its edge.
    holes |= cv2.dilate(holes, np.ones((15, 15), np.uint8)) & (~product).astype(np.uint8)
    rows, cols = np.flatnonzero(holes.any(axis=1)), np.flatnonzero(holes.any(axis=0))
    window = slice(max(0, rows[0] - 8), rows[-1] + 9), slice(max(0, cols[0] - 8), cols[-1] + 9)
    small[window] = cv2.inpaint(np.ascontiguousarray(small[window]), holes[window], 3, cv2.INPAINT_TELEA)
    filled = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    where = cv2.resize(covered.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) > 0.35
    where &= cutout[..., 3] > 0
    result = cutout.copy()
    result[where, :3] = filled[where]
    result[where, 3] = np.minimum(result[where, 3], 254)
    return result, float(where.sum() / max(1, np.count_nonzero(cutout[..., 3] > 127)))
