"""A BLIP caption, and CLIP's choice of phrases: what the product is, its material, colour and use (METHOD.md)."""

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from packshot.artifacts import Caption
from packshot.device import CpuNotice, ModelBatch, choose_device, compute_dtype, place_weights, residents
from packshot.engines.base import Engine
from packshot.product_phrases import GROUPS, noun_phrases, phrases_of
from packshot.weights import WeightsParams, load_folder, revision_of

if TYPE_CHECKING:
    import torch


class ClipCaptionParams(WeightsParams):
    weights: str = Field("blip_base", description="BLIP for captions: a name, or the path of a folder")
    clip_weights: str = Field("clip_vit_l_14", description="CLIP for ranking: a name, or the path of a folder")
    max_tokens: int = Field(24, ge=4, le=64, description="word pieces of a caption")

    @property
    def weights_named(self) -> tuple[str, ...]:
        return self.weights, self.clip_weights


class ClipCaptioner(Engine):
    """BLIP (Li et al. 2022) and CLIP (Radford et al. 2021) from `transformers`. Captions are greedy, so they repeat.

    The text is "CAPTION, KIND, MATERIAL, COLOUR, for USE"; the phrases, for detection, are CLIP's kind and the noun
    phrases of the caption. A caption that comes out empty leaves CLIP's words.
    """

    stage = "caption"
    name = "clip"
    version = 1
    max_batch = 32
    Params = ClipCaptionParams
    params: ClipCaptionParams

    def __init__(self, params: ClipCaptionParams):
        super().__init__(params)
        from transformers import BlipForConditionalGeneration, BlipProcessor, CLIPModel, CLIPProcessor

        self._device = choose_device(params.device)
        self._dtype = compute_dtype(params.precision, self._device)
        blip = load_folder(BlipForConditionalGeneration, params.weights, use_safetensors=True)
        clip = load_folder(CLIPModel, params.clip_weights, use_safetensors=True)
        self._blip, self._clip = (place_weights(model, params, self._device) for model in (blip, clip))
        self._blip_processor = load_folder(BlipProcessor, params.weights)
        self._clip_processor = load_folder(CLIPProcessor, params.clip_weights)
        self._batch = ModelBatch(params.batch)
        self._notice = CpuNotice(self.stage, self._device)
        self._phrase_features: dict[str, np.ndarray] = {}

    @classmethod
    def weights_revision(cls, params: ClipCaptionParams) -> str:
        return " ".join(revision_of(name) for name in params.weights_named)

    def run(self, images: list[np.ndarray], *upstream: list[Any]) -> list[Caption]:
        with self._notice.over(len(images)):
            captions = self._batch.map(self._caption, images)
            features = self._batch.map(self.image_features, images)
            best = {group: self._best(np.stack(features), group) for group in GROUPS}
        results = []
        for i, caption in enumerate(captions):
            kind, material, colour, use = (best[group][i] for group in GROUPS)
            words = [caption, kind, material, colour, f"for {use}"]
            phrases = list(dict.fromkeys([kind, *noun_phrases(caption)]))
            results.append(Caption(", ".join(word for word in words if word), phrases))
        return results

    def rank(self, features: np.ndarray, group: str) -> np.ndarray:
        """Cosine similarity (n, phrases) of image features (n, d) with a group's phrases."""
        return features @ self.phrase_features(group).T

    def image_features(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """CLIP's projections float32 (d,), of length 1."""
        import torch

        with torch.inference_mode(), residents.using([self._clip], self._device, self.params.max_vram_gb):
            pixels = self._clip_processor(images=images, return_tensors="pt")["pixel_values"]
            found = self._clip.get_image_features(pixel_values=pixels.to(self._device, self._dtype)).pooler_output
            return list(_unit(found))

    def phrase_features(self, group: str) -> np.ndarray:
        """CLIP's projections float32 (phrases, d) of a group's sentences, made once."""
        import torch

        if group not in self._phrase_features:
            template = GROUPS[group][0]
            sentences = [template.format(phrase) for phrase in phrases_of(group)]
            with torch.inference_mode(), residents.using([self._clip], self._device, self.params.max_vram_gb):
                parts = []
                for start in range(0, len(sentences), 64):
                    tokens = self._clip_processor.tokenizer(
                        sentences[start : start + 64], padding=True, truncation=True, return_tensors="pt"
                    ).to(self._device)
                    parts.append(_unit(self._clip.get_text_features(**tokens).pooler_output))
            self._phrase_features[group] = np.concatenate(parts)
        return self._phrase_features[group]

    def _best(self, features: np.ndarray, group: str) -> list[str]:
        phrases = phrases_of(group)
        return [phrases[i] for i in self.rank(features, group).argmax(axis=1)]

    def _caption(self, images: list[np.ndarray]) -> list[str]:
        import torch

        with torch.inference_mode(), residents.using([self._blip], self._device, self.params.max_vram_gb):
            pixels = self._blip_processor(images=images, return_tensors="pt")["pixel_values"]
            tokens = self._blip.generate(
                pixel_values=pixels.to(self._device, self._dtype),
                max_new_tokens=self.params.max_tokens,
                num_beams=1,
                do_sample=False,
            )
        return [text.strip() for text in self._blip_processor.batch_decode(tokens, skip_special_tokens=True)]


def _unit(features: "torch.Tensor") -> np.ndarray:
    features = features.float()
    return (features / features.norm(dim=-1, keepdim=True)).cpu().numpy()
