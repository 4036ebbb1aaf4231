"""Make features once, from synthetic or labelled photos, for training and evaluation.

    python -m packshot.classifier.data --synthetic 3000 --out DIR
    python -m packshot.classifier.data --synthetic 600 --split test --out DIR
    python -m packshot.classifier.data --labels labels.csv --out DIR
    python -m packshot.classifier.data --synthetic 6000 --embeddings --out DIR

With --embeddings only what the photo head learns from is made, without reading or segmenting: many times as fast. The
same command again goes on after the last whole shard.
"""

import argparse
import csv
import hashlib
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from packshot.classifier.degrade import SMALLEST, degrade
from packshot.classifier.embeddings import EmbeddingRow, write_embeddings
from packshot.classifier.feature_set import FeatureRow, open_folder, shard_path, write_shard
from packshot.classifier.features import describe_engine, make_embedding, make_features
from packshot.engines import engine_class, make_engine
from packshot.engines.base import Engine, map_photos
from packshot.errors import PackshotError, SourceError
from packshot.records import VERDICTS
from packshot.synth.props import add_props, check_props

SHARD_ROWS = 96


@dataclass(slots=True)
class LabelledPhoto:
    """`image` RGB uint8 (H, W, 3); `digest` SHA-256, 64 hex digits."""

    digest: str
    verdict: str
    origin: str
    image: np.ndarray


@dataclass(frozen=True, slots=True)
class SyntheticSource:
    """The first `photos` photos of the synthetic catalogue; the verdicts take turns. `worn` photos are also cropped,
    rescaled, blurred and compressed at random (`degrade`), with `longest` to thumbnails of that many pixels at most.
    `long_side` draws them at that size in pixels, in the catalogue's usual shapes: smaller ones are quicker to make and
    to read; 0 leaves the catalogue's own sizes."""

    photos: int
    split: str = "train"
    seed: int = 0
    worn: bool = True
    long_side: int = 0
    longest: int = 0

    def __len__(self) -> int:
        return self.photos

    def about(self) -> dict[str, Any]:
        return {"kind": "synthetic", **asdict(self)}

    def photo(self, number: int) -> LabelledPhoto:
        from packshot.synth import make_photo
        from packshot.synth.compose import draw_aspect

        verdict = VERDICTS[number % len(VERDICTS)]
        photo_seed = self.seed * 10_000_000 + number
        size_wh = None
        if self.long_side:
            aspect = draw_aspect(np.random.default_rng(photo_seed))
            size_wh = (self.long_side, round(self.long_side / aspect))
            size_wh = size_wh if aspect >= 1 else (round(self.long_side * aspect), self.long_side)
        image = make_photo(photo_seed, verdict, size_wh, self.split).image
        if self.worn:
            image = degrade(image, np.random.default_rng(photo_seed), self.longest)
        digest = hashlib.sha256(image.tobytes()).hexdigest()
        return LabelledPhoto(digest, verdict, f"synthetic {self.split} {photo_seed}", image)


