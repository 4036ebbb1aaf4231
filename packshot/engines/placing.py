"""What every engine of stage `inpaint` shares: framing, candidates, gates, other tries, and the plain studio at last.

An engine paints; everything that keeps the product true is here, once.
"""

import zlib
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from packshot import fidelity
from packshot.artifacts import Caption, Detections, Raster
from packshot.compositing import paste
from packshot.engines.base import Engine, EngineParams, map_photos
from packshot.engines.leftover_text import LeftoverText
from packshot.errors import ErrorCode, PhotoError
from packshot.fidelity import Gates
from packshot.placement import Placement, on_canvas, place, put_on_canvas, resample, stay
from packshot.presets import load_preset
from packshot.provenance import COMPOSITE
from packshot.studio import STUDIO_VERSION, studio_backdrop

_PIXELS_AT_ONCE = 48_000_000


class PlacingParams(EngineParams):
    preset: str = Field("", description="whose framing is used; empty: the product stays where it is in its photo")
    max_upscale: float = Field(1.0, ge=1, le=8, description="how far a product may be enlarged for its preset")
    candidates: int = Field(1, ge=1, le=16, description="pictures made of each photo at a time; the best is kept")
    fallback: Literal["studio", "none"] = Field(
        "studio", description="when no picture passes: a plain studio backdrop, or none: gate_failed"
    )
    gates: Gates | None = Field(None, description="the profile's [gates]; None: nothing is held against them")


