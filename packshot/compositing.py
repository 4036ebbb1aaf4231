"""The product over a backdrop: pasting, edges that take on the light around them, shadow and reflection at its foot.

Cutouts are RGBA uint8 (H, W, 4), alpha not premultiplied. Where alpha is 255 the colour is the photo's own pixel, and
nothing here touches it.
"""

from dataclasses import dataclass

import cv2
import numpy as np

_WRAP = 0.35
"""How far the colour of an edge pixel moves to that of the backdrop around, times what shows of the backdrop in it."""


def paste(backdrop: np.ndarray, cutout: np.ndarray, wrap: bool = False) -> np.ndarray:
    """The cutout RGBA (H, W, 4) over a backdrop RGB uint8 (H, W, 3). Opaque pixels come out exactly as they are.

    `wrap`: edge pixels take on some of the backdrop's light, as they do in a photo; opaque ones never.
    """
    picture = backdrop.copy()
    alpha = np.ascontiguousarray(cutout[..., 3])
    cv2.copyTo(cv2.cvtColor(cutout, cv2.COLOR_RGBA2RGB), (alpha == 255).astype(np.uint8), picture)
    edge = np.flatnonzero((alpha > 0) & (alpha < 255))
    if len(edge):
        flat = picture.reshape(-1, 3)
        share = alpha.reshape(-1)[edge].astype(np.float32)[:, None] / 255
        colour = cutout.reshape(-1, 4)[edge, :3].astype(np.float32)
        behind = backdrop.reshape(-1, 3)[edge].astype(np.float32)
        if wrap:
            colour += _WRAP * (1 - share) * (behind - colour)
        flat[edge] = np.round(colour * share + behind * (1 - share)).astype(np.uint8)
    return picture


def on_white(cutout: np.ndarray) -> np.ndarray:
    """RGB uint8 (H, W, 3): the cutout on pure white."""
    return paste(np.full((*cutout.shape[:2], 3), 255, np.uint8), cutout)


@dataclass(slots=True)
class Footing:
    """Where a product stands. `foot` int (W,): its lowest row in each column, -1 where there is none. `firm` float32
    (W,) in [0, 1]: how surely the column rests on the ground there, rather than hanging over it as a handle does."""

    foot: np.ndarray
    firm: np.ndarray
    top: int
    base: int

    @property
    def tall(self) -> int:
        return max(4, self.base - self.top)


def footing(alpha: np.ndarray) -> Footing | None:
    """Read from `alpha` uint8 (H, W) where the product touches the ground; None for an empty one.

    The lowest columns rest on the ground. From them the outline is followed to both sides as long as it rises gently,
    as the edge of a box seen from a corner does; where it leaps or grows steep, the product hangs in the air.
    """
    solid = alpha > 127
    there = solid.any(axis=0)
    if not there.any():
        return None
    height, width = alpha.shape
    foot = np.where(there, height - 1 - np.argmax(solid[::-1], axis=0), -1)
    rows = np.flatnonzero(solid.any(axis=1))
    top, base = int(rows[0]), int(foot.max())
    tall = max(4, base - top)
    smooth = cv2.GaussianBlur(foot.astype(np.float32)[None], (0, 0), max(1.0, width / 300))[0]
    rise = np.abs(np.gradient(smooth))
    gentle = there & (rise < 0.9) & (base - foot < 0.3 * tall)
    rests = there & (base - foot <= max(2, 0.025 * tall))
    count, labels = cv2.connectedComponents((gentle | rests).astype(np.uint8)[None], connectivity=4)
    reached = np.zeros(count, bool)
    reached[np.unique(labels[0][rests])] = True
    reached[0] = False
    firm = np.where(reached[labels[0]], np.clip(1.15 - rise, 0, 1), 0).astype(np.float32)
    firm *= np.clip(1 - (base - foot) / (0.45 * tall), 0, 1)
    return Footing(foot, firm, top, base)


def cast_shadow(alpha: np.ndarray, strength: float) -> np.ndarray:
    """How much darker the ground is, float32 (h, w) in [0, strength]: `alpha` uint8 (h, w) is the product's.

    Light comes from the upper left. Along the product's foot the shadow is dark and narrow; a fainter one, the
    silhouette laid flat, falls to the right. A product that the frame's lower edge cuts stands on nothing visible, so
    it only dims what is behind it.
    """
    height, width = alpha.shape
    stand = footing(alpha)
    if stand is None or strength <= 0:
        return np.zeros((height, width), np.float32)
    base, tall = stand.base, stand.tall
    side = max(height, width)
    solid = alpha.astype(np.float32) / 255
    around = cv2.GaussianBlur(solid, (0, 0), max(1.0, 0.03 * side)) * 0.25
    if base >= height - 2:
        return strength * around
    extent = max(tall, int((stand.firm > 0).sum()) // 2)
    contact = np.zeros((height, width), np.float32)
    columns = np.flatnonzero(stand.firm > 0)
    thick = max(2, round(0.02 * extent))
    for step in range(-thick, thick // 2 + 1):
        contact[np.clip(stand.foot[columns] + step, 0, height - 1), columns] = stand.firm[columns]
    near = cv2.GaussianBlur(contact, (0, 0), max(0.8, 0.007 * extent))
    soft = cv2.GaussianBlur(contact, (0, 0), max(1.2, 0.03 * extent))
    flat, lean = 0.14, 0.3
    lay = np.float32([[1, -lean, lean * base], [0, flat, base * (1 - flat) + 0.008 * tall]])
    laid = cv2.warpAffine(solid, lay, (width, height))
    laid = cv2.GaussianBlur(laid, (0, 0), max(1.0, 0.02 * extent))
    return strength * np.clip(0.9 * near + 1.2 * soft + 0.5 * laid + 0.25 * around, 0, 1)


def reflect(backdrop: np.ndarray, cutout: np.ndarray, strength: float) -> np.ndarray:
    """`backdrop` float32 (h, w, 3) in [0, 255] with the product's faint mirror image on a glossy ground.

    Each column of the cutout RGBA uint8 (h, w, 4) is mirrored at its own foot, as far as it rests on the ground; the
    image fades downwards within a fifth of the product's height.
    """
    stand = footing(np.ascontiguousarray(cutout[..., 3]))
    height, width = backdrop.shape[:2]
    if stand is None or strength <= 0 or stand.base >= height - 2:
        return backdrop
    rows = np.arange(height, dtype=np.float32)[:, None]
    foot = stand.foot.astype(np.float32)[None]
    source_y = np.where(rows > foot, 2 * foot - rows, -1).astype(np.float32)
    source_x = np.broadcast_to(np.arange(width, dtype=np.float32)[None], source_y.shape)
    share = cutout[..., 3].astype(np.float32) / 255
    premultiplied = np.dstack([cutout[..., :3].astype(np.float32) * share[..., None], share])
    mirrored = cv2.remap(premultiplied, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    reach = 0.2 * stand.tall
    firm = cv2.GaussianBlur(stand.firm[None], (0, 0), max(1.0, width / 200))
    fade = strength * np.exp(-np.maximum(rows - foot, 0) / max(1.0, 0.4 * reach)) * np.minimum(firm, stand.firm[None])
    mirrored = cv2.GaussianBlur(mirrored * fade[..., None], (0, 0), max(0.6, 0.004 * max(height, width)))
    return backdrop * (1 - mirrored[..., 3:]) + mirrored[..., :3]
