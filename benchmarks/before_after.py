"""The README's picture: synthetic photos as they came, cut out, and placed by profile `lite`.

python -m benchmarks.before_after docs/images/before-after.jpg [SEED …]
"""

import sys

import cv2
import numpy as np

from packshot.artifacts import Raster
from packshot.config import load_profile, shaped
from packshot.engines import make_engine
from packshot.errors import PhotoError
from packshot.synth import make_photo

CELL, GAP = 300, 10
SEEDS = (25, 28, 20, 4, 14, 35)
PROMPTS = ("", "light oak table, window light", "grey gradient", "white marble", "dark studio", "beige linen fabric")


def cut_and_place(images: list[np.ndarray], prompts: list[str]) -> tuple[list[Raster], list[Raster]]:
    """Cutouts and placed photos by the engines of `lite`."""
    profile = load_profile("lite", {"classify.engine": "benchmarks.nothing:Classify"})
    results: dict[str, list] = {}
    stages = shaped(profile)
    for name in ("ocr", "segment", "caption", "detect", "mask", "inpaint"):
        choice = profile.stages[name]
        upstream = [results[read] for read in stages[name].reads]
        if stages[name].prompted:
            upstream.append(prompts)
        results[name] = make_engine(name, choice.engine, choice.params).run(images, *upstream)
    return results["mask"], results["inpaint"]


def sheet(rows: list[list[np.ndarray]]) -> np.ndarray:
    """RGB pictures in a grid, each row of one photo's stages as a column."""
    height = len(rows[0]) * (CELL + GAP) + GAP
    width = len(rows) * (CELL + GAP) + GAP
    page = np.full((height, width, 3), 246, np.uint8)
    for column, pictures in enumerate(rows):
        for row, picture in enumerate(pictures):
            scale = CELL / max(picture.shape[:2])
            small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            top = GAP + row * (CELL + GAP) + (CELL - small.shape[0]) // 2
            left = GAP + column * (CELL + GAP) + (CELL - small.shape[1]) // 2
            page[top : top + small.shape[0], left : left + small.shape[1]] = small
    return page


def on_checkerboard(pixels: np.ndarray) -> np.ndarray:
    """RGBA over a light checkerboard."""
    rows, columns = np.indices(pixels.shape[:2]) // max(1, max(pixels.shape) // 24)
    board = np.where((rows + columns) % 2, 255, 222).astype(np.float32)[..., None]
    alpha = pixels[..., 3:].astype(np.float32) / 255
    return (pixels[..., :3] * alpha + board * (1 - alpha)).astype(np.uint8)


def main() -> None:
    target, *seeds = sys.argv[1:]
    images = [make_photo(int(s), "good_infographics", (800, 800), "test").image for s in seeds or SEEDS]
    cutouts, placed = cut_and_place(images, [PROMPTS[i % len(PROMPTS)] for i in range(len(images))])
    for result in placed:
        if isinstance(result, PhotoError):
            sys.exit(f"choose other seeds: {result.message}")
    page = sheet([[i, on_checkerboard(c.pixels), p.pixels] for i, c, p in zip(images, cutouts, placed, strict=True)])
    cv2.imwrite(target, cv2.cvtColor(page, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
