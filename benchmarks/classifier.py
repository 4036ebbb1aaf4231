"""What stored features save, how long a training takes and what helps it, how long a scan of a million rows, and a
thousand photos.

    python -m benchmarks.classifier [ratios] [training] [heap] [scan] [synth]

Each runs in a process of its own, so that its peak memory is its own; torch computes on two threads.
PACKSHOT_BENCH_PHOTOS is the number of photos of `ratios` (default 6), PACKSHOT_BENCH_EPOCHS that of the epochs of
`training` that are really run (default 2; the method's 15 are extrapolated from their mean). Prints one line a figure.
"""

import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from packshot.classifier.labelled_run import Picture
from packshot.records import VERDICTS
from packshot.run import Run, RunSpec
from packshot.store import FolderStore

THREADS = 2
EPOCHS, PER_CLASS = 15, 500
NATURAL = (292_314, 215_554, 49_625, 455_307, 28_093, 14_507, 49_569)
"""Rows of each verdict in METHOD.md's file, the one that is not trained last."""


def ratios(folder: Path) -> None:
    """The same photos, side by side: an epoch over stored features, and one that makes them anew."""
    import torch
    from segment_anything import sam_model_registry

    from packshot.classifier.features import make_features
    from packshot.engines.ocr_easyocr import EasyOcr, EasyOcrParams
    from packshot.engines.ocr_rapid import RapidOcr
    from packshot.engines.segment_grabcut import GrabCutSegmenter
    from packshot.engines.segment_sam import SamParams, SamSegmenter
    from packshot.synth import make_photo

    torch.set_num_threads(THREADS)
    count = int(os.environ.get("PACKSHOT_BENCH_PHOTOS", "6"))
    images = [make_photo(93_000 + i, VERDICTS[i % 6], size_wh=(800, 800)).image for i in range(count)]
    torch.save(sam_model_registry["vit_b"]().state_dict(), folder / "vit_b.pth")
    engines = {
        "EasyOCR and SAM ViT-B": (
            EasyOcr(EasyOcrParams()),
            SamSegmenter(SamParams(weights=str(folder / "vit_b.pth"), device="cpu", embeddings_gb=0)),
        ),
        "lite's engines": (RapidOcr(RapidOcr.Params()), GrabCutSegmenter(GrabCutSegmenter.Params())),
    }
    made = dict.fromkeys(engines, 0.0)
    held = []
    for i, image in enumerate([images[0], *images]):  # the first goes through twice, the first time to warm up
        for name, (ocr, segment) in engines.items():
            clock = time.perf_counter()
            (texts,), (segmentation,) = ocr.run([image]), segment.run([image])
            features = make_features(image, texts, segmentation)
            made[name] += (time.perf_counter() - clock) if i else 0.0
        if i:
            held.append(features)
    run, pictures = store_features(folder, held, 96)
    for bfloat16 in (False, True):
        loaded, learnt = epoch_seconds(run, pictures, bfloat16)
        name = "bfloat16" if bfloat16 else "float32"
        print(
            f"ratios, {name}: learning {1000 * learnt:.1f} ms a photo, reading its stored features {1000 * loaded:.1f}"
        )
        for engine, seconds in made.items():
            anew = seconds / count + learnt
            print(
                f"ratios, {name}: an epoch that makes features anew with {engine} takes {1000 * anew:,.0f} ms a photo "
                f"({count} photos of 800×800): {anew / learnt:,.0f} times as long as one over stored features, "
                f"{anew / (learnt + loaded):,.0f} times as long as the first, which reads them from the store"
            )


def epoch_seconds(run: Run, pictures: list[Picture], bfloat16: bool) -> tuple[float, float]:
    """Seconds a picture: to read its features from the store, and to learn from it (METHOD.md's batch of 16)."""
    from packshot.classifier.model import ThreeInputNet
    from packshot.classifier.stored_features import load_feature_set
    from packshot.classifier.train import TrainSettings, train_epoch
    from packshot.classifier.training_state import Progress

    clock = time.perf_counter()
    features = load_feature_set(run, pictures, pooled=True)
    loaded = (time.perf_counter() - clock) / len(pictures)
    import torch

    settings = TrainSettings(bfloat16=bfloat16)
    model = ThreeInputNet(len(VERDICTS), pool_logits_first=True).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    train_epoch(model, optimiser, features, np.arange(32), None, settings, Progress(settings.learning_rate))
    clock = time.perf_counter()
    rows, second = np.arange(len(features)), Progress(settings.learning_rate, epoch=1)
    train_epoch(model, optimiser, features, rows, None, settings, second)
    return loaded, (time.perf_counter() - clock) / len(features)


def training(folder: Path) -> None:
    """6×500 photos with stored features, METHOD.md's recipe with pooled logits."""
    import torch

    from packshot.classifier.features import make_features
    from packshot.classifier.stored_features import feature_engines, load_feature_set
    from packshot.classifier.train import TrainSettings, train
    from packshot.engines.ocr_rapid import RapidOcr
    from packshot.engines.segment_grabcut import GrabCutSegmenter
    from packshot.synth import make_photo

    torch.set_num_threads(THREADS)
    images = [make_photo(94_000 + i, VERDICTS[i]).image for i in range(6)]
    texts, segmentations = (
        engine.run(images) for engine in (RapidOcr(RapidOcr.Params()), GrabCutSegmenter(GrabCutSegmenter.Params()))
    )
    run, pictures = store_features(folder, list(map(make_features, images, texts, segmentations)), 6 * PER_CLASS)
    stored = sum(p.stat().st_size for p in (folder / "store").rglob("*.npz")) / len(pictures)
    clock = time.perf_counter()
    features = load_feature_set(run, pictures, pooled=True)
    loading = time.perf_counter() - clock
    epochs = int(os.environ.get("PACKSHOT_BENCH_EPOCHS", "2"))
    about = {"engines": feature_engines(run.spec.profile), "sources": []}
    for bfloat16 in (False, True):
        seconds: list[float] = []
        settings = TrainSettings(epochs=epochs, patience=epochs, bfloat16=bfloat16)
        train(
            features,
            about,
            folder / f"{bfloat16}.safetensors",
            settings,
            lambda row, to=seconds: to.append(row["seconds"]),
        )
        epoch = sum(seconds) / len(seconds)
        print(
            f"training, {'bfloat16' if bfloat16 else 'float32'}: 6 × {PER_CLASS} photos, {epoch:.0f} s an epoch with "
            f"validation ({len(seconds)} run), {loading:.0f} s to read {stored / 1000:.0f} kB of features a photo: "
            f"{EPOCHS} epochs take {(loading + EPOCHS * epoch) / 60:.1f} minutes on {THREADS} threads; "
            f"peak memory {peak_gib():.2f} GiB"
        )


