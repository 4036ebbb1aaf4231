"""Whether a finished picture follows a preset's rules, told from the file alone: what `packshot check` says."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from packshot.images import ImageLimits, decode, sniff
from packshot.presets import Preset, Rules
from packshot.provenance import AI_TERMS, source_type

WHITE = 250
"""A pixel whose darkest channel is at least this is white: lossy files are not exact next to the product."""
_LIMITS = ImageLimits(max_bytes=256 << 20, max_pixels=200_000_000, min_side=1)
_ASPECT_TOLERANCE = 0.005


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a picture breaks. `binding`: the picture is refused for it; else it is only warned of."""

    rule: str
    message: str
    binding: bool


def check(data: bytes, preset: Preset, texts: Callable[[np.ndarray], list[str]] | None = None) -> list[Finding]:
    """What of the preset's rules the file `data` breaks. `texts` gives the writing off the product in a picture RGB
    uint8 (H, W, 3); without it that rule is not checked. Raises `PhotoError` where the file is no whole picture."""
    pixels = decode(data, _LIMITS)
    broken = dict(_file(data, pixels, preset.rules)) | dict(_picture(pixels, preset.rules))
    if texts and preset.rules.overlay_text and not preset.rules.overlay_text.value and (found := texts(pixels)):
        broken["overlay_text"] = f"writing off the product: {', '.join(map(repr, found))[:120]}"
    findings = []
    for name, message in broken.items():
        rule = getattr(preset.rules, name)
        # Reading and telling frames are guesses: they warn.
        sure = name not in ("overlay_text", "border")
        findings.append(Finding(name, message, rule.binding and sure))
    return findings


def _file(data: bytes, pixels: np.ndarray, rules: Rules):
    """Rules on the file: format, size, bytes, colours, metadata. Yields name and message of each that is broken."""
    height, width = pixels.shape[:2]
    kind = sniff(data)
    with Image.open(io.BytesIO(data)) as image:
        mode, profile = image.mode, image.info.get("icc_profile")
        frames, transparent = getattr(image, "n_frames", 1), image.has_transparency_data
    if rules.formats and kind not in rules.formats.value:
        yield "formats", f"it is {kind}; {', '.join(rules.formats.value)} are taken"
    for name, size in (
        ("min_width", width),
        ("min_height", height),
        ("min_long_side", max(width, height)),
        ("min_short_side", min(width, height)),
    ):
        rule = getattr(rules, name)
        if rule and size < rule.value:
            yield name, f"{width}x{height} px; {name[4:].replace('_', ' ')} at least {rule.value}"
    if rules.max_long_side and max(width, height) > rules.max_long_side.value:
        yield "max_long_side", f"{width}x{height} px; long side at most {rules.max_long_side.value}"
    if rules.max_pixels and width * height > rules.max_pixels.value:
        yield "max_pixels", f"{width * height / 1e6:.1f} megapixels; at most {rules.max_pixels.value / 1e6:g}"
    if rules.max_bytes and len(data) > rules.max_bytes.value:
        yield "max_bytes", f"{len(data) / 1e6:.2f} MB; at most {rules.max_bytes.value / 1e6:g}"
    if rules.aspect:
        wanted = rules.aspect.value[0] / rules.aspect.value[1]
        if abs(width / height / wanted - 1) > max(_ASPECT_TOLERANCE, 1 / min(width, height)):
            yield "aspect", f"{width}x{height} px is not {rules.aspect.value[0]}:{rules.aspect.value[1]}"
    if rules.srgb and rules.srgb.value and (problem := _not_srgb(mode, profile)):
        yield "srgb", problem
    if rules.transparency and not rules.transparency.value and transparent:
        yield "transparency", "it has transparency"
    if rules.animation and not rules.animation.value and frames > 1:
        yield "animation", f"it is animated: {frames} pictures"
    if rules.ai_background and not rules.ai_background.value and (term := source_type(data)) in AI_TERMS:
        yield "ai_background", f"its metadata say that generative AI made a part of it: {term}"


def _not_srgb(mode: str, profile: bytes | None) -> str | None:
    """Why the colours are not sRGB. Without a profile RGB and grey are taken for it, as browsers do."""
    if mode in ("CMYK", "YCCK", "LAB"):
        return f"its colours are {mode}"
    if profile and b"sRGB" not in profile and "sRGB".encode("utf-16-be") not in profile:
        return "its colour profile is not sRGB"
    return None


def _picture(pixels: np.ndarray, rules: Rules):
    """Rules on what is seen."""
    if rules.white_background:
        share = white_border(pixels)
        if share < rules.white_background.value:
            yield (
                "white_background",
                f"{share:.0%} of the border is pure white; at least {rules.white_background.value:.0%}",
            )
    if rules.frame_share and rules.white_background:
        share = share_on_white(pixels)
        if share < rules.frame_share.value:
            yield "frame_share", f"the product fills {share:.0%} of the frame; at least {rules.frame_share.value:.0%}"
    if rules.border and not rules.border.value and has_border(pixels):
        yield "border", "it has a drawn border"


def white_border(pixels: np.ndarray) -> float:
    """The share of the outermost pixels of RGB uint8 (H, W, 3) that are white."""
    return float((_ring(pixels, 0).min(axis=1) >= WHITE).mean())


def share_on_white(pixels: np.ndarray) -> float:
    """The larger extent of all that is not white over the frame's, in [0, 1]."""
    _, _, width, height = cv2.boundingRect((pixels.min(axis=2) < WHITE).astype(np.uint8))
    return max(width / pixels.shape[1], height / pixels.shape[0])


def has_border(pixels: np.ndarray) -> bool:
    """Whether a frame of one colour, other than what it frames, is drawn around the picture."""
    side = min(pixels.shape[:2])
    if side < 32:
        return False
    outer, *inner = (_ring(pixels, depth).astype(np.float32) for depth in (0, side // 64 + 1, side // 30, side // 16))
    if outer.std(axis=0).max() > 6:
        return False
    return any(
        ring.std(axis=0).max() < 12 and np.abs(outer.mean(axis=0) - ring.mean(axis=0)).max() > 24 for ring in inner
    )


def _ring(values: np.ndarray, depth: int) -> np.ndarray:
    """The outermost values of an array (H, W, …) once `depth` px are cut off all around."""
    inner = values[depth : values.shape[0] - depth, depth : values.shape[1] - depth]
    return np.concatenate([inner[0], inner[-1], inner[1:-1, 0], inner[1:-1, -1]])
