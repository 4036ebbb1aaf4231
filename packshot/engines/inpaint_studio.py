"""The product in a studio that is drawn to the prompt, with shadow and reflection. Its pixels stay untouched."""

import zlib

from pydantic import Field

from packshot.engines.base import map_photos
from packshot.engines.placing import Attempt, Painted, PlacingEngine, PlacingParams, Scene
from packshot.provenance import COMPOSITE
from packshot.studio import STUDIO_VERSION, studio_backdrop


class StudioBackdropParams(PlacingParams):
    side: int = Field(1024, ge=128, le=4096, description="px; the long side at which backdrops are drawn")
    shadow: float = Field(0.55, ge=0, le=1, description="how dark the shadow is")


class StudioBackdrop(PlacingEngine):
    """Words understood (English, Russian): colours; gradient, solid; wood, marble, concrete, fabric, table, mirror;
    dark, light, warm, cool, pastel; window light. An empty prompt gets a calm colour that suits the product's.
    Stricter: wall and floor are moved away from the product's lightness, and the shadow is half as dark."""

    name = "studio"
    version = STUDIO_VERSION
    max_batch = 16
    Params = StudioBackdropParams
    params: StudioBackdropParams
    source_term = COMPOSITE
    generative = False

    def paint(self, scenes: list[Scene], attempt: Attempt) -> list[list[Painted]]:
        strict = attempt.setting == "stricter"
        shadow = self.params.shadow * (0.5 if strict else 1.0)

        def draw(scene: Scene) -> list[Painted]:
            first = zlib.crc32(scene.prompt.encode("utf-8", "surrogatepass"), zlib.crc32(scene.image))
            first += attempt.number * self.params.candidates
            return [
                Painted(studio_backdrop(scene.cutout, scene.prompt, seed, self.params.side, shadow, strict), seed)
                for seed in range(first, first + self.params.candidates)
            ]

        return map_photos(draw, scenes)
