"""Pictures that join what is drawn, in split `train`: a folder of one's own products and rooms.

    PROPS/small/*.png     products cut out (PNG or WebP with transparency)
    PROPS/large/*.png     furniture cut out: it comes alone, and furnishes rooms
    PROPS/rooms/*.jpg     rooms; those with a mask beside them (same name, .png) are photos of a product in a room

Cut-outs make up half of the products, where there are enough of them and no kind of product is asked for.
`packshot.synth.furniture` makes such a folder from free 3D models.
"""

from __future__ import annotations

import colorsys
import hashlib
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from packshot.errors import SourceError
from packshot.synth.colours import Palette
from packshot.synth.kit import Kit
from packshot.synth.products import FURNITURE, KINDS, LARGE, Subject
from packshot.synth.raster import Layer

ROOMS: dict[str, list[Path]] = {"train": [], "test": []}
"""Empty ones, by split."""
STAGED: dict[str, list[Path]] = {"train": [], "test": []}
"""Rooms with a product in them."""
_LONGEST = 640
"""px, of the cut-outs that are kept in memory."""


def check_props(folder: Path | None) -> str:
    """What tells these props from others: a digest of their names and sizes, or nothing for None.

    A `SourceError` when the folder holds none, or one that cannot be used; for before worker processes add them.
    """
    if folder is None:
        return ""
    files = _files(folder)
    if not any(files.values()):
        raise SourceError(f"{folder} holds no props: cut-outs are looked for in small and large, photos in rooms")
    for path in (*files["small"], *files["large"]):
        if _header(path)[0] != "RGBA":
            raise SourceError(f"{path} is not a picture with transparency: remove it, or cut its product out")
    for path in files["rooms"]:
        mask = path.with_suffix(".png")
        if mask.exists() and _header(mask)[1] != _header(path)[1]:
            raise SourceError(f"{mask} is not as large as its photo: remove it, or make it again")
    names = [f"{p.relative_to(folder)} {p.stat().st_size}" for paths in files.values() for p in paths]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def add_props(folder: Path | None) -> None:
    """Let the pictures of `folder` join split `train`, once in this process; None changes nothing.

    The same folder, seed and version of packshot give the same photos. A `SourceError` when it holds none.
    """
    if folder is None:
        return
    check_props(folder)
    files = _files(folder)
    kinds = KINDS["train"]
    drawn = len(kinds)
    for size, count in (("large", drawn // 2), ("small", drawn - drawn // 2)):
        # Each kind is drawn as often as any other: as many kinds of cut-outs as of drawn products are half of them.
        for number in range(min(count, len(files[size]))):
            kind = f"prop_{size}_{number}"
            kinds[kind] = _Drawer(tuple(files[size][number::count]))
            if size == "large":
                LARGE.add(kind)
                FURNITURE.append(kind)
    for path in files["rooms"]:
        (STAGED if path.with_suffix(".png").exists() else ROOMS)["train"].append(path)


def _files(folder: Path) -> dict[str, list[Path]]:
    endings = {"small": (".png", ".webp"), "large": (".png", ".webp"), "rooms": (".jpg", ".jpeg")}
    return {
        name: sorted(p for p in (folder / name).glob("*") if p.suffix.lower() in suffixes)
        for name, suffixes in endings.items()
    }


def _header(path: Path) -> tuple[str, tuple[int, int]]:
    """Mode, and width and height."""
    try:
        with Image.open(path) as picture:
            return picture.mode, picture.size
    except OSError as error:
        raise SourceError(f"{path} is not a picture that can be read: remove it ({error})") from None


class _Drawer:
    """Draws one of several cut-outs, in another colour and light each time."""

    def __init__(self, paths: tuple[Path, ...]):
        self._paths = paths

    def __call__(self, kit: Kit) -> Layer:
        picture = _cutout(self._paths[int(kit.rng.integers(len(self._paths)))]).astype(np.float32) / 255
        picture[..., :3] *= picture[..., 3:]
        height, width = picture.shape[:2]
        scale = 0.96 * kit.px / max(height, width)
        size_wh = max(2, round(width * scale)), max(2, round(height * scale))
        picture = cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        alpha = np.clip(picture[..., 3], 0, 1)
        rgb = np.clip(picture[..., :3] / np.maximum(alpha, 1e-3)[..., None], 0, 1)
        if kit.chance(0.3):
            tint = np.float32(colorsys.hsv_to_rgb(kit.between(0, 1), kit.between(0.05, 0.5), 1.0))
            rgb = rgb * tint / tint.mean()
        if kit.chance(0.25):
            rgb = np.roll(rgb, int(kit.rng.integers(1, 3)), axis=-1)
        rgb = np.clip(rgb * kit.between(0.8, 1.15), 0, 1) ** np.float32(kit.between(0.75, 1.25))
        layer = kit.layer()
        layer.over(alpha, rgb.astype(np.float32), ((kit.px - size_wh[0]) // 2, (kit.px - size_wh[1]) // 2))
        return layer


def room(rng: np.random.Generator, shape_hw: tuple[int, int], split: str) -> np.ndarray:
    """Part of an empty room, (H, W, 3) float32 in [0, 1]."""
    paths = ROOMS[split]
    picture = _colour(paths[int(rng.integers(len(paths)))])
    height, width = picture.shape[:2]
    share = rng.uniform(0.6, 1.0)
    h, w = _largest((height * share, width * share), shape_hw)
    y, x = rng.uniform(0.4, 1.0) * (height - h), rng.uniform(0, 1) * (width - w)
    return _scaled(picture[int(y) : int(y + h), int(x) : int(x + w)], shape_hw, rng.random() < 0.5)


def staged(rng: np.random.Generator, shape_hw: tuple[int, int], split: str) -> tuple[np.ndarray, np.ndarray]:
    """A photo of a product in a room, (H, W, 3) float32 in [0, 1], and its alpha (H, W) float32 in [0, 1]."""
    paths = STAGED[split]
    path = paths[int(rng.integers(len(paths)))]
    picture = np.dstack([_colour(path), _grey(path.with_suffix(".png"))])
    height, width = picture.shape[:2]
    ys, xs = (np.flatnonzero((picture[..., 3] > 0.5).any(axis)) for axis in (1, 0))
    if not len(ys):
        raise SourceError(f"{path.with_suffix('.png')} marks no product in its photo: remove both")
    # As much of the room as the photo's shape allows, down to the product with a margin.
    h, w = _largest((height, width), shape_hw)
    tight = max((ys[-1] - ys[0]) * 1.12 / h, (xs[-1] - xs[0]) * 1.12 / w, 0.35)
    share = rng.uniform(min(1.0, tight), 1.0)
    h, w = h * share, w * share
    centre = (ys[0] + ys[-1]) / 2 + rng.uniform(-0.05, 0.05) * h, (xs[0] + xs[-1]) / 2 + rng.uniform(-0.06, 0.06) * w
    y, x = np.clip(centre[0] - h / 2, 0, height - h), np.clip(centre[1] - w / 2, 0, width - w)
    picture = _scaled(picture[int(y) : int(y + h), int(x) : int(x + w)], shape_hw, rng.random() < 0.5)
    return np.ascontiguousarray(picture[..., :3]), np.ascontiguousarray(picture[..., 3])


def staged_subject(picture: np.ndarray, alpha: np.ndarray, palette: Palette) -> Subject:
    layer = Layer(alpha.shape)
    layer.rgb, layer.alpha = picture, alpha
    return Subject(layer.trimmed(), "staged", "single", [], palette, True)


def _largest(within_hw: tuple[float, float], shape_hw: tuple[int, int]) -> tuple[float, float]:
    """Height and width of the largest part of `within_hw` that has the proportions of `shape_hw`."""
    scale = min(within_hw[0] / shape_hw[0], within_hw[1] / shape_hw[1])
    return max(2.0, shape_hw[0] * scale), max(2.0, shape_hw[1] * scale)


def _scaled(picture: np.ndarray, shape_hw: tuple[int, int], mirror: bool) -> np.ndarray:
    picture = picture[:, ::-1] if mirror else picture
    shrink = shape_hw[0] < picture.shape[0]
    size_wh = shape_hw[1], shape_hw[0]
    return np.clip(cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC), 0, 1)


@lru_cache(maxsize=512)
def _cutout(path: Path) -> np.ndarray:
    """RGBA uint8 (H, W, 4), its long side at most `_LONGEST`."""
    data = _decoded(path, cv2.IMREAD_UNCHANGED)
    if data.ndim != 3 or data.shape[2] != 4 or not data[..., 3].any():
        raise SourceError(f"{path} shows no product cut out: remove it, or cut its product out")
    if data.dtype == np.uint16:
        data = (data >> 8).astype(np.uint8)
    scale = _LONGEST / max(data.shape)
    if scale < 1:
        # Colours by their share of alpha: hidden ones must not come to light.
        weighted = np.dstack([data[..., :3] / 255.0 * data[..., 3:], data[..., 3:]]).astype(np.float32)
        weighted = cv2.resize(weighted, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        weighted[..., :3] *= 255 / np.maximum(weighted[..., 3:], 1)
        data = np.clip(np.round(weighted), 0, 255).astype(np.uint8)
    return cv2.cvtColor(data, cv2.COLOR_BGRA2RGBA)


def _colour(path: Path) -> np.ndarray:
    return cv2.cvtColor(_decoded(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB).astype(np.float32) / 255


def _grey(path: Path) -> np.ndarray:
    return _decoded(path, cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255


def _decoded(path: Path, mode: int) -> np.ndarray:
    data = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), mode)
    if data is None:
        raise SourceError(f"{path} is not a picture that can be read: remove it")
    return data
