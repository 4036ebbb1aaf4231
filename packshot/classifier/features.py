"""The network's three inputs, made from a photo, its text boxes and its segmentation, and kept in 8 bits; with them
the photo's embedding (packshot.photo_net).

The published solution reduced the photo to 64×64 before it read and segmented it. Here both happen at the photo's
own size, and their maps are reduced afterwards, so that text which is legible in the photo counts.
"""

import io
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from PIL import Image

from packshot.artifacts import Segmentation, Texts
from packshot.engines.base import Engine
from packshot.errors import SettingError
from packshot.photo_net import shared_photo_net

FEATURES_VERSION = 3
"""Raised whenever the same photo and artifacts give other features; a checkpoint records it."""

INPUTS = {"image": [64, 64, 3], "text_mask": [64, 64, 3], "sam_logits": [256, 256, 3]}
_GRID = 1024
_SUBPIXEL_BITS = 4


@dataclass(slots=True)
class Features:
    """One photo's inputs, quantised.

    `image` uint8 (64, 64, 3), times 1/255: min-max normalised RGB. `text_mask` uint8 (64, 64, 3), times
    `text_scale` (a float): for each mask of the segmentation, mask × score × summed confidences. `sam_logits` int8
    (256, 256, 3), times `logits_scale` float32 (3,). `embedding` uint8 (WIDTH,), times `embedding_scale` (a float).
    """

    image: np.ndarray
    text_mask: np.ndarray
    text_scale: float
    sam_logits: np.ndarray
    logits_scale: np.ndarray
    embedding: np.ndarray
    embedding_scale: float

    def dequantise(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """image, text_mask and sam_logits as float32, height × width × channels."""
        return (
            self.image.astype(np.float32) / 255,
            self.text_mask.astype(np.float32) * np.float32(self.text_scale),
            self.sam_logits.astype(np.float32) * self.logits_scale,
        )

    def dequantised_embedding(self) -> np.ndarray:
        """float32 (WIDTH,)"""
        return self.embedding.astype(np.float32) * np.float32(self.embedding_scale)

    def encode(self) -> bytes:
        """Compressed .npz of plain arrays: tens of kB a photo."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            image=self.image,
            text_mask=self.text_mask,
            text_scale=np.float32(self.text_scale),
            sam_logits=self.sam_logits,
            logits_scale=self.logits_scale,
            embedding=self.embedding,
            embedding_scale=np.float32(self.embedding_scale),
        )
        return buffer.getvalue()

    @classmethod
    def decode(cls, data: bytes) -> "Features":
        with np.load(io.BytesIO(data), allow_pickle=False) as z:
            scales = {name: float(z[name]) for name in ("text_scale", "embedding_scale")}
            return cls(**{name: z[name] for name in z.files} | scales)


def make_features(image: np.ndarray, texts: Texts, segmentation: Segmentation) -> Features:
    """The three inputs of METHOD.md, and the embedding. `image` RGB uint8 (H, W, 3); the rest must be of the same
    photo."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise SettingError(f"a photo must be RGB uint8 (H, W, 3), not {image.dtype} {image.shape}")
    if segmentation.shape_hw != image.shape[:2]:
        raise SettingError(f"the segmentation is of a photo of {segmentation.shape_hw}, this one is {image.shape[:2]}")
    mask = text_mask(texts, segmentation)
    text_scale = max(float(mask.max()), 1e-6) / 255
    quantised, logits_scale = square_logits(segmentation)
    return Features(
        np.rint(normalised_picture(image) * 255).astype(np.uint8),
        np.rint(mask / text_scale).astype(np.uint8),
        text_scale,
        quantised,
        logits_scale,
        *make_embedding(image),
    )


def make_embedding(image: np.ndarray) -> tuple[np.ndarray, float]:
    """The photo's embedding uint8 (WIDTH,), and what it is to be multiplied by."""
    embedding = shared_photo_net()(image)
    scale = max(float(embedding.max()), 1e-6) / 255
    return np.rint(embedding / scale).astype(np.uint8), scale


def normalised_picture(image: np.ndarray) -> np.ndarray:
    """float32 (64, 64, 3): squashed to the square with Lanczos, then min-max over all channels to [0, 1]; an even
    colour gives zeros."""
    height, width = INPUTS["image"][:2]
    small = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS), np.float32)
    low, high = small.min(), small.max()
    return (small - low) / max(high - low, 1e-6)


