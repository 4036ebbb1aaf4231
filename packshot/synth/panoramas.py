"""Make rooms (`packshot.synth.props`) from photographed panoramas: what an interior or a street really looks like.

    python -m packshot.synth.panoramas FOLDER... --out PROPS [--views 16]

A folder holds equirectangular panoramas of radiance: .exr, or .exr.js as the npm package @pmndrs/assets has them. Of
each so many views are taken, as a camera at its place would, with another direction, lens and exposure every time.
Called again, it makes the same pictures. It needs the extra `props`.
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from packshot.errors import PackshotError, SourceError

try:
    import OpenEXR
except ImportError as error:
    sys.exit(f"error: {error}: panoramas are read with the extra props (pip install 'packshot[props]')")

_SIZE_WH = 480, 400
_SUFFIXES = (".exr", ".exr.js")


def find_panoramas(folder: Path) -> list[Path]:
    """A `SourceError` when there is none."""
    found = sorted(path for path in folder.glob("*") if path.name.endswith(_SUFFIXES))
    if not found:
        raise SourceError(f"{folder} holds no panoramas: files that end in {' or '.join(_SUFFIXES)} are looked for")
    return found


def read_panorama(path: Path) -> np.ndarray:
    """Radiance, float32 (H, W, 3), RGB, twice as wide as high. A `SourceError` when it is no panorama."""
    data = path.read_bytes()
    if path.suffix == ".js":
        data = base64.b64decode(data.partition(b"base64,")[2].split(b"'")[0].split(b'"')[0])
    with tempfile.NamedTemporaryFile(suffix=".exr") as file:
        file.write(data)
        file.flush()
        try:
            channels = OpenEXR.File(file.name).channels()
        except Exception as error:  # its own class is not exported
            raise SourceError(f"{path} is not a picture that can be read: remove it ({error})") from None
    # The reader joins channels of a kind.
    planes = next((channels[name].pixels for name in ("RGB", "RGBA") if name in channels), None)
    if planes is None and set("RGB") <= set(channels):
        planes = np.dstack([channels[name].pixels for name in "RGB"])
    if planes is None or planes.shape[1] != 2 * planes.shape[0]:
        raise SourceError(f"{path} is no panorama in colour, twice as wide as high: remove it")
    return np.nan_to_num(planes[..., :3].astype(np.float32), posinf=1e4).clip(0, 1e4)


def view(panorama: np.ndarray, rng: np.random.Generator, size_wh: tuple[int, int] = _SIZE_WH) -> np.ndarray:
    """What a camera sees, RGB uint8 (h, w, 3): anywhere around, level or looking down a little."""
    width, height = size_wh
    turn, tilt = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(-4, 24))
    reach = np.tan(np.deg2rad(rng.uniform(55, 85)) / 2)
    right = np.linspace(-reach, reach, width)[None]
    down = np.linspace(-reach, reach, height)[:, None] * height / width
    ahead, down = np.cos(tilt) - down * np.sin(tilt), np.sin(tilt) + down * np.cos(tilt)
    longitude = turn + np.arctan2(right, ahead)
    latitude = np.arctan2(-down, np.hypot(right, ahead))
    rows, cols = panorama.shape[:2]
    x = (longitude / (2 * np.pi) * cols) % cols
    y = (0.5 - latitude / np.pi) * rows - 0.5
    around = np.concatenate([panorama, panorama[:, :1]], axis=1)
    seen = cv2.remap(
        around, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return _exposed(seen, rng)


def _exposed(radiance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As a camera shows it: metered for the middle tones, highlights rolled off (E. Reinhard et al., "Photographic tone
    reproduction for digital images", 2002, equation 4), gamma."""
    light = radiance @ np.float32([0.2126, 0.7152, 0.0722])
    scaled = radiance * rng.uniform(0.16, 0.32) / max(1e-4, float(np.exp(np.log(light + 1e-4).mean())))
    white = 1.6
    shown = scaled * (1 + scaled / white**2) / (1 + scaled)
    return np.round(255 * np.clip(shown, 0, 1) ** (1 / 2.2)).astype(np.uint8)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m packshot.synth.panoramas", description=__doc__.split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True, help="folder of props, made or added to")
    parser.add_argument("--views", type=int, default=16, help="pictures of each panorama")
    options = parser.parse_args(arguments)
    rooms = options.out / "rooms"
    rooms.mkdir(parents=True, exist_ok=True)
    try:
        paths = [path for folder in options.folders for path in find_panoramas(folder)]
        for number, path in enumerate(paths):
            panorama = read_panorama(path)
            for k in range(options.views):
                picture = cv2.cvtColor(view(panorama, np.random.default_rng([number, k])), cv2.COLOR_RGB2BGR)
                name = f"panorama-{number:03d}-{path.name.partition('.')[0]}-{k:02d}.jpg"
                cv2.imwrite(str(rooms / name), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
        print(f"{len(paths) * options.views} views of {len(paths)} panoramas in {rooms}")
    except PackshotError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
