"""Reading with RapidOCR: the PP-OCRv6 models inside its wheel, run by ONNX Runtime on the CPU; on small photos, what it
cannot find is marked by a small network (packshot.small_writing)."""

import hashlib
import logging
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from pydantic import Field

from packshot.artifacts import TextBox, Texts
from packshot.engines.base import Engine, EngineParams
from packshot.quads import fill_quad, line_height, upright
from packshot.small_writing import LONGEST, WEIGHTS, ZOOM, lines_in, shared_small_writing

_DETECTOR = "PP-OCRv6_det_small.onnx"
_READER = "PP-OCRv6_rec_small.onnx"
_ONLY_LATIN = frozenset("dfjqsvzDFGQSVZ")
"""Letters as which the reader, which has no Cyrillic, hardly ever reads a Cyrillic one."""
_LEAST_SEEN = 0.15
"""Share of a text box."""


class RapidOcrParams(EngineParams):
    operational = frozenset({"threads"})

    language: Literal["ru", "en"] = Field("ru", description="the market's script: ru (Cyrillic beside Latin) or en")
    max_side: int = Field(1024, ge=256, le=4096, description="px; larger photos are reduced to this long side")
    min_side: int = Field(640, ge=0, le=2048, description="px; smaller photos are enlarged to this long side")
    min_score: float = Field(0.5, ge=0, le=1, description="least mean score of a text box")
    min_confidence: float = Field(0.5, ge=0, le=1, description="least confidence of a reading; below, it is unread")
    min_unread_score: float = Field(0.7, ge=0, le=1, description="least box score of writing that cannot be read")
    max_unread_height: float = Field(0.22, ge=0, le=1, description="of the long side; taller, unread, it is no line")
    threads: int = Field(2, ge=1, le=64, description="CPU threads of one inference")


class RapidOcr(Engine):
    """RapidOCR 3 (Apache-2.0) with PP-OCRv6 small. It never downloads: both models lie in the wheel."""

    stage = "ocr"
    name = "rapid"
    version = 2
    max_batch = 16
    Params = RapidOcrParams
    params: RapidOcrParams

    def __init__(self, params: RapidOcrParams):
        super().__init__(params)
        import rapidocr

        models = _models()
        self._reader = rapidocr.RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": params.min_confidence,
                "Global.max_side_len": params.max_side,
                "Det.limit_type": "max",
                "Det.limit_side_len": params.max_side,
                "Det.box_thresh": params.min_score,
                "Det.model_path": str(models / _DETECTOR),
                "Rec.model_path": str(models / _READER),
                "EngineConfig.onnxruntime.intra_op_num_threads": params.threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
        logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
        self._small_writing = shared_small_writing()

    @classmethod
    def weights_revision(cls, params: EngineParams) -> str:
        digest = hashlib.sha256()
        for path in (_models() / _DETECTOR, _models() / _READER, WEIGHTS):
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Texts]:
        """Texts of each photo, top to bottom, boxes in its own pixels."""
        return [self._on_small(image, self._read(image)) for image in images]

    def _on_small(self, image: np.ndarray, found: Texts) -> Texts:
        """What was read on a small photo, with the lines that only packshot.small_writing sees: unread. What was not
        read and it sees nothing of goes: wheels and outlines are taken for letters."""
        if max(image.shape[:2]) > LONGEST:
            return found
        likely = self._small_writing(image)
        boxes, read = [], np.zeros(likely.shape, bool)
        for box in found.boxes:
            mask = fill_quad(ZOOM * box.quad, likely.shape)
            if box.text or not mask.any() or (likely[mask] > 0.5).mean() > _LEAST_SEEN:
                boxes.append(box)
                read |= mask
        limit = np.float32(image.shape[1::-1])
        for quad, score in lines_in(likely):
            if read[fill_quad(ZOOM * quad, likely.shape)].mean() < 0.5:
                boxes.append(TextBox(np.clip(quad, 0, limit), "", score, readable=False))
        return Texts(sorted(boxes, key=lambda box: float(box.quad[:, 1].min())))

    def _read(self, image: np.ndarray) -> Texts:
        height, width = image.shape[:2]
        reduced = _to_side(image, self.params.min_side, self.params.max_side)
        bgr = cv2.cvtColor(reduced, cv2.COLOR_RGB2BGR)
        found = self._reader(bgr, use_det=True, use_cls=False, use_rec=False)
        if found.boxes is None:
            return Texts([])
        # Found and read in two calls: in one, RapidOCR drops the boxes that it cannot read, and so most Cyrillic.
        quads = [np.asarray(quad, np.float32).reshape(4, 2) for quad in found.boxes]
        read = self._reader.recognize_txt([upright(bgr, quad) for quad in quads])
        scale = np.float32([width / reduced.shape[1], height / reduced.shape[0]])
        limit = np.float32([width, height])
        boxes = []
        for quad, score, text, confidence in zip(quads, found.scores, read.txts, read.scores, strict=True):
            text, confidence, score = text.strip(), float(confidence), float(score)
            if not text or confidence < self.params.min_confidence:
                if self.params.language == "en" or score < self.params.min_unread_score:
                    continue
                text = ""
            sure = bool(text) and confidence > 0.9
            if not sure and line_height(quad) > self.params.max_unread_height * max(reduced.shape[:2]):
                continue  # a product's own outline is at times taken for one large letter
            readable = bool(text) and (self.params.language == "en" or reading_is_sure(text, confidence))
            boxes.append(
                TextBox(np.clip(quad * scale, 0, limit), text, confidence if readable else min(score, 1.0), readable)
            )
        return Texts(boxes)


def reading_is_sure(text: str, confidence: float, least: float = 0.9) -> bool:
    """Whether a reading by a Latin-only reader holds in a market that writes Cyrillic.

    Numbers hold. Words hold when each has a letter that no Cyrillic letter is taken for: "PA3MEPbI" does not.
    """
    if confidence < least or not any(c.isalnum() for c in text):
        return False
    words = re.findall(r"[^\W\d_]+", text)
    return all(word.isascii() and not _ONLY_LATIN.isdisjoint(word) for word in words)


def _to_side(image: np.ndarray, least: int, most: int) -> np.ndarray:
    """The photo resized so that its long side lies between `least` and `most`, keeping its aspect ratio."""
    height, width = image.shape[:2]
    scale = min(max(max(height, width), least), most) / max(height, width)
    if scale == 1:
        return image
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _models() -> Path:
    """The folder of the models in RapidOCR's wheel, without importing it (which takes a second)."""
    return Path(find_spec("rapidocr").origin).parent / "models"
