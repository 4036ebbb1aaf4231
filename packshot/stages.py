"""Which stages there are, what each reads and leaves, and which stages a step needs."""

from dataclasses import dataclass
from typing import Any

from packshot.artifacts import Caption, Classification, Detections, Raster, Segmentation, Texts
from packshot.delivery import Delivered
from packshot.errors import SettingError


@dataclass(frozen=True)
class Stage:
    """A stage that an engine does. `reads` orders the upstream results that the engine's `run` gets after the photos;
    a `prompted` stage gets the photos' prompts last, and has an artifact for each prompt. An engine may shape its stage
    (`Engine.shape`): what it reads, and the suffix of its files.

    Raise `version` when the stage itself, not its engine, changes what an artifact holds.
    """

    name: str
    result: Any
    suffix: str
    reads: tuple[str, ...] = ()
    prompted: bool = False
    version: int = 1


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("ocr", Texts, "json"),
        Stage("segment", Segmentation, "npz"),
        Stage("classify", Classification, "json", reads=("ocr", "segment")),
        Stage("caption", Caption, "json", reads=("ocr", "segment")),
        Stage("detect", Detections, "json", reads=("ocr", "segment", "caption")),
        Stage("mask", Raster, "png", reads=("ocr", "segment", "detect")),
        Stage("repair", Raster, "png", reads=("detect", "mask")),
        Stage("inpaint", Raster, "png", reads=("mask", "caption", "detect"), prompted=True),
        Stage("deliver", Delivered, "png", reads=("mask", "detect")),
    )
}

FETCH = "fetch"
ALL_STAGES = (FETCH, *STAGES)
"""Every stage in the order in which a photo passes them."""

STEPS: dict[str, tuple[str, ...]] = {
    "classify": ("ocr", "segment", "classify"),
    "clean": ("ocr", "segment", "caption", "detect", "mask", "deliver"),
    "repair": ("ocr", "segment", "caption", "detect", "mask", "repair"),
    "place": ("ocr", "segment", "caption", "detect", "mask", "inpaint", "deliver"),
    "read": ("ocr", "segment"),
}
"""The jobs that a user asks for. `place` cuts out what it places, so it includes `clean`. `read` is what training and
evaluation need of a photo."""


def stages_for(steps: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """The stages that these steps need, in order, fetch first."""
    unknown = [step for step in steps if step not in STEPS]
    if unknown or not steps:
        wrong = f"there is no step {unknown[0]!r}" if unknown else "no steps were given"
        raise SettingError(f"{wrong}; choose from {', '.join(STEPS)}")
    wanted = {stage for step in steps for stage in STEPS[step]}
    return (FETCH, *(name for name in STAGES if name in wanted))
