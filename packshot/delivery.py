"""The finished file: encoded as a preset asks, in sRGB with its profile, marked for where it came from."""

import io
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from packshot.artifacts import encode_png, read_figures, with_figures
from packshot.errors import ErrorCode, PhotoError
from packshot.provenance import mark_png, with_png_profile, xmp

_QUALITIES = (92, 88, 84, 80, 75, 70)


@dataclass(slots=True)
class Delivered:
    """Result of `deliver`: a file as it is handed out, and what was measured on it (written into it too)."""

    data: bytes
    figures: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        return with_figures(self.data, self.figures)

    @classmethod
    def decode(cls, data: bytes) -> "Delivered":
        return cls(data, read_figures(data))


def encode_picture(pixels: np.ndarray, format: str, quality: int, max_bytes: int, term: str | None) -> bytes:
    """`pixels` RGB uint8 (H, W, 3) as JPEG (no chroma subsampling) or PNG, with sRGB's profile, and `term` as IPTC's
    digital source type. A JPEG over `max_bytes` is tried at lower qualities, down to 70.

    Raises `PhotoError` (`preset_failed`) where it stays too large.
    """
    if format == "PNG":
        data = with_png_profile(encode_png(pixels), srgb_profile())
        data = mark_png(data, term) if term else data
    else:
        image = Image.fromarray(pixels)
        for step in (quality, *(q for q in _QUALITIES if q < quality)):
            buffer = io.BytesIO()
            marks = {"xmp": xmp(term)} if term else {}
            image.save(buffer, "JPEG", quality=step, subsampling=0, icc_profile=srgb_profile(), **marks)
            data = buffer.getvalue()
            if len(data) <= max_bytes:
                break
    if len(data) > max_bytes:
        raise PhotoError(
            ErrorCode.PRESET_FAILED,
            f"the picture takes {len(data) / 1e6:.1f} MB as {format}, and {max_bytes / 1e6:g} are allowed",
            figures={"bytes": len(data)},
        )
    return data


@cache
def srgb_profile() -> bytes:
    """sRGB's ICC profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
