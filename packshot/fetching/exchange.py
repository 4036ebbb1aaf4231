"""One request to one host: a body that was announced and came whole, a redirect, or the photo's error."""

import asyncio
import email.utils
import time
import zlib
from collections import deque
from dataclasses import dataclass

import aiohttp
from yarl import URL

from packshot.errors import ErrorCode, PhotoError
from packshot.fetching.addresses import BlockedAddress
from packshot.fetching.settings import FetchSettings

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNANNOUNCED_BYTES = 1 << 20
_DRAIN_BYTES = 16 << 10
_ACCEPT = "image/avif,image/webp,image/jpeg,image/png,image/*;q=0.9,*/*;q=0.5"


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """A photo to fetch. With the validators of an earlier answer, the host may say that it has not changed."""

    url: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(slots=True)
class Answer:
    """What a host said: `body` (None when not modified or redirected), validators, `location` of a redirect."""

    body: bytes | None = None
    etag: str | None = None
    last_modified: str | None = None
    location: str | None = None


class Refused(PhotoError):
    """The host asks for fewer requests (429, 503): `retry_after_s` where it says for how long."""

    retry_after_s: float | None = None


class ByteBudget:
    """Bounds what all bodies in memory take together. Used from the event loop's thread only.

    A body of known length waits until all of it fits. One of unknown length starts with 1 MiB; the few that turn out
    larger grow one at a time beyond the budget, by at most `max_bytes`, so that nobody waits holding a part.
    """

    def __init__(self, capacity: int):
        self._free = capacity
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self.grow_lane = asyncio.Lock()

    def take_now(self, size: int) -> bool:
        """Take `size` if nobody has to wait for it."""
        if self._waiting or size > self._free:
            return False
        self._free -= size
        return True

    async def take(self, size: int) -> None:
        if self.take_now(size):
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((size, future))
        try:
            await future
        except asyncio.CancelledError:
            self.give(size if future.done() and not future.cancelled() else 0)
            raise

    def give(self, size: int) -> None:
        self._free += size
        while self._waiting and (self._waiting[0][1].done() or self._waiting[0][0] <= self._free):
            wanted, future = self._waiting.popleft()
            if not future.done():
                self._free -= wanted
                future.set_result(None)


class Reservation:
    """One photo's share of the budget, from its first byte until it is stored."""

    def __init__(self, budget: ByteBudget):
        self.held = 0
        self._budget = budget
        self._in_lane = False

    def take_now(self, size: int) -> bool:
        taken = self._budget.take_now(size)
        if taken:
            self.held = size
        return taken

    async def take(self, size: int) -> None:
        await self._budget.take(size)
        self.held = size

    async def grow(self) -> None:
        """Go on beyond what is held, in the lane where one photo does so at a time."""
        if not self._in_lane:
            await self._budget.grow_lane.acquire()
            self._in_lane = True

    def release(self) -> None:
        if self.held:
            self._budget.give(self.held)
            self.held = 0
        if self._in_lane:
            self._budget.grow_lane.release()
            self._in_lane = False


async def exchange(
    session: aiohttp.ClientSession, url: URL, request: FetchRequest, settings: FetchSettings, reserved: Reservation
) -> Answer:
    """GET `url` and read what comes, within the settings' time and size limits.

    Redirects are returned, not followed. Nothing is sent that could be a credential. Raises `PhotoError` with the codes
    of the network: `timeout`, `connection`, `dns`, `blocked_address`, `http_4xx`, `http_429`, `http_5xx`, `truncated`,
    `too_large`, `empty`, `unsupported_format` (of a content encoding), `bad_url`.
    """
    headers = {"Accept": _ACCEPT, "Accept-Encoding": "identity", "User-Agent": settings.user_agent}
    if request.etag:
        headers["If-None-Match"] = request.etag
    if request.last_modified:
        headers["If-Modified-Since"] = request.last_modified
    try:
        async with asyncio.timeout(settings.whole_timeout_s) as clock:
            async with session.get(
                url, headers=headers, allow_redirects=False, proxy=settings.proxy, raise_for_status=False
            ) as response:
                return await _read(response, request, settings, reserved, clock)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise _as_photo_error(url, error, settings) from error


async def _read(
    response: aiohttp.ClientResponse,
    request: FetchRequest,
    settings: FetchSettings,
    reserved: Reservation,
    clock: asyncio.Timeout,
) -> Answer:
    status, headers = response.status, response.headers
    answer = Answer(etag=headers.get("ETag"), last_modified=headers.get("Last-Modified"))
    if status == 304 and (request.etag or request.last_modified):
        return answer
    if status in _REDIRECTS and (location := headers.get("Location")):
        answer.location = location
        await _drain(response)
        return answer
    if not 200 <= status < 300:
        await _drain(response)
        raise _refusal(status, headers.get("Retry-After"), str(response.url.origin()))
    if status == 206:
        raise PhotoError(ErrorCode.TRUNCATED, "the host sent a part (206) though all was asked for", http_status=206)
    answer.body = await _read_body(response, settings, reserved, clock)
    return answer


