"""Make a folder of props (`packshot.synth.props`) from free 3D models.

    python -m packshot.synth.furniture LIBRARY.sh3f... --out PROPS [--views 3] [--rooms 1000]

Each model is shown alone from several sides, cut out; then rooms are furnished with them, and half of the rooms show
one of them as their product, with its mask. Called again, it goes on where it stopped. It needs the extra `props`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from packshot.errors import PackshotError

try:
    from packshot.synth.models3d import Model, read_library
    from packshot.synth.render3d import render_cutout, render_room
except ImportError as error:
    sys.exit(f"error: {error}: models are rendered with the extra props (pip install 'packshot[props]')")

_PEOPLE = "Characters"
_LARGE_CM = 100.0
_LEAST_CUTOUT, _LEAST_PRODUCT = 0.03, 0.05
"""Of the picture that must be product: what is thinner or further away teaches nothing."""


def make_cutouts(model: Model, out: Path, views: int) -> int:
    """Show a model alone, from `views` sides; how many pictures came out."""
    folder = out / ("large" if max(model.size_cm) > _LARGE_CM else "small")
    made = 0
    for view in range(views):
        path = folder / f"{model.name}-{view}.png"
        if _is_new(path):
            picture = render_cutout(model, np.random.default_rng([model.number, view]))
            solid = picture[..., 3] > 0.5
            thin = solid.sum() < 0.5 * (picture[..., 3] > 0.08).sum()
            if (
                solid.sum() < _LEAST_CUTOUT * max(solid.shape) ** 2
                or thin
                or picture[solid][:, :3].std(0).mean() < 0.015
            ):
                continue
            _write(path, cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA))
        made += path.exists()
    return made


def make_room(models: list[Model], out: Path, number: int) -> int:
    """Show a room; of odd number, with a product. 1, or 0 where the product did not come out well."""
    path = out / "rooms" / f"{number:05d}.jpg"
    if _is_new(path):
        picture, mask = render_room(models, np.random.default_rng([number, 77]), bool(number % 2))
        if number % 2:
            if mask is None or not _LEAST_PRODUCT < (mask > 0.5).mean() < 0.6:
                return 0
            _write(path.with_suffix(".png"), mask)
        _write(path, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return int(path.exists())


def _is_new(path: Path) -> bool:
    """Whether a picture was never tried: what did not come out, or ended its process, is not tried again."""
    tried = path.with_suffix(".tried")
    if path.exists() or tried.exists():
        return False
    tried.touch()
    return True


def _write(path: Path, picture: np.ndarray) -> None:
    quality = [cv2.IMWRITE_JPEG_QUALITY, 92] if path.suffix == ".jpg" else []
    _, data = cv2.imencode(path.suffix, np.round(255 * picture).astype(np.uint8), quality)
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(data.tobytes())
    unfinished.rename(path)


def _in_parallel(what: str, task: partial, items: list, workers: int) -> list[int]:
    """What `task` returns for each item, in order. A `PackshotError` when VTK ends a process."""
    started, made = time.monotonic(), [0] * len(items)
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(workers, context) as pool:
            jobs = {pool.submit(task, item): place for place, item in enumerate(items)}
            for done, job in enumerate(as_completed(jobs), 1):
                made[jobs[job]] = job.result()
                if done % 50 == 0 or done == len(jobs):
                    print(f"{what}: {done} of {len(jobs)}, {time.monotonic() - started:.0f} s", flush=True)
    except BrokenProcessPool:
        raise PackshotError(
            f"VTK ended a process that made {what}: run the same command again, it leaves out the picture that it was "
            "at; if it ends at once, VTK finds no renderer: install Debian's libosmesa6"
        ) from None
    return made


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m packshot.synth.furniture", description=__doc__.split("\n")[0])
    parser.add_argument("libraries", type=Path, nargs="+", metavar="LIBRARY.sh3f")
    parser.add_argument("--out", type=Path, required=True, help="folder of props, made or gone on with")
    parser.add_argument("--unpacked", type=Path, help="folder for the unpacked libraries; by default beside the props")
    parser.add_argument("--views", type=int, default=3, help="sides that each model is shown from")
    parser.add_argument("--rooms", type=int, default=1000, help="rooms to furnish; some do not come out well")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes that render")
    options = parser.parse_args(arguments)
    out = options.out.resolve()
    for name in ("small", "large", "rooms"):
        (out / name).mkdir(parents=True, exist_ok=True)
    unpacked = options.unpacked or out.with_name(f"{out.name}-models")
    try:
        models = [model for path in options.libraries for model in read_library(path, unpacked)]
        models = [model for model in models if model.category != _PEOPLE]
        task = partial(make_cutouts, out=out, views=options.views)
        made = _in_parallel("cut-outs", task, models, options.workers)
        # VTK cannot read some models at all, and may end the process when one of them is added to others.
        shown = [model for model, views in zip(models, made, strict=True) if views]
        print(f"{sum(made)} cut-outs of {len(shown)} models in {out}")
        if not shown:
            raise PackshotError("no model came out: is Debian's libosmesa6 installed?")
        if options.rooms:
            rooms = _in_parallel("rooms", partial(make_room, shown, out), list(range(options.rooms)), options.workers)
            print(f"{sum(rooms)} rooms in {out / 'rooms'}")
    except PackshotError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