@dataclass(frozen=True, slots=True)
class LabelledSource:
    """Photo files beside a CSV file with columns `file` and `verdict`; rows without a verdict are left out."""

    labels: Path
    rows: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.rows)

    def about(self) -> dict[str, Any]:
        return {"kind": "labelled photos", "labels_sha256": hashlib.sha256(repr(self.rows).encode()).hexdigest()}

    def photo(self, number: int) -> LabelledPhoto:
        """A `SourceError` when the file cannot be read as a picture."""
        file, verdict = self.rows[number]
        path = self.labels.parent / file
        try:
            data = path.read_bytes()
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}") from None
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            raise SourceError(f"{path} is not a picture that can be read")
        return LabelledPhoto(hashlib.sha256(data).hexdigest(), verdict, file, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


Source = SyntheticSource | LabelledSource


def read_labels(path: Path) -> LabelledSource:
    try:
        with open(path, newline="", encoding="utf-8") as stream:
            rows = tuple((row["file"], row["verdict"]) for row in csv.DictReader(stream) if row["verdict"])
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from None
    except KeyError as error:
        raise SourceError(f"{path} has no column {error}") from None
    if not rows:
        raise SourceError(f"{path} holds no labelled row")
    return LabelledSource(path, rows)


def rows_of(photos: list[LabelledPhoto], ocr: Engine, segment: Engine) -> list[FeatureRow]:
    """Read, segment and reduce photos, in order."""
    images = [p.image for p in photos]
    texts = _in_calls(ocr, images)
    segmentations = _in_calls(segment, images)
    features = map_photos(make_features, images, texts, segmentations)
    return [FeatureRow(p.digest, p.verdict, p.origin, f) for p, f in zip(photos, features, strict=True)]


def fill_folder(
    folder: Path, source: Source, engines: tuple[str, str] | None, workers: int, props: Path | None = None
) -> None:
    """Make the features of a source's photos into `folder`, by whole shards; those that are there already stay.
    `engines`, which reads and which segments; None makes embeddings only.

    Each worker is a process with engines of its own, on one thread: more work a second than one engine on many.
    """
    digest = check_props(props)
    described = {e.stage: describe_engine(e) for e in load_engines(*engines)} if engines else {}
    about = source.about() | ({"props": digest} if digest else {})
    open_folder(folder, {"engines": described, "source": about})
    shards = range(-(-len(source) // SHARD_ROWS))
    missing = [number for number in shards if not shard_path(folder, number).exists()]
    started, made = time.perf_counter(), 0
    context = multiprocessing.get_context("spawn")
    workers = min(workers, max(1, len(missing)))
    with ProcessPoolExecutor(workers, context, add_props, (props,)) as pool:
        done = [pool.submit(make_shard, folder, number, source, engines) for number in missing]
        try:
            for future in as_completed(done):
                made += future.result()
                pace = (time.perf_counter() - started) / made
                print(f"{made} photos made into {folder}, {pace:.2f} s a photo", flush=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def make_shard(folder: Path, number: int, source: Source, engines: tuple[str, str] | None) -> int:
    """Make one shard in this process; how many photos it has."""
    cv2.setNumThreads(1)
    first = number * SHARD_ROWS
    photos = [source.photo(i) for i in range(first, min(first + SHARD_ROWS, len(source)))]
    if engines:
        write_shard(folder, number, rows_of(photos, *load_engines(*engines)))
    else:
        rows = [EmbeddingRow(p.digest, p.verdict, p.origin, *make_embedding(p.image)) for p in photos]
        write_embeddings(folder, number, rows)
    return len(photos)


@lru_cache(maxsize=1)
def load_engines(ocr: str, segment: str) -> tuple[Engine, Engine]:
    def load(stage: str, name: str) -> Engine:
        one_thread = {"threads": 1} if "threads" in engine_class(stage, name).Params.model_fields else {}
        return make_engine(stage, name, one_thread)

    return load("ocr", ocr), load("segment", segment)


def _in_calls(engine: Engine, images: list[np.ndarray]) -> list:
    calls = range(0, len(images), engine.max_batch)
    results = [r for start in calls for r in engine.run(images[start : start + engine.max_batch])]
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m packshot.classifier.data", description=__doc__.split("\n")[0])
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--synthetic", type=int, metavar="N", help="N photos of the synthetic catalogue")
    kind.add_argument("--labels", type=Path, help="CSV file with columns file and verdict")
    parser.add_argument("--out", type=Path, required=True, help="folder of features, made or gone on with")
    parser.add_argument("--split", choices=("train", "test"), default="train", help="of the synthetic catalogue")
    parser.add_argument("--seed", type=int, default=0, help="of the synthetic catalogue")
    parser.add_argument("--worn", action=argparse.BooleanOptionalAction, default=True, help="degrade synthetic photos")
    parser.add_argument("--long-side", type=int, default=0, help="px; draw synthetic photos at this size")
    parser.add_argument(
        "--longest", type=int, default=0, help="px; wear synthetic photos down to thumbnails of at most"
    )
    parser.add_argument("--props", type=Path, help="folder of pictures that join the drawn ones (split train)")
    parser.add_argument("--embeddings", action="store_true", help="only what the photo head learns from")
    parser.add_argument("--ocr", default="rapid", help="engine that reads")
    parser.add_argument("--segment", default="grabcut", help="engine that segments")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes that make shards")
    options = parser.parse_args(arguments)
    if options.props and (options.labels or options.split != "train"):
        parser.error("--props joins the synthetic catalogue's split train: it goes with --synthetic alone")
    if options.longest and (options.labels or not options.worn or options.longest < SMALLEST):
        parser.error(f"--longest takes {SMALLEST} or more, and goes with worn photos of the synthetic catalogue")
    try:
        source = (
            read_labels(options.labels)
            if options.labels
            else SyntheticSource(
                options.synthetic, options.split, options.seed, options.worn, options.long_side, options.longest
            )
        )
        engines = None if options.embeddings else (options.ocr, options.segment)
        fill_folder(options.out, source, engines, options.workers, options.props)
    except PackshotError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
