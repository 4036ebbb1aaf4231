"""Verdicts by the three-input network of METHOD.md, with the weights that packshot ships or the user's own."""

from pathlib import Path

import numpy as np
from pydantic import Field

from packshot.artifacts import Classification, Segmentation, Texts
from packshot.classifier.features import FEATURES_VERSION, INPUTS, make_features
from packshot.engines.base import Engine, EngineParams, map_photos
from packshot.errors import SettingError
from packshot.records import VERDICTS

SHIPPED_WEIGHTS = Path(__file__).parents[1] / "classifier" / "weights" / "lite.safetensors"


class ThreeInputParams(EngineParams):
    """`weights`: a checkpoint (.safetensors with its .json beside it); empty means the one that is shipped for `lite`.
    `threads`: how many the features are made on, and PyTorch computes on, in this process."""

    operational = frozenset({"threads"})

    weights: str = ""
    threads: int = Field(default=2, ge=1)


class ThreeInputClassifier(Engine):
    stage = "classify"
    name = "three_input"
    version = 1
    max_batch = 64
    Params = ThreeInputParams

    def __init__(self, params: ThreeInputParams):
        super().__init__(params)
        import torch

        from packshot.classifier.checkpoint import load_checkpoint

        torch.set_num_threads(params.threads)
        self._model, self._about = load_checkpoint(self.weights_path)
        self._check_checkpoint()
        self._model.requires_grad_(False)

    @property
    def weights_path(self) -> Path:
        return _weights_path(self.params)

    @classmethod
    def weights_revision(cls, params: ThreeInputParams) -> str:
        """SHA-256 of the weights file, and the temperature, which changes the probabilities too."""
        from packshot.classifier.about import read_about, weights_digest

        path = _weights_path(params)
        return f"{weights_digest(path)}@{read_about(path).temperature:.6g}"

    @property
    def classes(self) -> tuple[str, ...]:
        return self._about.classes

    @classmethod
    def check_upstream(cls, params: ThreeInputParams, upstream: dict[str, tuple[str, int]]) -> None:
        """A `SettingError` where a profile's engines are not those that the weights were trained with: they write
        other confidences and logits, and verdicts from them would be wrong without looking wrong."""
        from packshot.classifier.about import read_about

        path = _weights_path(params)
        for stage, (name, version) in upstream.items():
            trained = read_about(path).feature_engines.get(stage)
            if trained is None or (name, version) != (trained["name"], trained["version"]):
                had = f"{trained['name']} version {trained['version']}" if trained else "none"
                raise SettingError(
                    f"the classifier's weights {path} were trained with {stage} engine {had}, and the profile has "
                    f"{name} version {version}; choose that engine, or train weights with this one"
                )

    def run(
        self, images: list[np.ndarray], texts: list[Texts], segmentations: list[Segmentation]
    ) -> list[Classification]:
        features = map_photos(make_features, images, texts, segmentations, threads=self.params.threads)
        # One photo at a time: a larger batch sums in another order, and results must not depend on the grouping.
        return [Classification.from_array(self._probabilities(f.dequantise()), self.classes) for f in features]

    def _probabilities(self, inputs: tuple[np.ndarray, ...]) -> np.ndarray:
        import torch

        with torch.inference_mode():
            tensors = [torch.from_numpy(np.ascontiguousarray(a.transpose(2, 0, 1)))[None] for a in inputs]
            logits = self._model(*tensors)[0].double() / self._about.temperature
            return torch.softmax(logits, dim=0).numpy()

    def _check_checkpoint(self) -> None:
        about, path = self._about, self.weights_path
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


def _weights_path(params: ThreeInputParams) -> Path:
    return Path(params.weights).expanduser() if params.weights else SHIPPED_WEIGHTS
