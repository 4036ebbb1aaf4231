"""The lines of writing on a photo: how large, how clear, framed or bare, and whether they belong to the product.

Writing on the product or its pack is no infographics. Works on the text boxes, the segmentation and the colours.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from packshot.artifacts import Segmentation, TextBox, Texts
from packshot.background import Background, learn_background, reduce, to_lab
from packshot.compose import drop_specks, fill_holes
from packshot.plates import plate_under, thin_lines
from packshot.quads import fill_quad, line_height, upright

SIDE = 256
"""px; the long side at which places and plates are looked at. Letters are measured at the photo's own size."""
_SOLID = 0.3
_MOST_FRAME = 0.5
"""Of the photo: what takes more is the background, between a banner and a panel at its foot."""
_TALLEST = 0.3
"""Of the photo's long side: what is taller and cannot be read is no line of writing, but an outline taken for one."""


@dataclass(slots=True)
class Line:
    """One text box. `height` of its letters in px of the photo, first to last row of ink; `contrast` between ink and
    ground as WCAG 2 defines it, 1 (none) to 21. `on_product`: part of the product or its pack. `framed`: on a plate or
    panel, in an outline, beside an icon, or at a callout or dimension line."""

    box: TextBox
    height: float
    contrast: float
    on_product: bool
    framed: bool


@dataclass(slots=True)
class Layout:
    """Where things are, bool (h, w) of the reduced picture: `product`, `infographics` (writing that is none of the
    product's, with plates, icons, lines and frames); the `lines`; and the `background` that was learnt."""

    lines: list[Line]
    product: np.ndarray
    infographics: np.ndarray
    writing: np.ndarray
    background: Background
    small: np.ndarray


def read_layout(image: np.ndarray, texts: Texts, segmentation: Segmentation) -> Layout:
    """`image` RGB uint8 (H, W, 3), with its own texts and segmentation."""
    small = reduce(image, SIDE)
    lab = to_lab(small)
    shape_hw = small.shape[:2]
    background = learn_background(small)
    if background.frame.mean() > _MOST_FRAME:
        background = learn_background(small, panels=False)
    scaled = Segmentation(segmentation.quantised, segmentation.scale, segmentation.scores, shape_hw)
    _, main, whole = scaled.masks
    alike = background.mask | background.alike
    foreground = whole if background.busy else ~alike & ~background.frame

    factor = np.float32([shape_hw[1] / image.shape[1], shape_hw[0] / image.shape[0]])
    boxes = [box for box in texts.boxes if box.readable or line_height(box.quad) < _TALLEST * max(image.shape[:2])]
    found = [(box, fill_quad(box.quad * factor, shape_hw)) for box in boxes]
    boxes, masks = [box for box, mask in found if mask.any()], [mask for _, mask in found if mask.any()]
    rings = [_around(mask) for mask in masks]
    nothing = np.zeros(shape_hw, bool)
    floating = [not ring.any() or (foreground & ring).sum() < 0.45 * ring.sum() for ring in rings]
    centres = np.array([box.quad.mean(axis=0) * factor for box in boxes], np.float32).reshape(-1, 2)
    plates = nothing.copy()
    for mask, ring, floats in zip(masks, rings, floating, strict=True):
        if floats or (plates & mask).sum() > 0.5 * mask.sum():
            continue
        plate = plate_under(lab, foreground, mask, ring, centres)
        if plate is not None:
            plates |= plate
    loose = _union([m for m, floats in zip(masks, floating, strict=True) if floats], nothing)
    body = _without(whole & ~plates & ~background.frame, loose)
    drawn = thin_lines(body, plates | loose)
    body = drop_specks(body & ~drawn, max(6, int(0.0003 * body.size)))
    product = _product(body, main, _union(masks, nothing))
    solid = fill_holes(product)

    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    beside = _near(_icons(body & ~product) | _strokes(drawn & ~_near(loose, 0.008)))
    lines = []
    for box, mask, ring, floats in zip(boxes, masks, rings, floating, strict=True):
        plated = (plates & mask).sum() > 0.5 * mask.sum() or (background.frame & mask).sum() > 0.5 * mask.sum()
        on_product = not plated and bool((solid & (mask | ring)).sum() > 0.6 * (mask | ring).sum())
        enclosed = ring.any() and (alike & ~background.mask & ring).sum() > 0.5 * ring.sum()
        height, contrast = measure_letters(grey, box.quad)
        # What lies neither on the background nor on the product lies on a shape of some kind.
        shaped = plated or enclosed or not (floats or background.busy)
        framed = bool(shaped or (beside & (mask | ring)).any())
        lines.append(Line(box, height, contrast, on_product, framed and not on_product))
    own = _blocks([m for m, line in zip(masks, lines, strict=True) if not line.on_product], nothing)
    infographics = own.copy()
    if own.any():
        infographics |= plates | drawn
        # Where no product was told from the rest, what is no writing may be the product.
        if product.any():
            infographics |= fill_holes(body & ~product) & ~solid
        infographics |= background.frame if (background.frame & own).any() else False
    return Layout(lines, product, infographics, own, background, small)


