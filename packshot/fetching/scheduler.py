"""Who is asked when: the part of the fetcher that lives on the event loop.

Three kinds of waiting are kept apart: a photo waits in its host's queue (cheap: a URL), takes one of `concurrency`
places from its first byte until it is stored, and uses one of its host's places only while the host is being asked.
Between two tries, and between the hops of a redirect, it goes back into a queue and holds nothing.
"""

import asyncio
import hashlib
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from packshot.errors import ErrorCode, PhotoError
from packshot.fetching.addresses import AddressPolicy, parse_url
from packshot.fetching.exchange import Answer, ByteBudget, FetchRequest, Refused, Reservation, exchange
from packshot.fetching.hosts import Host, HostReport
from packshot.fetching.settings import FetchSettings
from packshot.fetching.workers import Workers
from packshot.images import ImageInfo, verify

StorePhoto = Callable[[str, str, bytes], Any]
"""Called with digest, extension and bytes of a verified photo, on a thread of a small pool; it may block."""

_REMEMBERED_HOSTS = 4096


@dataclass(frozen=True, slots=True)
class Fetched:
    """A photo that came whole and is one, or one that its host says has not changed (`not_modified`: then there is
    no digest, and nothing was stored).

    `digest` is the SHA-256 of the bytes in hex, `size_wh` in pixels once EXIF rotation is applied, `final_url` where
    redirects led; `etag` and `last_modified` make the next request conditional; `seconds` from the first try to the
    stored photo, waits between tries included.
    """

    url: str
    final_url: str
    not_modified: bool
    digest: str | None
    extension: str | None
    size_bytes: int
    size_wh: tuple[int, int] | None
    etag: str | None
    last_modified: str | None
    attempts: int
    seconds: float


@dataclass(slots=True, eq=False)
class Run:
    """One call of `stream`: where results go, in groups as they come about, and which equal requests wait for one
    answer. The last group of a run that is cut short is None."""

    store_photo: StorePhoto | None
    results: "queue.SimpleQueue[list[tuple[int, Fetched | PhotoError]] | None]" = field(
        default_factory=queue.SimpleQueue
    )
    ready: list[tuple[int, Fetched | PhotoError]] = field(default_factory=list)
    waiting: dict[FetchRequest, list[int]] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    ended: bool = False


@dataclass(slots=True, eq=False)
class _Item:
    """One photo on its way: the hop it is at, and how often it was tried."""

    run: Run
    request: FetchRequest
    start_url: URL
    url: URL
    hops: int = 0
    attempts: int = 0
    began: float = 0.0


@dataclass(slots=True, eq=False)
class _Place:
    """One of the `concurrency` places; `host` while that host is being asked from it."""

    host: Host | None


