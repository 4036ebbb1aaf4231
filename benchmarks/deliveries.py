"""Deliveries held against their presets: every delivered file through `packshot check`, every product pixel compared.

python -m benchmarks.deliveries [--photos 200] [--start 0] [--upscale 1] [--confidence 0.5] [--keep DIR] [PHOTOS]

Synthetic photos of all verdicts, or those of a folder, are cut out by profile `lite` and delivered for each preset;
the files are then checked from disk as `packshot check` does. What was placed is compared with its photo, pixel by
pixel, by code of its own. Exit code 1: a file breaks its preset, or a product pixel changed that was not resampled.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from packshot.artifacts import Raster
from packshot.config import load_profile, shaped
from packshot.engines import make_engine
from packshot.engines.base import Engine
from packshot.errors import PhotoError
from packshot.images import decode
from packshot.preset_files import check_files, find_pictures
from packshot.presets import load_preset, preset_names
from packshot.records import VERDICTS
from packshot.synth import make_photo

CHUNK = 10
PROMPTS = ("", "light oak table, window light", "grey gradient", "white marble", "dark studio", "beige linen fabric")
_NO_CLASSIFIER = {"classify.engine": "benchmarks.nothing:Classify"}


class Pipeline:
    """The engines of `lite` with a preset, kept between chunks."""

    def __init__(self, **overrides: Any):
        self.profile = load_profile("lite", _NO_CLASSIFIER | overrides)
        self.stages = shaped(self.profile)
        self._engines: dict[str, Engine] = {}

    def run(self, names: tuple[str, ...], images: list[np.ndarray], prompts: list[str], done: dict[str, list]) -> None:
        """Run stages over photos; `done` maps a stage to its results, in which a photo that failed stays failed."""
        for name in names:
            choice, stage = self.profile.stages[name], self.stages[name]
            engine = self._engines.setdefault(name, None) or make_engine(name, choice.engine, choice.params)
            self._engines[name] = engine
            upstream = [done[read] for read in stage.reads] + ([prompts] if stage.prompted else [])
            errors = [next((r[i] for r in upstream if isinstance(r[i], PhotoError)), None) for i in range(len(images))]
            ready = [i for i, error in enumerate(errors) if error is None]
            made = engine.run([images[i] for i in ready], *([r[i] for i in ready] for r in upstream)) if ready else []
            results = dict(zip(ready, made, strict=True))
            done[name] = [results.get(i, errors[i]) for i in range(len(images))]


def chunks(photos: Path | None, start: int, count: int) -> Iterator[tuple[list[str], list[np.ndarray]]]:
    """Names and pixels, a few photos at a time."""
    if photos:
        files = find_pictures([str(photos)])
        for at in range(0, len(files), CHUNK):
            part = files[at : at + CHUNK]
            yield [file.stem for file in part], [decode(file.read_bytes()) for file in part]
        return
    for at in range(start, start + count, CHUNK):
        seeds = range(at, min(at + CHUNK, start + count))
        images = [make_photo(50_000 + s, VERDICTS[s % len(VERDICTS)], (800, 800), "test").image for s in seeds]
        yield [f"s{seed:05d}" for seed in seeds], images


def changed(image: np.ndarray, cutout: Raster, placed: Raster) -> int | None:
    """How many solid product pixels of a placed picture are not the photo's; None where it was resampled."""
    where = placed.figures.get("placement")
    x0, y0, x1, y1 = where["box"] if where else (0, 0, image.shape[1], image.shape[0])
    x, y = where["at"] if where else (0, 0)
    if where and where["scale"] != 1:
        return None
    solid = cutout.pixels[y0:y1, x0:x1, 3] == 255
    there = placed.pixels[y : y + y1 - y0, x : x + x1 - x0]
    return int((there != image[y0:y1, x0:x1]).any(axis=2)[solid].sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--upscale", type=float, default=1.0)
    parser.add_argument("--confidence", type=float, help="least cutout confidence; default: the profile's")
    parser.add_argument("--presets", nargs="+", default=preset_names())
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    common = Pipeline()
    common_settings: dict[str, Any] = {"deliver.max_upscale": options.upscale}
    if options.confidence is not None:
        common_settings["gates.cutout_confidence"] = options.confidence
    ways = {name: Pipeline(**{"deliver.preset": name} | common_settings) for name in options.presets}
    came = {name: Counter[str]() for name in ways}
    exact, resampled, wrong = 0, 0, 0
    with TemporaryDirectory() as scratch:
        target = options.keep or Path(scratch)
        for names, images in chunks(options.folder, options.start, options.photos):
            prompts = [PROMPTS[i % len(PROMPTS)] for i in range(len(images))]
            cut: dict[str, list] = {}
            common.run(("ocr", "segment", "caption", "detect", "mask"), images, prompts, cut)
            for preset, way in ways.items():
                done = dict(cut)
                scene = "inpaint" in way.stages["deliver"].reads
                way.run(("inpaint", "deliver") if scene else ("deliver",), images, prompts, done)
                for i, result in enumerate(done["deliver"]):
                    if isinstance(result, PhotoError):
                        came[preset][str(result.code)] += 1
                        continue
                    came[preset]["delivered"] += 1
                    file = target / preset / f"{names[i]}.{way.stages['deliver'].suffix}"
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(result.encode())
                    if scene:
                        came[preset][done["inpaint"][i].figures["setting"]] += 1
                        pixels = done["inpaint"][i]
                    elif load_preset(preset).make.format == "PNG":
                        pixels = Raster(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB), result.figures)
                    else:
                        continue
                    count = changed(images[i], cut["mask"][i], pixels)
                    resampled += count is None
                    exact += count == 0
                    wrong += bool(count)
        broken = 0
        for preset in ways:
            files = find_pictures([str(target / preset)]) if (target / preset).exists() else []
            results = list(check_files(files, load_preset(preset), read=False))
            fails = [result for result in results if not result.passes]
            broken += len(fails)
            for result in fails:
                print(f"  {result.path.name}: {result.problem or result.findings}")
            told = ", ".join(f"{count} {what}" for what, count in came[preset].most_common())
            warned = Counter(f.rule for result in results for f in result.findings if not f.binding)
            warnings = f"; warnings: {', '.join(f'{n} {rule}' for rule, n in warned.items())}" if warned else ""
            print(f"{preset}: {told or 'nothing'}; {len(results) - len(fails)} of {len(results)} files pass{warnings}")
    print(f"product pixels: identical in {exact} placements, changed in {wrong}; {resampled} were resampled")
    sys.exit(1 if broken or wrong else 0)


if __name__ == "__main__":
    main()
