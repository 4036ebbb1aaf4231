"""Photos as bytes: is this a picture, is all of it there, and what are its pixels.

The type is told from the content, never from a header or a file name, and sizes are checked before anything is
decoded. Pillow's decoders let go of the GIL, so these functions are worth calling from several threads.
"""

import io
import struct
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from packshot.errors import ErrorCode, PhotoError

# The readers are called directly: `Image.open` has a pixel limit of its own, global to the process.
_READERS: dict[str, tuple[type, str]] = {
    "JPEG": (JpegImageFile, "jpg"),
    "PNG": (PngImageFile, "png"),
    "WebP": (WebPImageFile, "webp"),
    "GIF": (GifImageFile, "gif"),
    "BMP": (BmpImageFile, "bmp"),
    "TIFF": (TiffImageFile, "tiff"),
    "AVIF": (AvifImageFile, "avif"),
}
_BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
_LARGE_PIXELS = 24_000_000
_one_large_at_a_time = threading.Lock()
_ORIENTATION_TAG, _QUARTER_TURNS = 0x0112, (5, 6, 7, 8)
_MAX_PROFILE_BYTES = 4 << 20
_CHECKER_SIDE, _CHECKER_GREYS = 8, (255, 226)


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is still taken for a photo: bytes as sent, pixels (width times height), pixels of the shorter side."""

    max_bytes: int = 64 << 20
    max_pixels: int = 100_000_000
    min_side: int = 16


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """A verified photo: format as Pillow calls it, file extension without dot, size once EXIF rotation is applied."""

    format: str
    extension: str
    size_wh: tuple[int, int]


DEFAULT_LIMITS = ImageLimits()


def verify(data: bytes, limits: ImageLimits = DEFAULT_LIMITS) -> ImageInfo:
    """Make sure that `data` is a whole picture, as cheaply as that can be known.

    Everything is decoded, so that a cut file is found, but a JPEG only at an eighth of its size and in grey: its
    entropy-coded stream is read to the end all the same.

    Raises `PhotoError`: `empty`, `too_large`, `not_an_image`, `unsupported_format`, `too_many_pixels`, `too_small`,
    `corrupt_image`, or `out_of_memory`.
    """
    image, kind = _open(data, limits)
    width, height = image.size
    with _decoding(image, kind):
        if kind == "JPEG":
            image.draft("L", (1, 1))
        image.load()
    turned = _orientation(image) in _QUARTER_TURNS
    return ImageInfo(kind, _READERS[kind][1], (height, width) if turned else (width, height))


def decode(data: bytes, limits: ImageLimits = DEFAULT_LIMITS) -> np.ndarray:
    """The photo's pixels: RGB uint8 (H, W, 3), EXIF rotation applied, colours in sRGB.

    An animated picture gives its first frame; CMYK, 16-bit, palette and grey pictures are converted; transparent
    ones are laid on white. An embedded colour profile is followed where it fits the picture's mode.

    Raises `PhotoError` as `verify` does.
    """
    image, kind = _open(data, limits)
    with _decoding(image, kind):
        image.load()
        upright = _upright(image)
        rgb = _to_srgb(upright, image.info.get("icc_profile"))
        return np.ascontiguousarray(np.asarray(rgb, np.uint8))


def thumbnail(pixels: np.ndarray, side: int) -> bytes:
    """A small JPEG for the report: the longer side at most `side` pixels, never enlarged.

    `pixels` uint8 (H, W, 3) RGB or (H, W, 4) RGBA, alpha not premultiplied; transparency shows a light checkerboard.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if image.mode == "RGBA":
        # Premultiplied while shrinking: the colour of invisible pixels must not bleed into the edge.
        image = image.convert("RGBa").resize(size_wh, Image.Resampling.BOX).convert("RGBA")
        rows, cols = np.indices((size_wh[1], size_wh[0])) // _CHECKER_SIDE
        board = np.array(_CHECKER_GREYS, np.uint8)[(rows + cols) % 2]
        image = Image.alpha_composite(Image.fromarray(board).convert("RGBA"), image).convert("RGB")
    else:
        image = image.resize(size_wh, Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def sniff(data: bytes) -> str | None:
    """The format that the content shows: one that is read (`JPEG`, `PNG`, …), another one (`SVG`, `HEIC`, …) or None.

    A name that `verify` cannot read is a picture or document that packshot does not take.
    """
    head = data[:512]
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if head[:2] == b"BM" and len(head) >= 18 and struct.unpack_from("<I", head, 14)[0] in _BMP_HEADER_SIZES:
        return "BMP"
    if head[4:8] == b"ftyp":
        return _sniff_iso_media(head)
    return _sniff_unread(head)


def _sniff_iso_media(head: bytes) -> str | None:
    brands = head[8 : min(len(head), struct.unpack_from(">I", head)[0])]
    if any(brand in brands for brand in (b"avif", b"avis")):
        return "AVIF"
    if any(brand in brands for brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")):
        return "HEIC"
    return None


def _sniff_unread(head: bytes) -> str | None:
    for magic, kind in (
        (b"%PDF-", "PDF"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x0a", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x4f\xff\x51", "JPEG 2000"),
        (b"\0\0\1\0", "ICO"),
        (b"8BPS", "PSD"),
        (b"%!PS", "PostScript"),
    ):
        if head.startswith(magic):
            return kind
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<svg") or (start.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in start):
        return "SVG"
    return None


def _open(data: bytes, limits: ImageLimits) -> tuple[Any, str]:
    """Read the header only, and hold it against the limits."""
    if not data:
        raise PhotoError(ErrorCode.EMPTY, "the body is empty: 0 bytes")
    if len(data) > limits.max_bytes:
        raise PhotoError(ErrorCode.TOO_LARGE, f"{len(data)} bytes are more than the limit of {limits.max_bytes}")
    kind = sniff(data)
    if kind is None:
        raise PhotoError(ErrorCode.NOT_AN_IMAGE, f"the content is no picture: it begins with {bytes(data[:16])!r}")
    if kind not in _READERS:
        known = ", ".join(_READERS)
        raise PhotoError(ErrorCode.UNSUPPORTED_FORMAT, f"the picture is {kind}; packshot reads {known}")
    if kind == "WebP":
        _check_webp_header(data, limits)  # Pillow allocates the canvas as soon as it opens a WebP
    with _translating(kind):
        image = _READERS[kind][0](io.BytesIO(data))
    _check_size(*image.size, limits)
    return image, kind


def _check_webp_header(data: bytes, limits: ImageLimits) -> None:
    chunk = data[12:16]
    with _translating("WebP"):
        if struct.unpack_from("<I", data, 4)[0] + 8 > len(data):
            raise EOFError("the file is shorter than its header says")
        if chunk == b"VP8X":
            width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        elif chunk == b"VP8L":
            bits = struct.unpack_from("<I", data, 21)[0]
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        elif chunk == b"VP8 ":
            width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
        else:
            raise ValueError(f"unknown first chunk {bytes(chunk)!r}")
    _check_size(width, height, limits)


def _check_size(width: int, height: int, limits: ImageLimits) -> None:
    if width * height > limits.max_pixels:
        raise PhotoError(
            ErrorCode.TOO_MANY_PIXELS, f"{width}x{height} pixels are more than the limit of {limits.max_pixels}"
        )
    if min(width, height) < limits.min_side:
        raise PhotoError(
            ErrorCode.TOO_SMALL, f"{width}x{height} pixels: a side is under the limit of {limits.min_side}"
        )


class _translating:
    """Whatever a reader raises over broken data becomes the photo's own error."""

    def __init__(self, kind: str):
        self.kind = kind

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, PhotoError) or not isinstance(error, Exception):
            return
        if isinstance(error, Image.DecompressionBombError):
            raise PhotoError(ErrorCode.TOO_MANY_PIXELS, f"{self.kind}: {error}") from error
        if isinstance(error, MemoryError):
            raise PhotoError(ErrorCode.OUT_OF_MEMORY, f"no memory left to decode the {self.kind}") from error
        raise PhotoError(
            ErrorCode.CORRUPT_IMAGE, f"the {self.kind} is broken or cut: {error or type(error).__name__}"
        ) from error


class _decoding(_translating):
    """Also bounds memory: of pictures that need hundreds of megabytes, one is decoded at a time."""

    def __init__(self, image: Any, kind: str):
        super().__init__(kind)
        width, height = image.size
        self._turn = _one_large_at_a_time if width * height > _LARGE_PIXELS else nullcontext()

    def __enter__(self) -> None:
        self._turn.__enter__()

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._turn.__exit__(kind, error, trace)
        super().__exit__(kind, error, trace)


def _orientation(image: Any) -> int:
    try:
        return image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # EXIF is full of surprises, and a photo with a broken one is still a photo
        return 1


def _upright(image: Any) -> Any:
    if _orientation(image) == 1:
        return image
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # as above
        return image


def _to_srgb(image: Any, profile: bytes | None) -> Any:
    """Any mode of Pillow to RGB."""
    mode = image.mode
    if mode.startswith("I;16") or mode in ("I", "F"):
        return _from_deep_grey(np.asarray(image)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
    elif mode not in ("RGB", "L", "CMYK", "LAB"):
        image = image.convert("RGB")
    image = _apply_profile(image, profile)
    if image.mode == "RGBA":
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_deep_grey(values: np.ndarray) -> Any:
    """Grey of 16 bits, 32 bits or floats to 8 bits. Floats within [0, 1] are taken as a share of white."""
    grey = values.astype(np.float32)
    top = float(grey.max(initial=0.0))
    if values.dtype.kind == "f":
        scale = 255.0 if top <= 1.0 else 255.0 / max(top, 255.0)
    else:
        scale = 255.0 / 65535.0 if values.dtype.itemsize == 2 or 255 < top <= 65535 else 255.0 / max(top, 255.0)
    return Image.fromarray(np.clip(np.nan_to_num(grey) * scale + 0.5, 0, 255).astype(np.uint8))


def _apply_profile(image: Any, profile: bytes | None) -> Any:
    """Colours of an embedded ICC profile to sRGB; the picture itself where the profile says nothing or does not fit."""
    if not profile or len(profile) > _MAX_PROFILE_BYTES or image.mode == "LAB":
        return image
    if image.mode != "CMYK" and (b"sRGB" in profile or "sRGB".encode("utf-16-be") in profile):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if space != {"RGB": "RGB", "RGBA": "RGB", "L": "GRAY", "CMYK": "CMYK"}[image.mode]:
            return image
        target = "RGBA" if image.mode == "RGBA" else "RGB"
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=target)
    except (ImageCms.PyCMSError, OSError, ValueError):  # a broken profile does not make a broken photo
        return image
