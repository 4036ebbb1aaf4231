"""What happens to a photo on its way into a catalogue: cropped, squashed, rescaled, blurred, edged, colours shifted,
compressed.

Applied to synthetic photos before anything reads them, so that OCR and segmentation meet the same small and worn
pictures as in a real catalogue.
"""

import cv2
import numpy as np

SMALLEST, _USUAL = 90, 420
"""px, the long sides between which most photos are brought."""


def degrade(image: np.ndarray, rng: np.random.Generator, longest: int = 0) -> np.ndarray:
    """RGB uint8 (H, W, 3) to a worn copy, of a long side between 90 px and its own; with `longest`, a thumbnail of
    that many pixels at most."""
    image = _crop(image, rng)
    if rng.random() < 0.25:
        image = _squash(image, rng)
    if longest or rng.random() < 0.6:
        image = _rescale(image, float(np.exp(rng.uniform(np.log(SMALLEST), np.log(longest or _USUAL)))))
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.0))
    if rng.random() < 0.6:
        image = _shift_colours(image, rng)
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(1, 5), image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        image = _edge(image, rng)
    if rng.random() < 0.8:
        image = _compress(image, int(rng.integers(35, 96)))
    return np.ascontiguousarray(image)


def _crop(image: np.ndarray, rng: np.random.Generator, most: float = 0.03) -> np.ndarray:
    height, width = image.shape[:2]
    top, bottom = (int(v) for v in rng.uniform(0, most, 2) * height)
    left, right = (int(v) for v in rng.uniform(0, most, 2) * width)
    return image[top : height - bottom, left : width - right]


def _squash(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Into a square, or a little out of proportion, as careless uploads are."""
    height, width = image.shape[:2]
    side = min(height, width)
    size_wh = (side, side) if rng.random() < 0.6 else (round(width * rng.uniform(0.8, 1)), height)
    return cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)


def _edge(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A thin line along some sides: a hair of what the photo was cut from."""
    image = np.ascontiguousarray(image)
    colour = 255 - rng.uniform(0, 90, 3) * (rng.random(3) < 0.6) if rng.random() < 0.8 else rng.uniform(0, 120, 3)
    wide = int(rng.integers(1, 3))
    for side in (image[:wide], image[-wide:], image[:, :wide], image[:, -wide:]):
        if rng.random() < 0.5:
            side[:] = colour
    return image


def _rescale(image: np.ndarray, long_side: float) -> np.ndarray:
    height, width = image.shape[:2]
    ratio = long_side / max(height, width)
    if ratio >= 1:
        return image
    size_wh = (max(16, round(width * ratio)), max(16, round(height * ratio)))
    return cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)


def _shift_colours(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brightness, contrast, saturation, a slight cast, and gamma."""
    values = image.astype(np.float32) / 255
    grey = values.mean(axis=2, keepdims=True)
    values = grey + (values - grey) * rng.uniform(0.75, 1.25)
    values = (values - 0.5) * rng.uniform(0.85, 1.1) + 0.5 + rng.uniform(-0.05, 0.05)
    values = values * rng.uniform(0.96, 1.04, 3).astype(np.float32)
    values = np.clip(values, 0, 1) ** rng.uniform(0.85, 1.18)
    return np.rint(values * 255).astype(np.uint8)


def _compress(image: np.ndarray, quality: int) -> np.ndarray:
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"OpenCV could not compress a picture of shape {image.shape} as JPEG")
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
