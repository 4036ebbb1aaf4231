"""Fit the confidence of cutouts (packshot.agreement) to synthetic photos, and say what each limit would let pass.

    python -m benchmarks.confidence [--photos 280] [--seed 50 ...]

Photos of the test split (the network has trained on the other's products, and would be trusted too much), of other
seeds than benchmarks.pictures draws; all kinds of background. Prints the weights and offset that fit best, and for each
limit, by such a fit and by packshot.agreement's own, the share of photos that pass and how many of these are good (IoU
of at least 0.90).
"""

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from benchmarks.cutout_figures import measure
from benchmarks.pictures import draw, picture_kind
from packshot.agreement import Agreement, confidence
from packshot.agreement import evidence as evidence_of
from packshot.background import reduce
from packshot.compose import soft_cutout
from packshot.engines import make_engine
from packshot.foreground import find_foreground
from packshot.outline import shared_outline
from packshot.saliency import shared_saliency
from packshot.scene import read_scene

SEED = 50
_READER = []


def look(task: tuple[int, int]) -> tuple[str, float, Agreement] | None:
    """Kind of background, IoU and agreement of a photo, given as seed and number; None where nothing was found."""
    seed, number = task
    if not _READER:
        _READER.append(make_engine("ocr", "rapid", {"threads": 1}))
    photo = draw(number, "test", seed)
    small = reduce(photo.image, 512)
    scale = np.float32(small.shape[1::-1]) / np.float32(photo.image.shape[1::-1])
    quads = [box.quad * scale for box in _READER[0].run([photo.image])[0].boxes]
    scene = read_scene(small, find_foreground(small), quads, shared_saliency(), shared_outline())
    if scene.agreement is None:
        return None
    return picture_kind(photo), measure(photo, soft_cutout(photo.image, scene.product)).iou, scene.agreement


def fit(evidence: np.ndarray, good: np.ndarray, ridge: float = 0.3) -> np.ndarray:
    """Logistic regression by Newton's method: weights and, last, the offset."""
    terms = np.c_[evidence, np.ones(len(evidence))]
    weights = np.zeros(terms.shape[1])
    damping = ridge * np.diag([1.0] * evidence.shape[1] + [0.0])
    for _ in range(100):
        likely = 1 / (1 + np.exp(-terms @ weights))
        curve = (terms * (likely * (1 - likely))[:, None]).T @ terms + damping
        weights += np.linalg.solve(curve, terms.T @ (good - likely) - damping @ weights)
    return weights


def judged_by_others(evidence: np.ndarray, good: np.ndarray) -> np.ndarray:
    """How likely each cutout is good by a fit to the other seven eighths of them."""
    likely, parts = np.zeros(len(good)), np.arange(len(good)) % 8
    for part in range(8):
        weights = fit(evidence[parts != part], good[parts != part])
        likely[parts == part] = 1 / (1 + np.exp(-(evidence[parts == part] @ weights[:-1] + weights[-1])))
    return likely


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=int, default=280, help="of each seed")
    parser.add_argument("--seed", type=int, nargs="+", default=[SEED])
    options = parser.parse_args()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        tasks = [(seed, number) for seed in options.seed for number in range(options.photos)]
        found = [row for row in pool.map(look, tasks, chunksize=4) if row is not None]
    kinds = np.array([kind for kind, _, _ in found])
    good = np.array([iou >= 0.9 for _, iou, _ in found], float)
    evidence = np.array([evidence_of(agreement) for _, _, agreement in found])
    weights = fit(evidence, good)
    print(f"{len(found)} cutouts; weights {weights[:-1].round(2)}, offset {weights[-1]:.2f}")
    print_limits("by a fit to the other seven eighths", judged_by_others(evidence, good), kinds, good)
    shipped = np.array([confidence(agreement) for _, _, agreement in found])
    print_limits("as packshot.agreement has it", shipped, kinds, good)


def print_limits(title: str, likely: np.ndarray, kinds: np.ndarray, good: np.ndarray) -> None:
    print(title)
    for limit in (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.88, 0.9, 0.925, 0.95):
        line = []
        for kind in dict.fromkeys(kinds):
            passed = (likely >= limit) & (kinds == kind)
            share = f"{good[passed].mean():.1%}" if passed.any() else "none"
            line.append(f"{kind} {passed.sum() / (kinds == kind).sum():.1%} pass, {share} good")
        print(f"limit {limit}: {good[likely >= limit].mean():.1%} good in all; " + "; ".join(line))


if __name__ == "__main__":
    main()
