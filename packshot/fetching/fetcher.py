"""Fetch any number of photos, many at once, with bounded memory: the part that callers see.

A `Fetcher` owns one event loop in a thread of its own, one connection pool, and what it knows of hosts; batches that
are fetched one after another, or by several threads at once, share them. So it may be used from any thread, whether
or not that thread has an event loop.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

from packshot.errors import PackshotError, PhotoError
from packshot.fetching.addresses import AddressPolicy, CheckedResolver, checked_socket
from packshot.fetching.exchange import FetchRequest
from packshot.fetching.hosts import HostReport
from packshot.fetching.scheduler import Fetched, Run, Scheduler, StorePhoto
from packshot.fetching.settings import FetchSettings

_HANDED_OVER_AT_ONCE = 64
_READ_BUFFER_BYTES = 256 << 10
_DNS_SECONDS = 30
_RESOLVER_THREADS = 8

Result = Fetched | PhotoError


class Fetcher:
    """Fetches photos with `settings`. A context manager; `close` ends what is under way.

    `resolver` replaces the system's name resolution; its answers are checked all the same.
    """

    def __init__(self, settings: FetchSettings, resolver: AbstractResolver | None = None):
        self.settings = settings
        self._resolver = resolver
        self._window = max(2048, 8 * settings.concurrency)
        self._closed = False
        self._loop = asyncio.new_event_loop()
        ready: Future[Scheduler] = Future()
        self._thread = threading.Thread(target=self._serve, args=(ready,), name="packshot-fetch", daemon=True)
        self._thread.start()
        self._scheduler = ready.result()

    def __enter__(self) -> "Fetcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stream(
        self, requests: Iterable[FetchRequest], store_photo: StorePhoto | None = None
    ) -> Iterator[tuple[FetchRequest, Result]]:
        """Fetch `requests` and yield each with its result, in the order in which they end.

        Requests are taken from the iterable as there is room, on the caller's thread: neither a long catalogue nor a
        slow reader of the results fills memory. Equal requests under way at once share one answer. A photo is
        verified (`images.verify`), then handed to `store_photo`; if that raises, the photo's result is `store_error`.
        """
        for _, request, result in self._results(requests, store_photo):
            yield request, result

    def fetch_batch(
        self,
        requests: Iterable[FetchRequest],
        store_photo: StorePhoto | None = None,
        on_result: Callable[[FetchRequest, Result], Any] | None = None,
    ) -> list[Result]:
        """`stream` for a batch that fits in memory: results in the order of the requests. `on_result` is called on
        the caller's thread as each one ends."""
        done: dict[int, Result] = {}
        for number, request, result in self._results(requests, store_photo):
            done[number] = result
            if on_result is not None:
                on_result(request, result)
        return [done[number] for number in sorted(done)]

    def host_reports(self) -> list[HostReport]:
        """What happened with each host so far, most failures first. Of thousands, faultless ones are dropped."""
        if self._closed:
            reports = self._scheduler.host_reports()
        else:
            future: Future[list[HostReport]] = Future()
            self._loop.call_soon_threadsafe(lambda: future.set_result(self._scheduler.host_reports()))
            reports = future.result()
        return sorted(reports, key=lambda report: -sum(report.failures.values()))

    def close(self) -> None:
        """Cancel what is under way, close connections, end the threads. Streams under way raise `PackshotError`."""
        if not self._closed:
            self._closed = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _results(
        self, requests: Iterable[FetchRequest], store_photo: StorePhoto | None
    ) -> Iterator[tuple[int, FetchRequest, Result]]:
        """Requests go to the loop in chunks, results come back by a queue; at most `_window` are on their way."""
        if self._closed:
            raise PackshotError("this Fetcher is closed; make a new one")
        run = Run(store_photo)
        under_way: dict[int, FetchRequest] = {}
        source = enumerate(requests)
        more = True
        self._loop.call_soon_threadsafe(self._scheduler.begin, run)
        try:
            while more or under_way:
                if more and len(under_way) <= self._window - _HANDED_OVER_AT_ONCE:
                    chunk = list(islice(source, _HANDED_OVER_AT_ONCE))
                    more = len(chunk) == _HANDED_OVER_AT_ONCE
                    under_way.update(chunk)
                    if chunk:
                        self._loop.call_soon_threadsafe(self._scheduler.admit, run, chunk)
                    if run.results.empty() and (more or not under_way):
                        continue
                group = run.results.get()
                if group is None:
                    raise PackshotError("the Fetcher was closed while photos were under way")
                for number, result in group:
                    yield number, under_way.pop(number), result
        finally:
            if not self._closed:
                self._loop.call_soon_threadsafe(self._scheduler.end, run)

    def _serve(self, ready: "Future[Scheduler]") -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_default_executor(ThreadPoolExecutor(_RESOLVER_THREADS, "packshot-dns"))
        try:
            session, scheduler = self._loop.run_until_complete(self._open())
        except BaseException as error:
            self._loop.close()
            ready.set_exception(error)
            return
        ready.set_result(scheduler)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(scheduler.close())
            self._loop.run_until_complete(session.close())
            self._loop.close()

    async def _open(self) -> tuple[aiohttp.ClientSession, Scheduler]:
        settings = self.settings
        policy = AddressPolicy(settings.allow_private)
        # A proxy may stand on an inner address; what it is asked for is checked by URL.
        connect_policy = AddressPolicy(True) if settings.proxy else policy
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # the scheduler bounds connections, in all and by host
                ttl_dns_cache=_DNS_SECONDS,
                resolver=CheckedResolver(connect_policy, self._resolver),
                socket_factory=checked_socket(connect_policy),
                keepalive_timeout=30,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # bombs: `exchange` inflates within the limits
            trust_env=False,
            read_bufsize=_READ_BUFFER_BYTES,
            timeout=aiohttp.ClientTimeout(
                total=None,
                connect=settings.connect_timeout_s,
                sock_read=settings.first_byte_timeout_s,
                ceil_threshold=3600,
            ),
        )
        return session, Scheduler(settings, policy, session)


_shared: dict[tuple[int, FetchSettings], Fetcher] = {}
_shared_lock = threading.Lock()


def shared_fetcher(settings: FetchSettings) -> Fetcher:
    """The process's own `Fetcher` for these settings, so that batches reuse connections and what is known of hosts.

    It lives until the process ends or `close_shared_fetchers` is called.
    """
    key = os.getpid(), settings
    with _shared_lock:
        fetcher = _shared.get(key)
        if fetcher is None:
            fetcher = _shared[key] = Fetcher(settings)
        return fetcher


def close_shared_fetchers() -> None:
    """Close every `shared_fetcher` of this process."""
    with _shared_lock:
        mine = [key for key in _shared if key[0] == os.getpid()]
        fetchers = [_shared.pop(key) for key in mine]
    for fetcher in fetchers:
        fetcher.close()


atexit.register(close_shared_fetchers)


def fetch_batch(
    requests: Iterable[FetchRequest],
    settings: FetchSettings,
    store_photo: StorePhoto | None = None,
    on_result: Callable[[FetchRequest, Result], Any] | None = None,
) -> list[Result]:
    """`Fetcher.fetch_batch` on the process's shared fetcher: results in the order of the requests."""
    return shared_fetcher(settings).fetch_batch(requests, store_photo, on_result)
