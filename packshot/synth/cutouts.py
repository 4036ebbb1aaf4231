"""Products given as pictures: cut-outs (PNG or WebP with transparency) that join the drawn kinds of split `train`.

They make up half of the products; those beneath a folder named `large` are furniture: they come alone and furnish rooms.
"""

from __future__ import annotations

import colorsys
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from packshot.errors import SourceError
from packshot.synth.kit import Kit
from packshot.synth.products import FURNITURE, KINDS, LARGE
from packshot.synth.raster import Layer

LARGE_FOLDER = "large"
_PREFIX = "cutout"


def add_cutouts(folder: Path | None) -> None:
    """Add the cut-outs beneath `folder` to split `train`, in this process; photos drawn from now on show them too.

    The same folder, seed and version of packshot give the same photos. None changes nothing. A `SourceError` when the
    folder holds no cut-out.
    """
    if folder is None:
        return
    paths = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in (".png", ".webp")]
    if not paths:
        raise SourceError(f"{folder} holds no cut-outs: PNG or WebP files with transparency are looked for")
    kinds = KINDS["train"]
    drawn = [kind for kind in kinds if not kind.startswith(_PREFIX)]
    # Each kind is drawn as often as any other: as many kinds of cut-outs as of drawn products are half of them.
    for first in range(len(drawn)):
        group = paths[first :: len(drawn)]
        for size in (LARGE_FOLDER, "small"):
            members = [p for p in group if (LARGE_FOLDER in p.relative_to(folder).parts) == (size == LARGE_FOLDER)]
            if members:
                kind = f"{_PREFIX}_{size}_{first}"
                kinds[kind] = _Drawer(tuple(members))
                if size == LARGE_FOLDER:
                    LARGE.add(kind)
                    FURNITURE.append(kind)


class _Drawer:
    """Draws one of several cut-outs, in another colour and light each time."""

    def __init__(self, paths: tuple[Path, ...]):
        self._paths = paths

    def __call__(self, kit: Kit) -> Layer:
        path = self._paths[int(kit.rng.integers(len(self._paths)))]
        picture = _read(path)
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


@lru_cache(maxsize=256)
def _read(path: Path) -> np.ndarray:
    """(H, W, 4) float32 in [0, 1], RGB premultiplied with alpha."""
    data = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if data is None or data.ndim != 3 or data.shape[2] != 4:
        raise SourceError(f"{path} is not a picture with transparency: remove it, or cut its product out")
    picture = cv2.cvtColor(data, cv2.COLOR_BGRA2RGBA).astype(np.float32) / np.iinfo(data.dtype).max
    picture[..., :3] *= picture[..., 3:]
    return picture
