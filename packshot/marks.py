"""Where infographics lie in a photo: writing that floats on the background, plates under it, and what they leave."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from packshot.compose import thickness
from packshot.foreground import Foreground
from packshot.plates import commonest, drawn_plate, plate_under, unseen_plate, with_outline
from packshot.quads import fill_quad, line_height
from packshot.stuck_on import sticker_under

_STRONG = 20
"""Chroma in Lab."""


@dataclass(slots=True)
class Marks:
    """All bool (h, w). `writing`, one a text box; `text`, all of them; `loose`, those that float on the background;
    `plates`, flat shapes under writing that are overlays, one by one in `plate_masks`; `around`, a ring about each text
    box; `quads`, the boxes' corners, float32 (4, 2); `windows`, magnified details and inset photos: in `plates`,
    but not in `plate_masks`, since they show the product's colours; `stickers`, those of `plate_masks` that are known
    to lie over a product, however it looks there."""

    writing: list[np.ndarray]
    text: np.ndarray
    loose: np.ndarray
    plates: np.ndarray
    plate_masks: list[np.ndarray] = field(default_factory=list)
    around: list[np.ndarray] = field(default_factory=list)
    quads: list[np.ndarray] = field(default_factory=list)
    windows: list[np.ndarray] = field(default_factory=list)
    stickers: list[np.ndarray] = field(default_factory=list)

    @property
    def all(self) -> np.ndarray:
        return self.loose | self.plates

    @property
    def covers(self) -> list[np.ndarray]:
        return self.plate_masks + self.windows

    def add_plate(self, plate: np.ndarray) -> None:
        self.plates |= plate
        self.plate_masks.append(plate)

    def add_window(self, window: np.ndarray) -> None:
        self.plates |= window
        self.windows.append(window)

    def take_back(self, plates: list[np.ndarray]) -> None:
        """These of `plate_masks` are none."""
        if not plates:
            return
        self.plate_masks = [plate for plate in self.plate_masks if not any(plate is one for one in plates)]
        self.stickers = [sticker for sticker in self.stickers if not any(sticker is one for one in plates)]
        self.plates = union(self.covers, np.zeros_like(self.plates))


def find_marks(lab: np.ndarray, found: Foreground, quads: list[np.ndarray]) -> Marks:
    """`lab` float32 (h, w, 3); `quads` the text boxes (4, 2) in its pixels."""
    shape_hw = lab.shape[:2]
    empty = np.zeros(shape_hw, bool)
    # No line of writing is that tall: a reader takes bare outlines for letters.
    quads = [quad for quad in quads if line_height(quad) < 0.3 * max(shape_hw)]
    alike = found.background.mask | found.background.alike
    foreground = found.mask if found.background.busy else ~alike & ~found.background.frame
    writing = [fill_quad(quad, shape_hw) for quad in quads]
    around = [_around(mask, quad) for mask, quad in zip(writing, quads, strict=True)]
    heights = [line_height(quad) for quad in quads]
    lettered = [_has_strokes(foreground & mask, height) for mask, height in zip(writing, heights, strict=True)]
    floating = [
        bool(letters and (not ring.any() or (~foreground)[ring].mean() > 0.55))
        for letters, ring in zip(lettered, around, strict=True)
    ]
    loose = union([mask for mask, floats in zip(writing, floating, strict=True) if floats], empty)
    marks = Marks(writing, union(writing, empty), loose, empty.copy(), [], around, quads)
    centres = np.array([quad.mean(axis=0) for quad in quads], np.float32).reshape(-1, 2)
    # A plate that touches another stands free once that is gone.
    for _ in range(2):
        beside = foreground & ~marks.plates
        for mask, ring, floats in zip(writing, around, floating, strict=True):
            if floats or (marks.plates & mask).sum() > 0.5 * mask.sum() or not (mask & foreground).any():
                continue
            plate = plate_under(lab, beside, mask, ring, centres)
            if plate is not None:
                marks.add_plate(with_outline(lab, plate, alike))
            elif (sticker := sticker_under(lab, beside, mask, ring)) is not None:
                marks.add_plate(sticker)
                marks.stickers.append(sticker)
    for rest in _covered_plates(lab, foreground & ~marks.plates, marks):
        marks.add_plate(rest)
    return marks


def _covered_plates(lab: np.ndarray, beside: np.ndarray, marks: Marks) -> list[np.ndarray]:
    """Plates of which others hide the writing: pieces of `beside` bool (h, w), the foreground without plates, that
    touch a plate, and are of one colour, that of another plate at least as large."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(beside.astype(np.uint8), connectivity=8)
    near = cv2.dilate(marks.plates.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    core = cv2.erode(beside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    areas, is_rest = stats[:, cv2.CC_STAT_AREA], np.zeros(count, bool)
    for plate in marks.plate_masks:
        alike = core & (np.linalg.norm(lab - commonest(lab[plate]), axis=2) < 7)
        cores, flats = (np.bincount(labels[where], minlength=count) for where in (core, alike))
        is_rest |= (flats > 0.8 * cores) & (cores > 8) & (areas <= plate.sum())
    is_rest &= np.bincount(labels[near], minlength=count) > 0
    is_rest[0] = False
    return [cv2.dilate((labels == rest).astype(np.uint8), np.ones((3, 3))) > 0 for rest in np.flatnonzero(is_rest)]


def add_unseen_plates(marks: Marks, lab: np.ndarray, found: Foreground, saliency: np.ndarray) -> None:
    """Plates that hang on the product's outline, so that colours alone took them for a part of it: the network does not
    see them, `saliency` float32 (h, w)."""
    for mask, ring in zip(marks.writing, marks.around, strict=True):
        if (marks.all & mask).sum() > 0.5 * mask.sum() or not mask.any() or saliency[mask].mean() > 0.3:
            continue
        plate = unseen_plate(lab, found.mask, mask, ring, saliency)
        if plate is not None:
            marks.add_plate(plate)


def add_drawn_plates(marks: Marks, lab: np.ndarray, saliency: np.ndarray) -> None:
    """Plates on backgrounds of which the colours are not known for sure, `saliency` float32 (h, w)."""
    for mask, ring in zip(marks.writing, marks.around, strict=True):
        if (marks.plates & mask).sum() > 0.5 * mask.sum() or not mask.any():
            continue
        plate = drawn_plate(lab, mask, ring, marks.text, saliency)
        if plate is not None:
            marks.add_plate(plate)


def without_marks(small: np.ndarray, found: Foreground, marks: Marks) -> np.ndarray:
    """`small` RGB uint8 (h, w, 3) with floating writing and plates painted over in the background's colour."""
    hidden = cv2.dilate(marks.all.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if not hidden.any():
        return small
    if found.background.busy:
        tiny_wh = max(8, small.shape[1] // 3), max(8, small.shape[0] // 3)
        tiny = cv2.resize(small, tiny_wh, interpolation=cv2.INTER_AREA)
        holes = cv2.resize(hidden.astype(np.uint8), tiny_wh, interpolation=cv2.INTER_AREA)
        fill = cv2.inpaint(tiny, holes, 3, cv2.INPAINT_TELEA)
        fill = cv2.resize(fill, small.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    else:
        fill = cv2.cvtColor(found.background.lab.astype(np.float32), cv2.COLOR_LAB2RGB)
        fill = np.clip(np.round(255 * fill), 0, 255).astype(np.uint8)
    return np.where(hidden[..., None], fill, small)


def accents(lab: np.ndarray, found: Foreground, marks: Marks) -> np.ndarray:
    """bool (h, w): where the strong colours of plates and floating writing are, in which callout lines are drawn too.
    `lab` float32 (h, w, 3)."""
    inks = [found.mask & mask & marks.loose & ~marks.plates for mask in marks.writing]
    colours = [commonest(lab[mask]) for mask in [*marks.plate_masks, *inks] if mask.any()]
    colours += [rim_colour(lab, window) for window in marks.windows]
    strong = [colour for colour in colours if np.hypot(*colour[1:]) > _STRONG]
    alike = [np.linalg.norm(lab - colour, axis=2) < 10 for colour in strong]
    return union(alike, np.zeros(lab.shape[:2], bool)) & ~found.background.alike


def rim_colour(lab: np.ndarray, window: np.ndarray) -> np.ndarray:
    """The colour of a magnified detail's rim, Lab float32 (3,)."""
    width = max(3, round(0.05 * np.sqrt(window.sum())))
    inner = cv2.erode(window.astype(np.uint8), np.ones((2 * width + 1,) * 2, np.uint8)) > 0
    return commonest(lab[window & ~inner])


def _has_strokes(marks: np.ndarray, height: float) -> bool:
    """Whether the marks in a text box are as thin as letters are; a product that was taken for a letter is not."""
    if not marks.any():
        return True
    if cv2.connectedComponents(marks.astype(np.uint8), connectivity=8)[0] > 3:
        # A row of plates, read as a word of O's, has a box higher than they are.
        height = min(height, float(marks.any(axis=1).sum()), float(marks.any(axis=0).sum()))
    return thickness(marks) < 0.42 * height + 1.5


def _around(mask: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """A ring outside a text box: a gap, then as wide as a quarter of the line is high."""
    gap, width = 1, max(2, int(0.25 * line_height(quad)))
    solid = mask.astype(np.uint8)
    near = cv2.dilate(solid, np.ones((2 * gap + 1,) * 2, np.uint8))
    far = cv2.dilate(solid, np.ones((2 * (gap + width) + 1,) * 2, np.uint8))
    return (far > 0) & (near == 0)


def without_writing(foreground: np.ndarray, loose: np.ndarray) -> np.ndarray:
    """The foreground without strokes of floating text: whole components of it, and pieces inside the text boxes."""
    if not loose.any():
        return foreground
    count, labels = cv2.connectedComponents(foreground.astype(np.uint8), connectivity=8)
    areas = np.bincount(labels.ravel(), minlength=count)
    within = np.bincount(labels[loose], minlength=count)
    gone = within > 0.5 * areas
    gone[0] = False
    body = foreground & ~gone[labels]
    pieces = body & loose
    if pieces.any():
        count, labels = cv2.connectedComponents(pieces.astype(np.uint8), connectivity=8)
        outside = cv2.dilate((body & ~loose).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        touching = np.zeros(count, bool)
        touching[np.unique(labels[outside & pieces])] = True
        body &= ~(pieces & ~touching[labels])
    return body


def union(masks: list[np.ndarray], empty: np.ndarray) -> np.ndarray:
    return np.any(masks, axis=0) if masks else empty.copy()