def heap(folder: Path) -> None:
    """What it saves a training that freed memory is kept: the same steps before and after."""
    import torch
    from torch.nn import functional as F

    from packshot.classifier.model import ThreeInputNet
    from packshot.heap import keep_freed_memory

    torch.set_num_threads(THREADS)
    model = ThreeInputNet(len(VERDICTS), pool_logits_first=True).to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(model.parameters())
    batch = [torch.rand(16, 3, 64, 64).to(memory_format=torch.channels_last) for _ in range(3)]
    labels = torch.randint(0, len(VERDICTS), (16,))

    def seconds(steps: int) -> float:
        clock = time.perf_counter()
        for _ in range(steps):
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(*batch)
            optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(logits.float(), labels).backward()
            optimiser.step()
        return time.perf_counter() - clock

    seconds(4)
    given_back = seconds(20)
    keep_freed_memory()
    seconds(4)
    kept = seconds(20)
    print(
        f"heap: a step of 16 photos takes {50 * given_back:.0f} ms, {50 * kept:.0f} where freed memory is kept: "
        f"{given_back / kept:.2f} times as fast"
    )


def store_features(folder: Path, made: list, count: int) -> tuple[Run, list[Picture]]:
    """`count` stored features, those that were made over and over, under digests of their own; the verdicts in turn."""
    from packshot.catalogue import Source
    from packshot.classifier.stored_features import features_key
    from packshot.config import load_profile

    spec = RunSpec(
        run_id="bench",
        name="bench",
        created_at=datetime.now(UTC).isoformat(),
        source=Source(path=str(folder)),
        steps=("read",),
        profile=load_profile("lite"),
    )
    run = Run(FolderStore(folder / "store"), spec)
    pictures = []
    for i in range(count):
        digest = hashlib.sha256(str(i).encode()).hexdigest()
        run.store.put(features_key(run, digest), made[i % len(made)].encode())
        pictures.append(Picture(digest, VERDICTS[i % 6], str(i), str(i), "", 0))
    return run, pictures


def scan(folder: Path) -> None:
    """Balanced sampling over a million rows, in METHOD.md's shares, from its JSON lines."""
    from packshot.catalogue import Source, read_catalogue
    from packshot.classifier.sampling import draw_sample

    rows, path = 1_000_000, folder / "pictures_market"
    rng = random.Random(0)
    verdicts = rng.choices((*VERDICTS, "clean_photo_other_background"), NATURAL, k=rows)
    with open(path, "w") as file:
        for i, verdict in enumerate(verdicts):
            url = f"//avatars.mds.yandex.net/get-marketpic/{rng.randrange(10**7)}/picc{rng.randrange(16**32):032x}/orig"
            file.write(json.dumps({"market_sku_id": 1_402_000_000 + i, "pic_url": url, "verdict": verdict}) + "\n")
    del verdicts
    before, clock, spent = peak_gib(), time.perf_counter(), time.process_time()
    sample = draw_sample(read_catalogue(Source(path=str(path))), PER_CLASS, 1.0, 0)
    drawn = {verdict: len(photos) for verdict, photos in sample.drawn.items()}
    assert set(drawn.values()) == {2 * PER_CLASS}, drawn
    print(
        f"scan: {rows:,} rows in {time.perf_counter() - clock:.0f} s ({time.process_time() - spent:.0f} s of a core), "
        f"{PER_CLASS} of each verdict and as many in reserve; peak memory {peak_gib():.2f} GiB ({before:.2f} before)"
    )


def synth(folder: Path) -> None:
    """A thousand photos of the synthetic catalogue."""
    from packshot.synth import write_catalogue

    clock = time.perf_counter()
    write_catalogue(folder / "photos", 1000, seed=7, processes=2)
    print(f"synth: 1,000 photos drawn and stored in {time.perf_counter() - clock:.0f} s on two cores")


def peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


TASKS: dict[str, Callable[[Path], None]] = {
    "ratios": ratios,
    "training": training,
    "heap": heap,
    "scan": scan,
    "synth": synth,
}


def main() -> None:
    if sys.argv[1:2] == ["alone"]:
        with TemporaryDirectory() as folder:
            TASKS[sys.argv[2]](Path(folder))
        return
    for name in sys.argv[1:] or TASKS:
        if name not in TASKS:
            raise SystemExit(f"there is no {name!r}; there is: {', '.join(TASKS)}")
        clock = time.perf_counter()
        if code := subprocess.run([sys.executable, "-m", "benchmarks.classifier", "alone", name]).returncode:
            raise SystemExit(f"{name} broke off with exit code {code}")
        print(f"{name}: took {time.perf_counter() - clock:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
