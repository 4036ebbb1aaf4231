"""Where the product stands on the canvas, and at which scale. Geometry only; no scaling unless the rules force it.

The canvas is cut or widened around the product at its own resolution, so that its pixels need no resampling. Only where
the largest or least size that is allowed leaves no room for that is the product scaled, down freely, up if permitted.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import cv2
import numpy as np

from packshot.errors import ErrorCode, PhotoError

CUT_SHARE = 0.02
"""A product of which a longer part than this share of a side runs along the frame's edge is cut by it."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How a preset frames the product.

    `aspect`: width and height of the canvas in proportion; None keeps the photo's. `share`: the product's larger extent
    over the frame's, as wanted; it may sink to `least_share` before the product would have to be scaled up. `ground`:
    where the product stands, of the height from the top; None: in the middle. `least_wh`, `least_long`: px;
    `most_long`: px; `most_pixels`: width times height.
    """

    aspect: tuple[int, int] | None = None
    share: float = 0.85
    least_share: float = 0.3
    ground: float | None = None
    least_wh: tuple[int, int] = (1, 1)
    least_long: int = 1
    most_long: int = 10_000
    most_pixels: int = 100_000_000
    insist: bool = True


@dataclass(frozen=True, slots=True)
class Placement:
    """The part `box` (x0, y0, x1, y1, px) of the photo, scaled by `scale`, stands at `at` (x, y, px) on `canvas_wh`."""

    box: tuple[int, int, int, int]
    canvas_wh: tuple[int, int]
    at: tuple[int, int]
    scale: float = 1.0

    @property
    def size_wh(self) -> tuple[int, int]:
        """The scaled part's size."""
        x0, y0, x1, y1 = self.box
        return max(1, round((x1 - x0) * self.scale)), max(1, round((y1 - y0) * self.scale))

    def figures(self) -> dict[str, Any]:
        return {"box": list(self.box), "canvas_wh": list(self.canvas_wh), "at": list(self.at), "scale": self.scale}


def product_box(alpha: np.ndarray) -> tuple[int, int, int, int]:
    """The box around all that shows of `alpha` uint8 (H, W). Raises `PhotoError` (`no_product`) where nothing does."""
    x, y, w, h = cv2.boundingRect((alpha > 8).astype(np.uint8))
    if not w:
        raise PhotoError(ErrorCode.NO_PRODUCT, "the cutout is empty; cut the photo out by hand")
    return x, y, x + w, y + h


def cut_edges(alpha: np.ndarray) -> set[str]:
    """The edges of the photo that cut the product: left, top, right, bottom."""
    lines = {"left": alpha[:, 0], "top": alpha[0], "right": alpha[:, -1], "bottom": alpha[-1]}
    return {name for name, line in lines.items() if (line > 127).mean() > CUT_SHARE}


def stay(alpha: np.ndarray) -> Placement:
    """The product where it is, on a canvas of the photo's own size."""
    height, width = alpha.shape
    return Placement((0, 0, width, height), (width, height), (0, 0))


def place(alpha: np.ndarray, framing: Framing, max_upscale: float = 1.0) -> Placement:
    """Where a product of `alpha` uint8 (H, W) stands when it is framed anew.

    A product that an edge of the photo cuts stays at that edge. `max_upscale`: how far the product may be enlarged.

    Raises `PhotoError`: `no_product`, `too_small` (it would have to be enlarged more than that), `preset_failed` (it is
    cut on two opposite sides, so that no other shape of frame holds it).
    """
    box = product_box(alpha)
    cut = cut_edges(alpha)
    width, height = box[2] - box[0], box[3] - box[1]
    aspect = Fraction(*(framing.aspect or alpha.shape[::-1]))
    share = framing.share
    if {"left", "right"} <= cut or {"top", "bottom"} <= cut:
        if abs(alpha.shape[1] / alpha.shape[0] / float(aspect) - 1) > 0.01:
            raise PhotoError(
                ErrorCode.PRESET_FAILED,
                f"the product is cut on opposite sides ({', '.join(sorted(cut))}), so it fits no frame of "
                f"{aspect.numerator}:{aspect.denominator}; use a photo that shows all of it",
            )
        box, share = (0, 0, alpha.shape[1], alpha.shape[0]), 1.0
        width, height = alpha.shape[::-1]
    wanted = _around(width, height, share, aspect)
    largest = _around(width, height, min(share, framing.least_share), aspect)
    least, most = _least(framing, aspect), _most(framing, aspect)
    if wanted[0] > most[0]:
        canvas, scale = most, most[0] / wanted[0]
    elif wanted[0] >= least[0]:
        canvas, scale = wanted, 1.0
    elif largest[0] >= least[0]:
        canvas, scale = least, 1.0
    else:
        canvas, scale = least, least[0] / largest[0]
        if scale <= max_upscale + 1e-9:
            # Where it has to be enlarged anyway, it may as well fill the frame as far as wanted.
            scale = max(scale, min(max_upscale, least[0] / wanted[0]))
        elif not framing.insist:
            canvas, scale = largest, 1.0
        else:
            raise PhotoError(
                ErrorCode.TOO_SMALL,
                f"the product is {width}x{height} px; for {least[0]}x{least[1]} px it would be enlarged {scale:.2f} "
                f"times, and {max_upscale:g} is allowed: take a larger photo, or raise deliver.max_upscale",
                figures={"upscale": round(scale, 3)},
            )
    placed = Placement(box, canvas, (0, 0), scale)
    return Placement(box, canvas, _corner(placed, framing, cut), scale)


