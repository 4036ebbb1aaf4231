"""RapidOCR finds the lines; those that it cannot read are read by Tesseract. For markets that write Cyrillic.

Boxes and confidences stay RapidOCR's own: a classifier that learnt from them takes these texts as well.
"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import cv2
import numpy as np
from pydantic import Field

from packshot.artifacts import TextBox, Texts
from packshot.engines.base import Engine, EngineParams
from packshot.engines.ocr_rapid import RapidOcr, RapidOcrParams
from packshot.errors import SettingError
from packshot.languages import HAN, LANGUAGES, to_cyrillic
from packshot.quads import upright

_FOLDERS = ("/usr/share/tesseract-ocr/5/tessdata", "/usr/share/tesseract-ocr/4.00/tessdata", "/usr/share/tessdata")
_LINE_HEIGHT = 48
"""px; Tesseract's models were trained on lines about that high."""


class TesseractParams(RapidOcrParams):
    operational = RapidOcrParams.operational | {"tessdata"}

    min_line_confidence: float = Field(0.8, ge=0, le=1, description="least mean confidence of a line, letter by letter")
    min_word_confidence: float = Field(0.5, ge=0, le=1, description="least confidence of each word of a line")
    tessdata: str = Field(
        "", description="folder of Tesseract's .traineddata files; empty: TESSDATA_PREFIX, or Debian's"
    )

    @property
    def models(self) -> list[Path]:
        """Tesseract's models for the market's language. Raises `SettingError` where one is missing."""
        names = LANGUAGES[self.language].tesseract
        places = [self.tessdata] if self.tessdata else [os.environ.get("TESSDATA_PREFIX", ""), *_FOLDERS]
        for place in filter(None, places):
            found = [Path(place).expanduser() / f"{name}.traineddata" for name in names]
            if all(file.is_file() for file in found):
                return found
        packages = " ".join(f"tesseract-ocr-{name}" for name in names)
        raise SettingError(
            f"ocr.engine = tesseract needs the models {', '.join(f'{n}.traineddata' for n in names)}, and no folder of "
            f"{', '.join(filter(None, places))} has them all: apt-get install tesseract-ocr {packages}, or name their "
            "folder in ocr.tessdata"
        )


class TesseractOcr(Engine):
    """Tesseract 5 (Apache-2.0) through tesserocr (MIT), in this process, with the models that Debian packages.

    A line counts as read where Tesseract is sure of all of it; else it stays unread. Writing in Chinese, which
    Tesseract's models here cannot read, is taken from RapidOCR, which can.
    """

    stage = "ocr"
    name = "tesseract"
    version = 1
    max_batch = 16
    Params = TesseractParams
    params: TesseractParams

    def __init__(self, params: TesseractParams):
        super().__init__(params)
        models = params.models
        try:
            from tesserocr import OEM, PSM, PyTessBaseAPI
        except ImportError as error:
            raise SettingError(
                f"ocr.engine = tesseract needs the package tesserocr ({error}): pip install 'packshot[tesseract]'"
            ) from error
        self._rapid = RapidOcr(_rapid_params(params))
        self._readers: SimpleQueue[Any] = SimpleQueue()
        for _ in range(params.threads):
            names = "+".join(model.stem for model in models)
            self._readers.put(
                PyTessBaseAPI(path=f"{models[0].parent}/", lang=names, psm=PSM.SINGLE_LINE, oem=OEM.LSTM_ONLY)
            )
        self._pool = ThreadPoolExecutor(params.threads, thread_name_prefix="tesseract")

    @classmethod
    def weights_revision(cls, params: TesseractParams) -> str:
        digest = hashlib.sha256(RapidOcr.weights_revision(_rapid_params(params)).encode())
        for model in params.models:
            digest.update(model.read_bytes())
        return digest.hexdigest()[:16]

    @classmethod
    def feature_source(cls, params: TesseractParams) -> tuple[type[Engine], EngineParams]:
        """RapidOCR: words are no part of the classifier's features, boxes and confidences are."""
        return RapidOcr, _rapid_params(params)

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Texts]:
        """Texts of each photo, top to bottom, boxes in its own pixels."""
        return [self._read(image, texts) for image, texts in zip(images, self._rapid.run(images), strict=True)]

    def _read(self, image: np.ndarray, texts: Texts) -> Texts:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)

        def read(box: TextBox) -> TextBox:
            text = box.text if box.readable else self._read_line(prepared_line(grey, box.quad))
            if not text and _is_han(box.text):
                text = box.text
            return TextBox(box.quad, text or box.text, box.confidence, bool(text))

        return Texts(list(self._pool.map(read, texts.boxes)))

    def _read_line(self, line: np.ndarray) -> str:
        """The words of a line, grey uint8 (h, w); empty where Tesseract is not sure of all of them."""
        reader = self._readers.get()
        try:
            reader.SetImageBytes(line.tobytes(), line.shape[1], line.shape[0], 1, line.shape[1])
            words = reader.GetUTF8Text().split()
            confidences = [c / 100 for c in reader.AllWordConfidences()]
        finally:
            reader.Clear()
            # Else what was read before would colour what is read next, and results depend on the order.
            reader.ClearAdaptiveClassifier()
            self._readers.put(reader)
        if len(words) != len(confidences) or not any(c.isalnum() for word in words for c in word):
            return ""
        sizes = [len(word) for word in words]
        if min(confidences) < self.params.min_word_confidence:
            return ""
        if np.average(confidences, weights=sizes) < self.params.min_line_confidence:
            return ""
        return " ".join(_mended(words) if self.params.language == "ru" else words)


def prepared_line(grey: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """The writing in `quad` (4, 2) of a grey photo (H, W), upright, dark on light, as high as Tesseract likes it."""
    line = upright(grey, quad)
    scale = _LINE_HEIGHT / line.shape[0]
    size_wh = max(8, round(line.shape[1] * scale)), _LINE_HEIGHT
    line = cv2.resize(line, size_wh, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    rim = np.concatenate([line[0], line[-1], line[:, 0], line[:, -1]])
    line = 255 - line if np.median(rim) < 128 else line
    return np.ascontiguousarray(cv2.copyMakeBorder(line, 10, 10, 10, 10, cv2.BORDER_REPLICATE))


def _mended(words: list[str]) -> list[str]:
    """In a line with a Cyrillic word, words made of letters that look the same in both scripts are Cyrillic too."""
    cyrillic = LANGUAGES["ru"].letter
    return [to_cyrillic(w) for w in words] if any(cyrillic.search(w) for w in words) else words


def _is_han(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    return len(letters) > 1 and all(HAN.match(c) for c in letters)


def _rapid_params(params: TesseractParams) -> RapidOcrParams:
    return RapidOcrParams(**{name: getattr(params, name) for name in RapidOcrParams.model_fields})
