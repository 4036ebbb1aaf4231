"""What the background of a product photo looks like, learnt from its border.

Works on a reduced picture. The border band votes for up to three colours; each is followed across the picture as a
smooth surface (quadratic, then locally corrected), so that gradients and vignettes count as background. Frames are
found and left out. Soft shadows are background too: the same hue, darker, without an edge towards it.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from packshot.compose import fill_holes
from packshot.shadows import grow_into_shadows

_BAND = 0.045
_FRAME = 0.07
_BUSY = 0.6
_GREYER = 0.12
"""Share of the chroma."""


@dataclass(slots=True)
class Background:
    """The background of a reduced picture.

    `lab` float32 (h, w, 3): the background's colour everywhere, behind the product too.
    `distance` float32 (h, w): how far each pixel's colour is from it, in Lab units; about 100 is black on white.
    `threshold` float32 (h, w): distances below are background colour; beside strong edges it is higher, since lossy
    compression leaves a halo there. `mask` bool (h, w): what is background, soft shadows included.
    `explained` in [0, 1]: the share of the border band that has background colour; below 0.6 it is busy.
    `modes`: how many colours it took. `frame` bool (h, w): strips along the edges drawn as a frame, and panels that
    fill a whole side.
    """

    lab: np.ndarray
    distance: np.ndarray
    threshold: np.ndarray
    mask: np.ndarray
    explained: float
    modes: int
    frame: np.ndarray

    @property
    def alike(self) -> np.ndarray:
        """bool (h, w): has background colour, enclosed or not."""
        return self.distance < self.threshold

    @property
    def busy(self) -> bool:
        """Whether the border has no few colours that stand for the background."""
        return self.explained < _BUSY

    @property
    def sure(self) -> bool:
        """Whether one smooth colour explains most of the border, so that colours alone tell what is background."""
        return self.modes == 1 and self.explained > 0.75


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """RGB uint8 (h, w, 3) to float32 Lab: L in [0, 100], a and b about [-100, 100]."""
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def tint(lab: np.ndarray, under: np.ndarray) -> np.ndarray:
    """float32 (..., 2): a and b of colours less those of the background `under` them, float32 (..., 3) both, where it
    lies in a shade as deep as they are dark. Light that falls away scales L + 16, a and b alike (the cube roots of CIE
    1976); what is left of it comes from all sides, and makes the shade a little greyer."""
    shaded = under[..., 1:] * ((lab[..., :1] + 16) / (under[..., :1] + 16))
    off = lab[..., 1:] - shaded
    chroma = np.maximum(np.linalg.norm(shaded, axis=-1, keepdims=True), 1e-6)
    greyer = -(off * shaded).sum(axis=-1, keepdims=True) / chroma
    return off + np.clip(greyer, 0, _GREYER * chroma) * shaded / chroma


def reduce(image: np.ndarray, side: int) -> np.ndarray:
    """The picture with a long side of at most `side` px; small pictures stay as they are."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    return cv2.resize(
        image, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )


