"""The closed set of reasons why a photo did not end ok, and the errors that carry them."""

from enum import StrEnum
from typing import Any


class ErrorCode(StrEnum):
    """Why a stage could not do its work on a photo. Members of `RETRYABLE` may pass another time."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    DNS = "dns"
    HTTP_429 = "http_429"
    HTTP_5XX = "http_5xx"
    TRUNCATED = "truncated"
    OUT_OF_MEMORY = "out_of_memory"
    STORE_ERROR = "store_error"
    ENGINE_ERROR = "engine_error"

    HTTP_4XX = "http_4xx"
    BAD_URL = "bad_url"
    BLOCKED_ADDRESS = "blocked_address"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    TOO_LARGE = "too_large"
    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    CORRUPT_IMAGE = "corrupt_image"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    NO_PRODUCT = "no_product"
    GATE_FAILED = "gate_failed"
    PRESET_FAILED = "preset_failed"

    @property
    def retryable(self) -> bool:
        return self in RETRYABLE


RETRYABLE = frozenset(
    {
        ErrorCode.TIMEOUT,
        ErrorCode.CONNECTION,
        ErrorCode.DNS,
        ErrorCode.HTTP_429,
        ErrorCode.HTTP_5XX,
        ErrorCode.TRUNCATED,
        ErrorCode.OUT_OF_MEMORY,
        ErrorCode.STORE_ERROR,
        ErrorCode.ENGINE_ERROR,
    }
)


class PackshotError(Exception):
    """Base of all errors that packshot raises on purpose; the message is meant for the user."""


class PhotoError(PackshotError):
    """One photo cannot be worked on; the rest goes on.

    `http_status` is set for the http codes, `attempts` where the stage itself tried several times, `figures` (JSON
    values) where a gate measured what was wrong.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str = "",
        *,
        http_status: int | None = None,
        attempts: int = 1,
        figures: dict[str, Any] | None = None,
    ):
        super().__init__(message or code.value)
        self.code = code
        self.message = message or code.value
        self.http_status = http_status
        self.attempts = attempts
        self.figures = figures or {}


class SettingError(PackshotError):
    """A setting, profile or argument is wrong: nothing was started."""


class SourceError(PackshotError):
    """A catalogue cannot be read at all, or holds no usable row."""


class StoreError(PackshotError):
    """The artifact store cannot be reached, or refuses to read or write."""


class RunBrokenOff(PackshotError):
    """A run came to its end without every photo accounted for; running it again goes on from there."""
