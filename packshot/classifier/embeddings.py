"""Embeddings of many labelled photos, without the network's inputs: what the photo head learns from.

They lie in a folder as features do (packshot.classifier.feature_set), in shards that hold nothing else; embeddings are
read from folders of features, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from packshot.classifier.feature_set import read_folder_about, shard_path, trained_rows, write_columns
from packshot.errors import SettingError


@dataclass(frozen=True, slots=True)
class EmbeddingRow:
    """`digest` and `origin` as in FeatureRow; `embedding` uint8 (WIDTH,), times `embedding_scale`."""

    digest: str
    verdict: str
    origin: str
    embedding: np.ndarray
    embedding_scale: float


def write_embeddings(folder: Path, number: int, rows: Sequence[EmbeddingRow]) -> None:
    """Write one shard, compressed, at once."""
    write_columns(
        shard_path(folder, number),
        embedding=np.stack([row.embedding for row in rows]),
        embedding_scale=np.array([row.embedding_scale for row in rows], np.float32),
        verdict=np.array([row.verdict for row in rows], np.str_),
        digest=np.array([row.digest for row in rows], np.str_),
        origin=np.array([row.origin for row in rows], np.str_),
    )


def read_embeddings(folders: Sequence[Path], classes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, list[Any]]:
    """Embeddings float32 (n, WIDTH) and labels int64 (n,), which index `classes`, of all folders; and their sources.
    Raises `SettingError` for a verdict that is none of these, and for no row at all."""
    sources = [read_folder_about(folder)["source"] for folder in folders]
    embeddings, labels = [], []
    for path in (path for folder in folders for path in sorted(folder.glob("shard-*.npz"))):
        with np.load(path, allow_pickle=False) as shard:
            verdicts = shard["verdict"]
            keep = trained_rows(path, verdicts, classes)
            embeddings.append(shard["embedding"][keep].astype(np.float32) * shard["embedding_scale"][keep, None])
            labels += [classes.index(verdict) for verdict in verdicts[keep].tolist()]
    if not labels:
        raise SettingError(f"{', '.join(map(str, folders))}: no row of a trained verdict")
    return np.concatenate(embeddings), np.array(labels, np.int64), sources
