"""GroundingDINO (Liu et al. 2023): boxes of the product and of overlays, asked for as noun phrases."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from packshot.artifacts import Box, Caption, Detections, Segmentation, Texts
from packshot.device import CpuNotice, ModelBatch, choose_device, residents
from packshot.engines.base import Engine
from packshot.errors import ErrorCode, PhotoError
from packshot.product_boxes import choose_boxes
from packshot.weights import WeightsParams, load_folder, revision_of

if TYPE_CHECKING:
    import torch

PRODUCT_PHRASES = ("product", "packaging")
OVERLAY_PHRASES = ("infographic", "text label", "icon", "badge")
_TEXT_TOKENS = 256


class GroundingDinoParams(WeightsParams):
    weights: str = Field("grounding_dino_tiny", description="a name, or the path of a folder")
    box_threshold: float = Field(0.25, ge=0, le=1, description="least score of a box (METHOD.md)")
    text_threshold: float = Field(0.15, ge=0, le=1, description="least score of a word for it to name the box")
    phrases: int = Field(6, ge=0, le=20, description="noun phrases of the caption that are asked for")


class GroundingDino(Engine):
    """Swin-T OGC, the published weights in `transformers`' port. On a GPU, half precision is autocast.

    Products best first, overlays apart (`packshot.product_boxes`). Fails with `no_product` where no product is found.
    """

    stage = "detect"
    name = "grounding_dino"
    version = 1
    max_batch = 32
    Params = GroundingDinoParams
    params: GroundingDinoParams

    def __init__(self, params: GroundingDinoParams):
        super().__init__(params)
        from transformers import GroundingDinoForObjectDetection, GroundingDinoProcessor

        self._device = choose_device(params.device)
        self._model = load_folder(GroundingDinoForObjectDetection, params.weights, use_safetensors=True)
        self._model.eval().requires_grad_(False)
        self._processor = load_folder(GroundingDinoProcessor, params.weights)
        self._batch = ModelBatch(params.batch)
        self._notice = CpuNotice(self.stage, self._device)

    @classmethod
    def weights_revision(cls, params: GroundingDinoParams) -> str:
        return revision_of(params.weights)

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Detections | PhotoError]:
        texts, segmentations, captions = upstream
        with self._notice.over(len(images)):
            found = self.boxes(images, [self.phrases(caption) for caption in captions])
        return [_choose(*row) for row in zip(images, found, texts, segmentations, strict=True)]

    def phrases(self, caption: Caption) -> list[str]:
        """What is asked for: the caption's noun phrases, then the words for any product, then those for overlays."""
        known = [*PRODUCT_PHRASES, *OVERLAY_PHRASES]
        asked = [
            clean for p in caption.phrases if (clean := p.replace(".", " ").strip().lower()) and clean not in known
        ]
        return [*dict.fromkeys(asked[: self.params.phrases]), *known]

    def boxes(self, images: list[np.ndarray], phrases: list[list[str]]) -> list[list[Box]]:
        """For each photo the boxes over the threshold, in its own pixels, named by the phrase that suits them best.

        Photos are taken together only where the network sees them at the same size, since padding changes results.
        """
        results: dict[int, list[Box]] = {}
        by_shape: dict[tuple[int, ...], list[int]] = {}
        pixels = [self._processor.image_processor(image, return_tensors="pt")["pixel_values"] for image in images]
        for i, tensor in enumerate(pixels):
            by_shape.setdefault(tuple(tensor.shape), []).append(i)
        for members in by_shape.values():
            rows = [(images[i], pixels[i], phrases[i]) for i in members]
            results |= dict(zip(members, self._batch.map(self._boxes, rows), strict=True))
        return [results[i] for i in range(len(images))]

    def _boxes(self, rows: list[tuple[np.ndarray, "torch.Tensor", list[str]]]) -> list[list[Box]]:
        import torch

        # Every prompt is padded to the same length, so that a photo's result does not hang on its neighbours' words.
        prompts = [prompt_of(phrases) for _, _, phrases in rows]
        tokens = self._processor.tokenizer(
            prompts, padding="max_length", max_length=self._text_length(prompts), truncation=True, return_tensors="pt"
        ).to(self._device)
        half = self._device.type != "cpu" and self.params.precision != "float32"
        cast = torch.autocast(self._device.type, getattr(torch, self.params.precision)) if half else nullcontext()
        with torch.inference_mode(), residents.using([self._model], self._device, self.params.max_vram_gb), cast:
            pixel_values = torch.cat([tensor for _, tensor, _ in rows]).to(self._device)
            out = self._model(
                pixel_values=pixel_values,
                input_ids=tokens["input_ids"],
                token_type_ids=tokens["token_type_ids"],
                attention_mask=tokens["attention_mask"],
            )
        logits, corners = out.logits.float().cpu(), out.pred_boxes.float().cpu()
        results = []
        for i, (image, _, phrases) in enumerate(rows):
            ids = tokens["input_ids"][i].tolist()
            spans = phrase_spans(ids, self._processor.tokenizer.convert_tokens_to_ids("."), len(phrases))
            results.append(self.post_process(logits[i], corners[i], image.shape[:2], phrases, spans))
        return results

    def post_process(
        self,
        logits: "torch.Tensor",
        boxes: "torch.Tensor",
        shape_hw: tuple[int, int],
        phrases: list[str],
        spans: list[slice],
    ) -> list[Box]:
        """Boxes of one photo from the model's `logits` (queries, 256) and `boxes` (queries, 4; centre and size in
        [0, 1]). `spans` says which tokens are each phrase's. A box is named by the phrase of its likeliest token over
        the text threshold; one that has none goes by the likeliest of all."""
        import torch

        chances = torch.sigmoid(logits)
        scores = chances.max(dim=-1).values
        kept = torch.nonzero(scores > self.params.box_threshold).flatten().tolist()
        height, width = shape_hw
        centre, size = boxes[:, :2], boxes[:, 2:]
        corners = torch.cat([centre - 0.5 * size, centre + 0.5 * size], dim=1)
        corners = corners * torch.tensor([width, height, width, height], dtype=torch.float)
        found = []
        for q in kept:
            fits = [float(chances[q, span].max()) if span.start < span.stop else 0.0 for span in spans]
            best = int(np.argmax(fits))
            label = phrases[best] if fits[best] > self.params.text_threshold else ""
            found.append(Box(corners[q].numpy(), float(scores[q]), label))
        return sorted(found, key=lambda box: -box.score)

    def _text_length(self, prompts: list[str]) -> int:
        """A fixed length that holds nearly every prompt; a longer one is cut at the model's own limit."""
        longest = max(len(ids) for ids in self._processor.tokenizer(prompts)["input_ids"])
        return 64 if longest <= 64 else _TEXT_TOKENS


def prompt_of(phrases: list[str]) -> str:
    """As GroundingDINO wants it: lower case, each phrase ended by a full stop."""
    return ". ".join(phrases) + "."


def phrase_spans(ids: list[int], full_stop: int, count: int) -> list[slice]:
    """Which tokens are each phrase's: between [CLS] and the full stops. A phrase that was cut off has none."""
    spans, start = [], 1
    for position, token in enumerate(ids):
        if token == full_stop and len(spans) < count:
            spans.append(slice(start, position))
            start = position + 1
    return spans + [slice(0, 0)] * (count - len(spans))


def _choose(image: np.ndarray, boxes: list[Box], texts: Texts, segmentation: Segmentation) -> Detections | PhotoError:
    found = choose_boxes(boxes, OVERLAY_PHRASES, [t.xyxy for t in texts.boxes], image.shape[:2])
    if not found.products:
        return PhotoError(
            ErrorCode.NO_PRODUCT, "no product was found in the photo; leave it out, or cut the product out by hand"
        )
    return found
