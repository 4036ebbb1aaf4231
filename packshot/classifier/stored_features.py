"""Features in the store: made once from a picture's stored artifacts, quantised and compressed, read by every training.

`artifacts/features/<fingerprint>/<d2>/<digest>.npz`. The fingerprint stands for the version of the features and those
of the artifacts, so that another engine's features lie elsewhere.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from packshot import progress
from packshot.artifacts import Segmentation, Texts
from packshot.classifier.about import Checkpoint
from packshot.classifier.feature_set import FeatureSet, pool_logits
from packshot.classifier.features import FEATURES_VERSION, INPUTS, Features, make_features
from packshot.classifier.labelled_run import Picture
from packshot.config import Profile
from packshot.engines import engine_class
from packshot.errors import ErrorCode, PhotoError, SettingError, StoreError
from packshot.images import decode
from packshot.photo_net import REVISION, WIDTH
from packshot.records import VERDICTS, LedgerRow, Outcome
from packshot.run import Run
from packshot.stage import artifact_key

STAGE = "features"
_AT_ONCE = 256


def feature_engines(profile: Profile) -> dict[str, dict[str, Any]]:
    """What a checkpoint records of the engines that a profile's features come from: no operational settings."""
    described = {}
    for stage in ("ocr", "segment"):
        choice = profile.stages[stage]
        cls = engine_class(stage, choice.engine)
        cls, params = cls.feature_source(cls.Params(**choice.params))
        described[stage] = {
            "name": cls.name,
            "version": cls.version,
            "params": params.model_dump(mode="json", exclude=set(params.operational)),
            "weights_revision": cls.weights_revision(params),
        }
    return described


def check_features_fit(weights: Path, about: Checkpoint, profile: Profile) -> None:
    """Raise `SettingError` where a profile's features come from other engines than the checkpoint learnt from, or are
    of another version, or where it predicts other classes."""
    if tuple(about.classes) != VERDICTS:
        raise SettingError(f"{weights} predicts {', '.join(about.classes)}; the verdicts are {', '.join(VERDICTS)}")
    made = feature_engines(profile)
    for stage, trained in about.feature_engines.items():
        if stage not in made or not _alike(profile, stage, made[stage], trained):
            raise SettingError(
                f"{weights} learnt from {stage} by {trained}, and the profile has {made.get(stage)}: choose that "
                "engine, or train weights with this one"
            )
    if about.features_version != FEATURES_VERSION:
        raise SettingError(
            f"{weights} learnt from features of version {about.features_version}; this packshot makes version "
            f"{FEATURES_VERSION}: train again"
        )


def _alike(profile: Profile, stage: str, made: dict[str, Any], trained: dict[str, Any]) -> bool:
    """Whether an engine is the one that a checkpoint learnt from. Parameters that it did not have then must be at their
    defaults: an engine that gains one raises its version if its results change."""
    params = engine_class(stage, profile.stages[stage].engine).Params
    usual = params.model_construct().model_dump(mode="json", warnings=False)
    return (
        (made["name"], made["version"]) == (trained["name"], trained["version"])
        and trained["weights_revision"] in ("", made["weights_revision"])
        and all(made["params"].get(name) == value for name, value in trained["params"].items())
        and all(made["params"][name] == usual.get(name) for name in made["params"].keys() - trained["params"].keys())
    )


def features_key(run: Run, digest: str) -> str:
    made_by = [FEATURES_VERSION, run.fingerprints["ocr"], run.fingerprints["segment"], REVISION]
    fingerprint = hashlib.sha256(json.dumps(made_by).encode()).hexdigest()[:16]
    return f"artifacts/{STAGE}/{fingerprint}/{digest[:2]}/{digest}.npz"


def make_stored_features(run: Run, pictures: Iterable[Picture]) -> dict[str, PhotoError]:
    """Make what is missing, and note in the run's ledger that the features are its own. Returns the pictures that
    failed, by digest."""
    wanted = {picture.digest: picture for picture in pictures}
    keys = {digest: features_key(run, digest) for digest in wanted}
    there = run.store.existing(keys.values())
    failed: dict[str, PhotoError] = {}
    progress.advance(STAGE, sum(key in there for key in keys.values()), found_done_in="stored features")

    def make(picture: Picture) -> tuple[str, PhotoError | None]:
        try:
            run.store.put(keys[picture.digest], _make(run, picture).encode())
            return picture.digest, None
        except PhotoError as error:
            return picture.digest, error

    missing = [picture for digest, picture in wanted.items() if keys[digest] not in there]
    with ThreadPoolExecutor(max(2, min(8, os.cpu_count() or 2))) as pool:
        for digest, error in pool.map(make, missing):
            progress.advance(STAGE, 1)
            if error is not None:
                failed[digest] = error
    _note(run, [picture for digest, picture in wanted.items() if digest not in failed])
    return failed


