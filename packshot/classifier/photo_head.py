"""What a photo's embedding says of its verdict, and how that weighs against the three-input network's word.

The network learns from drawn photos alone; what makes the embedding (packshot.photo_net) learnt from real ones, so that
a linear layer over it (multinomial logistic regression) goes wrong elsewhere, and less on real photos. The two are
weighed by a logarithmic opinion pool (C. Genest, J. Zidek, Statistical Science 1, 1986).

    python -m packshot.classifier.photo_head --weights FILE.safetensors --embeddings DIR …

gives trained weights a head that learns from these photos; packshot.classifier.calibrate then weighs it, on others.
"""

import argparse
import base64
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from packshot.classifier.about import read_about, write_about
from packshot.classifier.embeddings import read_embeddings
from packshot.errors import PackshotError, SettingError
from packshot.photo_net import REVISION, WIDTH

_RESTRAINT = 0.03
"""Cross-entropy for each squared weight, of inputs whose spread is about one."""
_EQUAL = 2.0
"""How strongly the shares are held at equal ones, in photos."""
_MOST = 30_000
"""Photos; of more, a sample is enough for so few weights."""


@dataclass(frozen=True, slots=True)
class PhotoHead:
    """`weight` float32 (classes, WIDTH) and `bias` float32 (classes,) make class logits of an embedding; `shares`, how
    much the logarithms of the network's probabilities count, and those of the head's own."""

    weight: np.ndarray
    bias: np.ndarray
    shares: tuple[float, float] = (1.0, 1.0)

    def logits(self, log_probabilities: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
        """float64 (n, classes) of the network's log-probabilities (n, classes) and embeddings float32 (n, WIDTH)."""
        network, own = self.shares
        return network * np.asarray(log_probabilities, np.float64) + own * self.own(embeddings)

    def own(self, embeddings: np.ndarray) -> np.ndarray:
        """The head's own log-probabilities, float64 (n, classes)."""
        logits = embeddings.astype(np.float64) @ self.weight.T.astype(np.float64) + self.bias
        logits -= logits.max(axis=1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    def equally(self) -> "PhotoHead":
        """With the same share for both."""
        return replace(self, shares=(1.0, 1.0))

    def as_json(self) -> dict[str, Any]:
        return {
            "embeddings": REVISION,
            "shares": list(self.shares),
            "bias": [round(float(v), 5) for v in self.bias],
            "weight_float16": base64.b64encode(self.weight.astype("<f2").tobytes()).decode(),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "PhotoHead":
        """Raises `SettingError` where it was fitted to other embeddings, or is no photo head."""
        if not isinstance(value, dict) or value.get("embeddings") != REVISION:
            raise SettingError(
                f"the classifier's photo head was not fitted to embeddings of {REVISION}: train again, or fit it anew "
                "with `python -m packshot.classifier.photo_head`"
            )
        try:
            bias = np.float32(value["bias"])
            weight = np.frombuffer(base64.b64decode(value["weight_float16"]), "<f2").astype(np.float32)
            return cls(weight.reshape(len(bias), WIDTH), bias, (float(value["shares"][0]), float(value["shares"][1])))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise SettingError(
                f"the classifier's photo head is damaged ({error}): train again, or fit it anew with "
                "`python -m packshot.classifier.photo_head`"
            ) from None


def fit_head(
    embeddings: np.ndarray, labels: np.ndarray, n_classes: int, class_weights: np.ndarray | None = None
) -> PhotoHead:
    """The layer with the least cross-entropy on these photos, held near zero; `embeddings` float32 (n, WIDTH), `labels`
    int64 (n,), `class_weights` (classes,), how much a photo of each counts. Of very many photos a sample, the same each
    time."""
    import torch
    from torch.nn import functional as F

    if len(labels) > _MOST:
        rows = np.sort(np.random.default_rng(0).permutation(len(labels))[:_MOST])
        embeddings, labels = embeddings[rows], labels[rows]
    mean, spread = embeddings.mean(axis=0), embeddings.std(axis=0) + 0.05
    seen = torch.from_numpy((embeddings - mean) / spread)
    weight = torch.zeros((n_classes, seen.shape[1]), requires_grad=True)
    bias = torch.zeros(n_classes, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=300, history_size=20, line_search_fn="strong_wolfe")
    target = torch.from_numpy(np.asarray(labels, np.int64))
    counts = None if class_weights is None else torch.from_numpy(np.asarray(class_weights, np.float32))

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = F.cross_entropy(seen @ weight.T + bias, target, counts) + _RESTRAINT * weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    # As it will be kept.
    scaled = (weight.detach().numpy() / spread).astype(np.float16).astype(np.float32)
    return PhotoHead(scaled, bias.detach().numpy() - scaled @ mean)


def weigh(head: PhotoHead, log_probabilities: np.ndarray, embeddings: np.ndarray, labels: np.ndarray) -> PhotoHead:
    """The head with the shares that give the least cross-entropy on photos from which neither it nor the network has
    learnt; a few photos leave them equal."""
    import torch
    from torch.nn import functional as F

    said = torch.from_numpy(np.stack([np.asarray(log_probabilities, np.float64), head.own(embeddings)]))
    target = torch.from_numpy(np.asarray(labels, np.int64))
    powers = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([powers], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = F.cross_entropy((powers.exp()[:, None, None] * said).sum(dim=0), target)
        value = value + _EQUAL / (2 * len(target)) * powers.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    network, own = (round(float(v), 4) for v in powers.detach().exp())
    return replace(head, shares=(network, own))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m packshot.classifier.photo_head", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--weights", type=Path, required=True, help="checkpoint, .safetensors with its .json beside it")
    parser.add_argument(
        "--embeddings", type=Path, required=True, nargs="+", help="folders of features, or of embeddings only"
    )
    options = parser.parse_args(arguments)
    try:
        about = read_about(options.weights)
        embeddings, labels, sources = read_embeddings(options.embeddings, about.classes)
        missing = [c for i, c in enumerate(about.classes) if i not in set(labels.tolist())]
        if missing:
            raise SettingError(f"no photo of {', '.join(missing)}: a head would never call one so; add some")
        about.head = fit_head(embeddings, labels, len(about.classes)).as_json()
        # What was measured and fitted before was another classifier.
        about.temperature, about.metrics = 1.0, {}
        about.training.pop("calibration", None)
        about.training["photo_head"] = {"sources": sources, "photos": len(labels)}
        write_about(options.weights, about)
    except PackshotError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{options.weights}: a photo head learnt from {len(labels)} photos; now calibrate it on others")
    return 0


if __name__ == "__main__":
    sys.exit(main())
