"""How good the pictures of a profile are, measured on synthetic photos against their exact truth.

    python -m benchmarks.pictures [--photos 200] [--split test] [--seed 0] [--profile lite] [--page worst.png]

Prints a table by kind of background, with --ablations also without matting and without the gate, and writes a sheet of
the twenty worst cutouts: photo, truth, cutout. "even" means that nine tenths of the visible background lie on a smooth
surface; the verdicts are drawn in turn, infographics twice as often. What was not passed by the gate is counted in
`passed`; `good` is the share of photos with an IoU of at least 0.90; `usable`, of photos with a placed picture.
"""

import argparse
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from benchmarks.cutout_figures import CutoutFigures, has_product, is_even, mean_figures, measure
from benchmarks.worst_page import write_worst
from packshot.artifacts import Raster
from packshot.compositing import on_white
from packshot.config import load_profile
from packshot.engines import make_engine
from packshot.errors import ErrorCode, PhotoError
from packshot.fidelity import OF_CUTOUT, Gates, failures
from packshot.stages import STAGES
from packshot.synth import SynthPhoto, make_photo

VERDICTS = (
    "good_infographics",
    "other_infographics",
    "clean_photo_good_background",
    "bad_infographics",
    "good_infographics",
    "clean_photo_bad_background",
    "clean_photo_image_background",
    "other_infographics",
)
KINDS = ("even with infographics", "even clean", "busy", "no product")
GATE_FAILED = str(ErrorCode.GATE_FAILED)
CHAIN = ("ocr", "segment", "caption", "detect", "mask", "inpaint")
WITHOUT_MATTING = {"mask.matting": "false"}


@dataclass(slots=True)
class Row:
    """One photo: `gated`, the cutout's figures that the gate goes by; `error`, the code where no picture came out;
    `placed`, the figures of the placement's gates."""

    number: int
    kind: str
    verdict: str
    figures: CutoutFigures
    gated: dict[str, float]
    error: str | None
    texts_left: int | None
    placed: dict[str, Any]
    seconds: float

    def passes(self, gates: Gates | None) -> bool:
        """Whether its cutout is let pass; None: there is no gate."""
        if gates is None:
            return self.error in (None, GATE_FAILED)
        return self.error is None and not failures(self.gated, gates)


_ENGINES: dict[str, Any] = {}


def picture_kind(photo: SynthPhoto) -> str:
    if not has_product(photo):
        return "no product"
    if not is_even(photo):
        return "busy"
    return "even with infographics" if photo.verdict.endswith("infographics") else "even clean"


def draw(number: int, split: str, seed: int) -> SynthPhoto:
    return make_photo(1_000_000 + 10_000 * seed + number, VERDICTS[number % len(VERDICTS)], None, split)


def run_chain(image: np.ndarray, profile: str, overrides: dict[str, str], place: bool) -> dict[str, Any]:
    """Results by stage; the first `PhotoError` ends it, under the name of its stage."""
    chosen = load_profile(profile, {"classify.engine": "benchmarks.nothing:Classify", **overrides}).stages
    results: dict[str, Any] = {}
    for name in CHAIN if place else CHAIN[:-1]:
        if name not in _ENGINES:
            _ENGINES[name] = make_engine(name, chosen[name].engine, chosen[name].params)
        upstream = [[results[read]] for read in STAGES[name].reads]
        prompts = [[""]] if STAGES[name].prompted else []
        (results[name],) = _ENGINES[name].run([image], *upstream, *prompts)
        if isinstance(results[name], PhotoError):
            break
    return results


def judge(task: tuple[int, argparse.Namespace, dict[str, str]]) -> tuple[Row, np.ndarray]:
    """Draw a photo, work on it, measure; returns the row and the cutout."""
    number, options, overrides = task
    photo = draw(number, options.split, options.seed)
    clock = time.perf_counter()
    results = run_chain(photo.image, options.profile, overrides, options.place)
    seconds = time.perf_counter() - clock
    error = next((str(value.code) for value in results.values() if isinstance(value, PhotoError)), None)
    cutout = results.get("mask")
    if not isinstance(cutout, Raster):
        cutout = Raster(np.zeros((*photo.image.shape[:2], 4), np.uint8))
    placed = results.get("inpaint")
    row = Row(
        number,
        picture_kind(photo),
        photo.verdict,
        measure(photo, cutout.pixels),
        {name: cutout.figures[name] for name in OF_CUTOUT if name in cutout.figures},
        error,
        texts_left(photo, cutout.pixels) if cutout.pixels.any() else None,
        placed.figures["gates"] if isinstance(placed, Raster) else {},
        seconds,
    )
    return row, cutout.pixels


