"""How photos are fetched: limits, patience and manners. No fingerprint holds them: they do not change a photo."""

import os
import time
from ipaddress import IPv4Network, IPv6Network

from pydantic import BaseModel, ConfigDict, Field, model_validator

from packshot import __version__
from packshot.images import ImageLimits


class FetchSettings(BaseModel):
    """Settings of the fetch stage. Times are in seconds, sizes in bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    concurrency: int = Field(64, ge=1, le=1024, description="Photos in work at once, over all hosts.")
    per_host: int = Field(16, ge=1, le=1024, description="Requests under way at once to one host.")
    rate_per_host: float | None = Field(
        None, gt=0, description="Requests a second to one host, on average; None sets no rate."
    )
    verify_threads: int = Field(
        default_factory=lambda: min(4, os.cpu_count() or 1), ge=1, le=64, description="Threads that decode photos."
    )
    store_threads: int = Field(8, ge=1, le=64, description="Threads that write photos to the store.")

    connect_timeout_s: float = Field(10.0, gt=0, description="Name resolution, connecting and TLS together.")
    first_byte_timeout_s: float = Field(20.0, gt=0, description="Longest silence of a host, before and within a body.")
    whole_timeout_s: float = Field(60.0, gt=0, description="One request from connecting to the body's last byte.")

    attempts: int = Field(3, ge=1, le=20, description="Tries for a photo where a code is retryable.")
    backoff_s: float = Field(0.5, ge=0, description="Wait before the second try; doubles, with jitter.")
    backoff_max_s: float = Field(30.0, ge=0, description="Longest wait of the backoff.")
    retry_after_max_s: float = Field(
        60.0, ge=0, description="Longest Retry-After waited for; a host that asks for more is left alone for as long."
    )
    host_failures: int = Field(10, ge=1, description="Photos failing in a row by a host's fault that pause the host.")
    host_pause_s: float = Field(5.0, ge=0, description="Length of a pause; one photo then tries the host.")
    host_pauses: int = Field(2, ge=1, description="Pauses in a row after which the host's photos fail without a try.")
    host_closed_s: float = Field(300.0, ge=0, description="How long they do.")

    max_redirects: int = Field(5, ge=0, le=20, description="Redirects followed for a photo; each hop is checked.")
    max_bytes: int = Field(64 << 20, ge=1, description="Largest body, also once decompressed.")
    max_pixels: int = Field(100_000_000, ge=1, description="Largest width times height.")
    min_side: int = Field(16, ge=1, description="Smallest side in pixels.")
    buffer_bytes: int = Field(256 << 20, ge=1, description="Bodies held in memory at once, together.")

    allow_http: bool = Field(False, description="Take http:// too; //host of a loopback address then means http.")
    allow_private: bool | tuple[IPv4Network | IPv6Network, ...] = Field(
        False, description="Private, loopback and other inner addresses: none, all, or those of these networks."
    )
    proxy: str | None = Field(
        None,
        description="http://[user:password@]host:port of a proxy. It resolves names itself, so it must refuse inner "
        "addresses itself: packshot then checks only what URLs spell out.",
    )
    user_agent: str = Field(f"packshot/{__version__}", min_length=1, description="User-Agent header.")
    fresh_for_s: float = Field(
        86_400.0, ge=0, description="For so long a fetched photo is taken without asking its host whether it changed."
    )

    @model_validator(mode="after")
    def _room_for_the_largest(self) -> "FetchSettings":
        if self.buffer_bytes < self.max_bytes:
            raise ValueError(f"buffer_bytes ({self.buffer_bytes}) must hold one photo of max_bytes ({self.max_bytes})")
        return self

    @property
    def image_limits(self) -> ImageLimits:
        return ImageLimits(self.max_bytes, self.max_pixels, self.min_side)

    def is_fresh(self, fetched_at: float, now: float | None = None) -> bool:
        """Whether a photo fetched at `fetched_at` (Unix time) needs no request yet. A time in the future is stale."""
        age = (time.time() if now is None else now) - fetched_at
        return 0 <= age < self.fresh_for_s
