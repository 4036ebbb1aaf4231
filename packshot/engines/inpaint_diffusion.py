"""The product on a background that a diffusion model paints to the prompt. The product's pixels stay untouched."""

import logging

from pydantic import Field

from packshot.device import CpuNotice
from packshot.engines.diffusion import DiffusionParams, Request, diffusion_revision, seed_of, shared_diffusion
from packshot.engines.placing import Attempt, Painted, PlacingEngine, PlacingParams, Scene
from packshot.provenance import AI_COMPOSITE

_log = logging.getLogger(__name__)


class InpaintDiffusionParams(DiffusionParams, PlacingParams):
    prompt: str = Field("good simple background", description="where a photo and its run give no prompt (METHOD.md)")
    stricter: str = Field(
        "product, object, packaging, hands, person", description="what is kept out too where a first picture failed"
    )

    operational = DiffusionParams.operational | PlacingParams.operational


class InpaintDiffusion(PlacingEngine):
    """Stable Diffusion inpainting (Rombach et al. 2022) or another inpainting checkpoint. The mask is everything but
    the product. What is painted is scaled up to the canvas's size, and the cutout composited over it at full size.

    Stricter: the negative prompt names things, since a model that grows the product or adds another one fails the
    gates. A picture that the safety checker blackened is no candidate.
    """

    name = "diffusion"
    version = 2
    max_batch = 8
    Params = InpaintDiffusionParams
    params: InpaintDiffusionParams
    source_term = AI_COMPOSITE
    generative = True

    def __init__(self, params: InpaintDiffusionParams):
        super().__init__(params)
        self.model = shared_diffusion(params)
        self._notice = CpuNotice(self.stage, self.model.device)

    @classmethod
    def weights_revision(cls, params: InpaintDiffusionParams) -> str:
        return f"{diffusion_revision(params)} {super().weights_revision(params)}".strip()

    def requests(self, scene: Scene, number: int = 0) -> list[Request]:
        """One request a candidate of a round; each round has other seeds."""
        text = scene.prompt.strip() or self.params.prompt
        repaint = scene.cutout[..., 3] < 128
        first = number * self.params.candidates
        return [
            Request(scene.image, repaint, text, seed_of(scene.image, text, self.params.seed, first + i))
            for i in range(self.params.candidates)
        ]

    def paint(self, scenes: list[Scene], attempt: Attempt) -> list[list[Painted]]:
        params = self.params
        if attempt.setting == "stricter":
            kept_out = ", ".join(part for part in (params.negative_prompt, params.stricter) if part)
            params = params.model_copy(update={"negative_prompt": kept_out})
        asked = [(i, request) for i, scene in enumerate(scenes) for request in self.requests(scene, attempt.number)]
        with self._notice.over(len(scenes)):
            pictures = self.model.paint([request for _, request in asked], params)
        found: list[list[Painted]] = [[] for _ in scenes]
        for (i, request), picture in zip(asked, pictures, strict=True):
            if picture is not None:
                found[i].append(Painted(picture, request.seed))
        if black := sum(picture is None for picture in pictures):
            _log.warning("the safety checker blackened %d of %d pictures", black, len(pictures))
        return found
