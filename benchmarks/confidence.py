"""Fit the confidence of cutouts (packshot.agreement) to synthetic photos, and say what each limit would let pass.

    python -m benchmarks.confidence [--photos 280]

Photos of the test split (the network has trained on the other's products, and would be trusted too much), of other
seeds than benchmarks.pictures draws; all kinds of background. Prints the weights and offset that fit best, and for each
limit, by these and by packshot.agreement's own, the share of photos that pass and how many of these are good (IoU of at
least 0.90).
"""

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple

import numpy as np

from benchmarks.cutout_figures import measure
from benchmarks.pictures import draw, picture_kind
from packshot.agreement import Agreement, confidence
from packshot.background import reduce
from packshot.compose import soft_cutout
from packshot.engines import make_engine
from packshot.foreground import find_foreground
from packshot.saliency import shared_saliency
from packshot.scene import read_scene

SEED = 50
_READER = []


def look(number: int) -> tuple[str, float, Agreement] | None:
    """Kind of background, IoU and agreement of a photo; None where nothing was found."""
    if not _READER:
        _READER.append(make_engine("ocr", "rapid", {"threads": 1}))
    photo = draw(number, "test", SEED)
    small = reduce(photo.image, 512)
    scale = np.float32(small.shape[1::-1]) / np.float32(photo.image.shape[1::-1])
    quads = [box.quad * scale for box in _READER[0].run([photo.image])[0].boxes]
    scene = read_scene(small, find_foreground(small), quads, shared_saliency())
    if scene.agreement is None:
        return None
    return picture_kind(photo), measure(photo, soft_cutout(photo.image, scene.product)).iou, scene.agreement


def fit(shares: np.ndarray, good: np.ndarray, ridge: float = 0.3) -> np.ndarray:
    """Logistic regression by Newton's method: weights and, last, the offset."""
    terms = np.c_[shares, np.ones(len(shares))]
    weights = np.zeros(terms.shape[1])
    damping = ridge * np.diag([1.0] * shares.shape[1] + [0.0])
    for _ in range(100):
        likely = 1 / (1 + np.exp(-terms @ weights))
        curve = (terms * (likely * (1 - likely))[:, None]).T @ terms + damping
        weights += np.linalg.solve(curve, terms.T @ (good - likely) - damping @ weights)
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=int, default=280)
    options = parser.parse_args()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        found = [row for row in pool.map(look, range(options.photos), chunksize=4) if row is not None]
    kinds = np.array([kind for kind, _, _ in found])
    good = np.array([iou >= 0.9 for _, iou, _ in found], float)
    shares = np.array([astuple(agreement) for _, _, agreement in found])
    weights = fit(shares, good)
    print(f"{len(found)} cutouts; weights {weights[:-1].round(1)}, offset {weights[-1]:.1f}")
    print_limits("as fitted to these", 1 / (1 + np.exp(-(np.c_[shares, np.ones(len(shares))] @ weights))), kinds, good)
    shipped = np.array([confidence(agreement) for _, _, agreement in found])
    print_limits("as packshot.agreement has it", shipped, kinds, good)


def print_limits(title: str, likely: np.ndarray, kinds: np.ndarray, good: np.ndarray) -> None:
    print(title)
    for limit in (0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9):
        line = []
        for kind in dict.fromkeys(kinds):
            passed = (likely >= limit) & (kinds == kind)
            share = f"{good[passed].mean():.1%}" if passed.any() else "none"
            line.append(f"{kind} {passed.sum() / (kinds == kind).sum():.1%} pass, {share} good")
        print(f"limit {limit}: {good[likely >= limit].mean():.1%} good in all; " + "; ".join(line))


if __name__ == "__main__":
    main()
