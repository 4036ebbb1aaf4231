"""What a training photo goes through before the network sees it, so that it learns products and not our drawing."""

import cv2
import numpy as np

from packshot.saliency import lengthened
from packshot.saliency_training.photos import TrainingPhoto

Sample = tuple[np.ndarray, np.ndarray, np.ndarray]
"""RGB uint8 (side, side, 3); the target, float32 (side, side) in [0, 1]; what is judged, float32 0 or 1."""


def sample(photo: TrainingPhoto, side: int, rng: np.random.Generator) -> Sample:
    """The whole photo, a window around the product as the pipeline looks through, one that cuts the product, or any
    part of the photo; colours, sharpness and compression changed."""
    if rng.random() < 0.2:
        photo = _without_marks(photo)
    photo = _crop(photo, rng)
    picture, target, judged = as_fed(photo, side)
    if rng.random() < 0.5:
        picture, target, judged = picture[:, ::-1], target[:, ::-1], judged[:, ::-1]
    return worn(np.ascontiguousarray(picture), rng), np.ascontiguousarray(target), np.ascontiguousarray(judged)


def as_fed(photo: TrainingPhoto, side: int) -> Sample:
    """The photo in the network's square, as packshot.saliency feeds it; what strips are lengthened by is not judged."""
    picture = lengthened(photo.picture)
    height, width = photo.picture.shape[:2]
    target, judged = np.zeros(picture.shape[:2], np.float32), np.zeros(picture.shape[:2], np.float32)
    target[:height, :width], judged[:height, :width] = photo.target.astype(np.float32) / 255, photo.judged
    square = (side, side)
    return (
        cv2.resize(picture, square, interpolation=cv2.INTER_AREA),
        np.clip(cv2.resize(target, square, interpolation=cv2.INTER_AREA), 0, 1),
        (cv2.resize(judged, square, interpolation=cv2.INTER_AREA) > 0.5).astype(np.float32),
    )


def _without_marks(photo: TrainingPhoto) -> TrainingPhoto:
    """Overlays beside the product painted over with what is around them."""
    tiny_wh = max(8, photo.picture.shape[1] // 3), max(8, photo.picture.shape[0] // 3)
    hidden = cv2.dilate(photo.marks.astype(np.uint8), np.ones((7, 7), np.uint8))
    tiny = cv2.resize(photo.picture, tiny_wh, interpolation=cv2.INTER_AREA)
    fill = cv2.inpaint(tiny, cv2.resize(hidden, tiny_wh, interpolation=cv2.INTER_NEAREST), 3, cv2.INPAINT_TELEA)
    fill = cv2.resize(fill, photo.picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    hidden[photo.target > 0] = 0
    return TrainingPhoto(np.where(hidden[..., None] > 0, fill, photo.picture), photo.target, photo.judged, photo.marks)


def _crop(photo: TrainingPhoto, rng: np.random.Generator) -> TrainingPhoto:
    way = rng.random()
    height, width = photo.target.shape
    solid = photo.target > 127
    if way < 0.35:
        return photo
    if way < 0.85 and solid.any():
        rows, cols = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
        if way >= 0.7:
            # Catalogues hold many photos that the product fills or that cut it.
            cut = rng.uniform(0, 0.2, 4) * (np.ptp(rows), np.ptp(cols), -np.ptp(rows), -np.ptp(cols))
            (top, bottom), (left, right) = rows[[0, -1]] + cut[[0, 2]], cols[[0, -1]] + cut[[1, 3]]
            return _window(photo, int(top), int(left), int(bottom) + 1, int(right) + 1)
        reach = 4 + max(np.ptp(rows), np.ptp(cols)) * rng.uniform(0.03, 0.12, 4) * (1 + 5 * (rng.random(4) < 0.4))
        top, left = max(0, int(rows[0] - reach[0])), max(0, int(cols[0] - reach[1]))
        bottom, right = int(rows[-1] + reach[2]) + 1, int(cols[-1] + reach[3]) + 1
    else:
        share_hw = rng.uniform(0.6, 1.0, 2)
        top, left = (rng.random(2) * (1 - share_hw) * (height, width)).astype(int)
        bottom, right = int(top + share_hw[0] * height) + 1, int(left + share_hw[1] * width) + 1
    return _window(photo, top, left, bottom, right)


def _window(photo: TrainingPhoto, top: int, left: int, bottom: int, right: int) -> TrainingPhoto:
    window = slice(top, bottom), slice(left, right)
    return TrainingPhoto(*(np.ascontiguousarray(v[window]) for v in _fields(photo)))


def _fields(photo: TrainingPhoto) -> tuple[np.ndarray, ...]:
    return photo.picture, photo.target, photo.judged, photo.marks


def worn(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colours, light, sharpness, noise and compression of another camera and another catalogue."""
    side = len(picture)
    if rng.random() < 0.35:
        # Thumbnails: catalogues hold many of a hundred pixels.
        tiny = int(np.exp(rng.uniform(np.log(90), np.log(side))))
        small = cv2.resize(picture, (tiny, tiny), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, (side, side), interpolation=int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC])))
    elif rng.random() < 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < 0.5:
        picture = _other_hue(picture, rng)
    values = picture.astype(np.float32) / 255
    if rng.random() < 0.1:
        values = np.repeat(values.mean(axis=2, keepdims=True), 3, axis=2)
    values = (values - 0.5) * rng.uniform(0.75, 1.15) + 0.5 + rng.uniform(-0.1, 0.08)
    values = values * rng.uniform(0.92, 1.05, 3).astype(np.float32)
    values = np.clip(values, 0, 1) ** rng.uniform(0.75, 1.35)
    if rng.random() < 0.3:
        values += rng.normal(0, rng.uniform(0.004, 0.025), values.shape).astype(np.float32)
    picture = np.round(255 * np.clip(values, 0, 1)).astype(np.uint8)
    if rng.random() < 0.6:
        data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 95))])[1]
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    return np.ascontiguousarray(picture)


def _other_hue(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All hues turned alike, saturation scaled."""
    values = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV).astype(np.float32)
    values[..., 0] = (values[..., 0] + rng.uniform(0, 180)) % 180
    values[..., 1] = np.clip(values[..., 1] * rng.uniform(0.6, 1.3), 0, 255)
    return cv2.cvtColor(values.astype(np.uint8), cv2.COLOR_HSV2RGB)