async def _read_body(
    response: aiohttp.ClientResponse, settings: FetchSettings, reserved: Reservation, clock: asyncio.Timeout
) -> bytes:
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    announced = response.content_length
    if announced is not None and announced > settings.max_bytes:
        raise _too_large(f"announces {announced} bytes", settings)
    plain = encoding in ("identity", "")
    expected = announced if plain and announced is not None else min(_UNANNOUNCED_BYTES, settings.max_bytes)
    if not reserved.take_now(expected):
        await _off_the_clock(clock, reserved.take(expected))
    inflate = None if plain else _Inflater(encoding, settings.max_bytes)
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        for piece in (chunk,) if inflate is None else inflate.pieces(chunk):
            size += len(piece)
            if size > settings.max_bytes:
                raise _too_large(f"is more than {settings.max_bytes} bytes", settings)
            if size > reserved.held:
                await _off_the_clock(clock, reserved.grow())
            chunks.append(piece)
    if inflate is not None:
        inflate.finish()
    if not size:
        raise PhotoError(ErrorCode.EMPTY, "the body is empty: 0 bytes")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _off_the_clock(clock: asyncio.Timeout, waiting) -> None:
    """Waiting for our own memory is not the host's time."""
    loop = asyncio.get_running_loop()
    started, deadline = loop.time(), clock.when()
    clock.reschedule(None)
    await waiting
    if deadline is not None:
        clock.reschedule(deadline + loop.time() - started)


class _Inflater:
    """Undoes gzip or deflate in small pieces, so that a bomb is noticed before it has grown."""

    PIECE = 256 << 10

    def __init__(self, encoding: str, max_bytes: int):
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise PhotoError(
                ErrorCode.UNSUPPORTED_FORMAT, f"the body is encoded as {encoding[:40]!r}, which was not asked for"
            )
        self._inflate = zlib.decompressobj(wbits=47 if encoding != "deflate" else zlib.MAX_WBITS)

    def pieces(self, chunk: bytes):
        while chunk and not self._inflate.eof:
            try:
                piece = self._inflate.decompress(chunk, self.PIECE)
            except zlib.error as error:
                raise PhotoError(ErrorCode.CORRUPT_IMAGE, f"the body's compression is broken: {error}") from error
            chunk = self._inflate.unconsumed_tail
            if piece:
                yield piece

    def finish(self) -> None:
        if not self._inflate.eof:
            raise PhotoError(ErrorCode.TRUNCATED, "the compressed body ends early")


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read a short page to its end, so that its connection can be used again; a long one is not worth it."""
    announced = response.content_length
    if announced is None or announced > _DRAIN_BYTES:
        return
    try:
        async with asyncio.timeout(1.0):
            await response.content.read(-1)
    except (TimeoutError, aiohttp.ClientError):
        return


def _refusal(status: int, retry_after: str | None, host: str) -> PhotoError:
    if status in (425, 429):
        code = ErrorCode.HTTP_429
    elif status == 408:
        code = ErrorCode.TIMEOUT
    else:
        code = ErrorCode.HTTP_5XX if 500 <= status < 600 else ErrorCode.HTTP_4XX
    error = Refused(code, f"{host} answered {status}", http_status=status)
    if code.retryable and retry_after:
        error.retry_after_s = _retry_after(retry_after)
    return error


def _retry_after(text: str) -> float | None:
    """Seconds, from a number or a date; None if it is neither."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _too_large(what: str, settings: FetchSettings) -> PhotoError:
    return PhotoError(ErrorCode.TOO_LARGE, f"the body {what}; the limit is {settings.max_bytes}")


def _as_photo_error(url: URL, error: Exception, settings: FetchSettings) -> PhotoError:
    host, told = url.host, f"{error or type(error).__name__}"
    cause = getattr(error, "os_error", None)
    if isinstance(error, BlockedAddress) or isinstance(cause, BlockedAddress):
        return PhotoError(ErrorCode.BLOCKED_ADDRESS, str(cause or error))
    if isinstance(error, TimeoutError):
        limits = f"{settings.connect_timeout_s:g}/{settings.first_byte_timeout_s:g}/{settings.whole_timeout_s:g} s"
        return PhotoError(ErrorCode.TIMEOUT, f"{host} took longer than allowed (connect/first byte/whole: {limits})")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return PhotoError(ErrorCode.DNS, f"{host} cannot be resolved: {cause or told}")
    if isinstance(error, aiohttp.ClientPayloadError):
        return PhotoError(ErrorCode.TRUNCATED, f"the body from {host} ended early: {told}")
    if isinstance(error, aiohttp.InvalidURL):
        return PhotoError(ErrorCode.BAD_URL, f"the URL is not taken: {told}")
    return PhotoError(ErrorCode.CONNECTION, f"no proper answer from {host}: {told}")
