"""Shadows and reflections at a product's foot, told from the product: they are not part of a cutout."""

import cv2
import numpy as np


def grow_into_shadows(
    lab: np.ndarray, predicted: np.ndarray, mask: np.ndarray, alike: np.ndarray, frame: np.ndarray
) -> np.ndarray:
    """Background `mask` bool (h, w), grown into soft shadows: a little darker, hue kept, no edge in between.

    `lab` and `predicted`, the background's colour, float32 (h, w, 3); `alike` bool (h, w), pixels of that colour.
    Pale products are as soft inside as shadows are. So a shadow has nothing solid right below it, and what would eat
    most of a piece of foreground is none. Shadows seen through a product are bounded by strong edges.
    """
    side = max(mask.shape)
    smooth = cv2.GaussianBlur(lab, (0, 0), side / 380)
    light = smooth[..., 0] - predicted[..., 0]
    hue = np.linalg.norm(smooth[..., 1:] - predicted[..., 1:], axis=2)
    dx = cv2.Sobel(smooth[..., 0], cv2.CV_32F, 1, 0, scale=1 / 8)
    dy = cv2.Sobel(smooth[..., 0], cv2.CV_32F, 0, 1, scale=1 / 8)
    slope = cv2.magnitude(dx, dy)
    soft = slope < 780 / side
    shadow = (light < 0) & (light > -0.6 * predicted[..., 0]) & (hue < 4 - 0.1 * light) & soft & ~frame & ~mask
    mask = mask | _enclosed(slope, shadow, alike, mask, frame)
    shadow &= ~mask
    width = max(3, round(side / 90) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    mask = mask | _cast(shadow, slope, light, mask, frame, kernel, ground_only=False)
    # What is left of a shadow on the ground is darker and steeper; there it must lie flat and low.
    steep = (light < 0) & (light > -0.85 * predicted[..., 0]) & (hue < 4 - 0.1 * light) & (slope < 3600 / side)
    return mask | _cast(steep & ~frame & ~mask, slope, light, mask, frame, kernel, ground_only=True)


def _cast(
    shadow: np.ndarray,
    slope: np.ndarray,
    light: np.ndarray,
    mask: np.ndarray,
    frame: np.ndarray,
    kernel: np.ndarray,
    ground_only: bool,
) -> np.ndarray:
    """Which of the pixels that may be `shadow` bool (h, w) are one, growing from the background `mask`."""
    side = max(mask.shape)
    none = np.zeros_like(mask)
    wide = cv2.morphologyEx((shadow | mask).astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0
    solid = (~mask & ~frame & ~(shadow & wide)).astype(np.uint8)
    # Writing below a shadow is nothing solid.
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    solid &= (stats[:, cv2.CC_STAT_AREA] > 0.006 * solid.size)[pieces].astype(np.uint8)
    reach = max(4, round(0.12 * side))
    over_solid = cv2.dilate(solid, np.ones((reach, 1), np.uint8), anchor=(0, 0)) > 0
    free = cv2.morphologyEx((wide & shadow & ~over_solid).astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0
    grown = _touching(free | mask, mask) & ~mask
    if not grown.any():
        return none
    count, labels, boxes, _ = cv2.connectedComponentsWithStats((~mask & ~frame).astype(np.uint8), connectivity=8)
    areas = np.bincount(labels.ravel(), minlength=count)
    taken = np.bincount(labels[grown], minlength=count)
    grown &= (taken < 0.45 * areas)[labels]
    middle = boxes[:, cv2.CC_STAT_TOP] + 0.6 * boxes[:, cv2.CC_STAT_HEIGHT]
    owner = labels
    count, labels, boxes, centres = cv2.connectedComponentsWithStats(grown.astype(np.uint8), connectivity=8)
    # Shadows are bands; what is thick is the soft inside of a pale product.
    depth = cv2.distanceTransform(grown.astype(np.uint8), cv2.DIST_L2, 3)
    deepest = np.zeros(count, np.float32)
    np.maximum.at(deepest, labels.ravel(), depth.ravel())
    # And they darken towards what casts them, where a pale product's rim is darkest at the background.
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)
    falls = _correlation(labels, count, away, -light)
    low = np.zeros(count, bool)
    for label in range(1, count):
        y, x = np.argwhere(labels == label)[0]
        low[label] = centres[label][1] > middle[owner[y, x]]
    flat = boxes[:, cv2.CC_STAT_WIDTH] > boxes[:, cv2.CC_STAT_HEIGHT] * (1.6 if ground_only else 1.0)
    if ground_only:
        keep = (deepest < 0.06 * side) & (falls > 0.5) & low & flat
    else:
        keep = (deepest < 0.05 * side) & (falls > 0.2) | (deepest < 0.1 * side) & (falls > 0.6)
        # Beside a product a shadow ends at its edge; the shading of a pale product ends nowhere.
        steepest = cv2.dilate(slope, np.ones((5, 5), np.uint8))
        for label in np.flatnonzero(keep & ~(low & flat)):
            x, y, w, h = boxes[label, :4]
            window = slice(max(0, y - 3), y + h + 3), slice(max(0, x - 3), x + w + 3)
            piece = (labels[window] == label).astype(np.uint8)
            end = (cv2.dilate(piece, np.ones((3, 3), np.uint8)) > 0) & (piece == 0) & ~mask[window]
            keep[label] = not end.any() or np.percentile(steepest[window][end], 70) > 1800 / side
    keep[0] = False
    return grown & keep[labels]


def _enclosed(
    slope: np.ndarray, shadow: np.ndarray, alike: np.ndarray, mask: np.ndarray, frame: np.ndarray
) -> np.ndarray:
    """Shadowed background behind a handle or between rungs: partly of the very colour, a strong edge all around."""
    found = np.zeros_like(mask)
    steepest = cv2.dilate(slope, np.ones((5, 5), np.uint8))
    through = ((shadow | alike) & ~mask & ~frame).astype(np.uint8)
    through = cv2.morphologyEx(through, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(through, connectivity=4)
    least = max(12, (max(mask.shape) / 60) ** 2)
    beside = np.unique(labels[cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0])
    for label in range(1, count):
        x, y, w, h, area = stats[label]
        if area < least or label in beside:
            continue
        window = slice(max(0, y - 4), y + h + 4), slice(max(0, x - 4), x + w + 4)
        piece = labels[window] == label
        if alike[window][piece].mean() < 0.1:
            continue
        apart = cv2.distanceTransform((~piece).astype(np.uint8), cv2.DIST_L2, 3)
        rim = (apart > 1) & (apart <= 3)
        if rim.any() and np.percentile(steepest[window][rim], 25) > 2600 / max(mask.shape):
            found[window] |= apart <= 2
    return found


def _correlation(labels: np.ndarray, count: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pearson's correlation of two pictures within each label, float (count,)."""
    flat = labels.ravel()
    size = np.maximum(np.bincount(flat, minlength=count), 1)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(flat, values.ravel(), count) / size

    a, b = mean(first), mean(second)
    variance = (mean(first * first) - a * a) * (mean(second * second) - b * b)
    return (mean(first * second) - a * b) / np.sqrt(np.maximum(variance, 1e-9))


def trim_contact_shadow(lab: np.ndarray, predicted: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Foreground `mask` bool (h, w) without the dark core of the shadow on which a product stands.

    Upwards through a contact shadow the ground darkens over several pixels until the product begins, with an edge or
    another hue, or growing lighter. A product's own lower edge darkens within two or three.
    """
    height, width = mask.shape
    side = max(height, width)
    least, most = max(3, round(side / 130)), max(6, round(0.075 * side))
    edge = 0.08 * 512 / max(256, side)
    shade = lab[..., 0] / np.maximum(predicted[..., 0], 1)
    hue = np.linalg.norm(lab[..., 1:] - predicted[..., 1:] * np.clip(shade, 0, 1)[..., None], axis=2)
    grey = (shade < 1.01) & (hue < 5)
    cuts = np.zeros(width, np.int32)
    feet = np.zeros(width, np.int32) - 1
    for column in np.flatnonzero(mask.any(axis=0)):
        foot = int(np.flatnonzero(mask[:, column])[-1])
        feet[column] = foot
        if foot >= height - 2:
            continue
        top = max(0, foot - most)
        run = shade[top : foot + 1, column][::-1]
        like = grey[top : foot + 1, column][::-1] & mask[top : foot + 1, column][::-1]
        length = int(like.argmin()) if not like.all() else len(like)
        open_above = length < len(like) and not mask[foot - length, column]
        steps = np.flatnonzero(np.abs(np.diff(run[:length])) > edge)
        ends = len(steps) > 0 or length < len(like)
        length = int(steps[0]) + 1 if len(steps) and not open_above else length
        if length < least:
            continue
        valley = int(run[:length].argmin())
        if run[valley] > 0.97:
            continue
        if open_above and (not len(steps) or np.abs(np.diff(run[:length])).max() < 2.5 * edge):
            cuts[column] = length
        elif ends and valley >= length - 3:
            cuts[column] = length
        elif valley >= least - 1 and run[valley + 1 : valley + least + 2].max(initial=0) - run[valley] > 0.05:
            cuts[column] = valley + 1
    if not cuts.any():
        return mask
    # A shadow is cut over a stretch of columns, not in single ones.
    steady = cv2.medianBlur(cuts.astype(np.float32)[None], 5)[0].astype(np.int32)
    found = cv2.morphologyEx((steady > 0).astype(np.uint8)[None], cv2.MORPH_OPEN, np.ones((1, 7), np.uint8))[0] > 0
    trimmed = mask.copy()
    for column in np.flatnonzero(found & (feet >= 0)):
        trimmed[feet[column] - steady[column] + 1 : feet[column] + 1, column] = False
    return trimmed


def trim_reflection(lab: np.ndarray, predicted: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Foreground `mask` bool (h, w) without a mirror image under it: fainter, upside down, from the foot downwards."""
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) < 24:
        return mask
    unlike = (lab - predicted) * mask[..., None]
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    power = (unlike * unlike).sum(axis=(1, 2))
    best, at = 0.0, 0
    for base in range(top + (bottom - top) // 2, bottom - 5):
        reach = min(bottom - base, base - top)
        drop = power[base - 4 : base].sum() / max(1e-3, float(power[base + 1 : base + 5].sum()))
        if drop < 6 or drop < best:
            continue
        above, below = unlike[base - reach : base][::-1], unlike[base : base + reach]
        # The mirror image fades downwards; rows are compared one by one.
        norms = np.sqrt(power[base - reach : base][::-1] * power[base : base + reach])
        weight = np.sqrt(power[base : base + reach])
        likeness = (above * below).sum(axis=(1, 2)) / np.maximum(norms, 1e-6)
        if float((likeness * weight).sum() / max(1e-6, float(weight.sum()))) > 0.8:
            best, at = drop, base
    if not at:
        return mask
    trimmed = mask.copy()
    trimmed[at:] = False
    return trimmed


def _touching(mask: np.ndarray, seed: np.ndarray) -> np.ndarray:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    keep = np.zeros(count, bool)
    keep[np.unique(labels[seed & mask])] = True
    keep[0] = False
    return keep[labels]