@dataclass(slots=True)
class Scene:
    """What is to be painted around: a product where it will stand.

    `image` RGB uint8 (H, W, 3): the product's photo on the canvas (black where the photo does not reach); `cutout` RGBA
    uint8 (H, W, 4) on the same canvas; `placement`: how both came there. `figures`: what was measured on the cutout.
    """

    image: np.ndarray
    cutout: np.ndarray
    caption: Caption
    prompt: str
    placement: Placement
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One round: `setting` as asked, stricter (what the engine does where the product was not kept), or plain;
    `number` counts rounds from 0, for other seeds."""

    number: int
    setting: Literal["as asked", "stricter", "plain"]


@dataclass(frozen=True, slots=True)
class Painted:
    """A candidate: `picture` RGB uint8 (H, W, 3) of the canvas's size, before the product is laid over it, and the seed
    that made it."""

    picture: np.ndarray
    seed: int


class PlacingEngine(Engine):
    """Base of the engines of stage `inpaint`. A subclass says how it paints, and in which terms (`provenance`).

    Each photo goes through attempts until one passes the gates: as asked with several seeds, stricter, plain studio.
    """

    stage = "inpaint"
    params: PlacingParams
    source_term: ClassVar[str]
    """IPTC's digital source type of its pictures."""
    generative: ClassVar[bool]
    """Whether a model paints the whole picture anew: then it may paint letters, and over the product."""

    @abstractmethod
    def paint(self, scenes: list[Scene], attempt: Attempt) -> list[list["Painted"]]:
        """For each scene its candidates; an empty list where none came out."""

    @classmethod
    def weights_revision(cls, params: PlacingParams) -> str:
        parts = [f"studio {STUDIO_VERSION}"] if params.fallback == "studio" else []
        return " ".join(parts + ([load_preset(params.preset).revision] if params.preset else []))

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Raster | PhotoError]:
        results: list[Raster | PhotoError] = []
        rows = list(zip(images, *upstream, strict=True))
        for group in _groups(rows):
            results += self._run(group)
        return results

    def _run(self, rows: list[tuple[Any, ...]]) -> list[Raster | PhotoError]:
        scenes = map_photos(self._scene, *zip(*rows, strict=True))
        results: dict[int, Raster | PhotoError] = {
            i: scene for i, scene in enumerate(scenes) if isinstance(scene, PhotoError)
        }
        tries: dict[int, list[dict[str, Any]]] = {i: [] for i in range(len(rows))}
        for attempt in self._attempts():
            left = [i for i in range(len(rows)) if i not in results]
            if not left:
                break
            painted = self._paint([scenes[i] for i in left], attempt)
            made = map_photos(self._best, [scenes[i] for i in left], painted, [attempt] * len(left))
            for i, (picture, figures, failed) in zip(left, made, strict=True):
                if failed:
                    tries[i].append({"setting": attempt.setting, "failed": failed, **figures})
                    continue
                results[i] = Raster(picture, self._told(scenes[i], attempt, figures, tries[i]))
        for i in range(len(rows)):
            if i not in results:
                results[i] = _gate_failed(tries[i])
        return [results[i] for i in range(len(rows))]

    def _attempts(self) -> Iterator[Attempt]:
        seeds = self.params.gates.seeds if self.params.gates else 1
        yield from (Attempt(number, "as asked") for number in range(seeds))
        yield Attempt(seeds, "stricter")
        if self.params.fallback == "studio":
            yield Attempt(seeds + 1, "plain")

    def _paint(self, scenes: list[Scene], attempt: Attempt) -> list[list[Painted]]:
        if attempt.setting != "plain":
            return self.paint(scenes, attempt)

        def plain(scene: Scene) -> list[Painted]:
            seed = zlib.crc32(scene.cutout, attempt.number)
            return [Painted(studio_backdrop(scene.cutout, "", seed, apart=True), seed)]

        return map_photos(plain, scenes)

    def _scene(
        self, image: np.ndarray, cutout: Raster, caption: Caption, found: Detections, prompt: str
    ) -> "Scene | PhotoError":
        alpha = np.ascontiguousarray(cutout.pixels[..., 3])
        framing = load_preset(self.params.preset).framing if self.params.preset else None
        placement = place(alpha, framing, self.params.max_upscale) if framing else stay(alpha)
        if not alpha.any():
            raise PhotoError(ErrorCode.NO_PRODUCT, "the cutout is empty; cut the photo out by hand")
        canvas = put_on_canvas(cutout.pixels, placement, image)
        scene = Scene(photo_on_canvas(image, placement), canvas, caption, prompt, placement)
        if self.params.gates:
            alpha = np.ascontiguousarray(canvas[..., 3])
            scene.figures = {
                **{name: cutout.figures.get(name) for name in fidelity.OF_CUTOUT},
                "frame_share": fidelity.frame_share(alpha),
                "edge_roughness": fidelity.edge_roughness(alpha),
                "texts_left": self._reader.left_in(cutout.pixels, found.overlay_texts) if self._reader else None,
            }
            if failed := fidelity.failures(scene.figures, self.params.gates):
                raise _gate_failed([{"setting": "cutout", "failed": failed, **_rounded(scene.figures)}])
        return scene

    def _best(
        self, scene: Scene, painted: list[Painted], attempt: Attempt
    ) -> tuple[np.ndarray | None, dict[str, Any], list[str]]:
        """The best of the candidates with the product laid over it, its figures, and the gates that it fails."""
        alpha = np.ascontiguousarray(scene.cutout[..., 3])
        best: tuple[float, np.ndarray | None, dict[str, Any], list[str]] = (np.inf, None, {}, ["blank"])
        repainted = self.generative and attempt.setting != "plain"
        for candidate in painted:
            picture = paste(candidate.picture, scene.cutout, wrap=True)
            drift = fidelity.drift(candidate.picture, scene.cutout) if repainted else None
            gates = self.params.gates
            if gates is None:
                figures, failed, score = {"drift": drift}, [], drift or 0.0
            else:
                figures = scene.figures | self._measured(picture, scene, alpha, repainted) | {"drift": drift}
                failed = fidelity.failures(figures, gates)
                score = 1000 * len(failed) + fidelity.badness(figures, gates) + 0.001 * (drift or 0.0)
            if score < best[0]:
                best = score, picture, _rounded({"seed": candidate.seed} | figures), failed
        return best[1:]

    def _measured(self, picture: np.ndarray, scene: Scene, alpha: np.ndarray, repainted: bool) -> dict[str, Any]:
        look = self._reader.painted if repainted and self._reader else None
        return {
            "changed_pixels": fidelity.changed_pixels(picture, scene.image, alpha),
            "blank": fidelity.blank(picture, alpha),
            "contrast": fidelity.contrast(picture, alpha),
            "halo": fidelity.halo(picture, alpha),
            "expansion": fidelity.expansion(picture, alpha),
            "texts_painted": look(picture, alpha) if look else None,
        }

    def _told(
        self, scene: Scene, attempt: Attempt, figures: dict[str, Any], tries: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """What goes into the picture and the ledger."""
        term = COMPOSITE if attempt.setting == "plain" else self.source_term
        told: dict[str, Any] = {"digital_source_type": term, "seed": figures.pop("seed"), "attempts": len(tries) + 1}
        told["setting"] = attempt.setting
        if attempt.setting == "plain":
            told |= {"fallback": "studio", "fallback_cause": ", ".join(tries[-1]["failed"])}
        if self.params.preset:
            told |= {"preset": self.params.preset, "placement": scene.placement.figures()}
        if figures:
            told["gates"] = figures
        return told | ({"tries": tries} if tries else {})

    @cached_property
    def _reader(self) -> LeftoverText | None:
        gates = self.params.gates
        return LeftoverText(gates.reader) if gates and gates.reader else None


def photo_on_canvas(image: np.ndarray, placement: Placement) -> np.ndarray:
    """The photo RGB uint8 (H, W, 3) on the canvas of a placement, black where it does not reach."""
    x0, y0, x1, y1 = placement.box
    part = image[y0:y1, x0:x1]
    if placement.scale != 1.0:
        part = resample(np.ascontiguousarray(part), placement.size_wh)
    return on_canvas(part, placement)


def _groups(rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Photos that are worked on together: memory does not grow with a batch of large ones."""
    group: list[tuple[Any, ...]] = []
    pixels = 0
    for row in rows:
        size = row[0].shape[0] * row[0].shape[1]
        if group and pixels + size > _PIXELS_AT_ONCE:
            yield group
            group, pixels = [], 0
        group.append(row)
        pixels += size
    if group:
        yield group


def _gate_failed(tries: list[dict[str, Any]]) -> PhotoError:
    last = tries[-1]
    names = ", ".join(f"{name} {last.get(name)}" if last.get(name) is not None else name for name in last["failed"])
    where = "its cutout" if last["setting"] == "cutout" else f"the last of {len(tries)} pictures"
    return PhotoError(
        ErrorCode.GATE_FAILED,
        f"{where} fails the gates: {names}; look at the cutout, use another photo, or change [gates] in the profile",
        attempts=len(tries),
        figures={"tries": tries},
    )


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: round(v, 4) if isinstance(v, float) else v for name, v in figures.items() if v is not None}
