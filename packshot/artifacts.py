"""What each stage leaves for a picture, and how it is written: JSON, .npz of plain arrays, PNG. No pickle.

Conventions: images RGB uint8 (H, W, 3); boxes `xyxy` float pixels of the photo; masks bool (H, W).
"""

import io
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import cv2
import numpy as np

from packshot.provenance import mark_png
from packshot.records import VERDICTS


@dataclass(slots=True)
class TextBox:
    """One piece of writing: `quad` (4, 2) float corners clockwise from top left, confidence in [0, 1].

    `readable` is False where the engine found writing in a script that it cannot read: then `text`
    is not to be believed, and whatever depends on words is unknown.
    """

    quad: np.ndarray
    text: str
    confidence: float
    readable: bool = True

    @property
    def xyxy(self) -> np.ndarray:
        return np.concatenate([self.quad.min(axis=0), self.quad.max(axis=0)])


@dataclass(slots=True)
class Texts:
    """Result of `ocr`."""

    boxes: list[TextBox]

    def encode(self) -> bytes:
        return _json(
            {
                "texts": [
                    {
                        "quad": np.round(b.quad, 1).tolist(),
                        "text": b.text,
                        "confidence": round(float(b.confidence), 4),
                        "readable": b.readable,
                    }
                    for b in self.boxes
                ]
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> "Texts":
        return cls(
            [
                TextBox(np.array(t["quad"], np.float32), t["text"], t["confidence"], t["readable"])
                for t in json.loads(data)["texts"]
            ]
        )


@dataclass(slots=True)
class Segmentation:
    """Result of `segment`, in the shapes and semantics of SAM's unprompted `predict(multimask_output=True)`.

    `quantised` int8 (3, 256, 256) times `scale` (3,) gives the low-resolution logits: > 0 is mask. As in SAM,
    the photo's long side fills the 256, and the rest (right or bottom) is padding. `scores` (3,) in [0, 1].
    """

    quantised: np.ndarray
    scale: np.ndarray
    scores: np.ndarray
    shape_hw: tuple[int, int]

    @classmethod
    def from_logits(cls, low_res_logits: np.ndarray, scores: np.ndarray, shape_hw: tuple[int, int]) -> "Segmentation":
        """Quantise float logits (3, 256, 256) to 8 bits with a scale a mask. Signs are kept."""
        scale = np.maximum(np.abs(low_res_logits).max(axis=(1, 2)), 1e-6).astype(np.float32) / 127
        quantised = low_res_logits / scale[:, None, None]
        quantised = np.where(quantised > 0, np.ceil(quantised), np.floor(quantised))
        return cls(
            np.clip(quantised, -127, 127).astype(np.int8), scale, np.asarray(scores, np.float32), tuple(shape_hw)
        )

    @property
    def low_res_logits(self) -> np.ndarray:
        """float32 (3, 256, 256)."""
        return self.quantised.astype(np.float32) * self.scale[:, None, None]

    @property
    def masks(self) -> np.ndarray:
        """bool (3, H, W) at the photo's own size, upscaled bilinearly from the logits as SAM does."""
        height, width = self.shape_hw
        long_side = max(height, width)
        rows, cols = max(1, round(256 * height / long_side)), max(1, round(256 * width / long_side))
        return np.stack(
            [
                cv2.resize(np.ascontiguousarray(m[:rows, :cols]), (width, height), interpolation=cv2.INTER_LINEAR) > 0
                for m in self.low_res_logits
            ]
        )

    def encode(self) -> bytes:
        return _npz(
            quantised=self.quantised,
            scale=self.scale,
            scores=self.scores,
            shape_hw=np.array(self.shape_hw, np.int32),
        )

    @classmethod
    def decode(cls, data: bytes) -> "Segmentation":
        with np.load(io.BytesIO(data), allow_pickle=False) as z:
            return cls(z["quantised"], z["scale"], z["scores"], tuple(int(v) for v in z["shape_hw"]))


@dataclass(frozen=True, slots=True)
class Reason:
    """A clause of the rubric that a photo's facts trip, or what they say for it, in plain words. `points_to`: the
    verdict that it speaks for, if one."""

    clause: str
    text: str
    points_to: str | None


@dataclass(slots=True)
class Classification:
    """Result of `classify`: `probabilities` by verdict, summing to 1; the photo's `facts` (`classifier.facts.Facts` as
    JSON values), and the `reasons` that they give, gravest first."""

    probabilities: dict[str, float]
    facts: dict[str, Any] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @classmethod
    def from_array(cls, probabilities: np.ndarray, classes: tuple[str, ...] = VERDICTS) -> "Classification":
        return cls({c: round(float(p), 4) for c, p in zip(classes, probabilities, strict=True)})

    def encode(self) -> bytes:
        return _json({"verdict": self.verdict, "probabilities": self.probabilities, **self.figures})

    @classmethod
    def decode(cls, data: bytes) -> "Classification":
        value = json.loads(data)
        return cls(value["probabilities"], value["facts"], [Reason(**reason) for reason in value["reasons"]])

    @property
    def figures(self) -> dict[str, Any]:
        """Facts and reasons as JSON values."""
        return {"facts": self.facts, "reasons": [asdict(reason) for reason in self.reasons]}


@dataclass(slots=True)
class Caption:
    """Result of `caption`: one sentence, and the noun phrases that detection asks for."""

    text: str
    phrases: list[str] = field(default_factory=list)

    def encode(self) -> bytes:
        return _json({"caption": self.text, "phrases": self.phrases})

    @classmethod
    def decode(cls, data: bytes) -> "Caption":
        value = json.loads(data)
        return cls(value["caption"], value["phrases"])


@dataclass(slots=True)
class Box:
    """`xyxy` (4,) float pixels of the photo, score in [0, 1], what it is in words."""

    xyxy: np.ndarray
    score: float
    label: str


@dataclass(slots=True)
class Detections:
    """Result of `detect`: the product's boxes, best first, and those of overlays (text plates, icons, badges)."""

    products: list[Box]
    overlays: list[Box]

    @property
    def overlay_texts(self) -> list[np.ndarray]:
        """Boxes (4,) of the writing that is no part of the product."""
        return [box.xyxy for box in self.overlays if box.label == "text"]

    def encode(self) -> bytes:
        def plain(boxes: list[Box]) -> list[dict[str, Any]]:
            return [
                {"xyxy": np.round(b.xyxy, 1).tolist(), "score": round(float(b.score), 4), "label": b.label}
                for b in boxes
            ]

        return _json({"products": plain(self.products), "overlays": plain(self.overlays)})

    @classmethod
    def decode(cls, data: bytes) -> "Detections":
        value = json.loads(data)
        return cls(
            *(
                [Box(np.array(b["xyxy"], np.float32), b["score"], b["label"]) for b in value[kind]]
                for kind in ("products", "overlays")
            )
        )


@dataclass(slots=True)
class Raster:
    """Result of `mask` (RGBA cutout), `repair` and `inpaint` (RGB): a picture of the photo's own size.

    `pixels` uint8 (H, W, 3) or (H, W, 4), alpha not premultiplied. `figures`: what the engine measured on it, JSON
    values by name; they are written into the PNG, and into the ledger.
    """

    pixels: np.ndarray
    figures: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        png = encode_png(self.pixels)
        if term := self.figures.get("digital_source_type"):
            png = mark_png(png, term)
        return with_figures(png, self.figures)

    @classmethod
    def decode(cls, data: bytes) -> "Raster":
        flat = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        code = cv2.COLOR_BGRA2RGBA if flat.shape[2] == 4 else cv2.COLOR_BGR2RGB
        return cls(cv2.cvtColor(flat, code), read_figures(data))


def encode_png(pixels: np.ndarray) -> bytes:
    """Lossless PNG of RGB or RGBA uint8 pixels, quick rather than small."""
    code = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
    done, data = cv2.imencode(".png", cv2.cvtColor(pixels, code), [cv2.IMWRITE_PNG_COMPRESSION, 2])
    if not done:
        raise ValueError(f"OpenCV could not encode a picture of shape {pixels.shape} as PNG")
    return data.tobytes()


_FIGURES_AT = 33  # bytes: PNG's signature and header chunk come first
_KEYWORD = b"packshot-figures\0"
_JPEG, _JFIF, _COMMENT = b"\xff\xd8", b"\xff\xe0", b"\xff\xfe"


def with_figures(picture: bytes, figures: dict[str, Any]) -> bytes:
    """The PNG or JPEG with `figures` as text near its beginning, where a look at the first kilobytes finds it."""
    if not figures:
        return picture
    body = _KEYWORD + json.dumps(figures, separators=(",", ":")).encode("ascii")
    if picture.startswith(_JPEG):
        at = _after_jfif(picture)
        return picture[:at] + _COMMENT + struct.pack(">H", len(body) + 2) + body + picture[at:]
    body = b"tEXt" + body
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return picture[:_FIGURES_AT] + chunk + picture[_FIGURES_AT:]


def read_figures(picture: bytes) -> dict[str, Any]:
    """The figures in a PNG or JPEG, or in its beginning; none where it has none."""
    for body in _jpeg_comments(picture) if picture.startswith(_JPEG) else _png_texts(picture):
        if body.startswith(_KEYWORD):
            return json.loads(body[len(_KEYWORD) :])
    return {}


def _png_texts(png: bytes) -> Iterator[bytes]:
    """The text chunks before the pixels."""
    at = _FIGURES_AT
    while at + 8 <= len(png) and png[at + 4 : at + 8] != b"IDAT":
        length = struct.unpack(">I", png[at : at + 4])[0]
        if png[at + 4 : at + 8] == b"tEXt" and at + 8 + length <= len(png):
            yield png[at + 8 : at + 8 + length]
        at += 12 + length


def _jpeg_comments(jpeg: bytes) -> Iterator[bytes]:
    """The comments before the pixels."""
    at = len(_JPEG)
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] >= 0xE0:
        length = struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
        if jpeg[at : at + 2] == _COMMENT and at + 2 + length <= len(jpeg):
            yield jpeg[at + 4 : at + 2 + length]
        at += 2 + length


def _after_jfif(jpeg: bytes) -> int:
    """Where a JPEG's first segment after its JFIF header begins; that header has to come first."""
    return 4 + struct.unpack(">H", jpeg[4:6])[0] if jpeg[2:4] == _JFIF else len(_JPEG)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
