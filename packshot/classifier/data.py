"""Make features once, from synthetic or labelled photos, for training and evaluation.

    python -m packshot.classifier.data --synthetic 3000 --out DIR
    python -m packshot.classifier.data --synthetic 600 --split test --out DIR
    python -m packshot.classifier.data --labels labels.csv --out DIR

The same command again goes on after the last whole shard.
"""

import argparse
import csv
import hashlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from packshot.classifier.degrade import degrade
from packshot.classifier.feature_set import FeatureRow, open_folder, shard_path, write_shard
from packshot.classifier.features import describe_engine, make_features
from packshot.engines import make_engine
from packshot.engines.base import Engine, map_photos
from packshot.errors import PackshotError, SourceError
from packshot.records import VERDICTS

SHARD_ROWS = 96


@dataclass(slots=True)
class LabelledPhoto:
    """`image` RGB uint8 (H, W, 3); `digest` SHA-256, 64 hex digits."""

    digest: str
    verdict: str
    origin: str
    image: np.ndarray


def synthetic_photo(number: int, *, split: str, seed: int, worn: bool) -> LabelledPhoto:
    """Photo `number` of the synthetic catalogue; the verdicts take turns. `worn` photos are also cropped, rescaled,
    blurred and compressed at random (`degrade`)."""
    from packshot.synth import make_photo

    verdict = VERDICTS[number % len(VERDICTS)]
    photo_seed = seed * 10_000_000 + number
    image = make_photo(photo_seed, verdict, split=split).image
    if worn:
        image = degrade(image, np.random.default_rng(photo_seed))
    digest = hashlib.sha256(image.tobytes()).hexdigest()
    return LabelledPhoto(digest, verdict, f"synthetic {split} {photo_seed}", image)


def labelled_photo(folder: Path, file: str, verdict: str) -> LabelledPhoto:
    """A photo file with its label; a `SourceError` when it cannot be read as a picture."""
    path = folder / file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from None
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise SourceError(f"{path} is not a picture that can be read")
    return LabelledPhoto(hashlib.sha256(data).hexdigest(), verdict, file, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def read_labels(path: Path) -> list[tuple[str, str]]:
    """(file, verdict) of every labelled row of a CSV file with these two columns; files are relative to it."""
    try:
        with open(path, newline="", encoding="utf-8") as stream:
            rows = [(row["file"], row["verdict"]) for row in csv.DictReader(stream) if row["verdict"]]
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from None
    except KeyError as error:
        raise SourceError(f"{path} has no column {error}") from None
    if not rows:
        raise SourceError(f"{path} holds no labelled row")
    return rows


def rows_of(photos: list[LabelledPhoto], ocr: Engine, segment: Engine) -> list[FeatureRow]:
    """Read, segment and reduce photos, in order."""
    images = [p.image for p in photos]
    texts = _in_calls(ocr, images)
    segmentations = _in_calls(segment, images)
    features = map_photos(make_features, images, texts, segmentations)
    return [FeatureRow(p.digest, p.verdict, p.origin, f) for p, f in zip(photos, features, strict=True)]


def fill_folder(
    folder: Path, n: int, photo: Callable[[int], LabelledPhoto], source: dict, engines: list[Engine]
) -> None:
    """Make the features of photos 0 to n into `folder`, shard after shard; whole shards that are there already stay.

    `source` says, in JSON values, what the photos are; it must be the same when a folder is taken up again.
    """
    about = {"engines": {e.stage: describe_engine(e) for e in engines}, "source": source}
    open_folder(folder, about)
    started, made = time.perf_counter(), 0
    for number, first in enumerate(range(0, n, SHARD_ROWS)):
        if shard_path(folder, number).exists():
            continue
        photos = [photo(i) for i in range(first, min(first + SHARD_ROWS, n))]
        write_shard(folder, number, rows_of(photos, *engines))
        made += len(photos)
        pace = (time.perf_counter() - started) / made
        print(f"{first + len(photos)} of {n} photos, {pace:.2f} s a photo", flush=True)


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
    parser.add_argument("--ocr", default="rapid", help="engine that reads")
    parser.add_argument("--segment", default="grabcut", help="engine that segments")
    options = parser.parse_args(arguments)
    try:
        engines = [make_engine("ocr", options.ocr, {}), make_engine("segment", options.segment, {})]
        if options.labels:
            labels = read_labels(options.labels)
            digest = hashlib.sha256(repr(labels).encode()).hexdigest()
            source = {"kind": "labelled photos", "labels_sha256": digest}
            fill_folder(
                options.out,
                len(labels),
                lambda i: labelled_photo(options.labels.parent, *labels[i]),
                source,
                engines,
            )
        else:
            choice = {"split": options.split, "seed": options.seed, "worn": options.worn}
            source = {"kind": "synthetic", "photos": options.synthetic, **choice}
            fill_folder(options.out, options.synthetic, lambda i: synthetic_photo(i, **choice), source, engines)
    except PackshotError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
