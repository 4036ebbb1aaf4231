"""A catalogue on disk: photos as a marketplace stores them, the method's JSON lines, and the truth about each photo."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from packshot.records import VERDICTS
from packshot.synth.compose import NATURAL_COUNTS, make_photo

FIRST_SKU = 1_402_000_000
CATALOGUE_NAME = "pictures_market.jsonl"
POOL_FROM = 20


def _write_one(task: tuple[str, int, int, str | None, str, bool, tuple[int, int] | None]) -> dict:
    """Draw one photo and store it; returns its truth."""
    import cv2

    folder, index, seed, verdict, split, with_alpha, size_wh = task
    cv2.setNumThreads(1)
    made = make_photo(seed, verdict, size_wh, split)
    rng = np.random.default_rng([seed, 99])
    form = str(rng.choice(["jpg", "png", "webp"], p=[0.88, 0.06, 0.06]))
    name = f"{index:06d}.{form}"
    picture = Image.fromarray(made.image)
    path = Path(folder) / "photos" / name
    if form == "png":
        picture.save(path, optimize=False, compress_level=3)
    else:
        picture.save(path, quality=int(rng.integers(75, 96)))
    truth = {
        "file": f"photos/{name}",
        "verdict": made.verdict,
        "clauses": list(made.clauses),
        "boxes": [{"xyxy": [round(v, 1) for v in box], "kind": kind} for box, kind in made.overlay_boxes],
        "texts": made.texts,
        "packaging_texts": made.packaging_texts,
        "product_kind": made.product_kind,
        "overlay_share": round(float(made.overlay_mask.mean()), 4),
        "product_share": round(float(made.product_alpha.mean()), 4),
    }
    if with_alpha:
        alpha = Path(folder) / "alphas" / f"{index:06d}.png"
        Image.fromarray((made.product_alpha * 255 + 0.5).astype(np.uint8)).save(alpha)
        truth["alpha"] = f"alphas/{alpha.name}"
    return truth


def _verdict_plan(count: int, seed: int, balanced: bool) -> list[str]:
    rng = np.random.default_rng([seed, 5])
    if balanced:
        plan = [VERDICTS[i % len(VERDICTS)] for i in range(count)]
        return [plan[int(i)] for i in rng.permutation(count)]
    shares = np.array([NATURAL_COUNTS[v] for v in VERDICTS], float)
    return [str(v) for v in rng.choice(VERDICTS, count, p=shares / shares.sum())]


def write_catalogue(
    folder: Path | str,
    count: int,
    seed: int,
    split: str = "train",
    balanced: bool = True,
    broken: bool = False,
    base_url: str = "http://127.0.0.1:8000",
    alphas: bool = False,
    size_wh: tuple[int, int] | None = None,
    processes: int = 2,
) -> Path:
    """Write `count` photos, the catalogue and the truth into `folder`.

    Args:
        folder: made if absent; gets photos/, pictures_market.jsonl, truth.jsonl and, if asked, alphas/.
        count: photos, at least 1.
        seed: the same seed gives the same catalogue. Different seeds share no photo.
        split: "train" or "test", see make_photo.
        balanced: as many photos of each verdict; else in the method's natural shares.
        broken: add the rows of broken.py at the end.
        base_url: where the photos will be served; rows hold it without its scheme, as the method's do.
        alphas: store each product's alpha as an 8-bit PNG.
        size_wh: one size for all photos.
        processes: how many draw at once when there are more than 20 photos.

    Returns:
        The path of pictures_market.jsonl.

    Raises:
        ValueError: count below 1.
    """
    if count < 1:
        raise ValueError(f"a catalogue needs at least 1 photo, not {count}")
    folder = Path(folder)
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    if alphas:
        (folder / "alphas").mkdir(exist_ok=True)
    base = "//" + base_url.split("//", 1)[-1].rstrip("/")
    plan = _verdict_plan(count, seed, balanced)
    tasks = [(str(folder), i, seed * 1_000_003 + i, v, split, alphas, size_wh) for i, v in enumerate(plan)]
    if count > POOL_FROM and processes > 1:
        # Spawned, not forked: the caller may hold threads (a server, Prefect) that a fork would break.
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
            truths = list(pool.map(_write_one, tasks, chunksize=4))
    else:
        truths = [_write_one(task) for task in tasks]
    rows = []
    for index, truth in enumerate(truths):
        truth["market_sku_id"] = FIRST_SKU + index
        rows.append(
            {"market_sku_id": FIRST_SKU + index, "pic_url": f"{base}/{truth['file']}", "verdict": truth["verdict"]}
        )
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    if broken:
        from packshot.synth.broken import write_broken

        more, meant = write_broken(folder, base, FIRST_SKU + count, seed, split, rows[0])
        lines += more
        truths += meant
    catalogue = folder / CATALOGUE_NAME
    catalogue.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "truth.jsonl").write_text(
        "".join(json.dumps(truth, ensure_ascii=False) + "\n" for truth in truths), encoding="utf-8"
    )
    return catalogue
