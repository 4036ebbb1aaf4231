"""Features of many photos: made once, kept in a folder of compressed shards, read by every training.

`DIR/features.json` says what made them; `DIR/shard-000000.npz` and on hold plain arrays, a row a photo. A shard is
written whole or not at all, so that making them can be interrupted and taken up again. Reading holds all in memory:
50 kB a photo where the logits are pooled first, 222 kB where they are not.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from packshot.classifier.features import FEATURES_VERSION, INPUTS, Features
from packshot.errors import SettingError
from packshot.photo_net import REVISION
from packshot.records import VERDICTS

FORMAT = "packshot-features-1"
UNTRAINED = "clean_photo_other_background"
_COLUMNS = ("image", "text_mask", "text_scale", "logits", "logits_scale", "embedding", "embedding_scale")
_POOL = INPUTS["sam_logits"][0] // INPUTS["image"][0]


@dataclass(slots=True)
class FeatureRow:
    """`digest`: SHA-256 of the photo's bytes or pixels, 64 hex digits; `origin`: where it came from, for people."""

    digest: str
    verdict: str
    origin: str
    features: Features


@dataclass(slots=True)
class FeatureSet:
    """Features as columns, one row a photo; indexing by an array of row numbers gives a smaller set.

    `image`, `text_mask` uint8 (n, 64, 64, 3); `text_scale` float32 (n,); `logits` int8 (n, 256, 256, 3), or,
    pooled, the sums of 4×4 of them, int16 (n, 64, 64, 3): exactly what averaging gives, with the divisor in
    `logits_scale` float32 (n, 3). `embedding` uint8 (n, WIDTH), times `embedding_scale` float32 (n,). `labels` int64
    (n,) index `classes`.
    """

    classes: tuple[str, ...]
    image: np.ndarray
    text_mask: np.ndarray
    text_scale: np.ndarray
    logits: np.ndarray
    logits_scale: np.ndarray
    embedding: np.ndarray
    embedding_scale: np.ndarray
    labels: np.ndarray
    digests: np.ndarray
    origins: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: np.ndarray) -> "FeatureSet":
        columns = (getattr(self, name)[rows] for name in self.__slots__ if name != "classes")
        return FeatureSet(self.classes, *columns)

    @property
    def pooled(self) -> bool:
        return self.logits.dtype == np.int16

    def embeddings(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """float32 (n, WIDTH), of these rows."""
        return self.embedding[rows].astype(np.float32) * self.embedding_scale[rows, None]

    def counts(self) -> dict[str, int]:
        numbers = np.bincount(self.labels, minlength=len(self.classes))
        return {c: int(n) for c, n in zip(self.classes, numbers, strict=True)}


def pool_logits(logits: np.ndarray, logits_scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 (n, 256, 256, 3) and scale to the sums of 4×4, int16 (n, 64, 64, 3), and the scale that makes them
    means."""
    n, side = len(logits), logits.shape[1] // _POOL
    sums = logits.reshape(n, side, _POOL, side, _POOL, 3).sum(axis=(2, 4), dtype=np.int16)
    return sums, (logits_scale / _POOL**2).astype(np.float32)


def open_folder(folder: Path, about: dict[str, Any]) -> None:
    """Start a folder of features, or go on with one; a `SettingError` where it was begun with something else.

    `about`: plain JSON values that must be equal for shards to belong together: at least `engines` by stage.
    """
    value = {"format": FORMAT, "features_version": FEATURES_VERSION, "embeddings": REVISION, **about}
    path = folder / "features.json"
    if path.exists():
        found = read_folder_about(folder)
        differing = sorted(k for k in found.keys() | value.keys() if found.get(k) != value.get(k))
        if differing:
            raise SettingError(
                f"{folder} holds features made otherwise ({', '.join(differing)} differ): "
                "take another folder, or remove it"
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    _write(path, (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())


def read_folder_about(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads((folder / "features.json").read_text("utf-8"))
    except FileNotFoundError:
        raise SettingError(f"{folder} holds no features: make some with `python -m packshot.classifier.data`") from None
    except ValueError as error:
        raise SettingError(f"{folder / 'features.json'} is not JSON: {error}") from None
    made = tuple(value.get(name) for name in ("format", "features_version", "embeddings"))
    if made != (FORMAT, FEATURES_VERSION, REVISION):
        raise SettingError(
            f"{folder} holds features of {made[0]} version {made[1]} with embeddings of {made[2]}; this packshot reads "
            f"{FORMAT} version {FEATURES_VERSION} with embeddings of {REVISION}: make them again"
        )
    return value


def shard_path(folder: Path, number: int) -> Path:
    return folder / f"shard-{number:06d}.npz"


def write_shard(folder: Path, number: int, rows: Sequence[FeatureRow]) -> None:
    """Write one shard, compressed, at once."""
    write_columns(
        shard_path(folder, number),
        image=np.stack([r.features.image for r in rows]),
        text_mask=np.stack([r.features.text_mask for r in rows]),
        text_scale=np.array([r.features.text_scale for r in rows], np.float32),
        logits=np.stack([r.features.sam_logits for r in rows]),
        logits_scale=np.stack([r.features.logits_scale for r in rows]),
        embedding=np.stack([r.features.embedding for r in rows]),
        embedding_scale=np.array([r.features.embedding_scale for r in rows], np.float32),
        verdict=np.array([r.verdict for r in rows], np.str_),
        digest=np.array([r.digest for r in rows], np.str_),
        origin=np.array([r.origin for r in rows], np.str_),
    )


def write_columns(path: Path, **columns: np.ndarray) -> None:
    partial = path.with_suffix(".partial")
    with open(partial, "wb") as stream:
        np.savez_compressed(stream, **columns)
    os.replace(partial, path)


def trained_rows(path: Path, verdicts: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """bool (n,): rows of the shard at `path` whose verdict is one of `classes`. A `SettingError` for any other verdict
    but the one that is not trained."""
    unknown = sorted(set(verdicts.tolist()) - set(classes) - {UNTRAINED})
    if unknown:
        raise SettingError(f"{path} has unknown verdicts: {', '.join(unknown)}; known are {', '.join(classes)}")
    return verdicts != UNTRAINED


def read_feature_set(folder: Path, *, pooled: bool, classes: tuple[str, ...] = VERDICTS) -> FeatureSet:
    """All rows of a folder whose verdict is one of `classes`. Rows of the verdict that is not trained are left out;
    any other unknown verdict is a `SettingError`, as is a folder without rows."""
    if not read_folder_about(folder)["engines"]:
        raise SettingError(f"{folder} holds embeddings only, which the photo head learns from: make features")
    columns: dict[str, list[np.ndarray]] = {}
    for path in sorted(folder.glob("shard-*.npz")):
        with np.load(path, allow_pickle=False) as z:
            shard = {name: z[name] for name in z.files}
        keep = trained_rows(path, shard["verdict"], classes)
        if pooled:
            shard["logits"], shard["logits_scale"] = pool_logits(shard["logits"], shard["logits_scale"])
        for name, column in shard.items():
            columns.setdefault(name, []).append(column[keep])
    if not sum(len(c) for c in columns.get("verdict", [])):
        raise SettingError(f"{folder} holds no row of a trained verdict")
    whole = {name: np.concatenate(parts) for name, parts in columns.items()}
    index = {c: i for i, c in enumerate(classes)}
    labels = np.array([index[v] for v in whole["verdict"].tolist()], np.int64)
    return FeatureSet(
        tuple(classes),
        *(whole[k] for k in _COLUMNS),
        labels,
        whole["digest"],
        whole["origin"],
    )


def read_folders(
    folders: Sequence[Path], *, pooled: bool, classes: tuple[str, ...] = VERDICTS
) -> tuple[FeatureSet, dict[str, Any]]:
    """Several folders as one set, and what made them: `engines` and a list of `sources`. Features of different engines
    are a `SettingError`."""
    abouts = [read_folder_about(folder) for folder in folders]
    for folder, about in zip(folders, abouts, strict=True):
        if about["engines"] != abouts[0]["engines"]:
            raise SettingError(f"{folder} holds features of other engines than {folders[0]}: they cannot be mixed")
    sets = [read_feature_set(folder, pooled=pooled, classes=classes) for folder in folders]
    columns = [n for n in FeatureSet.__slots__ if n != "classes"]
    joined = FeatureSet(tuple(classes), *(np.concatenate([getattr(s, n) for s in sets]) for n in columns))
    return joined, {"engines": abouts[0]["engines"], "sources": [a["source"] for a in abouts]}


def balanced_rows(features: FeatureSet, per_class: int, seed: int) -> np.ndarray:
    """Row numbers: `per_class` of every class, drawn by the digest's hash; all rows where it is 0.

    A `SettingError` names the classes that have fewer.
    """
    counts = features.counts()
    short = [f"{c} has {n}" for c, n in counts.items() if n < max(per_class, 1)]
    if short:
        raise SettingError(f"asked for {max(per_class, 1)} rows a class, but {', '.join(short)}")
    if not per_class:
        return np.arange(len(features))
    order = _draw_order(features.digests, seed)
    drawn = [order[features.labels[order] == c][:per_class] for c in range(len(features.classes))]
    return np.sort(np.concatenate(drawn))


def split_by_digest(features: FeatureSet, validation_share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers to train on and to validate on, with equal shares of every class.

    Equal pictures never stand on both sides, also where they carry different verdicts: a picture is dealt
    with its first class, and all its rows follow.
    """
    if not 0 < validation_share < 1:
        raise SettingError(f"the validation share must be between 0 and 1, not {validation_share}")
    digests, place = np.unique(features.digests, return_inverse=True)
    dealt_as = np.full(len(digests), len(features.classes))
    np.minimum.at(dealt_as, place, features.labels)
    order = _draw_order(digests, seed + 1)
    held_out: set[str] = set()
    for label in range(len(features.classes)):
        of_class = digests[order][dealt_as[order] == label]
        held_out.update(of_class[: round(len(of_class) * validation_share)].tolist())
    in_validation = np.array([d in held_out for d in features.digests.tolist()])
    train, validation = np.flatnonzero(~in_validation), np.flatnonzero(in_validation)
    for name, rows in (("train", train), ("validate", validation)):
        missing = set(range(len(features.classes))) - set(features.labels[rows].tolist())
        if missing:
            classes = ", ".join(features.classes[i] for i in sorted(missing))
            raise SettingError(f"too few photos to {name} on: none of {classes}; add photos of it, or another share")
    return train, validation


def _draw_order(digests: np.ndarray, seed: int) -> np.ndarray:
    """A random order that depends on digests and seed alone, not on the order of the rows."""
    keys = [hashlib.sha256(f"{seed}:{d}".encode()).digest() for d in digests.tolist()]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    os.replace(partial, path)
