"""How fast a profile's engines are on this machine: each stage alone, loaded and warm, without Prefect and store."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from packshot.config import Profile, shaped
from packshot.engines import make_engine
from packshot.engines.base import Engine
from packshot.errors import PackshotError, PhotoError, SettingError
from packshot.stages import STAGES


@dataclass(slots=True)
class StageSpeed:
    """One stage's figures. `seconds` is for `photos` photos, of which `failed` ended in an error; `peak_gb` is the
    process's peak memory so far, `peak_vram_gb` the stage's own on a GPU (0 without)."""

    stage: str
    engine: str
    photos: int
    failed: int
    load_seconds: float
    seconds: float
    peak_gb: float
    peak_vram_gb: float
    problem: str = ""

    @property
    def photos_per_second(self) -> float:
        return self.photos / self.seconds if self.seconds else 0.0


def bench(
    profile: Profile,
    stages: Sequence[str],
    images: list[np.ndarray],
    background: str = "",
    report: Callable[[StageSpeed], None] = lambda speed: None,
) -> list[StageSpeed]:
    """Run the stages over `images`, RGB uint8 (H, W, 3), each with what the stages before it made of them.

    The first photo goes through before the clock starts. A photo that a stage refuses leaves the later ones. A stage
    whose engine cannot work here (weights that are missing) is told of in `problem`, and so are those that read it.
    """
    if not images:
        raise SettingError("there is no photo to measure with")
    made: dict[str, dict[int, object]] = {}
    speeds = []
    for name in stages:
        if name not in STAGES:
            continue
        speed = _measure(profile, name, images, background, made)
        speeds.append(speed)
        report(speed)
    return speeds


def _measure(
    profile: Profile, name: str, images: list[np.ndarray], background: str, made: dict[str, dict[int, object]]
) -> StageSpeed:
    stage, choice = shaped(profile)[name], profile.stages[name]
    speed = StageSpeed(name, choice.engine, 0, 0, 0.0, 0.0, 0.0, 0.0)
    made[name] = {}
    lacking = [read for read in stage.reads if not made.get(read)]
    if lacking:
        speed.problem = f"nothing came of {lacking[0]}"
        return speed
    started = time.perf_counter()
    try:
        engine = make_engine(name, choice.engine, choice.params)
    except PackshotError as error:
        speed.problem = str(error)
        return speed
    ready = [i for i in range(len(images)) if all(i in made[read] for read in stage.reads)]

    def run(part: list[int]) -> list[object]:
        columns = [[made[read][i] for i in part] for read in stage.reads]
        prompts = [[background] * len(part)] if stage.prompted else []
        return engine.run([images[i] for i in part], *columns, *prompts)

    if not ready:
        speed.problem = "the stages before it refused every photo"
        return speed
    run(ready[:1])
    speed.load_seconds = time.perf_counter() - started
    _reset_vram()
    started = time.perf_counter()
    for start in range(0, len(ready), engine.max_batch):
        part = ready[start : start + engine.max_batch]
        for i, result in zip(part, run(part), strict=True):
            if isinstance(result, PhotoError):
                speed.failed += 1
            else:
                made[name][i] = result
    speed.seconds = time.perf_counter() - started
    speed.photos = len(ready)
    speed.peak_gb, speed.peak_vram_gb = _peak_gb(), _peak_vram_gb()
    _release(engine)
    return speed


def lines(speeds: list[StageSpeed], per_hour: float) -> list[str]:
    """The figures as text, and what a million photos take at `per_hour` money an hour of this machine."""
    rows = []
    for s in speeds:
        if s.problem:
            rows.append(f"{s.stage} ({s.engine}): not measured: {s.problem}")
            continue
        memory = f"peak memory {s.peak_gb:.2f} GB" + (f", GPU {s.peak_vram_gb:.2f} GB" if s.peak_vram_gb else "")
        failed = f", {s.failed} of {s.photos} refused" if s.failed else ""
        rows.append(f"{s.stage} ({s.engine}): {s.photos_per_second:.2f} photos/s, {memory}{failed}")
    measured = [s for s in speeds if not s.problem]
    hours = sum(s.seconds / s.photos for s in measured if s.photos) * 1e6 / 3600
    money = f", {hours * per_hour:,.0f} at {per_hour:g} an hour" if per_hour else ""
    missing = f", without {', '.join(s.stage for s in speeds if s.problem)}" if len(measured) < len(speeds) else ""
    unit = "hours" if device_name().endswith("no GPU") else "GPU hours"
    rows.append(f"a million photos on {device_name()}: {hours:,.0f} {unit}{money}{missing}")
    return rows


def device_name() -> str:
    """What the figures were measured on."""
    import os

    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{os.cpu_count()} CPU cores, no GPU"


def _release(engine: Engine) -> None:
    """Engines that share a model keep it; the rest may go before the next stage's peak is taken."""
    import gc

    del engine
    gc.collect()


def _peak_gb() -> float:
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def _reset_vram() -> None:
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def _peak_vram_gb() -> float:
    torch = sys.modules.get("torch")
    return torch.cuda.max_memory_allocated() / 1e9 if torch and torch.cuda.is_available() else 0.0