def _around(width: int, height: int, share: float, aspect: Fraction) -> tuple[int, int]:
    """The least canvas of that aspect on which the product's larger extent is at most `share` of the frame's."""
    ratio = float(aspect)
    wide = max(width / share, height / share * ratio)
    return _exact(wide, aspect, up=True)


def _exact(wide: float, aspect: Fraction, up: bool) -> tuple[int, int]:
    """A size about `wide` px across whose proportions are `aspect`, to the pixel where that is a simple ratio."""
    step = aspect.numerator
    if step <= 32:
        count = -(-wide // step) if up else wide // step
        count = max(1, int(count))
        return count * step, count * aspect.denominator
    across = max(1, int(np.ceil(wide - 1e-6) if up else wide))
    return across, max(1, round(across / float(aspect)))


def _least(framing: Framing, aspect: Fraction) -> tuple[int, int]:
    ratio = float(aspect)
    long_side = framing.least_long if ratio >= 1 else framing.least_long * ratio
    return _exact(max(framing.least_wh[0], framing.least_wh[1] * ratio, long_side), aspect, up=True)


def _most(framing: Framing, aspect: Fraction) -> tuple[int, int]:
    ratio = float(aspect)
    long_side = framing.most_long if ratio >= 1 else framing.most_long * ratio
    return _exact(min(long_side, (framing.most_pixels * ratio) ** 0.5), aspect, up=False)


def _corner(placed: Placement, framing: Framing, cut: set[str]) -> tuple[int, int]:
    """The upper left corner of the scaled product on the canvas."""
    (wide, tall), (width, height) = placed.canvas_wh, placed.size_wh
    x, y = (wide - width) // 2, (tall - height) // 2
    if framing.ground is not None:
        # A flat product stands a little under the middle, a tall one on the ground line.
        base = min(framing.ground, 0.64 + 0.36 * height / tall)
        y = min(max(0, round(base * tall) - height), tall - height)
    if "left" in cut:
        x = 0
    elif "right" in cut:
        x = wide - width
    if "top" in cut:
        y = 0
    elif "bottom" in cut:
        y = tall - height
    return x, y


def put_on_canvas(cutout: np.ndarray, placement: Placement, image: np.ndarray | None = None) -> np.ndarray:
    """The cutout RGBA uint8 (H, W, 4) on an otherwise transparent canvas of `placement`, alpha not premultiplied.

    At scale 1 its pixels are copied. Else they are resampled, premultiplied, so that no colour of what is transparent
    bleeds in; where the result is solid it equals `image` RGB uint8 (H, W, 3), the photo, resampled alike.
    """
    x0, y0, x1, y1 = placement.box
    part = cutout[y0:y1, x0:x1]
    if placement.scale != 1.0:
        source = part[..., :3] if image is None else image[y0:y1, x0:x1]
        part = _resampled(part, source, placement.size_wh)
    return on_canvas(part, placement)


def on_canvas(part: np.ndarray, placement: Placement) -> np.ndarray:
    """`part` uint8 (h, w, channels), already at its size, where the placement has it; zeros elsewhere."""
    (wide, tall), (x, y) = placement.canvas_wh, placement.at
    if (wide, tall) == part.shape[1::-1]:
        return np.ascontiguousarray(part)
    canvas = np.zeros((tall, wide, part.shape[2]), np.uint8)
    canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
    return canvas


def resample(pixels: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """`pixels` uint8 (h, w, 3) at another size: the one way in which a placed product is ever scaled."""
    shrinks = size_wh[0] < pixels.shape[1]
    return cv2.resize(pixels, size_wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def _resampled(part: np.ndarray, source: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    alpha = np.ascontiguousarray(part[..., 3])
    shrinks = size_wh[0] < part.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    share = part[..., 3:].astype(np.float32) / 255
    colour = cv2.resize(part[..., :3].astype(np.float32) * share, size_wh, interpolation=how)
    weight = cv2.resize(share[..., 0], size_wh, interpolation=how)
    result = np.empty((size_wh[1], size_wh[0], 4), np.uint8)
    result[..., :3] = np.clip(np.round(colour / np.maximum(weight, 1e-3)[..., None]), 0, 255)
    result[..., 3] = cv2.resize(alpha, size_wh, interpolation=how)
    solid = result[..., 3] == 255
    result[solid, :3] = resample(np.ascontiguousarray(source), size_wh)[solid]
    result[result[..., 3] == 0] = 0
    return result
