"""Manners towards one host: how many requests at once, how often, and when to leave it alone."""

import asyncio
import logging
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from packshot.errors import ErrorCode, PhotoError
from packshot.fetching.settings import FetchSettings

log = logging.getLogger("packshot.fetching")

HOST_FAILURES = frozenset(
    {ErrorCode.TIMEOUT, ErrorCode.CONNECTION, ErrorCode.DNS, ErrorCode.HTTP_429, ErrorCode.HTTP_5XX}
)
"""Codes that speak against the host; a 404 or a broken photo is an answer like any other."""


@dataclass(frozen=True, slots=True)
class HostReport:
    """What happened with one host (`https://name:port`) so far: requests sent, failed tries by code, pauses, and
    whether its photos fail without a try for now."""

    host: str
    requests: int
    failures: dict[str, int]
    pauses: int
    closed: bool


@dataclass(slots=True, eq=False)
class Host:
    """Queue and limits of one host. Used from the event loop's thread only.

    A host whose photos fail in a row by its own fault is paused; one photo then tries it. If that fails too often,
    the host is closed for a while: its photos fail at once, retryably, so that a dead host cannot hold a run.
    Second tries of a photo do not count, so that a few broken photos at the end of a run do not look like a dead host.
    """

    name: str
    settings: FetchSettings
    queue: deque[Any] = field(default_factory=deque)
    in_turn: bool = False
    timer: asyncio.TimerHandle | None = None
    active: int = 0
    requests: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    pauses: int = 0
    _tokens: float = 1.0
    _tokens_at: float = field(default_factory=time.monotonic)
    _quiet_until: float = 0.0
    _paused_at: float = 0.0
    _closed_until: float = 0.0
    _in_a_row: int = 0
    _pauses_in_a_row: int = 0
    _probing: bool = False
    _last: PhotoError | None = None

    def wait(self) -> float | None:
        """Seconds until a request may start: 0 for now, None if a request must end first."""
        if self.active >= (1 if self._probing else self.settings.per_host):
            return None
        now = time.monotonic()
        wait = max(0.0, self._quiet_until - now)
        rate = self.settings.rate_per_host
        if rate is not None:
            self._tokens = min(max(1.0, rate), self._tokens + (now - self._tokens_at) * rate)
            self._tokens_at = now
            if self._tokens < 1:
                wait = max(wait, (1 - self._tokens) / rate)
        return wait

    def take(self) -> None:
        """A request starts."""
        self.active += 1
        self.requests += 1
        if self.settings.rate_per_host is not None:
            self._tokens -= 1

    def refusal(self, attempts: int) -> PhotoError | None:
        """The error of photos that are not tried because the host is closed; None while it is open."""
        if self._last is None or time.monotonic() >= self._closed_until:
            return None
        return PhotoError(
            self._last.code,
            f"{self.name} was left alone after failing again and again: {self._last.message}",
            http_status=self._last.http_status,
            attempts=attempts,
        )

    def answered(self) -> None:
        """The host did its part: whatever it said of the photo."""
        self._in_a_row = self._pauses_in_a_row = 0
        self._probing = False

    def failed(self, error: PhotoError, started: float, first_attempt: bool, retry_after_s: float | None) -> None:
        """A try failed with `error`; `started` is when it began (`time.monotonic`)."""
        self.codes[error.code] += 1
        if error.code not in HOST_FAILURES:
            self.answered()
            return
        self._last = error
        now = time.monotonic()
        if retry_after_s is not None:
            if retry_after_s > self.settings.retry_after_max_s:
                self._close(now, retry_after_s, f"asks to be left alone for {retry_after_s:.0f} s")
            else:
                self._quiet_until = max(self._quiet_until, now + retry_after_s)
        if started < self._paused_at or not (first_attempt or self._probing):
            return
        self._in_a_row += 1
        if self._probing or self._in_a_row >= self.settings.host_failures:
            self._pause(now)

    def _pause(self, now: float) -> None:
        self._in_a_row = 0
        if self._probing and self._pauses_in_a_row >= self.settings.host_pauses:
            # The next photo after the closed time is a probe again.
            self._close(now, self.settings.host_closed_s, f"still fails after {self._pauses_in_a_row} pauses")
            return
        self.pauses += 1
        self._pauses_in_a_row += 1
        self._probing = True
        self._paused_at = now
        self._quiet_until = max(self._quiet_until, now + self.settings.host_pause_s)
        log.warning("%s fails: %s; pausing it for %g s", self.name, self._last, self.settings.host_pause_s)

    def _close(self, now: float, seconds: float, why: str) -> None:
        if now + seconds > self._closed_until:
            self._closed_until = now + seconds
            log.warning("%s %s: its photos fail without a try for %.0f s", self.name, why, seconds)

    @property
    def busy(self) -> bool:
        """Whether photos of this host are on their way."""
        return bool(self.queue or self.active or self.timer)

    def report(self) -> HostReport:
        closed = time.monotonic() < self._closed_until
        return HostReport(self.name, self.requests, dict(self.codes), self.pauses, closed)
