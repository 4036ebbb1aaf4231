"""A photo being made: backdrop, products with their shadows, then the board of overlays."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from packshot.synth import wording
from packshot.synth.backgrounds import Backdrop
from packshot.synth.colours import Palette
from packshot.synth.overlays import Board, Box
from packshot.synth.products import Subject, draw_subject
from packshot.synth.raster import Layer, composite


@dataclass
class Scene:
    """State of one photo.

    Attributes:
        picture: (H, W, 3) float32 in [0, 1], what has been painted so far.
        alpha: (H, W) float32, the product's exact coverage.
        writing: (H, W) bool, writing on the product.
        product_box: xyxy of the product, None before one is placed.
    """

    rng: np.random.Generator
    split: str
    shape_hw: tuple[int, int]
    palette: Palette
    picture: np.ndarray = field(init=False)
    alpha: np.ndarray = field(init=False)
    writing: np.ndarray = field(init=False)
    subject: Subject | None = None
    product_box: Box | None = None
    board: Board | None = None
    clauses: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    snapshot: bool = False

    def __post_init__(self) -> None:
        self.alpha = np.zeros(self.shape_hw, np.float32)
        self.writing = np.zeros(self.shape_hw, bool)

    @property
    def width(self) -> int:
        return self.shape_hw[1]

    @property
    def height(self) -> int:
        return self.shape_hw[0]

    def back(self, backdrop: Backdrop) -> Backdrop:
        self.picture = backdrop.rgb.astype(np.float32, copy=True)
        return backdrop

    def product_name(self) -> str:
        return wording.product_name(self.rng, self.subject.kind if self.subject else None)

    def start_board(self) -> Board:
        """Overlays are drawn from here on; what lies beneath is final."""
        self.board = Board(self.rng, self.split, self.picture, self.palette)
        return self.board

    def region(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        return (x0 * self.width, y0 * self.height, x1 * self.width, y1 * self.height)

    def place(
        self,
        region: Box,
        backdrop: Backdrop,
        kind: str | None = None,
        shadow: str | None = None,
        tone: float = 0.0,
        subject: Subject | None = None,
    ) -> Box:
        """Put a product into a region (pixels), its foot on the backdrop's floor if it has one; returns its box.

        `tone` mixes the product's light towards the backdrop's, so that it belongs there.
        """
        rng = self.rng
        x0, y0, x1, y1 = region
        if subject is None:
            subject = draw_subject(rng, self.split, int(max(x1 - x0, y1 - y0)), kind, backdrop.stand is not None)
        layer = subject.layer
        h, w = layer.shape_hw
        scale = min((x1 - x0) / w, (y1 - y0) / h)
        if scale < 0.98 or scale > 1.02:
            layer = layer.transformed(0, scale)
            h, w = layer.shape_hw
        x = (x0 + x1 - w) / 2
        y = (y0 + y1 - h) / 2 if backdrop.stand is None or not subject.standing else backdrop.stand * self.height - h
        y = min(max(y, 0.0), self.height - h * 0.98)
        if tone:
            mean = self.picture[::8, ::8].reshape(-1, 3).mean(0)
            layer.rgb = np.clip(
                layer.rgb * (1 - tone + tone * (0.35 + 0.75 * mean / max(float(mean.max()), 0.2))), 0, 1
            ).astype(np.float32)
        shadow = shadow or str(rng.choice(backdrop.shadow))
        whole = Layer(self.shape_hw)
        whole.paste(layer, (x, y))
        self._cast(whole, (x, y, x + w, y + h), shadow, layer)
        self.picture = composite(self.picture, whole)
        self.alpha = whole.alpha + self.alpha * (1 - whole.alpha)
        self.writing &= whole.alpha < 0.5
        self.writing |= whole.ink
        self.subject = subject
        self.words += subject.words
        box = (
            max(0.0, float(round(x))),
            max(0.0, float(round(y))),
            float(min(self.width, x + w)),
            float(min(self.height, y + h)),
        )
        old = self.product_box
        self.product_box = (
            box if old is None else (min(old[0], box[0]), min(old[1], box[1]), max(old[2], box[2]), max(old[3], box[3]))
        )
        return box

    def _cast(self, whole: Layer, box: Box, kind: str, layer: Layer) -> None:
        """Darken the picture where the product keeps the light away."""
        if kind == "none":
            return
        rng = self.rng
        x0, y0, x1, y1 = box
        w, h = x1 - x0, y1 - y0
        small = (self.width // 4, self.height // 4)
        if kind == "reflection":
            mirror = Layer((1, 1))
            fade = np.linspace(rng.uniform(0.15, 0.35), 0, layer.shape_hw[0]).astype(np.float32) ** 1.5
            mirror.rgb, mirror.alpha, mirror.ink = (
                layer.rgb[::-1],
                layer.alpha[::-1] * fade[:, None],
                layer.ink[::-1] & False,
            )
            under = Layer(self.shape_hw)
            under.paste(mirror, (x0, y1 - 2))
            self.picture = composite(self.picture, under)
            return
        shade = cv2.resize(whole.alpha, small, interpolation=cv2.INTER_AREA)
        if kind in ("contact", "soft"):
            # The product's lowest part, flattened to the floor and widened.
            flat = np.zeros_like(shade)
            cx, cy = (x0 + x1) / 8, (y1 - h * 0.015) / 4
            tall = min(h, w) * (0.035 if kind == "contact" else 0.07) / 4
            foot = layer.alpha[int(h * 0.93) :].max(0) > 0.5
            columns = np.flatnonzero(foot)
            half = (columns[-1] - columns[0]) / 8 + 2 if len(columns) else w / 8
            cx = (x0 + (columns[0] + columns[-1]) / 2) / 4 if len(columns) else cx
            cv2.ellipse(flat, (int(cx), int(cy)), (int(half * 1.04), int(tall) + 1), 0, 0, 360, 1.0, -1)
            near = cv2.GaussianBlur(flat, (0, 0), max(0.8, tall * 0.5))
            wide = cv2.GaussianBlur(flat, (0, 0), max(1.5, tall * 2.5))
            shade = np.clip(near * rng.uniform(0.3, 0.6) + wide * rng.uniform(0.3, 0.7), 0, 0.85)
        else:
            reach = (0.05 if kind == "drop" else 0.09) * min(w, h)
            angle = rng.uniform(0.3, 2.6)
            shift = np.float32([[1, 0, reach * np.cos(angle) / 4], [0, 1, reach * abs(np.sin(angle)) / 4]])
            shade = cv2.warpAffine(shade, shift, small)
            sigma = reach / 4 * (rng.uniform(0.4, 0.9) if kind == "drop" else rng.uniform(0.08, 0.3))
            shade = cv2.GaussianBlur(shade, (0, 0), max(0.7, sigma)) * rng.uniform(
                0.2, 0.45 if kind == "drop" else 0.65
            )
        full = cv2.resize(shade, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        self.picture = self.picture * (1 - full[..., None])
