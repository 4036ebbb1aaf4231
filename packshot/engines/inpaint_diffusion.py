"""The product on a background that a diffusion model paints to the prompt. The product's pixels stay untouched."""

import logging
from typing import Any, Literal

import cv2
import numpy as np
from pydantic import Field

from packshot.artifacts import Caption, Raster
from packshot.compose import paste
from packshot.device import CpuNotice
from packshot.engines.base import Engine
from packshot.engines.diffusion import (
    DiffusionParams,
    Request,
    diffusion_revision,
    seed_of,
    shared_diffusion,
)
from packshot.engines.inpaint_studio import StudioBackdrop, StudioBackdropParams
from packshot.errors import ErrorCode, PhotoError

_log = logging.getLogger(__name__)


class InpaintDiffusionParams(DiffusionParams):
    prompt: str = Field("good simple background", description="where a photo and its run give no prompt (METHOD.md)")
    candidates: int = Field(
        1, ge=1, le=16, description="pictures made of each photo; the truest to the product is kept"
    )
    tries: int = Field(2, ge=1, le=8, description="rounds of candidates before a photo that comes out black falls back")
    fallback: Literal["studio", "none"] = Field(
        "studio", description="when every candidate is black: a drawn studio backdrop, or none: gate_failed"
    )


class InpaintDiffusion(Engine):
    """Stable Diffusion inpainting (Rombach et al. 2022) or another inpainting checkpoint. The mask is everything but
    the product. What is painted is scaled up to the photo's size, and the cutout composited over it at full size."""

    stage = "inpaint"
    name = "diffusion"
    version = 1
    max_batch = 8
    Params = InpaintDiffusionParams
    params: InpaintDiffusionParams

    def __init__(self, params: InpaintDiffusionParams):
        super().__init__(params)
        self.model = shared_diffusion(params)
        self._notice = CpuNotice(self.stage, self.model.device)
        self._studio = StudioBackdrop(StudioBackdropParams())

    @classmethod
    def weights_revision(cls, params: InpaintDiffusionParams) -> str:
        fallback = f" studio {StudioBackdrop.version}" if params.fallback == "studio" else ""
        return diffusion_revision(params) + fallback

    @classmethod
    def seeds(cls, params: InpaintDiffusionParams, image: np.ndarray, prompt: str) -> list[int]:
        """The seeds of the first round of candidates: what `packshot explain` tells."""
        text = prompt.strip() or params.prompt
        return [seed_of(image, text, params.seed, i) for i in range(params.candidates)]

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Raster | PhotoError]:
        cutouts, captions, prompts = upstream
        with self._notice.over(len(images)):
            painted = self.paint(images, cutouts, prompts)
        rows = zip(images, cutouts, captions, prompts, painted, strict=True)
        return [
            self._fall_back(image, cutout, caption, prompt)
            if backdrop is None
            else Raster(paste(backdrop, cutout.pixels))
            for image, cutout, caption, prompt, backdrop in rows
        ]

    def requests(self, image: np.ndarray, cutout: Raster, prompt: str, round_: int = 0) -> list[Request]:
        """One request a candidate."""
        text = prompt.strip() or self.params.prompt
        repaint = cutout.pixels[..., 3] < 128
        first = round_ * self.params.candidates
        return [
            Request(image, repaint, text, seed_of(image, text, self.params.seed, first + i))
            for i in range(self.params.candidates)
        ]

    def paint(self, images: list[np.ndarray], cutouts: list[Raster], prompts: list[str]) -> list[np.ndarray | None]:
        """The truest candidate of each photo at its own size, before the product is composited; None: all black."""
        best: list[np.ndarray | None] = [None] * len(images)
        for round_ in range(self.params.tries):
            left = [i for i, picture in enumerate(best) if picture is None]
            asked = [(i, r) for i in left for r in self.requests(images[i], cutouts[i], prompts[i], round_)]
            if not asked:
                break
            found: dict[int, list[np.ndarray]] = {}
            pictures = self.model.paint([request for _, request in asked], self.params)
            for (i, _), picture in zip(asked, pictures, strict=True):
                if picture is not None:
                    found.setdefault(i, []).append(picture)
            for i, candidates in found.items():
                best[i] = min(candidates, key=lambda c, i=i: drift(c, cutouts[i].pixels))
        return best

    def _fall_back(self, image: np.ndarray, cutout: Raster, caption: Caption, prompt: str) -> Raster | PhotoError:
        if self.params.fallback == "none":
            return PhotoError(
                ErrorCode.GATE_FAILED,
                f"the safety checker blackened all {self.params.tries * self.params.candidates} pictures; change the "
                "prompt, or set inpaint.fallback = 'studio'",
            )
        _log.warning("the safety checker blackened every candidate of a photo: it gets a studio backdrop")
        return self._studio.run([image], [cutout], [caption], [prompt])[0]


def drift(picture: np.ndarray, cutout: np.ndarray) -> float:
    """How far a picture RGB uint8 (H, W, 3) departs from the product, mean grey levels over the product's pixels: a
    model that repainted the product painted the rest for another one."""
    step = max(1, max(picture.shape[:2]) // 512)
    small, product = picture[::step, ::step], cutout[::step, ::step]
    inside = product[..., 3] == 255
    if not inside.any():
        return 0.0
    return float(cv2.absdiff(small, np.ascontiguousarray(product[..., :3]))[inside].mean())
