"""Picture arithmetic of cutouts: parts, holes, specks, soft edges. Pure functions.

Cutouts are RGBA uint8 (H, W, 4), alpha not premultiplied. Where alpha is 255 the colour is the photo's own pixel, and
pasting leaves it untouched.
"""

import cv2
import numpy as np

SPECK_PIXELS = 62
"""Components under this many pixels are dropped (METHOD.md)."""
_OFF = 25.0
"""RGB units from the line between two colours: what is half a mixture of them."""


def drop_specks(mask: np.ndarray, least: int = SPECK_PIXELS) -> np.ndarray:
    """`mask` bool (H, W) without its 8-connected components of fewer than `least` pixels."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= least
    keep[0] = False
    return keep[labels]


def fill_holes(mask: np.ndarray, see_through: np.ndarray | None = None) -> np.ndarray:
    """`mask` bool (H, W) with its holes filled, but for those that lie mostly in `see_through` bool (H, W)."""
    padded = cv2.copyMakeBorder((~mask).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    count, labels = cv2.connectedComponents(padded, connectivity=4)
    labels_inner = labels[1:-1, 1:-1]
    fill = np.ones(count, bool)
    fill[[0, labels[0, 0]]] = False
    if see_through is not None:
        areas = np.bincount(labels_inner.ravel(), minlength=count)
        open_areas = np.bincount(labels_inner[see_through], minlength=count)
        fill &= open_areas < 0.5 * np.maximum(areas, 1)
    return mask | fill[labels_inner]


def thickness(mask: np.ndarray) -> float:
    """Twice the area-weighted mean distance to the outline: the width of strokes, in pixels."""
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)
    return float(4 * distance.sum() / max(1, mask.sum()))


def hard_cutout(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """RGBA uint8 (H, W, 4): the photo RGB uint8 (H, W, 3) where `mask` bool (h, w), of any size, is set."""
    full = cv2.resize(mask.astype(np.uint8) * 255, image.shape[1::-1], interpolation=cv2.INTER_LINEAR) > 127
    return np.where(full[..., None], np.dstack([image, np.full(image.shape[:2], 255, np.uint8)]), np.uint8(0))


def soft_cutout(image: np.ndarray, mask: np.ndarray, reach: float = 2.0) -> np.ndarray:
    """Cut the product out of a photo with anti-aliased edges whose colours are freed of the old background.

    `image` RGB uint8 (H, W, 3); `mask` bool (h, w), the product at the same or a reduced size; `reach`, how many mask
    pixels the edge may lie off the mask's outline. Returns RGBA uint8 (H, W, 4), transparent pixels being 0.

    Alpha is the position of a pixel's colour between those of the product and of the background nearby (a projection
    in RGB, as in Bayesian matting with one colour each side); it is worked out only in the band along the outline, and
    falls back to the outline itself where the two colours are alike, and inside it where the pixel is no mixture of
    them, as a rim in shade.
    """
    height, width = image.shape[:2]
    small = (
        image if mask.shape == (height, width) else cv2.resize(image, mask.shape[::-1], interpolation=cv2.INTER_AREA)
    )
    signed = signed_distance(mask)
    inside, outside = _local_colour(small, signed > reach), _local_colour(small, signed < -reach)
    full = cv2.resize(signed, (width, height), interpolation=cv2.INTER_LINEAR)
    scale = max(width / mask.shape[1], height / mask.shape[0])
    cutout = np.zeros((height, width, 4), np.uint8)
    solid = full > reach
    cutout[..., 3][solid] = 255
    index = np.flatnonzero(np.abs(full) <= reach)
    for start in range(0, len(index), 1 << 18):
        part = index[start : start + (1 << 18)]
        alpha, colour = _edge_pixels(image, full, part, inside, outside, mask.shape, reach, scale)
        cutout.reshape(-1, 4)[part, :3] = colour
        cutout.reshape(-1, 4)[part, 3] = alpha
    opaque = cutout[..., 3] == 255
    cutout[opaque, :3] = image[opaque]
    return cutout


def signed_distance(mask: np.ndarray) -> np.ndarray:
    """float32 (H, W): pixels to the outline, positive inside, zero half-way between in and out."""
    inner = cv2.distanceTransform(np.pad(mask, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 5)
    outer = cv2.distanceTransform(np.pad(~mask, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 5)
    limit = float(max(mask.shape))
    inner, outer = np.minimum(inner, limit), np.minimum(outer, limit)
    return (np.where(mask, inner[1:-1, 1:-1] - 0.5, 0.5 - outer[1:-1, 1:-1])).astype(np.float32)


def _local_colour(small: np.ndarray, known: np.ndarray) -> np.ndarray:
    """float32 (h, w, 3): the mean colour of the known pixels near each pixel; farther ones count where none is near."""
    weight = known.astype(np.float32)
    colour = small.astype(np.float32) * weight[..., None]
    size_wh = small.shape[1::-1]
    reduced = max(1, size_wh[0] // 4), max(1, size_wh[1] // 4)
    far_colour = cv2.resize(colour, reduced, interpolation=cv2.INTER_AREA)
    far_weight = cv2.resize(weight, reduced, interpolation=cv2.INTER_AREA)
    total = np.full(small.shape, 127.5 * 1e-6, np.float32)
    weights = np.full(known.shape, 1e-6, np.float32)
    for sigma, trust in ((1.5, 1.0), (4.0, 1e-2), (16.0, 1e-4)):
        if sigma < 4:
            total += trust * cv2.GaussianBlur(colour, (0, 0), sigma)
            weights += trust * cv2.GaussianBlur(weight, (0, 0), sigma)
            continue
        total += trust * cv2.resize(cv2.GaussianBlur(far_colour, (0, 0), sigma / 4), size_wh)
        weights += trust * cv2.resize(cv2.GaussianBlur(far_weight, (0, 0), sigma / 4), size_wh)
    return total / weights[..., None]


def _edge_pixels(
    image: np.ndarray,
    signed: np.ndarray,
    index: np.ndarray,
    inside: np.ndarray,
    outside: np.ndarray,
    shape_hw: tuple[int, int],
    reach: float,
    scale: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Alpha uint8 (n,) and colour uint8 (n, 3) of the pixels `index` of the band."""
    height, width = image.shape[:2]
    y, x = np.divmod(index, width)
    across = ((x + 0.5) * (shape_hw[1] / width) - 0.5).astype(np.float32)
    down = ((y + 0.5) * (shape_hw[0] / height) - 0.5).astype(np.float32)
    front, back = _sample(inside, across, down), _sample(outside, across, down)
    pixel = image.reshape(-1, 3)[index].astype(np.float32)
    span = front - back
    length = (span * span).sum(axis=1)
    seen = ((pixel - back) * span).sum(axis=1) / np.maximum(length, 1)
    off = np.linalg.norm(pixel - back - np.clip(seen, 0, 1)[:, None] * span, axis=1)
    seen = np.clip((seen - 0.06) / 0.88, 0, 1)
    distance = signed.reshape(-1)[index]
    # The outline itself, as sharp as the photo's own edges are: one photo pixel and a half.
    drawn = np.clip(distance * scale / 1.5 + 0.5, 0, 1)
    trust = np.clip((np.sqrt(length) - 14) / 30, 0, 1)
    inner = distance > 0
    trust[inner] *= np.clip(1.5 - off[inner] / _OFF, 0, 1)
    alpha = trust * seen + (1 - trust) * drawn
    # Near the band's ends the mask decides, so that shadows outside and marks inside stay what they are.
    ends = np.clip((np.abs(distance) - 0.5 * reach) / (0.5 * reach), 0, 1)
    alpha = np.where(distance > 0, np.maximum(alpha, ends), np.minimum(alpha, 1 - ends))
    alpha = np.clip(np.round(alpha * 255), 0, 255)
    alpha[alpha > 250] = 255
    alpha[alpha < 5] = 0
    share = np.maximum(alpha / 255, 0.1)[:, None]
    freed = (pixel - (1 - share) * back) / share
    # Freed colours of faint pixels are unsure: they lean on the product's colour nearby.
    lean = np.clip((share - 0.1) / 0.5, 0, 1)
    colour = np.clip(np.round(lean * freed + (1 - lean) * front), 0, 255).astype(np.uint8)
    colour[alpha == 0] = 0
    return alpha.astype(np.uint8), colour


def _sample(values: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Bilinear samples (n, 3) of `values` float32 (h, w, 3); OpenCV's remap wants a table no longer than 32,767."""
    count = len(across)
    columns = min(count, 4096)
    rows = -(-count // columns)
    pad = rows * columns - count
    tables = [np.pad(v, (0, pad)).reshape(rows, columns) for v in (across, down)]
    return cv2.remap(values, *tables, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).reshape(-1, 3)[:count]
