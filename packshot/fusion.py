"""The foreground by its colours and by what catches the eye, made into one: each is blind where the other sees.

Colours take shadows, mirror images and drawn shapes for foreground, and lose what is as pale as the background; the
network (packshot.saliency) loses thin parts, fills small openings, and takes plates for products.
"""

import cv2
import numpy as np

from packshot.background import tint
from packshot.compose import drop_specks, fill_holes
from packshot.dials import dials
from packshot.foreground import Foreground
from packshot.plates import grown, is_geometric

_BUSY_SIDE = 288
TINT = 3
"""Lab units; a shadow has no tint, a pale dial has."""
_LEAST_DIAL = 0.001
"""Share of the photo."""
_CLOSE_UP = 0.35
"""Share of the photo."""
_AT_EDGE = 2
"""px."""
_LEAST_BEYOND = 0.05
"""Share of a side."""
_HALF_SEEN = 0.2
"""Saliency."""


def pale_parts(found: Foreground, product: np.ndarray, saliency: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """bool (h, w): what has nearly the background's colour and yet belongs to `product` bool (h, w): the network is
    sure of it, the product lies around it, and its colour is not the background's very own."""
    background = found.background
    candidates = (saliency > 0.6) & ~product & ~marks & ~background.frame
    if not background.sure or not candidates.any():
        return np.zeros_like(product)
    known = background.mask & (saliency < 0.05)
    scatter = float(np.median(background.distance[known])) if known.any() else 1.0
    exact = cv2.blur(background.distance, (3, 3)) < 1.5 * scatter + 1.0
    # An opening is exact all over, and larger than the gaps between the specks of a fabric.
    width = max(3, round(max(product.shape) / 170) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    open_ = cv2.morphologyEx((exact & candidates).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    candidates &= cv2.dilate(_with_edges(open_, background.distance), kernel) == 0
    count, labels = cv2.connectedComponents(candidates.astype(np.uint8), connectivity=4)
    ring, beside = np.zeros(count), np.zeros(count)
    wider = cv2.dilate(labels.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.int32)
    outer = (labels == 0) & (wider > 0)
    ring += np.bincount(wider[outer], minlength=count)
    beside += np.bincount(wider[outer & product], minlength=count)
    # What differs from the background was cut off with a shadow: it need only hang on the product.
    areas = np.bincount(labels.ravel(), minlength=count)
    strong = np.bincount(labels[~background.alike], minlength=count) > 0.7 * areas
    shaded = strong & (np.bincount(labels[~found.mask], minlength=count) > 0.7 * areas)
    keep = beside > np.where(strong, 0.1, 0.4) * np.maximum(ring, 1)
    keep |= shaded & (beside >= 4)
    keep[0] = False
    # Writing across a shaft parts it from its handle.
    reached = outer & grown(product | marks | keep[labels], product)
    keep |= shaded & (np.bincount(wider[reached], minlength=count) >= 4)
    keep[0] = False
    return keep[labels]


def rest_of_close_up(product: np.ndarray, seen: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """bool (h, w): of a `product` bool (h, w) that fills the picture and goes on beyond two of its sides, what the
    networks half see beside it: little of the outline that they go by is there. `seen` float32 (h, w), the highest
    saliency; `marks` bool (h, w), overlays and all else that is known to be none."""
    if min(product.shape) <= _AT_EDGE:
        return np.zeros_like(product)
    sides = (product[_AT_EDGE], product[-1 - _AT_EDGE], product[:, _AT_EDGE], product[:, -1 - _AT_EDGE])
    beyond = sum(side.mean() > _LEAST_BEYOND for side in sides)
    if beyond < 2 or product.mean() < _CLOSE_UP:
        return np.zeros_like(product)
    rest = drop_specks((seen > _HALF_SEEN) & ~marks & ~product, 20)
    return grown(rest | product, product) & rest


def pale_insides(found: Foreground, product: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    """bool (h, w): holes in `product` bool (h, w) that are not quite as the background is, and that the network half
    sees, such as those between the two outlines of a white tube on white. `saliency` float32 (h, w)."""
    if not found.background.sure:
        return np.zeros_like(product)
    count, labels = cv2.connectedComponents((fill_holes(product) & ~product).astype(np.uint8), connectivity=4)
    areas = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    seen = np.bincount(labels.ravel(), saliency.ravel(), minlength=count) / areas
    unlike = np.bincount(labels.ravel(), found.background.distance.ravel(), minlength=count) / areas
    inside = (seen > 0.25) & (unlike > 2.5)
    inside[0] = False
    return inside[labels]


def _is_even(values: np.ndarray) -> bool:
    """Whether most `values` float32 (n,), in Lab units, are one: pale dials have hands, openings lie in shade."""
    return bool((np.abs(values - np.median(values)) < 1).mean() > 0.7)


def _with_edges(openings: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Those of the `openings` uint8 (h, w) that end with an edge; a highlight fades into its product."""
    kept = np.zeros_like(openings)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(openings, connectivity=8)
    for label in range(1, count):
        x, y, w, h, _ = stats[label]
        window = slice(max(0, y - 5), y + h + 5), slice(max(0, x - 5), x + w + 5)
        piece = (labels[window] == label).astype(np.uint8)
        ring = (cv2.dilate(piece, np.ones((9, 9), np.uint8)) > 0) & (cv2.dilate(piece, np.ones((5, 5), np.uint8)) == 0)
        if not ring.any() or np.percentile(distance[window][ring], 75) > 8:
            kept[window] |= piece
    return kept


def gaps(lab: np.ndarray, found: Foreground, product: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    """bool (h, w): openings in `product` bool (h, w), such as between rods or spokes: of background colour, and the
    network sees less there than around, or nothing at all. `lab` float32 (h, w, 3)."""
    background = found.background
    if not background.sure:
        return np.zeros_like(product)
    around = cv2.blur(saliency, (9, 9))
    narrow = product & background.alike & (background.distance < 6) & (saliency < 0.4) & (around > saliency + 0.02)
    seen = product & (saliency > 0.5)
    if seen.sum() < 0.4 * product.sum():
        return narrow
    # A larger one holds specks of other colours: shadows, and what the lossy compression leaves.
    blind = product & (saliency < 0.1) & ~_missed(product, saliency)
    count, labels = cv2.connectedComponents(blind.astype(np.uint8), connectivity=8)
    areas = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    like = np.bincount(labels[background.alike], minlength=count) / areas
    level = np.bincount(labels.ravel(), saliency.ravel(), minlength=count) / areas
    colour = tint(lab, background.lab)
    means = [np.bincount(labels.ravel(), colour[..., axis].ravel(), minlength=count) / areas for axis in (0, 1)]
    tints = np.hypot(*means)
    shade = np.bincount(labels.ravel(), background.distance.ravel(), minlength=count) / areas
    dial = (areas > _LEAST_DIAL * product.size) & (tints > TINT)
    dial[0] = False
    for label in np.flatnonzero(dial):
        dial[label] = _is_even(background.distance[labels == label])
    wide = (like > 0.6) & (level < 0.06) & ~dial
    # Through crates and racks the background is seen in shade, again and again.
    shaded = (level < 0.06) & (shade < 26) & (areas >= 12) & (tints < 8) & ~dial
    shaded[0] = False
    again = np.zeros_like(product)
    if shaded.sum() >= 6:
        toned = np.linalg.norm(colour, axis=2) >= 8
        rim = product & (saliency < 0.4) & ~toned & (background.distance < 30) & ~dial[labels]
        again = grown(rim, shaded[labels])
    wide[0] = False
    return narrow | wide[labels] | again


def _missed(product: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    """bool (h, w): the pieces of `product` bool (h, w) that the network misses as a whole: nothing tells their openings
    from them."""
    count, labels = cv2.connectedComponents(product.astype(np.uint8), connectivity=8)
    areas = np.bincount(labels.ravel(), minlength=count)
    missed = np.bincount(labels.ravel(), saliency.ravel(), minlength=count) < 0.3 * areas
    missed[0] = False
    return missed[labels]


def unsupported(
    lab: np.ndarray, found: Foreground, body: np.ndarray, saliency: np.ndarray, text: np.ndarray
) -> np.ndarray:
    """bool (h, w): shadows, mirror images, drawn shapes and scenery in `body` bool (h, w): thick, not enclosed, and
    unseen by the network, which sees the rest of their piece sharply. `lab` float32 (h, w, 3), `text` bool (h, w)."""
    if not found.background.sure:
        return np.zeros_like(body)
    distance = found.background.distance
    side = max(body.shape)
    gone = np.zeros_like(body)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(body.astype(np.uint8), connectivity=8)
    width = max(3, round(side / 85) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    for label in range(1, count):
        x, y, w, h, area = stats[label]
        if area < 0.002 * body.size:
            continue
        window = slice(max(0, y - width), y + h + width), slice(max(0, x - width), x + w + width)
        piece = labels[window] == label
        seen = (saliency[window] > 0.5) & piece
        unsure = (saliency[window] > 0.15) & (saliency[window] < 0.85) & piece
        if seen.sum() < 0.1 * area or unsure.sum() > 0.35 * seen.sum():
            continue
        blind = piece & (saliency[window] < 0.1) & ~fill_holes(seen) & ~dials(piece, seen, side)
        core = cv2.morphologyEx(blind.astype(np.uint8), cv2.MORPH_OPEN, kernel)
        parts, owners = cv2.connectedComponents(core, connectivity=8)
        strength = float(distance[window][seen].mean())
        foot = float(np.flatnonzero(seen.any(axis=1)).mean())
        bottom = int(np.flatnonzero(seen.any(axis=1))[-1])
        for part in range(1, parts):
            blob = owners == part
            if _is_within(blob, piece, width):
                continue  # a dial in its ring: shadows and overlays lie at an outline
            rows, cols = np.flatnonzero(blob.any(axis=1)), np.flatnonzero(blob.any(axis=0))
            at_edge = (
                rows[0] + window[0].start <= 2
                or cols[0] + window[1].start <= 2
                or rows[-1] + window[0].start >= body.shape[0] - 3
                or cols[-1] + window[1].start >= body.shape[1] - 3
            )
            level = float(distance[window][blob].mean())
            below = rows[0] > foot and rows[-1] > bottom
            faint = level < 30 and seen.sum() > 0.4 * area
            mirrored = below and level < 0.65 * strength and blob.sum() < 1.2 * seen.sum()
            scenery = blob.sum() > 0.6 * seen.sum() and (at_edge or found.background.explained < 0.85)
            # Large ones may be parts of the product that the network misses.
            level = float(saliency[window][blob].mean())
            unseen = level < 0.02 and blob.sum() < 0.15 * seen.sum()
            # Those on the ground are shadows.
            grounded = level < 0.01 and rows[-1] > bottom and rows.mean() > foot and blob.sum() < 0.5 * seen.sum()
            overlay = level < 0.05 and _is_overlay(lab[window], blob, text[window])
            if unseen or faint or mirrored or scenery or grounded or overlay:
                gone[window] |= (cv2.dilate(blob.astype(np.uint8), kernel) > 0) & blind
    return gone & body


def _is_within(blob: np.ndarray, piece: np.ndarray, width: int) -> bool:
    """Whether a `piece` bool (h, w) goes on all around a part of it, whose rim of `width` px is not in `blob`."""
    near, far = (cv2.dilate(blob.astype(np.uint8), np.ones((2 * k + 1,) * 2, np.uint8)) > 0 for k in (width, width + 2))
    ring = far & ~near
    return bool(ring.any() and piece[ring].mean() > 0.97)


def _is_overlay(lab: np.ndarray, blob: np.ndarray, text: np.ndarray) -> bool:
    """Whether a shape is of one colour, written upon or neat: badges that hang on each other or on the product."""
    colours = lab[blob]
    flat = (np.linalg.norm(colours - np.median(colours, axis=0), axis=1) < 8).mean() > 0.6
    return bool(flat and ((text & blob).sum() > 0.05 * blob.sum() or is_geometric(blob)))


def by_saliency(
    small: np.ndarray, lab: np.ndarray, found: Foreground, saliency: np.ndarray, marks: np.ndarray
) -> np.ndarray:
    """For busy backgrounds, or of several colours: what the network sees, its outline drawn to the picture's edges by
    GrabCut."""
    height, width = small.shape[:2]
    scale = min(1.0, _BUSY_SIDE / max(height, width))
    size_wh = max(8, round(width * scale)), max(8, round(height * scale))
    tiny = cv2.resize(small, size_wh, interpolation=cv2.INTER_AREA)
    seen = cv2.resize(np.where(marks, 0, saliency), size_wh, interpolation=cv2.INTER_AREA)
    likely = seen > 0.5
    if not likely.any():
        return np.zeros((height, width), bool)
    apart = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    near = cv2.dilate(likely.astype(np.uint8), apart) > 0
    core = cv2.erode(likely.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))) > 0
    modes = np.full(seen.shape, cv2.GC_BGD, np.uint8)
    modes[near] = cv2.GC_PR_BGD
    modes[likely] = cv2.GC_PR_FGD
    modes[core & (seen > 0.9)] = cv2.GC_FGD
    modes[near & (seen < 0.02)] = cv2.GC_BGD
    if (modes != cv2.GC_BGD).any() and (modes == cv2.GC_BGD).any():
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(cv2.cvtColor(tiny, cv2.COLOR_RGB2BGR), modes, None, *models, 2, cv2.GC_INIT_WITH_MASK)
    mask = ((modes == cv2.GC_FGD) | (modes == cv2.GC_PR_FGD)).astype(np.uint8)
    mask = cv2.resize(255 * mask, (width, height), interpolation=cv2.INTER_CUBIC) > 127
    mask = drop_specks(mask & ~marks, 20)
    through = found.background.alike | _common_around(lab, mask) if found.background.busy else found.background.alike
    return fill_holes(mask, (saliency < 0.3) & through)


def _common_around(lab: np.ndarray, product: np.ndarray) -> np.ndarray:
    """bool (h, w): pixels of a colour that is seen beside the product too, as it is through its openings; a dial or a
    cushion has a colour of its own. `lab` float32 (h, w, 3), `product` bool (h, w)."""
    if not product.any():
        return np.ones_like(product)
    reach = max(5, round(0.08 * max(product.shape)))
    near, close = (cv2.dilate(product.astype(np.uint8), np.ones((2 * k + 1,) * 2, np.uint8)) > 0 for k in (reach, 2))
    outside = near & ~close & ~fill_holes(product)
    bins = (np.clip(lab + (0, 128, 128), 0, 255) / 8).astype(np.int32)
    counts = np.zeros((32, 32, 32), np.float32)
    np.add.at(counts, tuple(bins[outside].T), 1)
    common = np.lib.stride_tricks.sliding_window_view(np.pad(counts, 1), (3, 3, 3)).max(axis=(3, 4, 5))
    return common[tuple(np.moveaxis(bins, -1, 0))] > 0.002 * max(1, int(outside.sum()))
