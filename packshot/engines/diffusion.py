"""Inpainting by diffusion (`diffusers`): what `inpaint` and `repair` share. One pipeline a process serves both.

The model sees the photo at its own aspect ratio, within the model's pixel budget, on sides that are multiples of 8:
what the sides lack is padded, and cut off again afterwards. In masks, white is repainted, and only here.
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from PIL import Image
from pydantic import Field

from packshot.device import ModelBatch, choose_device, compute_dtype, place_weights, residents
from packshot.errors import SettingError
from packshot.weights import WeightsParams, find_weights, revision_of

_MULTIPLE = 8
_LEAST_SIDE = 64


class DiffusionParams(WeightsParams):
    weights: str = Field("sd15_inpainting", description="a name, or the path of a diffusers folder for inpainting")
    scheduler: Literal["dpm++", "checkpoint", "lcm"] = Field(
        "dpm++", description="dpm++: 20 steps do; checkpoint: its own, as the method (50 steps); lcm: distilled, 4-8"
    )
    steps: int = Field(20, ge=1, le=200, description="denoising steps")
    guidance: float = Field(9.6, ge=0, le=30, description="classifier-free guidance (METHOD.md); lcm and turbo: 0-2")
    negative_prompt: str = Field("text, letters, watermark, logo, frame, collage", description="what is kept out")
    seed: int = Field(0, ge=0, description="joined with the photo's digest: equal photos give equal results")
    pixels: int = Field(0, ge=0, le=4096**2, description="pixel budget of the model; 0: what it was trained at")
    safety_checker: bool = Field(True, description="keep the checkpoint's checker, which blackens what it suspects")
    compile: bool = Field(False, description="compile the denoiser (torch.compile); needs a C++ compiler")
    batch: int = Field(4, ge=1, le=64, description="pictures that the network takes at once; halved when memory is out")


@dataclass(slots=True)
class Request:
    """One picture to make: `image` RGB uint8 (H, W, 3), `repaint` bool (H, W), the prompt, and its seed."""

    image: np.ndarray
    repaint: np.ndarray
    prompt: str
    seed: int


class DiffusionModel:
    """A loaded pipeline."""

    def __init__(self, params: DiffusionParams):
        self.device = choose_device(params.device)
        self.pipeline = load_pipeline(params)
        names = ("unet", "transformer", "vae", "text_encoder", "text_encoder_2", "safety_checker")
        self._modules = [m for name in names if (m := getattr(self.pipeline, name, None)) is not None]
        for module in self._modules:
            place_weights(module, params, self.device)
            module.to(compute_dtype(params.precision, self.device))
        if params.compile:
            self.pipeline.unet.compile()
        self._params = params
        self._batch = ModelBatch(params.batch)

    @property
    def pixels(self) -> int:
        """The model's own pixel budget: the size at which it was trained, squared."""
        return (self.pipeline.unet.config.sample_size * self.pipeline.vae_scale_factor) ** 2

    def paint(self, requests: list[Request], params: DiffusionParams) -> list[np.ndarray | None]:
        """For each request the picture RGB uint8 at its own size, or None where a safety checker blackened it.

        Requests that the model sees at one size go through it together.
        """
        budget = params.pixels or self.pixels
        by_size: dict[tuple[int, int], list[int]] = {}
        framed = [Framed.of(request, budget) for request in requests]
        for i, frame in enumerate(framed):
            by_size.setdefault(frame.size_wh, []).append(i)
        results: dict[int, np.ndarray | None] = {}
        for members in by_size.values():
            rows = [(requests[i], framed[i]) for i in members]
            made = self._batch.map(lambda part: self._paint(part, params), rows)
            results |= dict(zip(members, made, strict=True))
        return [results[i] for i in range(len(requests))]

    def _paint(self, rows: list[tuple[Request, "Framed"]], params: DiffusionParams) -> list[np.ndarray | None]:
        import torch

        width, height = rows[0][1].size_wh
        with torch.inference_mode(), residents.using(self._modules, self.device, self._params.max_vram_gb):
            out = self.pipeline(
                prompt=[request.prompt for request, _ in rows],
                negative_prompt=[params.negative_prompt] * len(rows),
                image=[frame.image for _, frame in rows],
                mask_image=[frame.mask_image for _, frame in rows],
                width=width,
                height=height,
                strength=1.0,
                num_inference_steps=params.steps,
                guidance_scale=params.guidance,
                # On the CPU whatever the device: a seed means the same noise everywhere.
                generator=[torch.Generator("cpu").manual_seed(request.seed) for request, _ in rows],
            )
        suspected = getattr(out, "nsfw_content_detected", None) or [False] * len(rows)
        return [
            None if bad or not np.asarray(picture).any() else frame.restore(np.asarray(picture))
            for picture, bad, (_, frame) in zip(out.images, suspected, rows, strict=True)
        ]