def learn_background(small: np.ndarray, panels: bool = True) -> Background:
    """The background of `small`, RGB uint8 (h, w, 3), long side about 200 to 600 px. Flat shapes along its sides are
    none; without `panels` they may be."""
    height, width = small.shape[:2]
    lab = to_lab(small)
    frame = find_frame(lab)
    if panels:
        frame |= find_panels(lab)
    band = _border_band(frame)
    samples = np.flatnonzero(band)
    samples = samples[:: max(1, len(samples) // 2000)]
    flat = lab.reshape(-1, 3)
    terms = _terms(height, width)

    noise = _noise(lab, band)
    tolerance = float(np.clip(4.5 * noise, 4.0, 9.0))
    surfaces: list[np.ndarray] = []
    left = samples
    explained = 0.0
    while len(left) > 0.08 * len(samples) and len(surfaces) < 3:
        surface, inliers = _follow(flat, terms, left, tolerance)
        if len(inliers) < 0.08 * len(samples):
            break
        surfaces.append(surface)
        left = np.setdiff1d(left, inliers, assume_unique=True)
        explained = 1 - len(left) / len(samples)
        if explained > 0.9 or (len(surfaces) == 1 and explained > _BUSY):
            break
    if not surfaces:
        surfaces = [np.tile(np.median(flat[samples], axis=0), (len(flat), 1)).astype(np.float32)]
    predicted, distance = _nearest(flat, surfaces)
    predicted, distance = predicted.reshape(lab.shape), distance.reshape(height, width)

    alike = _touching((distance < tolerance) & ~frame, band)
    for _ in range(3):
        # Each time the background is known farther inwards, so that vignettes and pools of light are followed.
        if not alike.any():
            break
        predicted = _correct(lab, predicted, alike, max(height, width) / 12)
        distance = _lab_distance(lab, predicted)
        before = int(alike.sum())
        alike = _touching((distance < tolerance) & ~frame, band)
        if alike.sum() < 1.03 * before:
            break
    if alike.any():
        # The background's own scatter decides how faint a product may be: white on white is told by a few units.
        scatter = float(np.median(distance[alike & band])) if (alike & band).any() else noise
        tolerance = float(np.clip(4.0 * scatter, 1.8, tolerance))
    threshold = _threshold(distance, tolerance)
    mask = _touching((distance < threshold) & ~frame, band)
    mask |= _openings(distance, threshold, mask, frame)
    mask = grow_into_shadows(lab, predicted, mask, distance < threshold, frame)
    return Background(predicted, distance, threshold, mask, float(explained), len(surfaces), frame)


def find_frame(lab: np.ndarray) -> np.ndarray:
    """bool (h, w): strips along the edges, at most 7 % deep, of one colour and with a sharp inner edge."""
    height, width = lab.shape[:2]
    frame = np.zeros((height, width), bool)
    for turn in range(4):
        lines = np.rot90(lab, turn)
        depth = max(2, round(_FRAME * lines.shape[0]))
        if lines.shape[0] < 3 * depth:
            continue
        middle = lines[: depth + 1, lines.shape[1] // 12 : -max(1, lines.shape[1] // 12)]
        colour = np.median(middle, axis=1)
        spread = np.abs(middle - colour[:, None]).sum(axis=2)
        even = (spread < 8).mean(axis=1) > 0.9
        step = np.linalg.norm(np.diff(colour, axis=0), axis=1)
        inside = np.linalg.norm(colour - colour[-1], axis=1)
        # A strip is followed by another even colour; a product or a floor that reaches the edge is not.
        edges = [k for k in range(depth) if step[k] > 5 and even[0] and even[k + 1 :].all() and inside[k] > 5]
        if edges:
            strip = np.rot90(frame, turn)
            strip[: max(edges) + 2] = True
    return frame


def find_panels(lab: np.ndarray) -> np.ndarray:
    """bool (h, w): flat shapes that start along a whole side and end with an edge, such as a banner at the foot, and
    what they enclose."""
    panels = np.zeros(lab.shape[:2], bool)
    for turn in range(4):
        side = np.rot90(lab, turn)
        line = slice(1, 3)
        colour = np.median(side[line], axis=(0, 1))
        unlike = np.linalg.norm(side - colour, axis=2)
        flat = unlike < 5
        if flat[line].mean() < 0.85:
            continue
        _, labels = cv2.connectedComponents(flat.astype(np.uint8), connectivity=4)
        region = np.isin(labels, np.unique(labels[line][flat[line]])) & flat
        region[:2] = True
        region = fill_holes(region)
        if region.mean() > 0.48 or region[-2:].mean() > 0.1:
            continue
        apart = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, 3)
        beyond = unlike[(apart > 2.5) & (apart < 5)]
        if len(beyond) and np.percentile(beyond, 20) > 10:
            np.rot90(panels, turn)[:] |= apart < 2.5
    return panels


def _border_band(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape
    rows, cols = np.flatnonzero(~frame.all(axis=1)), np.flatnonzero(~frame.all(axis=0))
    band = np.zeros((height, width), bool)
    if not len(rows) or not len(cols):
        return ~band
    depth = max(2, round(_BAND * max(height, width)))
    top, bottom, left, right = rows[0], rows[-1] + 1, cols[0], cols[-1] + 1
    band[top:bottom, left:right] = True
    band[top + depth : bottom - depth, left + depth : right - depth] = False
    return band & ~frame


def _terms(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1).reshape(-1, 6)


def _noise(lab: np.ndarray, band: np.ndarray) -> float:
    """Robust size of pixel noise in the band, Lab units."""
    fine = np.abs(lab - cv2.blur(lab, (3, 3))).sum(axis=2)[band]
    return float(np.median(fine)) if len(fine) else 1.0


def _follow(
    flat: np.ndarray, terms: np.ndarray, samples: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """The commonest colour among the samples as a quadratic surface over the picture, and the samples on it."""
    colours, here = flat[samples], terms[samples]
    bins = np.round(colours / 5).astype(np.int64)
    keys = (bins[:, 0] + 100) * 1_000_000 + (bins[:, 1] + 100) * 1000 + bins[:, 2] + 100
    values, counts = np.unique(keys, return_counts=True)
    start = np.median(colours[keys == values[counts.argmax()]], axis=0)
    inside = np.linalg.norm(colours - start, axis=1) < 2.5 * tolerance
    weights = np.zeros((6, 3), np.float32)
    weights[0] = start
    for round_ in range(4):
        if inside.sum() < 12:
            break
        order = 6 if round_ else 3
        basis = here[inside, :order]
        ridge = np.diag([0.0] + [0.002 * inside.sum()] * (order - 1))
        normal = np.einsum("ni,nj->ij", basis, basis) + ridge + 1e-6 * np.eye(order)
        weights[:order] = np.linalg.solve(normal, np.einsum("ni,nj->ij", basis, colours[inside]))
        inside = np.linalg.norm(colours - np.einsum("ni,ij->nj", here, weights), axis=1) < tolerance
    low, high = np.percentile(colours[inside], [1, 99], axis=0) if inside.any() else (start, start)
    # A surface must not run away where the band is hidden: it stays within what the band shows.
    span = np.maximum(high - low, 2)
    surface = np.einsum("ni,ij->nj", terms, weights)
    np.clip(surface, low - 0.5 * span, high + 0.5 * span, out=surface)
    inside = np.linalg.norm(colours - surface[samples], axis=1) < tolerance
    return surface.astype(np.float32), samples[inside]


def _nearest(flat: np.ndarray, surfaces: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    distances = np.stack([np.linalg.norm(flat - s, axis=1) for s in surfaces])
    best = distances.argmin(axis=0)
    predicted = surfaces[0] if len(surfaces) == 1 else np.choose(best[:, None], surfaces)
    return predicted, distances.min(axis=0)


def _lab_distance(lab: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return np.sqrt(((lab - predicted) ** 2).sum(axis=2))


def _correct(lab: np.ndarray, predicted: np.ndarray, known: np.ndarray, sigma: float) -> np.ndarray:
    """Add what the surface missed, averaged over background pixels nearby."""
    scale = 4
    size_wh = max(2, lab.shape[1] // scale), max(2, lab.shape[0] // scale)
    weight = known.astype(np.float32)
    rest = cv2.resize((lab - predicted) * weight[..., None], size_wh, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(weight, size_wh, interpolation=cv2.INTER_AREA)
    rest = cv2.GaussianBlur(rest, (0, 0), sigma / scale, borderType=cv2.BORDER_REPLICATE)
    weight = cv2.GaussianBlur(weight, (0, 0), sigma / scale, borderType=cv2.BORDER_REPLICATE)
    rest = rest / (weight + 0.02)[..., None]
    return predicted + cv2.resize(rest, lab.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _touching(mask: np.ndarray, seed: np.ndarray) -> np.ndarray:
    """The 4-connected components of `mask` that contain a pixel of `seed`."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    keep = np.zeros(count, bool)
    keep[np.unique(labels[seed & mask])] = True
    keep[0] = False
    return keep[labels]


def _threshold(distance: np.ndarray, tolerance: float) -> np.ndarray:
    """A seventh of the strongest contrast nearby, which is what compression may leave around an edge."""
    reach = max(2, round(max(distance.shape) / 80))
    strongest = cv2.dilate(distance, np.ones((2 * reach + 1,) * 2, np.uint8))
    return np.clip(cv2.blur(strongest, (2 * reach + 1,) * 2) / 7, tolerance, 8).astype(np.float32)


def _openings(distance: np.ndarray, threshold: np.ndarray, mask: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Enclosed background: the very colour, and a sharp rim, which a highlight has not."""
    side = max(distance.shape)
    tolerance = float(threshold.min())
    alike = (distance < 0.75 * threshold) & ~mask & ~frame
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    alike = cv2.morphologyEx(alike.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(alike, connectivity=4)
    if count < 2:
        return np.zeros_like(mask)
    scatter = float(np.median(distance[mask])) if mask.any() else 0.0
    areas = stats[:, cv2.CC_STAT_AREA]
    mean = np.bincount(labels.ravel(), distance.ravel(), count) / np.maximum(areas, 1)
    keep = areas >= max(8, (side / 160) ** 2)
    keep[0] = False
    # Openings lie beside the background or each other, like cells of a grid; pale marks on a product do not.
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)
    depth = cv2.distanceTransform(alike, cv2.DIST_L2, 3)
    for label in np.flatnonzero(keep):
        x, y, w, h = stats[label, :4]
        window = slice(max(0, y - 9), y + h + 9), slice(max(0, x - 9), x + w + 9)
        hole = (labels[window] == label).astype(np.uint8)
        inner = hole > 0
        apart = cv2.distanceTransform(1 - hole, cv2.DIST_L2, 3)
        around = distance[window]
        near, far = around[(apart > 1) & (apart <= 3.5)], around[(apart > 5) & (apart <= 8)]
        if not len(near) or not len(far):
            keep[label] = False
            continue
        sharp = 0.55 * float(np.median(far))
        exact = mean[label] < scatter + 0.6 * tolerance and np.median(near) > max(4 * tolerance, sharp)
        # Between bars the colour is less exact, but there is a strong edge all around.
        radius = float(depth[window][inner].max())
        others = (keep[labels[window]] & ~inner).any()
        if not others and outside[window][inner].min() > 3 * radius + 4:
            keep[label] = False
            continue
        keep[label] = exact or np.percentile(near, 30) > max(12 * tolerance, 0.4 * sharp)
    holes = keep[labels].astype(np.uint8)
    # Give back what the opening took off the rim.
    return (cv2.dilate(holes, kernel) > 0) & (distance < threshold)
