"""Threads that work for the event loop."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


class Workers:
    """A thread pool for one event loop. Results that come about together wake the loop once, where
    `run_in_executor` makes a system call for each."""

    def __init__(self, threads: int):
        self._pool = ThreadPoolExecutor(threads, "packshot-photo")
        self._loop = asyncio.get_running_loop()
        self._done: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._woken = False

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call `function` on a thread; its result, or its exception raised here."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self._pool.submit(self._work, future, function, arguments)
        return await future

    def close(self) -> None:
        """Wait for what runs; what has not begun never does."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, future: asyncio.Future[Any], function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        result, error = None, None
        if not future.cancelled():
            try:
                result = function(*arguments)
            except BaseException as raised:
                error = raised
        # Added before looking at the flag here, the flag cleared before emptying there: no result is left lying.
        self._done.append((future, result, error))
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._woken = False
        while self._done:
            future, result, error = self._done.popleft()
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