def texts_left(photo: SynthPhoto, cutout: np.ndarray) -> int:
    """How many pieces of writing a second reading finds in the cutout on white where infographics were."""
    texts = _ENGINES["ocr"].run([on_white(cutout)])[0]
    left = 0
    for box in texts.boxes:
        area = np.zeros(cutout.shape[:2], np.uint8)
        cv2.fillPoly(area, [np.round(box.quad).astype(np.int32)], 1)
        inside = area > 0
        left += bool(inside.any() and photo.overlay_mask[inside].mean() > 0.3)
    return left


def table(rows: list[Row], gates: Gates | None) -> list[str]:
    lines = []
    for kind in KINDS[:-1]:
        some = [row for row in rows if row.kind == kind]
        if not some:
            continue
        m = mean_figures([row.figures for row in some])
        good = [row.figures.iou >= 0.9 for row in some]
        passed = [row for row in some if row.passes(gates)]
        kept = np.mean([row.figures.iou >= 0.9 for row in passed]) if passed else np.nan
        texts = [row.texts_left for row in some if row.texts_left is not None]
        lines += [
            f"{kind}: {len(some)} photos",
            f"  IoU {m['iou']:.3f}, good {np.mean(good):.1%}, boundary F {m['boundary_f']:.3f}, "
            f"alpha error {m['alpha_mad']:.4f} (mean in the band), {m['alpha_sad']:.2f} thousand (sum)",
            f"  overlay left {m['overlay_left']:.2%} of the overlay, {m['overlay_share']:.2%} of the cutout; "
            f"product lost {m['product_lost']:.2%}; writing kept {m['writing_kept']:.2%}; "
            f"texts left {np.mean(texts) if texts else np.nan:.2f} a photo",
            f"  product pixels changed {m['changed']:.4%}, repaired {m['repaired']:.2%}; "
            f"gate: {len(passed) / len(some):.1%} passed, of these {kept:.1%} good",
        ]
        bad = sorted((row for row in some if row.figures.iou < 0.9), key=lambda row: row.figures.iou)
        if bad:
            numbers = ", ".join(f"{row.number} ({row.figures.iou:.2f}{'*' * row.passes(gates)})" for row in bad)
            lines.append(f"  not good (* passed the gate): {numbers}")
        expansion = [row.placed["expansion"] for row in some if row.placed.get("expansion") is not None]
        changed = [row.placed["changed_pixels"] for row in some if row.placed.get("changed_pixels") is not None]
        if changed:
            exact, usable = np.mean([not value for value in changed]), len(changed) / len(some)
            grown = np.mean(expansion) if expansion else np.nan
            lines.append(f"  placed: {usable:.1%} usable, {exact:.1%} of these exact, expansion {grown:.3f}")
    none = [row for row in rows if row.kind == "no product"]
    if none:
        refused = np.mean([not row.passes(gates) for row in none])
        coded = np.mean([row.error == "no_product" for row in none])
        lines.append(f"no product: {len(none)} photos, no_product {coded:.1%}, refused in all {refused:.1%}")
    return lines


def work(options: argparse.Namespace, overrides: dict[str, str]) -> tuple[list[Row], list[np.ndarray]]:
    tasks = [(number, options, overrides) for number in range(options.photos)]
    with ProcessPoolExecutor(options.processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        done = list(pool.map(judge, tasks, chunksize=4))
    return [row for row, _ in done], [cutout for _, cutout in done]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--split", choices=("train", "test"), default="test")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", default="lite")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--page", default="", help="PNG of the worst twenty; empty: none")
    parser.add_argument("--ablations", action="store_true", help="then again without matting, and without the gate")
    parser.add_argument("--no-place", dest="place", action="store_false", help="cut out only")
    options = parser.parse_args()
    gates = Gates.model_validate(getattr(load_profile(options.profile), "gates", {}) or {})
    rows, cutouts = work(options, {})
    took, split = np.mean([row.seconds for row in rows]), f"split {options.split}, seed {options.seed}"
    print(f"{options.photos} photos, {split}, profile {options.profile}; {took:.2f} s each")
    print("\n".join(table(rows, gates)))
    if options.page:
        write_worst(options.page, rows, cutouts, lambda number: draw(number, options.split, options.seed), gates)
    if options.ablations:
        print("without matting")
        print("\n".join(table(work(options, WITHOUT_MATTING)[0], gates)))
        print("without the gate")
        print("\n".join(table(rows, None)))


if __name__ == "__main__":
    main()
