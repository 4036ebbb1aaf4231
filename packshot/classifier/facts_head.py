"""What the network says of a photo, weighed again together with the facts measured on it.

The network sees where text is, not how small, faint or framed it is, and the picture at 64×64. The facts say so. A
linear layer (multinomial logistic regression) over both, fitted on photos that the network has not learnt from, is
stacked generalisation (D. Wolpert, Neural Networks 5, 1992).
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from packshot.classifier.fact_vector import NAMES
from packshot.errors import SettingError

_RESTRAINT = 2.0
"""How strongly weights are held at what leaves the network's word as it is, in photos that speak for a change."""
_FOLDS = 5
_CLIP = 5.0


@dataclass(frozen=True, slots=True)
class FactsHead:
    """Class logits from the network's logarithms of probabilities and a fact vector. Facts are shifted by `mean` and
    divided by `scale`; one that is not known counts as 0, and as 1 under `unknown`, which lists the numbers of facts
    that photos may lack. `weight` (classes, classes + facts + unknown), `bias` (classes,)."""

    inputs: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    unknown: tuple[int, ...]
    weight: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]

    def logits(self, log_probabilities: np.ndarray, facts: np.ndarray) -> np.ndarray:
        """float64 (n, classes) of log-probabilities (n, classes) and fact vectors (n, facts)."""
        seen = self._seen(log_probabilities, facts)
        return seen @ np.array(self.weight).T + np.array(self.bias)

    def _seen(self, log_probabilities: np.ndarray, facts: np.ndarray) -> np.ndarray:
        facts = np.asarray(facts, np.float64)
        values = np.clip((facts - np.array(self.mean)) / np.array(self.scale), -_CLIP, _CLIP)
        lacking = np.isnan(facts[:, list(self.unknown)]).astype(np.float64)
        return np.hstack([log_probabilities, np.nan_to_num(values, nan=0.0), lacking])

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "FactsHead":
        """Raises `SettingError` where it was fitted on other facts than this packshot measures."""
        if tuple(value["inputs"]) != NAMES:
            raise SettingError(
                "the classifier's facts head was fitted on other facts than this packshot measures: train again, or "
                "fit it anew with `python -m packshot.classifier.facts_head`"
            )
        weight = tuple(tuple(row) for row in value["weight"])
        mean, scale, unknown, bias = (tuple(value[name]) for name in ("mean", "scale", "unknown", "bias"))
        return cls(NAMES, mean, scale, unknown, weight, bias)


def fit_head(log_probabilities: np.ndarray, facts: np.ndarray, labels: np.ndarray) -> FactsHead:
    """The head with the least cross-entropy on these photos, held near the network's word where they are few."""
    import torch
    from torch.nn import functional as F

    known = ~np.isnan(facts)
    if not known.any(axis=1).all():
        raise SettingError("a photo's features have no facts: make them again with this packshot")
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, facts, 0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, facts - mean, 0) ** 2).sum(axis=0) / count)
    n_classes = log_probabilities.shape[1]
    head = FactsHead(
        NAMES,
        tuple(mean.tolist()),
        tuple(np.where(spread > 1e-6, spread, 1.0).tolist()),
        tuple(np.flatnonzero(~known.all(axis=0)).tolist()),
        (),
        (),
    )
    seen = torch.from_numpy(head._seen(log_probabilities, facts))
    as_it_is = torch.zeros((n_classes, seen.shape[1]), dtype=torch.float64)
    as_it_is[:, :n_classes] = torch.eye(n_classes)
    weight = as_it_is.clone().requires_grad_()
    bias = torch.zeros(n_classes, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=300, line_search_fn="strong_wolfe")
    target = torch.from_numpy(np.asarray(labels, np.int64))

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = F.cross_entropy(seen @ weight.T + bias, target)
        value = value + _RESTRAINT / (2 * len(target)) * ((weight - as_it_is).square().sum() + bias.square().sum())
        value.backward()
        return value

    optimiser.step(loss)
    rows = tuple(tuple(round(v, 5) for v in row) for row in weight.tolist())
    return FactsHead(head.inputs, head.mean, head.scale, head.unknown, rows, tuple(round(v, 5) for v in bias.tolist()))


def cross_fitted(log_probabilities: np.ndarray, facts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Class logits of each photo by a head that was fitted on others only, in five parts: what to judge heads by."""
    part = np.random.default_rng(0).permutation(len(labels)) % min(_FOLDS, len(labels))
    logits = np.empty_like(log_probabilities)
    for fold in np.unique(part):
        out, others = part == fold, part != fold
        logits[out] = fit_head(log_probabilities[others], facts[others], labels[others]).logits(
            log_probabilities[out], facts[out]
        )
    return logits
