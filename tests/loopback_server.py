"""A real HTTP server on loopback whose answers a test writes byte by byte, and which remembers what it was asked."""

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Handler = Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    """One request: its target as sent, headers in lower case, and the address that was connected to."""

    target: str
    headers: dict[str, str]
    address: str


def answer(status: str = "200 OK", body: bytes = b"", **headers: object) -> bytes:
    """A response with Content-Length; underscores in header names become hyphens, None leaves a header out."""
    fields = {"Content-Length": len(body)} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items() if value is not None)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class LoopbackServer:
    """Serves `routes` (path to bytes, a list of bytes taken one a request, or a handler) from a thread of its own.

    Counts `connections`, keeps `asked`, and `most_at_once` requests under way.
    """

    def __init__(self, *addresses: str, tls: ssl.SSLContext | None = None):
        self._tls = tls
        self.routes: dict[str, bytes | list[bytes] | Handler] = {}
        self.asked: list[Asked] = []
        self.connections: Counter[str] = Counter()
        self.most_at_once = 0
        self._at_once = 0
        self._addresses = addresses or ("127.0.0.1",)
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(10)

    def url(self, path: str = "/") -> str:
        return f"http://{self._addresses[0]}:{self.port}{path}"

    def paths(self) -> list[str]:
        return [asked.target for asked in self.asked]

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    async def _listen(self) -> None:
        self.port = 0
        for address in self._addresses:
            server = await asyncio.start_server(self._connected, address, self.port, ssl=self._tls)
            self.port = server.sockets[0].getsockname()[1]
            self._servers.append(server)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("sockname")[0]
        self.connections[address] += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                line, *fields = head.decode("latin-1").strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
                asked = Asked(line.split(" ")[1], headers, address)
                self.asked.append(asked)
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
                try:
                    await self._answer(asked, writer)
                finally:
                    self._at_once -= 1
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            writer.close()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        route = self.routes.get(asked.target.partition("?")[0], self.routes.get("*", answer("404 Not Found")))
        if isinstance(route, list):
            route = route.pop(0) if len(route) > 1 else route[0]
        if callable(route):
            await route(asked, writer)
        else:
            writer.write(route)
        await writer.drain()


async def hang_up(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Reset the connection instead of an answer."""
    writer.transport.abort()
    raise ConnectionResetError


def then_close(data: bytes) -> Handler:
    """Send `data`, then end the connection in good order."""

    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()
        raise ConnectionResetError

    return handler


def drip(head: bytes, piece: bytes, pause_s: float) -> Handler:
    """Send `head`, then `piece` again and again, for ever."""

    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            await writer.drain()
            await asyncio.sleep(pause_s)
            writer.write(piece)

    return handler
