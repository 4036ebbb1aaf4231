"""The words of packshot as types: photo, batch, outcome, and the row that a stage leaves in the ledger."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

VERDICTS = (
    "good_infographics",
    "other_infographics",
    "bad_infographics",
    "clean_photo_good_background",
    "clean_photo_bad_background",
    "clean_photo_image_background",
)
"""Class order of the classifier (METHOD.md). `clean_photo_other_background` is not trained."""


class Outcome(StrEnum):
    OK = "ok"
    SKIPPED = "skipped"
    FAILED = "failed"


def photo_id(sku: str, url: str) -> str:
    """32 hex digits of the SHA-256 of SKU and URL: equal pairs are the same photo."""
    return hashlib.sha256(f"{sku}\0{url}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Photo:
    """One row of a catalogue."""

    photo_id: str
    sku: str
    url: str
    verdict: str | None = None
    background: str | None = None


@dataclass(frozen=True, slots=True)
class BatchRef:
    """Which photos a task run handles: rows `start:stop` of a shard of a run. Travels between tasks."""

    store: str
    run_id: str
    shard: int
    number: int
    start: int
    stop: int


@dataclass(slots=True)
class LedgerRow:
    """What one stage did with one photo.

    `digest` is the SHA-256 of the photo's bytes once fetched. `code` is set when failed, `cause`
    (`<stage>:<code>` or a policy) when skipped. `retryable` tells whether another try may help.
    `seconds` is the photo's share of the engine's time; 0 where an artifact was found done.
    `key` is the artifact's key in the store. `message` explains a failure; for an ok `classify` it is the verdict.
    `figures` is JSON of what the stage measured on its result; a reused artifact holds its own.
    """

    photo_id: str
    stage: str
    outcome: Outcome
    digest: str | None = None
    code: str | None = None
    cause: str | None = None
    retryable: bool = False
    http_status: int | None = None
    message: str | None = None
    attempts: int = 1
    seconds: float = 0.0
    reused: bool = False
    key: str | None = None
    figures: str | None = None
