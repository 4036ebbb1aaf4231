"""The file that is handed out: framed, encoded and marked as a preset asks, and held against its rules."""

from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from pydantic import Field

from packshot import fidelity
from packshot.artifacts import Detections, Raster
from packshot.compositing import on_white
from packshot.delivery import Delivered, encode_picture
from packshot.engines.base import Engine, EngineParams, map_photos
from packshot.engines.leftover_text import LeftoverText
from packshot.engines.placing import photo_on_canvas
from packshot.errors import ErrorCode, PhotoError
from packshot.fidelity import Gates
from packshot.placement import cut_edges, place, put_on_canvas, stay
from packshot.preset_check import check
from packshot.presets import Preset, load_preset
from packshot.stages import Stage

_ANY_BYTES = 1 << 40


class PresetDeliveryParams(EngineParams):
    preset: str = Field("white", description="a preset's name, or the path of a .toml file")
    background: Literal["preset", "white", "scene"] = Field(
        "preset", description="preset: as the preset has it; white or scene: that one, where its rules allow it"
    )
    max_upscale: float = Field(1.0, ge=1, le=8, description="how far a product may be enlarged; beyond: too_small")
    gates: Gates | None = Field(None, description="the profile's [gates]; None: nothing is held against them")


class PresetDelivery(Engine):
    """White: the cutout on pure white, in the preset's frame; never a picture of `inpaint`, so that nothing which
    generative AI painted is delivered as a plain white one. Scene: what `inpaint` placed in the preset's frame."""

    stage = "deliver"
    name = "preset"
    version = 1
    max_batch = 16
    Params = PresetDeliveryParams
    params: PresetDeliveryParams

    def __init__(self, params: PresetDeliveryParams):
        super().__init__(params)
        self.preset = chosen(params)

    @classmethod
    def weights_revision(cls, params: PresetDeliveryParams) -> str:
        return chosen(params).revision

    @classmethod
    def shape(cls, stage: Stage, params: PresetDeliveryParams) -> Stage:
        preset = chosen(params)
        if preset.make.background == "scene":
            return replace(stage, reads=("mask", "inpaint"), prompted=True, suffix=preset.suffix)
        return replace(stage, suffix=preset.suffix)

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Delivered | PhotoError]:
        if self.preset.make.background == "scene":
            return map_photos(self._scene, upstream[1])
        return map_photos(self._white, images, *upstream)

    def _scene(self, placed: Raster) -> Delivered:
        if self.preset.framing and placed.figures.get("preset") != self.params.preset:
            raise PhotoError(
                ErrorCode.PRESET_FAILED,
                f"inpaint framed the picture for {placed.figures.get('preset')!r}, not for {self.params.preset!r}; "
                "set inpaint.preset to the same",
            )
        term = placed.figures.get("digital_source_type")
        return self._delivered(placed.pixels, {}, term)

    def _white(self, image: np.ndarray, cutout: Raster, found: Detections) -> Delivered:
        alpha = np.ascontiguousarray(cutout.pixels[..., 3])
        framing = self.preset.framing
        placement = place(alpha, framing, self.params.max_upscale) if framing else stay(alpha)
        canvas = put_on_canvas(cutout.pixels, placement, image)
        picture = on_white(canvas)
        figures: dict[str, Any] = {}
        if self.params.gates:
            alpha = np.ascontiguousarray(canvas[..., 3])
            measured = {
                **{name: cutout.figures.get(name) for name in fidelity.OF_CUTOUT},
                "frame_share": fidelity.frame_share(alpha),
                "edge_roughness": fidelity.edge_roughness(alpha),
                "texts_left": self._reader.left_in(cutout.pixels, found.overlay_texts) if self._reader else None,
                "changed_pixels": fidelity.changed_pixels(picture, photo_on_canvas(image, placement), alpha),
                "halo": fidelity.halo(picture, alpha),
                "off_white": fidelity.off_white(picture, alpha),
            }
            measured = {
                name: round(v, 4) if isinstance(v, float) else v for name, v in measured.items() if v is not None
            }
            figures["gates"] = measured
            if failed := fidelity.failures(measured, self.params.gates):
                told = ", ".join(f"{name} {measured[name]}" for name in failed)
                raise PhotoError(
                    ErrorCode.GATE_FAILED,
                    f"the product on white fails the gates: {told}; look at the cutout, use another photo, or change "
                    "[gates] in the profile",
                    figures=figures,
                )
        if framing:
            figures["placement"] = placement.figures()
        if cut := sorted(cut_edges(np.ascontiguousarray(cutout.pixels[..., 3]))):
            figures["cut_by"] = cut
        return self._delivered(picture, figures, None)

    @cached_property
    def _reader(self) -> LeftoverText | None:
        gates = self.params.gates
        return LeftoverText(gates.reader) if gates and gates.reader else None

    def _delivered(self, picture: np.ndarray, figures: dict[str, Any], term: str | None) -> Delivered:
        make, rules = self.preset.make, self.preset.rules
        most = rules.max_bytes.value if rules.max_bytes else _ANY_BYTES
        data = encode_picture(picture, make.format, make.quality, most, term)
        findings = check(data, self.preset)
        figures = {"preset": self.params.preset, **figures, "bytes": len(data)}
        if warned := [f.rule for f in findings if not f.binding]:
            figures["warned"] = warned
        if broken := [f for f in findings if f.binding]:
            cut = f" (the photo cuts the product: {', '.join(figures['cut_by'])})" if "cut_by" in figures else ""
            raise PhotoError(
                ErrorCode.PRESET_FAILED,
                f"the picture breaks {self.preset.name}: {'; '.join(f'{f.rule}: {f.message}' for f in broken)}{cut}",
                figures=figures | {"broken": [f.rule for f in broken]},
            )
        return Delivered(data, figures)


def chosen(params: PresetDeliveryParams) -> Preset:
    """The preset with the background that the parameters choose. A rule of white allows no scene."""
    preset = load_preset(params.preset)
    if params.background in ("preset", preset.make.background):
        return preset
    white = preset.rules.white_background
    if params.background == "scene" and white and white.binding:
        raise ValueError(f"preset {preset.name} asks for a white background: deliver.background cannot be 'scene'")
    return preset.model_copy(update={"make": preset.make.model_copy(update={"background": params.background})})
