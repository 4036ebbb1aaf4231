"""The product alone on pure white: what marketplaces ask of a main image."""

from typing import Any

import numpy as np

from packshot.artifacts import Raster
from packshot.compose import on_white
from packshot.engines.base import Engine, EngineParams, map_photos


class WhiteBackground(Engine):
    stage = "deliver"
    name = "white"
    version = 1
    max_batch = 16
    Params = EngineParams

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Raster]:
        """RGB at the photo's own size; everything but the product is (255, 255, 255)."""
        (cutouts,) = upstream
        return map_photos(lambda image, cutout: Raster(on_white(cutout.pixels)), images, cutouts)
