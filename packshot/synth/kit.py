"""What every product drawer is handed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from packshot.synth import labels, textures
from packshot.synth.colours import Palette, draw_object_colour, draw_palette
from packshot.synth.raster import Colour, Layer


@dataclass
class Kit:
    """Randomness, design and size of one product.

    Attributes:
        px: side in pixels of the square that the product is drawn in.
        words: filled with what is printed on the product.
    """

    rng: np.random.Generator
    split: str
    px: int
    palette: Palette
    colour: Colour
    words: list[str] = field(default_factory=list)

    @classmethod
    def drawn(cls, rng: np.random.Generator, split: str, px: int) -> Kit:
        return cls(rng, split, px, draw_palette(rng, split), draw_object_colour(rng, split))

    def layer(self) -> Layer:
        return Layer((self.px, self.px))

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def at(self, *points: tuple[float, float]) -> np.ndarray:
        """Points of the unit square in pixels."""
        return np.asarray(points, np.float32) * self.px

    def label(self, height: float, width: float, ground: Colour | None = None) -> tuple[np.ndarray, np.ndarray]:
        """A pack design of `height` by `width` (shares of the square) and its writing."""
        shape = (max(8, int(height * self.px)), max(8, int(width * self.px)))
        picture, ink, words = labels.label(self.rng, shape, self.palette, self.split, ground)
        self.words += words
        return picture, ink

    def cloth(self) -> np.ndarray:
        p = self.palette
        return textures.cloth_print(self.rng, (self.px, self.px), self.colour, p.accent, p.tint)

    def wrinkles(self, strength: float, cell: float = 0.18) -> np.ndarray:
        return textures.noise(self.rng, (self.px, self.px), self.px * cell, 3) * np.float32(strength)
