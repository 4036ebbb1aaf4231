"""Graphics laid over a product photo: plates under writing, and the lines of callouts and dimensions."""

import cv2
import numpy as np

from packshot.compose import fill_holes

ACCENTED = 0.3
"""Share of a thin line: the rest are its soft edges."""

ONE_COLOUR = 7
"""Lab units; as far may be from a drawn shape's colour what is of it."""

_OUTLINE = 6
"""px; lines around plates are at most as wide."""


def plate_under(
    lab: np.ndarray,
    foreground: np.ndarray,
    writing: np.ndarray,
    ring: np.ndarray,
    lines: np.ndarray,
) -> np.ndarray | None:
    """The flat shape on which a text lies, bool (h, w), if it is an overlay: a rectangle or ellipse that stands free,
    or lies over the product's outline. None for labels and for the faces of packs.

    `lab` float32 (h, w, 3); `foreground`, `writing` (the text box) and `ring` (around it) bool (h, w); `lines` (n, 2),
    the centres of all text boxes.
    """
    shape = flat_shape(lab, writing, ring)
    if shape is None or shape.mean() > 0.45:
        return None
    inner, free = _surroundings(shape, foreground)
    if free > 0.75:
        return inner > 0
    flat = of_one_colour(lab, writing | ring)
    if free < 0.12 or not (_is_lettered(flat, writing) or _holds(shape, lines) >= 2):
        return None
    # Labels are seldom round, and seldom end where nothing of their product goes on.
    over = _is_round(shape) or lies_over(shape, foreground)
    # The face of a pack stands as free, but it is most of its product.
    over |= free > 0.48 and shape.sum() < 0.25 * grown(foreground, shape).sum()
    # No more of the product than the plate's soft rim goes with it.
    return cv2.dilate(shape.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0 if over else None


def _holds(shape: np.ndarray, points: np.ndarray) -> int:
    """How many of the points (n, 2), x and y, lie in a shape."""
    cols, rows = np.clip(np.round(points).astype(int), 0, np.array(shape.shape[::-1]) - 1).T
    return int(shape[rows, cols].sum())


def unseen_plate(
    lab: np.ndarray, foreground: np.ndarray, writing: np.ndarray, ring: np.ndarray, saliency: np.ndarray
) -> np.ndarray | None:
    """Like `plate_under`, of shapes at the product's outline, if `saliency` float32 (h, w) sees none of it as product:
    bool (h, w)."""
    shape = flat_shape(lab, writing, ring, saliency < 0.4)
    if shape is None or shape.mean() > 0.25 or saliency[shape].mean() > 0.15:
        return None
    inner, free = _surroundings(shape, foreground)
    return (inner > 0) & (saliency < 0.5) if free > 0.12 else None


def drawn_plate(
    lab: np.ndarray, writing: np.ndarray, ring: np.ndarray, text: np.ndarray, saliency: np.ndarray
) -> np.ndarray | None:
    """Like `plate_under` where colours do not tell the foreground: a shape without any shading that `text`, all text
    boxes bool (h, w), fills, small in the photo or beside what `saliency` float32 (h, w) sees elsewhere, and with
    little of that around it."""
    shape = flat_shape(lab, writing, ring)
    if shape is None or shape.mean() > 0.15 or (text & shape).sum() < 0.2 * shape.sum():
        return None
    bare = shape & (cv2.dilate((text | ring).astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    bare = cv2.erode(bare.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if bare.sum() < 20 or (np.linalg.norm(lab[bare] - np.median(lab[bare], axis=0), axis=1) < 3).mean() < 0.95:
        return None
    seen = saliency > 0.5
    inner, free = _surroundings(shape, seen)
    small = shape.mean() < 0.08 or (seen & (inner == 0)).sum() > 0.8 * shape.sum()
    return inner > 0 if free > 0.5 and small else None


def flat_shape(
    lab: np.ndarray, writing: np.ndarray, ring: np.ndarray, within: np.ndarray | None = None
) -> np.ndarray | None:
    """The rectangle, ellipse or star of one colour on which a text lies, bool (h, w), if it lies on one; `within` bool
    (h, w), where it may be."""
    flat = of_one_colour(lab, writing | ring)
    if within is not None:
        flat &= within
    if flat[writing | ring].mean() < 0.3:
        return None
    kernel = np.ones((3, 3), np.uint8)
    region = grown(flat | writing, writing)
    region = fill_holes(cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0)
    region = grown(region, writing)
    return region if region.any() and (is_geometric(region) or _is_round(region)) else None


def of_one_colour(lab: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Pixels of the colour that is commonest in `where`, bool (h, w)."""
    return np.linalg.norm(lab - commonest(lab[where]), axis=2) < ONE_COLOUR


def _surroundings(shape: np.ndarray, foreground: np.ndarray) -> tuple[np.ndarray, float]:
    """The shape with its soft rim, which is foreground, uint8 (h, w); and how much of what is around it is none."""
    gap = max(2, round(0.007 * max(shape.shape)))
    inner = cv2.dilate(shape.astype(np.uint8), np.ones((2 * gap + 1,) * 2, np.uint8))
    rim = (cv2.dilate(inner, np.ones((5, 5), np.uint8)) > 0) & (inner == 0)
    return inner, float(1 - foreground[rim].mean()) if rim.any() else 1.0


def is_unshaded(lab: np.ndarray, plate: np.ndarray, text: np.ndarray) -> bool:
    """Whether a plate is of one very colour where no `text` bool (h, w) is: labels on products lie in light and
    shade."""
    bare = cv2.erode(plate.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    bare &= ~text
    if bare.sum() < 20:
        return False
    return float(np.median(np.linalg.norm(lab[bare] - np.median(lab[bare], axis=0), axis=1))) < 0.7


def with_outline(lab: np.ndarray, plate: np.ndarray, alike: np.ndarray) -> np.ndarray:
    """A plate with the line of one colour that is drawn around it, if there is one, bool (h, w). `alike` bool (h, w):
    has the background's colour. What goes on around a label in one colour is its product."""
    apart = cv2.distanceTransform((~plate).astype(np.uint8), cv2.DIST_L2, 5)
    shells = [(apart > k) & (apart <= k + 1) for k in range(_OUTLINE + 3)]
    if not all(shell.any() for shell in shells) or alike[shells[0]].mean() > 0.2:
        return plate
    colour = commonest(lab[shells[0]])
    shares = [float((np.linalg.norm(lab[shell] - colour, axis=1) < 10).mean()) for shell in shells]
    width = next((k for k, share in enumerate(shares) if share < 0.9), len(shares))
    if not 0 < width <= _OUTLINE or shares[width + 2] > 0.3:
        return plate
    return apart <= width + 2


def commonest(colours: np.ndarray) -> np.ndarray:
    """The mean of the commonest colour, Lab float32 (n, 3)."""
    bins = np.round(colours / 6).astype(np.int64)
    keys = (bins[:, 0] + 50) * 10_000 + (bins[:, 1] + 50) * 100 + bins[:, 2] + 50
    values, counts = np.unique(keys, return_counts=True)
    return colours[keys == values[counts.argmax()]].mean(axis=0)


def is_geometric(region: np.ndarray, least: float = 0.87) -> bool:
    """Whether a shape fills a rectangle or an ellipse."""
    contour = _outline(region)
    if contour is None:
        return False
    box_fit = cv2.contourArea(contour) / max(1.0, float(np.prod(cv2.minAreaRect(contour)[1])))
    return box_fit > least or ellipse_fit(region) > least + 0.03


def ellipse_fit(region: np.ndarray) -> float:
    """IoU of a shape's outline with the ellipse that fits it best, in [0, 1]."""
    contour = _outline(region)
    if contour is None or len(contour) < 6:
        return 0.0
    centre, axes, angle = cv2.fitEllipse(contour)
    if not all(np.isfinite((*centre, *axes))) or max(axes) > 2 * max(region.shape):
        return 0.0
    drawn, own = np.zeros(region.shape, np.uint8), np.zeros(region.shape, np.uint8)
    cv2.ellipse(drawn, (centre, axes, angle), 1, cv2.FILLED)
    cv2.drawContours(own, [contour], -1, 1, cv2.FILLED)
    return float((own & drawn).sum() / max(1, (own | drawn).sum()))


def _outline(region: np.ndarray) -> np.ndarray | None:
    contours, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=cv2.contourArea, default=None)
    return None if contour is None or cv2.contourArea(contour) < 8 else contour


def _is_lettered(flat: np.ndarray, writing: np.ndarray) -> bool:
    """Whether a text box holds marks on its plate; a reader at times takes a cap or a button for a letter."""
    ink = ~flat & writing
    count, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    marks = int((stats[1:, cv2.CC_STAT_AREA] >= 3).sum())
    return marks >= 2 and 0.05 < ink.sum() / max(1, writing.sum()) < 0.7


def lies_over(region: np.ndarray, foreground: np.ndarray) -> bool:
    """Whether a shape lies across the outline of what is behind it: where the two outlines meet there are notches.

    The edge of a label or of a pack's face runs into the outline without one.
    """
    gap = max(3, round(0.01 * max(region.shape)))
    solid = fill_holes(foreground | region).astype(np.float32)
    contours, _ = cv2.findContours(
        cv2.dilate(region.astype(np.uint8), np.ones((2 * gap + 1,) * 2, np.uint8)),
        cv2.RETR_EXTERNAL,
        cv2.CHAIN_APPROX_NONE,
    )
    walk = max(contours, key=len)[:, 0]
    inside = solid[walk[:, 1], walk[:, 0]] > 0
    turns = [k for k in range(len(walk)) if inside[k] != inside[k - 1]]
    if not turns:
        return False
    radius = max(4, round(0.02 * max(region.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2).astype(np.float32)
    filling = cv2.filter2D(solid, -1, disc / disc.sum(), borderType=cv2.BORDER_CONSTANT)
    edge = [filling[walk[k][1], walk[k][0]] for k in turns]
    return float(np.mean(np.float32(edge) > 0.6)) >= 0.5


def _is_round(region: np.ndarray) -> bool:
    """Whether a shape is a disc, an ellipse or a star."""
    contour = _outline(region)
    if contour is None:
        return False
    box_fit = cv2.contourArea(contour) / max(1.0, float(np.prod(cv2.minAreaRect(contour)[1])))
    return box_fit < 0.85 and ellipse_fit(region) > 0.84


def thin_lines(body: np.ndarray, marks: np.ndarray, accents: np.ndarray | None = None) -> np.ndarray:
    """Callout and dimension lines in `body` bool (h, w): thin, straight, and starting at an overlay in `marks`, or
    standing free of everything thick; and lines and rings in the overlays' colours, `accents` bool (h, w), to where
    they end on the product."""
    side = max(body.shape)
    accents = np.zeros_like(body) if accents is None else accents
    lines = _lines_of(body, marks, accents, max(2, round(0.008 * side)), bold=False)
    # The thin end of a bold line is not to be taken from it: it touches the overlay.
    for rest in (body, body & ~lines):
        lines |= _lines_of(rest, marks, accents, max(3, round(0.014 * side)), bold=True)
    if not (lines & accents).any():
        return lines
    drawn = grown(accents, lines)
    drawn &= ~grown(drawn, cv2.morphologyEx(drawn.astype(np.uint8), cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)) > 0)
    return lines | (body & (cv2.dilate(drawn.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0))


def _lines_of(body: np.ndarray, marks: np.ndarray, accents: np.ndarray, width: int, bold: bool) -> np.ndarray:
    """Lines at most `width` px wide. Bold ones must touch their overlay and be straight: legs are as wide."""
    side = max(body.shape)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width + 1, width + 1))
    # A bright streak along a thin part does not make two lines of it.
    closed = cv2.morphologyEx(body.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    thick = cv2.morphologyEx(closed, cv2.MORPH_OPEN, kernel)
    near_thick = cv2.dilate(thick, np.ones((3, 3), np.uint8)) > 0
    thin = body & ~near_thick
    count, labels, stats, _ = cv2.connectedComponentsWithStats(thin.astype(np.uint8), connectivity=8)
    beside_marks = _within(marks, max(4, round((0.012 if bold else 0.025) * side)))
    # A line may begin beside its caption's box, where no writing is.
    near_marks = _within(marks, round(0.12 * side), round(0.03 * side))
    beside_thick = _within(near_thick, 1)
    lines = np.zeros(body.shape, bool)
    for label in range(1, count):
        x, y, w, h, area = stats[label]
        if max(w, h) < (0.05 if bold else 0.025) * side:
            continue
        box = slice(y, y + h), slice(x, x + w)
        piece = labels[box] == label
        points = cv2.findNonZero(piece.astype(np.uint8))
        short, long = sorted(cv2.minAreaRect(points)[1])
        straight = short <= width + 1.5 and long > 5 * short
        starts = bool((piece & beside_marks[box]).any())
        if not bold and straight and max(w, h) > 0.05 * side:
            starts |= bool((piece & near_marks[box])[_loose_end(piece, beside_thick[box])].any())
        accented = bool((piece & accents[box]).sum() > ACCENTED * area)
        starts |= straight and accented
        free = not bold and not (piece & beside_thick[box]).any()
        if (starts or free) and (straight or not bold and (short <= 1.5 * width + 2 or starts and area < 0.08 * w * h)):
            lines[box] |= piece
    return lines


def _loose_end(piece: np.ndarray, beside_thick: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a line's pixels farthest from what it hangs on; none if it hangs on both ends."""
    rows, cols = np.nonzero(piece)
    along = (cols - cols.mean()) * np.ptp(cols) + (rows - rows.mean()) * np.ptp(rows) * _slant(rows, cols)
    held = beside_thick[rows, cols]
    low, high = along <= np.quantile(along, 0.05), along >= np.quantile(along, 0.95)
    if (low & held).any() == (high & held).any():
        return rows[:0], cols[:0]
    end = high if (low & held).any() else low
    return rows[end], cols[end]


def _slant(rows: np.ndarray, cols: np.ndarray) -> float:
    """1 for lines that fall to the right, -1 for those that rise."""
    return -1.0 if ((rows - rows.mean()) * (cols - cols.mean())).sum() < 0 else 1.0


def _within(mask: np.ndarray, across: int, up: int | None = None) -> np.ndarray:
    """Less than `across` px to the side of `mask` and `up` (or as many) above or below."""
    kernel_hw = 2 * (across if up is None else up) + 1, 2 * across + 1
    return cv2.dilate(mask.astype(np.uint8), np.ones(kernel_hw, np.uint8)) > 0


def grown(mask: np.ndarray, seed: np.ndarray) -> np.ndarray:
    """The 8-connected components of `mask` that contain a pixel of `seed`, bool (h, w)."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    keep = np.zeros(count, bool)
    keep[np.unique(labels[seed & mask])] = True
    keep[0] = False
    return keep[labels]
