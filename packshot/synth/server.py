"""A photo server on the loopback interface, with the faults that catalogues meet on the web.

Beside the folder's files it answers /fault/404, /fault/403, /fault/500, /fault/timeout (silent until the server stops),
/fault/html, /fault/empty, /fault/truncated.jpg, /fault/loop, /fault/reset and /fault/429. A path segment after the
fault's name is ignored (/fault/404/17), so that every row can have a URL of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import email.utils
import hashlib
import socket
import struct
import threading
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".jsonl": "application/x-ndjson",
}
SILENCE_S = 60.0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], folder: Path) -> None:
        self.folder = folder.resolve()
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.requests: dict[str, int] = {}
        super().__init__(address, partial(_Handler))

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 120

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: thousands of photos would flood the terminal."""

    def do_HEAD(self) -> None:
        self._route(with_body=False)

    def do_GET(self) -> None:
        self._route(with_body=True)

    def _route(self, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        with self.server.lock:
            self.server.requests[path] = self.server.requests.get(path, 0) + 1
        if path.startswith("/fault/"):
            self._fault(path.split("/")[2], with_body)
        else:
            self._file(path, with_body)

    def _answer(self, status: int, body: bytes, kind: str, with_body: bool = True, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _file(self, path: str, with_body: bool) -> None:
        target = (self.server.folder / path.lstrip("/")).resolve()
        if not target.is_relative_to(self.server.folder) or not target.is_file():
            self._answer(HTTPStatus.NOT_FOUND, b"not found", "text/plain", with_body)
            return
        body, changed = target.read_bytes(), target.stat().st_mtime
        tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
        modified = email.utils.formatdate(int(changed), usegmt=True)
        if self._unchanged(tag, changed):
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.send_header("ETag", tag)
            self.send_header("Last-Modified", modified)
            self.end_headers()
            return
        kind = TYPES.get(target.suffix.lower(), "application/octet-stream")
        self._answer(HTTPStatus.OK, body, kind, with_body, ETag=tag, Last_Modified=modified)

    def _unchanged(self, tag: str, changed: float) -> bool:
        """RFC 9110, section 13.2.2: If-None-Match goes before If-Modified-Since."""
        asked = self.headers.get("If-None-Match")
        if asked is not None:
            return asked.strip() == "*" or tag in [t.strip().removeprefix("W/") for t in asked.split(",")]
        since = self.headers.get("If-Modified-Since")
        if since is None:
            return False
        try:
            return int(changed) <= email.utils.parsedate_to_datetime(since).timestamp()
        except ValueError:
            return False

    def _fault(self, name: str, with_body: bool) -> None:
        if name in ("404", "403", "500"):
            self._answer(int(name), f"error {name}".encode(), "text/plain", with_body)
        elif name == "429":
            self._answer(429, b"too many requests", "text/plain", with_body, Retry_After="1")
        elif name == "html":
            page = b"<!doctype html><html><body><h1>Not a picture</h1><script>alert(1)</script></body></html>"
            self._answer(200, page, "image/jpeg", with_body)
        elif name == "empty":
            self._answer(200, b"", "image/jpeg", with_body)
        elif name == "loop":
            self._answer(302, b"", "text/plain", with_body, Location=self.path)
        elif name == "truncated.jpg":
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(2000))
            self.close_connection = True
        elif name == "timeout":
            self.server.stopping.wait(SILENCE_S + 5)
            self.close_connection = True
        elif name == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"no such fault", "text/plain", with_body)


def _started(folder: Path | str, host: str, port: int) -> _Server:
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"cannot serve {folder}: it is no folder. Write a catalogue there first")
    return _Server((host, port), folder)


@contextlib.contextmanager
def serve(folder: Path | str, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve a folder's files in a thread; yields the base URL, as "http://127.0.0.1:41234".

    Raises:
        FileNotFoundError: `folder` is no folder.
        OSError: the port is taken.
    """
    server = _started(folder, host, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="photo-server", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a synthetic catalogue's photos over HTTP.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    server = _started(options.folder, options.host, options.port)
    print(f"serving {server.folder} at http://{options.host}:{server.server_address[1]} (stop with Ctrl-C)", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
    server.stopping.set()
    server.server_close()


if __name__ == "__main__":
    main()
