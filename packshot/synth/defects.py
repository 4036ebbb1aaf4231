"""What cameras, editors and uploads do to a picture: cast, vignette, blur, noise, small originals, JPEG."""

from __future__ import annotations

import cv2
import numpy as np

from packshot.synth import textures


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """A uint8 RGB picture after JPEG compression."""
    done, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    if not done:
        raise ValueError(f"cannot compress a picture of shape {picture.shape} as JPEG; it must be uint8 (H, W, 3)")
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def quantised(picture: np.ndarray) -> np.ndarray:
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)


def snapshot(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """A phone's photo by bad light: float32 in, float32 out."""
    height, width = picture.shape[:2]
    if rng.random() < 0.75:
        warm = rng.random() < 0.7
        cast = np.array([1.06, 1.0, rng.uniform(0.68, 0.92)]) if warm else np.array([rng.uniform(0.8, 0.95), 1.0, 1.08])
        picture = picture * cast.astype(np.float32)
    if rng.random() < 0.45:
        at = (rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7))
        deep = rng.uniform(0.5, 0.9)
        picture = picture * textures.radial(
            (height, width), (1.1, 1.1, 1.1), (deep, deep, deep), at, rng.uniform(0.7, 1.0)
        )
    exposure = rng.uniform(0.65, 1.05) if rng.random() < 0.65 else rng.uniform(1.05, 1.4)
    picture = np.clip(picture * exposure, 0, 1)
    if rng.random() < 0.4:  # flat contrast
        picture = 0.5 + (picture - 0.5) * rng.uniform(0.6, 0.9)
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 2.2) * width / 800)
    elif rng.random() < 0.3:
        reach = int(rng.integers(4, 12))
        kernel = np.zeros((reach, reach), np.float32)
        cv2.line(kernel, (0, int(rng.integers(reach))), (reach - 1, int(rng.integers(reach))), 1.0)
        picture = cv2.filter2D(picture, -1, kernel / kernel.sum())
    strength = rng.uniform(0.0, 0.04)
    grain = rng.standard_normal((height // 2 + 1, width // 2 + 1, 3)).astype(np.float32)
    grain = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(picture + grain * np.float32(strength), 0, 1)


def upload(rng: np.random.Generator, picture: np.ndarray, amateur: bool) -> np.ndarray:
    """What editing and uploading leave in a uint8 picture: sometimes enlarged from a small original, always JPEG."""
    height, width = picture.shape[:2]
    if rng.random() < (0.3 if amateur else 0.12):
        share = rng.uniform(0.35, 0.7)
        small = cv2.resize(picture, (int(width * share), int(height * share)), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    elif not amateur and rng.random() < 0.3:
        soft = cv2.GaussianBlur(picture, (0, 0), 1.2)
        picture = cv2.addWeighted(picture, 1.5, soft, -0.5, 0)
    quality = int(rng.integers(55, 88)) if amateur else int(rng.integers(72, 97))
    return jpeg(picture, quality)
