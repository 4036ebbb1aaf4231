"""What an engine is: n inputs in, n results or errors out, in the same order."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from packshot.errors import PackshotError, PhotoError
from packshot.stages import Stage


class EngineParams(BaseModel):
    """Parameters of an engine as a profile states them. An unknown name is an error.

    `operational` names those that change speed but no result (threads, device): they stay out of the fingerprint.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    operational: ClassVar[frozenset[str]] = frozenset()


class Engine(ABC):
    """The model or algorithm that does one stage's work.

    An engine knows nothing of stores, Prefect or retries. It is made once a process, holds its model, and may be
    called again and again, from one thread at a time. Results must not depend on how photos are grouped into calls.

    Class attributes: `stage` and `name` (what a profile calls it); `version`, raised whenever results change;
    `max_batch`, how many photos one call takes; `Params`, its parameters.

    `run` gets one list a kind of input, all of equal length: the photos (RGB uint8 (H, W, 3)), then the results of the
    stages that its stage reads, in the order that `packshot.stages.STAGES` states. It returns as many results or
    `PhotoError`s, in order. It may raise for the whole call: the photo loop then finds the culprit by halving.
    """

    stage: ClassVar[str]
    name: ClassVar[str]
    version: ClassVar[int]
    max_batch: ClassVar[int] = 16
    Params: ClassVar[type[EngineParams]] = EngineParams

    def __init__(self, params: EngineParams):
        self.params = params

    @classmethod
    def weights_revision(cls, params: EngineParams) -> str:
        """Digest or pinned revision of the weights or other files that these parameters name, without loading them."""
        return ""

    @classmethod
    def shape(cls, stage: Stage, params: EngineParams) -> Stage:
        """The stage as this engine does it: it may read other results, or leave another kind of file."""
        return stage

    @classmethod
    def feature_source(cls, params: EngineParams) -> tuple[type["Engine"], EngineParams]:
        """The engine, and its parameters, that decide what a classifier's features are made of in these results:
        itself, unless it only adds to another's results what features do not read."""
        return cls, params

    @classmethod
    def check_upstream(cls, params: EngineParams, upstream: dict[str, tuple[str, int]]) -> None:
        """Raise `SettingError` if the engine cannot work on what these engines leave: `upstream` gives the
        name and version of the engine of each stage that is read (see `feature_source`). Called before anything
        starts."""
        return None

    @abstractmethod
    def run(self, images: list, *upstream: list) -> list[Any]: ...


def map_photos(function: Callable[..., Any], *columns: Sequence[Any], threads: int = 2) -> list[Any]:
    """Apply `function` to each photo's inputs on a few threads (OpenCV lets go of the GIL); a photo's own
    `PhotoError` becomes its result."""

    def one(inputs: tuple[Any, ...]) -> Any:
        try:
            return function(*inputs)
        except PhotoError as error:
            return error

    rows = list(zip(*columns, strict=True))
    if len(rows) < 2 or threads < 2:
        return [one(row) for row in rows]
    with ThreadPoolExecutor(min(threads, len(rows))) as pool:
        return list(pool.map(one, rows))


def check_same_length(stage: str, inputs: int, results: list[Any]) -> list[Any]:
    """Guard against an engine that loses a photo: results would belong to the wrong pictures."""
    if len(results) != inputs:
        raise PackshotError(f"the engine of stage {stage} returned {len(results)} results for {inputs} photos")
    return results
