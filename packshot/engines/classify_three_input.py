"""Verdicts by the three-input network of METHOD.md and its photo head, with the weights that packshot ships or the
user's own, and the reasons that a photo's measured facts give."""

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from packshot.artifacts import Classification, Segmentation, Texts
from packshot.classifier.about import SHIPPED_WEIGHTS, Checkpoint, local_weights, read_about, weights_digest
from packshot.classifier.facts import measure_facts
from packshot.classifier.features import FEATURES_VERSION, INPUTS, Features, make_features
from packshot.classifier.photo_head import PhotoHead
from packshot.classifier.reasons import explain_verdict
from packshot.classifier.temperature import softmax
from packshot.engines.base import Engine, EngineParams, map_photos
from packshot.errors import SettingError
from packshot.records import VERDICTS


class ThreeInputParams(EngineParams):
    weights: str = Field(
        "", description="checkpoint, .safetensors with its .json beside it, a path or s3://…; empty: the shipped one"
    )
    language: Literal["ru", "en"] = Field("ru", description="the market's language, for the reasons")
    threads: int = Field(2, ge=1, le=64, description="CPU threads of features and network, in this process")

    operational = frozenset({"threads"})

    @property
    def weights_path(self) -> Path:
        return local_weights(self.weights) if self.weights else SHIPPED_WEIGHTS


class ThreeInputClassifier(Engine):
    stage = "classify"
    name = "three_input"
    version = 7
    max_batch = 64
    Params = ThreeInputParams
    params: ThreeInputParams

    def __init__(self, params: ThreeInputParams):
        super().__init__(params)
        import torch

        from packshot.classifier.checkpoint import load_checkpoint

        torch.set_num_threads(params.threads)
        self._about = _checked_about(params.weights_path)
        self._model = load_checkpoint(params.weights_path)[0].requires_grad_(False)
        self._head = PhotoHead.from_json(self._about.head) if self._about.head else None

    @classmethod
    def weights_revision(cls, params: ThreeInputParams) -> str:
        """SHA-256 of the weights file, and of what else changes the probabilities: temperature, views, photo head."""
        about = read_about(params.weights_path)
        rest = json.dumps([about.temperature, about.mirrored, about.head], sort_keys=True)
        return f"{weights_digest(params.weights_path)}+{hashlib.sha256(rest.encode()).hexdigest()[:12]}"

    @classmethod
    def feature_engines(cls, params: ThreeInputParams) -> dict[str, dict[str, Any]]:
        """By stage ("ocr", "segment"), what made the features that the network learnt from: `name`, `version`,
        `params`, `weights_revision`."""
        return _checked_about(params.weights_path).feature_engines

    @classmethod
    def check_upstream(cls, params: ThreeInputParams, upstream: dict[str, tuple[str, int]]) -> None:
        """Other engines leave other confidences and logits: verdicts from them would be wrong and not look it."""
        trained_on = cls.feature_engines(params)
        for stage, (name, version) in upstream.items():
            trained = trained_on.get(stage)
            if trained is None or (trained["name"], trained["version"]) != (name, version):
                had = f"{trained['name']} version {trained['version']}" if trained else "nothing"
                raise SettingError(
                    f"the classifier's weights {params.weights_path} learnt from {had} for stage {stage}, and the "
                    f"profile has {name} version {version}: train weights with this profile (`packshot train LABELLED "
                    "--profile …`) and name them in classify.weights, choose that engine, or leave the step classify "
                    "out (--steps clean,place)"
                )

    @property
    def classes(self) -> tuple[str, ...]:
        return self._about.classes

    def run(
        self, images: list[np.ndarray], texts: list[Texts], segmentations: list[Segmentation]
    ) -> list[Classification]:
        language, threads = self.params.language, self.params.threads
        facts = map_photos(partial(measure_facts, language=language), images, texts, segmentations, threads=threads)
        features = map_photos(make_features, images, texts, segmentations, threads=threads)
        # One photo at a time: a larger batch sums in another order, and results must not depend on the grouping.
        results = [Classification.from_array(self._probabilities(f), self.classes) for f in features]
        for result, measured in zip(results, facts, strict=True):
            verdict = result.verdict
            result.facts = measured.as_json()
            result.reasons = explain_verdict(measured, verdict, result.probabilities[verdict], language)
        return results

    def _probabilities(self, features: Features) -> np.ndarray:
        import torch

        from packshot.classifier.views import averaged_log_probabilities

        inputs = (np.ascontiguousarray(a.transpose(2, 0, 1)) for a in features.dequantise())
        with torch.inference_mode():
            batch = tuple(torch.from_numpy(a)[None] for a in inputs)
            logits = averaged_log_probabilities(self._model, batch, self._about.mirrored).numpy()
        if self._head is not None:
            logits = self._head.logits(logits, features.dequantised_embedding()[None])
        return softmax(logits, self._about.temperature)[0]


def _checked_about(path: Path) -> Checkpoint:
    """The checkpoint's side file, where its classes and inputs are those of this packshot; else a `SettingError`."""
    about = read_about(path)
    unknown = [c for c in about.classes if c not in VERDICTS]
    if unknown:
        raise SettingError(f"{path} predicts classes that packshot does not know: {', '.join(unknown)}")
    if about.inputs != INPUTS:
        raise SettingError(f"{path} takes inputs {about.inputs}; packshot makes {INPUTS}")
    if about.features_version != FEATURES_VERSION:
        raise SettingError(
            f"{path} was trained on features of version {about.features_version}; this packshot makes version "
            f"{FEATURES_VERSION}: train again"
        )
    return about