@dataclass(slots=True)
class Framed:
    """A request as the model sees it: `image` RGB and `mask_image` L (white: repaint), both `size_wh`, of which
    `inner_wh` is picture and the rest padding."""

    image: Image.Image
    mask_image: Image.Image
    size_wh: tuple[int, int]
    inner_wh: tuple[int, int]
    photo_wh: tuple[int, int]

    @classmethod
    def of(cls, request: Request, budget: int) -> "Framed":
        height, width = request.image.shape[:2]
        size_wh, inner_wh = model_size((width, height), budget)
        shrinks = inner_wh[0] < width
        pixels = cv2.resize(request.image, inner_wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
        mask = cv2.resize(request.repaint.astype(np.uint8) * 255, inner_wh, interpolation=cv2.INTER_LINEAR)
        below, right = size_wh[1] - inner_wh[1], size_wh[0] - inner_wh[0]
        pixels = cv2.copyMakeBorder(pixels, 0, below, 0, right, cv2.BORDER_REPLICATE)
        mask = cv2.copyMakeBorder(mask, 0, below, 0, right, cv2.BORDER_CONSTANT, value=255)
        mask_image = Image.fromarray(np.where(mask > 127, 255, 0).astype(np.uint8))
        return cls(Image.fromarray(pixels), mask_image, size_wh, inner_wh, (width, height))

    def restore(self, picture: np.ndarray) -> np.ndarray:
        """The model's picture without padding, at the photo's own size."""
        inner = np.ascontiguousarray(picture[: self.inner_wh[1], : self.inner_wh[0]])
        grows = self.photo_wh[0] > self.inner_wh[0]
        return cv2.resize(inner, self.photo_wh, interpolation=cv2.INTER_CUBIC if grows else cv2.INTER_AREA)


def model_size(photo_wh: tuple[int, int], budget: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The size at which the model works (multiples of 8, within the budget of pixels), and the size of the photo in
    it, whose aspect ratio is the photo's own to the pixel."""
    width, height = photo_wh
    scale = (budget / (width * height)) ** 0.5
    outer = [max(_LEAST_SIDE, int(side * scale) // _MULTIPLE * _MULTIPLE) for side in photo_wh]
    for i in (0, 1):  # a very long photo: its short side stands at the least, so the long one has to give way
        outer[i] = max(_LEAST_SIDE, min(outer[i], budget // outer[1 - i] // _MULTIPLE * _MULTIPLE))
    scale = min(outer[0] / width, outer[1] / height)
    inner = tuple(max(1, min(o, round(side * scale))) for o, side in zip(outer, photo_wh, strict=True))
    return (outer[0], outer[1]), (inner[0], inner[1])


def seed_of(image: np.ndarray, prompt: str, seed: int, candidate: int = 0) -> int:
    """A seed from the photo's pixels, its prompt, the profile's seed and the candidate's number: 63 bits."""
    digest = hashlib.sha256(f"{image.shape} {prompt} {seed} {candidate}".encode("utf-8", "surrogatepass"))
    digest.update(np.ascontiguousarray(image))
    return int.from_bytes(digest.digest()[:8], "big") >> 1


def load_pipeline(params: DiffusionParams) -> Any:
    """The pipeline of a diffusers folder, on the CPU: safetensors only, nothing from the net. `SettingError` if not."""
    from diffusers import AutoPipelineForInpainting, DPMSolverMultistepScheduler, LCMScheduler

    path = find_weights(params.weights)
    half = "fp16" if _only_half(path) else None
    without = {} if params.safety_checker else {"safety_checker": None, "requires_safety_checker": False}
    try:
        pipeline = AutoPipelineForInpainting.from_pretrained(
            path, local_files_only=True, use_safetensors=True, variant=half, **without
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, AttributeError) as error:
        raise SettingError(
            f"{path} cannot be loaded as a diffusers folder for inpainting: {str(error)[:300]}; `packshot models "
            "verify` checks pulled weights, and `packshot models pull` keeps pickled ones as safetensors"
        ) from error
    if params.scheduler == "dpm++":
        pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    elif params.scheduler == "lcm":
        pipeline.scheduler = LCMScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _only_half(path: Path) -> bool:
    """Whether the folder holds the half-precision variant alone."""
    files = [p.name for p in path.glob("unet/*.safetensors")]
    return bool(files) and all(".fp16." in name for name in files)


def diffusion_revision(params: DiffusionParams) -> str:
    """Revision of the weights."""
    return revision_of(params.weights)


_models: OrderedDict[tuple[Any, ...], DiffusionModel] = OrderedDict()
_models_lock = threading.Lock()


def shared_diffusion(params: DiffusionParams) -> DiffusionModel:
    """The process's pipeline for these weights, device, precision and scheduler, one for `inpaint` and `repair`."""
    names = ("weights", "device", "precision", "scheduler", "safety_checker", "compile")
    key = tuple(getattr(params, name) for name in names)
    with _models_lock:
        if key not in _models:
            while len(_models) > 1:
                _models.popitem(last=False)
            _models[key] = DiffusionModel(params)
        return _models[key]