def choose_with_features(
    run: Run, by_verdict: dict[str, list[Picture]], per_class: int
) -> tuple[list[Picture], Counter[str]]:
    """The first `per_class` pictures of each verdict that have features, which are made if need be (all pictures where
    `per_class` is 0), and how many could not be made by error code. A picture that fails gives way to the next."""
    left = {verdict: list(pictures) for verdict, pictures in by_verdict.items()}
    codes: Counter[str] = Counter()
    while True:
        chosen = {verdict: pictures[: per_class or None] for verdict, pictures in left.items()}
        failed = make_stored_features(run, (p for pictures in chosen.values() for p in pictures))
        if not failed:
            return [p for pictures in chosen.values() for p in pictures], codes
        codes.update(f"{STAGE}:{error.code.value}" for error in failed.values())
        left = {v: [p for p in pictures if p.digest not in failed] for v, pictures in left.items()}


def load_feature_set(run: Run, pictures: list[Picture], *, pooled: bool) -> FeatureSet:
    """Features of pictures, as columns in memory: 50 kB a picture where the logits are pooled first, else 222 kB.

    Raises `StoreError` where one is gone from the store.
    """
    n, classes = len(pictures), VERDICTS
    if not n:
        raise SettingError(f"run {run.spec.run_id} has no labelled picture with features")
    small, large = INPUTS["image"], INPUTS["image"] if pooled else INPUTS["sam_logits"]
    found = FeatureSet(
        classes,
        np.empty((n, *small), np.uint8),
        np.empty((n, *small), np.uint8),
        np.empty(n, np.float32),
        np.empty((n, *large), np.int16 if pooled else np.int8),
        np.empty((n, 3), np.float32),
        np.empty((n, WIDTH), np.uint8),
        np.empty(n, np.float32),
        np.array([classes.index(p.verdict) for p in pictures], np.int64),
        np.array([p.digest for p in pictures], np.str_),
        np.array([p.sku for p in pictures], np.str_),
    )
    for start in range(0, n, _AT_ONCE):
        part = pictures[start : start + _AT_ONCE]
        data = run.store.get_many({features_key(run, p.digest) for p in part})
        for i, picture in enumerate(part, start):
            key = features_key(run, picture.digest)
            if key not in data:
                raise StoreError(f"{key} is gone from the store: the same command makes it anew")
            one = Features.decode(data[key])
            found.image[i], found.text_mask[i], found.text_scale[i] = one.image, one.text_mask, one.text_scale
            logits, scale = one.sam_logits, one.logits_scale
            if pooled:
                sums, scales = pool_logits(logits[None], scale[None])
                logits, scale = sums[0], scales[0]
            found.logits[i], found.logits_scale[i] = logits, scale
            found.embedding[i], found.embedding_scale[i] = one.embedding, one.embedding_scale
    return found


def _make(run: Run, picture: Picture) -> Features:
    """Raises `PhotoError` where a part is gone from the store, or cannot be read."""
    keys = {stage: artifact_key(run, stage, picture.digest) for stage in ("ocr", "segment")}
    data = {}
    for key in (picture.photo_key, f"{keys['ocr']}.json", f"{keys['segment']}.npz"):
        data[key] = run.store.get(key)
        if data[key] is None:
            raise PhotoError(ErrorCode.STORE_ERROR, f"{key} is gone from the store")
    photo = decode(data[picture.photo_key], run.spec.profile.fetch.image_limits)
    texts, segmentation = Texts.decode(data[f"{keys['ocr']}.json"]), Segmentation.decode(data[f"{keys['segment']}.npz"])
    return make_features(photo, texts, segmentation)


def _note(run: Run, pictures: list[Picture]) -> None:
    """Ledger rows: garbage collection keeps what a run's ledger names."""
    by_shard: dict[int, list[Picture]] = {}
    for picture in pictures:
        by_shard.setdefault(picture.shard, []).append(picture)
    for number, held in by_shard.items():
        ledger = run.ledger(number)
        noted = ledger.rows(STAGE)
        rows = [
            LedgerRow(p.photo_id, STAGE, Outcome.OK, p.digest, key=features_key(run, p.digest))
            for p in held
            if p.photo_id not in noted
        ]
        if rows:
            ledger.append_shard(rows)