class Scheduler:
    """Starts requests as hosts and places allow, tries again, and delivers results to their runs.

    Every method is called on the loop's thread.
    """

    def __init__(self, settings: FetchSettings, policy: AddressPolicy, session: aiohttp.ClientSession):
        self.settings = settings
        self.runs: list[Run] = []
        self._policy = policy
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._hosts: dict[str, Host] = {}
        self._in_turn: deque[Host] = deque()
        self._free_places = settings.concurrency
        self._budget = ByteBudget(settings.buffer_bytes)
        self._workers = Workers(settings.verify_threads + settings.store_threads)
        self._verifying = threading.BoundedSemaphore(settings.verify_threads)

    def host_reports(self) -> list[HostReport]:
        return [host.report() for host in self._hosts.values()]

    async def close(self) -> None:
        """Cancel what is under way; every run gets None as its last result."""
        tasks = [task for run in self.runs for task in run.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for run in self.runs:
            run.ended = True
            run.results.put(None)
        self._workers.close()

    def begin(self, run: Run) -> None:
        self.runs.append(run)

    def end(self, run: Run) -> None:
        run.ended = True
        for task in run.tasks:
            task.cancel()
        self.runs.remove(run)

    def admit(self, run: Run, chunk: list[tuple[int, FetchRequest]]) -> None:
        for number, request in chunk:
            numbers = run.waiting.get(request)
            if numbers is not None:
                numbers.append(number)
                continue
            run.waiting[request] = [number]
            try:
                url = parse_url(request.url, self.settings, self._policy)
            except PhotoError as error:
                self._deliver(run, request, error)
                continue
            self._enqueue(_Item(run, request, url, url))
        self._start_what_may()

    def _deliver(self, run: Run, request: FetchRequest, result: Fetched | PhotoError) -> None:
        if not run.ready:
            self._loop.call_soon(self._hand_over, run)
        run.ready.extend((number, result) for number in run.waiting.pop(request))

    def _hand_over(self, run: Run) -> None:
        """Once for all results of a turn of the loop: waking another thread is dear."""
        run.results.put(run.ready)
        run.ready = []

    def _enqueue(self, item: _Item) -> None:
        host = self._host(item.url)
        host.queue.append(item)
        self._take_turn(host)

    def _host(self, url: URL) -> Host:
        name = f"{url.scheme}://{url.authority}"
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) >= _REMEMBERED_HOSTS:
                self._forget_hosts()
            host = self._hosts[name] = Host(name, self.settings)
        return host

    def _forget_hosts(self) -> None:
        """Make room: faultless hosts first, then the oldest, and none that has photos on their way."""
        idle = sorted((host for host in self._hosts.values() if not host.busy), key=lambda host: bool(host.codes))
        for host in idle[: _REMEMBERED_HOSTS // 2]:
            del self._hosts[host.name]

    def _take_turn(self, host: Host) -> None:
        if host.queue and not host.in_turn and host.timer is None:
            host.in_turn = True
            self._in_turn.append(host)

    def _start_what_may(self) -> None:
        """Hosts take turns for the free places."""
        while self._free_places and self._in_turn:
            host = self._in_turn.popleft()
            host.in_turn = False
            item = host.queue[0]
            if item.run.ended:
                host.queue.popleft()
                self._take_turn(host)
                continue
            refusal = host.refusal(item.attempts)
            if refusal is not None:
                host.queue.popleft()
                self._deliver(item.run, item.request, refusal)
                self._take_turn(host)
                continue
            wait = host.wait()
            if wait is None:
                continue  # a request that ends takes the turn again
            if wait > 0:
                host.timer = self._loop.call_later(wait, self._waited, host)
                continue
            host.queue.popleft()
            host.take()
            self._free_places -= 1
            place = _Place(host)
            task = self._loop.create_task(self._work(item, host, place))
            item.run.tasks.add(task)
            task.add_done_callback(lambda task, run=item.run, place=place: self._ended(task, run, place))
            self._take_turn(host)

    def _leave_host(self, place: _Place) -> None:
        host, place.host = place.host, None
        if host is not None:
            host.active -= 1
            self._take_turn(host)
            self._start_what_may()

    def _ended(self, task: asyncio.Task[None], run: Run, place: _Place) -> None:
        """Not at the task's own end, which a task cancelled before its first step never comes to."""
        run.tasks.discard(task)
        self._leave_host(place)
        self._free_places += 1
        self._start_what_may()

    def _waited(self, host: Host) -> None:
        host.timer = None
        self._take_turn(host)
        self._start_what_may()

    def _again(self, item: _Item) -> None:
        if not item.run.ended:
            self._enqueue(item)
            self._start_what_may()

    async def _work(self, item: _Item, host: Host, place: _Place) -> None:
        """One hop of one photo, and, if it ends there, its verification and storing."""
        reserved = Reservation(self._budget)
        started = time.monotonic()
        if not item.hops:
            item.attempts += 1
            item.began = item.began or started
        try:
            try:
                try:
                    answer = await exchange(self._session, item.url, item.request, self.settings, reserved)
                    host.answered()
                except PhotoError as error:
                    retry_after = error.retry_after_s if isinstance(error, Refused) else None
                    host.failed(error, started, item.attempts == 1, retry_after)
                    raise
                finally:
                    self._leave_host(place)
                if answer.location is not None:
                    self._follow(item, answer.location)
                else:
                    self._deliver(item.run, item.request, await self._finish(item, answer))
            except PhotoError as error:
                self._failed(item, error)
            except Exception as error:  # a bug, or no memory: it costs this photo, and says so
                code = ErrorCode.OUT_OF_MEMORY if isinstance(error, MemoryError) else ErrorCode.ENGINE_ERROR
                told = PhotoError(code, f"fetching failed inside packshot: {error!r}")
                told.__cause__ = error
                self._failed(item, told)
        finally:
            reserved.release()

    def _follow(self, item: _Item, location: str) -> None:
        item.hops += 1
        if item.hops > self.settings.max_redirects:
            raise PhotoError(
                ErrorCode.TOO_MANY_REDIRECTS, f"more than {self.settings.max_redirects} redirects, last to {location}"
            )
        url = parse_url(location, self.settings, self._policy, base=item.url)
        if item.url.scheme == "https" and url.scheme == "http":
            raise PhotoError(ErrorCode.BAD_URL, f"the redirect from https to {url} is not followed: no encryption")
        item.url = url
        self._enqueue(item)

    async def _finish(self, item: _Item, answer: Answer) -> Fetched:
        digest = extension = size_wh = None
        if answer.body is not None:
            digest, info = await self._workers.run(self._verify_and_store, answer.body, item.run.store_photo)
            extension, size_wh = info.extension, info.size_wh
        return Fetched(
            url=item.request.url,
            final_url=str(item.url),
            not_modified=answer.body is None,
            digest=digest,
            extension=extension,
            size_bytes=len(answer.body or b""),
            size_wh=size_wh,
            etag=answer.etag,
            last_modified=answer.last_modified,
            attempts=item.attempts,
            seconds=time.monotonic() - item.began,
        )

    def _verify_and_store(self, body: bytes, store_photo: StorePhoto | None) -> tuple[str, ImageInfo]:
        """On a worker's thread. Only `verify_threads` use the processor at once; the others wait for the store."""
        with self._verifying:
            info = verify(body, self.settings.image_limits)
            digest = hashlib.sha256(body).hexdigest()
        if store_photo is not None:
            try:
                store_photo(digest, info.extension, body)
            except Exception as error:
                raise PhotoError(ErrorCode.STORE_ERROR, f"photo {digest[:12]} could not be stored: {error}") from error
        return digest, info

    def _failed(self, item: _Item, error: PhotoError) -> None:
        settings = self.settings
        error.attempts = item.attempts
        retry_after = getattr(error, "retry_after_s", None) or 0.0
        again = error.code.retryable and error.code != ErrorCode.STORE_ERROR
        if not again or item.attempts >= settings.attempts or retry_after > settings.retry_after_max_s:
            self._deliver(item.run, item.request, error)
            return
        backoff = min(settings.backoff_max_s, settings.backoff_s * 2 ** (item.attempts - 1))
        item.url, item.hops = item.start_url, 0
        # The host's own Retry-After is kept by the host's queue; jitter keeps photos from returning in step.
        self._loop.call_later(backoff * random.uniform(0.5, 1.5), self._again, item)