def text_mask(texts: Texts, segmentation: Segmentation) -> np.ndarray:
    """float32 (64, 64, 3) >= 0: mask_i × score_i × the confidences summed over the boxes that cover a pixel,
    reduced by area.

    Made at the photo's own size up to 1024 px a side. A larger photo is worked on at 1024, where a box is drawn to a
    sixteenth of a pixel and a cell of the result still averages 16×16 pixels; the masks hold no more than 256×256
    anyway.
    """
    height, width = segmentation.shape_hw
    shrink = min(1.0, _GRID / max(height, width))
    grid_hw = (max(1, round(height * shrink)), max(1, round(width * shrink)))
    out_hw = INPUTS["text_mask"][:2]
    confidence = confidence_map(texts, (height, width), grid_hw)
    if not confidence.any():
        return np.zeros((*out_hw, 3), np.float32)
    masks = Segmentation(segmentation.quantised, segmentation.scale, segmentation.scores, grid_hw).masks
    channels = [
        cv2.resize(np.where(m, confidence, np.float32(0)), out_hw[::-1], interpolation=cv2.INTER_AREA) * score
        for m, score in zip(masks, segmentation.scores, strict=True)
    ]
    return np.stack(channels, axis=-1).astype(np.float32)


def confidence_map(texts: Texts, shape_hw: tuple[int, int], grid_hw: tuple[int, int]) -> np.ndarray:
    """float32 `grid_hw`: each pixel the sum of the confidences of the text quads (in pixels of `shape_hw`) that
    cover it."""
    total = np.zeros(grid_hw, np.float32)
    stretch = np.array([grid_hw[1] / shape_hw[1], grid_hw[0] / shape_hw[0]], np.float32)
    for box in texts.boxes:
        # OpenCV counts from a pixel's centre, a box from its corner; and it draws the outline rounded half up, so that
        # without the sixteenth inwards a box on whole pixels would gain a row and a column.
        corners = np.asarray(box.quad, np.float32) * stretch - 0.5
        corners += np.sign(corners.mean(axis=0) - corners) / (1 << _SUBPIXEL_BITS)
        inside = np.zeros(grid_hw, np.uint8)
        fixed_point = np.rint(corners * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillConvexPoly(inside, fixed_point, 1, lineType=cv2.LINE_8, shift=_SUBPIXEL_BITS)
        total += inside * np.float32(box.confidence)
    return total


def square_logits(segmentation: Segmentation) -> tuple[np.ndarray, np.ndarray]:
    """int8 (256, 256, 3) and its scale float32 (3,): the logits without SAM's padding, stretched to the square.

    In the published solution SAM saw a square picture, so that logits and picture lay on each other. A photo of its
    own shape leaves padding beside its logits; it is cut off, and the rest squashed just as the picture is.
    """
    height, width = segmentation.shape_hw
    side = INPUTS["sam_logits"][0]
    long_side = max(height, width)
    rows, cols = max(1, round(side * height / long_side)), max(1, round(side * width / long_side))
    valid = np.ascontiguousarray(segmentation.quantised[:, :rows, :cols].transpose(1, 2, 0))
    if (rows, cols) != (side, side):
        valid = np.rint(cv2.resize(valid.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR))
    return valid.astype(np.int8), segmentation.scale.astype(np.float32)


def describe_engine(engine: Engine) -> dict[str, Any]:
    """What a checkpoint records about an engine that its features came from: plain JSON, no operational settings."""
    cls, params = engine.feature_source(engine.params)
    return {
        "name": cls.name,
        "version": cls.version,
        "params": params.model_dump(mode="json", exclude=set(params.operational)),
        "weights_revision": cls.weights_revision(params),
    }
