"""The product in a studio that is drawn to the prompt, with a shadow under it. The product's pixels stay untouched."""

import zlib
from typing import Any

import cv2
import numpy as np
from pydantic import Field

from packshot.artifacts import Caption, Raster
from packshot.backdrops import draw_backdrop, read_prompt
from packshot.compose import cast_shadow, paste
from packshot.engines.base import Engine, EngineParams, map_photos


class StudioBackdropParams(EngineParams):
    side: int = Field(1024, ge=128, le=4096, description="px; the long side at which backdrops are drawn")
    shadow: float = Field(0.55, ge=0, le=1, description="how dark the shadow is")


class StudioBackdrop(Engine):
    """Words understood (English, Russian): colours; gradient, solid; wood, marble, concrete, fabric, table; dark,
    light, warm, cool, pastel; window light. An empty prompt gets a calm colour that suits the product's."""

    stage = "inpaint"
    name = "studio"
    version = 1
    max_batch = 16
    Params = StudioBackdropParams
    params: StudioBackdropParams

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Raster]:
        cutouts, captions, prompts = upstream
        return map_photos(self._place, images, cutouts, captions, prompts)

    def _place(self, image: np.ndarray, cutout: Raster, caption: Caption, prompt: str) -> Raster:
        height, width = image.shape[:2]
        pixels = cutout.pixels
        seed = zlib.crc32((prompt or "").encode(), zlib.crc32(image))
        rng = np.random.default_rng(seed)
        scale = min(1.0, self.params.side / max(height, width))
        size_wh = max(1, round(width * scale)), max(1, round(height * scale))
        alpha = cv2.resize(np.ascontiguousarray(pixels[..., 3]), size_wh, interpolation=cv2.INTER_AREA)
        style = read_prompt(prompt or "", _main_colour(pixels), rng)
        rows = np.flatnonzero((alpha > 127).any(axis=1))
        ground = (rows[-1] + 1) / size_wh[1] if len(rows) else 0.8
        backdrop = draw_backdrop(size_wh, style, ground, rng)
        dark = cast_shadow(alpha, self.params.shadow)
        backdrop *= 1 - dark[..., None]
        backdrop = np.round(backdrop).astype(np.uint8)
        if scale < 1:
            backdrop = cv2.resize(backdrop, (width, height), interpolation=cv2.INTER_CUBIC)
        return Raster(paste(backdrop, pixels))


def _main_colour(cutout: np.ndarray) -> tuple[float, float, float]:
    """The product's mean colour, saturated pixels counting more."""
    step = max(1, max(cutout.shape[:2]) // 200)
    flat = cutout[::step, ::step].reshape(-1, 4)
    colours = flat[flat[:, 3] > 200, :3].astype(np.float32)
    if not len(colours):
        return 128.0, 128.0, 128.0
    weight = 0.05 + (colours.max(axis=1) - colours.min(axis=1)) / 255
    mean = (colours * weight[:, None]).sum(axis=0) / weight.sum()
    return float(mean[0]), float(mean[1]), float(mean[2])