def measure_letters(grey: np.ndarray, quad: np.ndarray) -> tuple[float, float]:
    """Height in px of the writing in `quad` (4, 2) of a grey photo uint8 (H, W), and its contrast.

    Ink is told from ground by Otsu's threshold; the contrast is WCAG 2's, (L1 + 0.05) / (L2 + 0.05), of the ground's
    median luminance and that of the ink's stronger half, since thin strokes are blurred.
    """
    line = upright(grey, np.float32(quad))
    level, _ = cv2.threshold(line, 0, 255, cv2.THRESH_OTSU)
    bright = line > level
    rim = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    ink = ~bright if rim.mean() > 0.5 else bright
    rows = np.flatnonzero(ink.mean(axis=1) > 0.03)
    if not len(rows) or ink.all():
        return float(line.shape[0]), 1.0
    ground, colour = float(np.median(line[~ink])), line[ink].astype(np.float32)
    strong = float(np.percentile(colour, 25 if np.median(colour) < ground else 75))
    low, high = sorted((_luminance(ground), _luminance(strong)))
    return float(rows[-1] - rows[0] + 1), (high + 0.05) / (low + 0.05)


def _luminance(grey: float) -> float:
    value = grey / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _product(body: np.ndarray, main: np.ndarray, writing: np.ndarray) -> np.ndarray:
    """The components of the body that the segmentation takes for the main object, without what is mostly writing or a
    sliver beside the largest."""
    count, labels = cv2.connectedComponents(body.astype(np.uint8), connectivity=8)
    areas = np.bincount(labels.ravel(), minlength=count)
    in_main = np.bincount(labels[main & body], minlength=count)
    written = np.bincount(labels[writing & body], minlength=count)
    keep = (in_main > 0.5 * areas) & (written < 0.6 * areas)
    keep[0] = False
    if keep.any():
        keep &= areas > 0.1 * areas[keep].max()
    found = keep[labels]
    # A drawing is outlines with nothing between them.
    return found if found.sum() > _SOLID * fill_holes(found).sum() else np.zeros_like(found)


def _icons(rest: np.ndarray) -> np.ndarray:
    """Pieces as large and as round as icons, badges and bullets; words that were not found are wide and low."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rest.astype(np.uint8), connectivity=8)
    areas, wide, high = stats[:, cv2.CC_STAT_AREA], stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    keep = (areas > 0.0004 * rest.size) & (areas < 0.05 * rest.size)
    keep &= np.maximum(wide, high) < 2.2 * np.minimum(wide, high)
    keep[0] = False
    return keep[labels]


def _strokes(drawn: np.ndarray) -> np.ndarray:
    """Drawn lines long enough to point at something, and not bits of letters."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(drawn.astype(np.uint8), connectivity=8)
    long_side = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    keep = long_side > 0.06 * max(drawn.shape)
    keep[0] = False
    return keep[labels]


def _blocks(masks: list[np.ndarray], empty: np.ndarray) -> np.ndarray:
    """Lines of writing with the gaps between lines that follow each other."""
    blocks = _union(masks, empty)
    if not blocks.any():
        return blocks
    heights = [cv2.boundingRect(mask.astype(np.uint8))[3] for mask in masks]
    reach = int(np.clip(np.median(heights), 2, 0.05 * max(empty.shape)))
    padded = np.pad(blocks, reach).astype(np.uint8)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((2 * (reach // 2) + 1,) * 2, np.uint8))
    return closed[reach:-reach, reach:-reach] > 0


def _near(mask: np.ndarray, share: float = 0.02) -> np.ndarray:
    reach = max(1, round(share * max(mask.shape)))
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0


def _without(foreground: np.ndarray, loose: np.ndarray) -> np.ndarray:
    """The foreground without components that are floating writing for the better part."""
    count, labels = cv2.connectedComponents(foreground.astype(np.uint8), connectivity=8)
    areas = np.bincount(labels.ravel(), minlength=count)
    gone = np.bincount(labels[loose], minlength=count) > 0.5 * areas
    gone[0] = False
    return foreground & ~gone[labels] & ~loose


def _around(mask: np.ndarray) -> np.ndarray:
    """A ring outside a text box: a pixel's gap, then two pixels."""
    solid = mask.astype(np.uint8)
    return (cv2.dilate(solid, np.ones((7, 7), np.uint8)) > 0) & (cv2.dilate(solid, np.ones((3, 3), np.uint8)) == 0)


def _union(masks: list[np.ndarray], empty: np.ndarray) -> np.ndarray:
    return np.any(masks, axis=0) if masks else empty.copy()
