"""A photo server of its own process for `fetch.py`: whole photos, and every sort of faulty one, at a known share.

Photo `n` is at `/photo/n.jpg`; `fault_of(n)` tells what is wrong with it. `/tiny/n.jpg` is a small whole photo, for
measuring bookkeeping. `/stats` tells connections, requests, and the times of the first and the last request since it
was asked before. Written on bare asyncio, so that the two cores are left to the clients that are measured.
"""

import argparse
import asyncio
import io
import json
import struct
import time
import zlib
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from PIL import Image

FAULTS = {
    "not_found": "http_4xx",
    "forbidden": "http_4xx",
    "server_error": "http_5xx",
    "html_page": "not_an_image",
    "empty": "empty",
    "half_jpeg": "corrupt_image",
    "half_progressive": "corrupt_image",
    "half_png": "corrupt_image",
    "body_cut": "truncated",
    "chunks_cut": "truncated",
    "reset": "connection",
    "png_bomb": "too_many_pixels",
    "three_pixels": "too_small",
    "redirect_loop": "too_many_redirects",
    "svg": "unsupported_format",
}
"""What is wrong with a photo, and the code that packshot must give it."""

NOTHING_YET = {"connections": 0, "requests": 0, "first": 0.0, "last": 0.0}
DISTINCT_PICTURES = 16
PHOTO_NOISE = 8  # gives about 100 KB at 800x800 and quality 82


def fault_of(number: int) -> str | None:
    """Every tenth photo is faulty, the sorts taking turns."""
    return list(FAULTS)[number // 10 % len(FAULTS)] if number % 10 == 7 else None


def picture(seed: int, side: int, noise: int) -> Image.Image:
    """Something like a photo: smooth colours with fine texture, so that a JPEG of it has a photo's size."""
    rng = np.random.default_rng(seed)
    smooth = Image.fromarray(rng.integers(0, 255, (12, 12, 3), dtype=np.uint8)).resize((side, side), Image.BICUBIC)
    texture = rng.integers(-noise, noise + 1, (side, side, 1))
    return Image.fromarray(np.clip(np.asarray(smooth, np.int16) + texture, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header_only(width: int, height: int) -> bytes:
    """A PNG that announces its size and holds next to no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 999)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def response(status: str, body: bytes = b"", kind: str = "image/jpeg", *extra: str, length: int | None = None) -> bytes:
    announced = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {announced}"]
    return "\r\n".join([*lines, *extra, "", ""]).encode() + body


class Photos:
    """The answers, made once. A comment segment with its number makes every photo's bytes, and so digest, its own."""

    def __init__(self) -> None:
        seeds = range(DISTINCT_PICTURES)
        self.wholes = [encoded(picture(seed, 800, PHOTO_NOISE), "JPEG", quality=82) for seed in seeds]
        self.tinies = [encoded(picture(seed, 32, 8), "JPEG") for seed in seeds]
        progressive = encoded(picture(99, 800, PHOTO_NOISE), "JPEG", quality=82, progressive=True)
        png = encoded(picture(98, 200, 20), "PNG")
        whole = self.wholes[0]
        chunk = whole[:20_000]
        self.faulty = {
            "not_found": response("404 Not Found", b"no such photo", "text/plain"),
            "forbidden": response("403 Forbidden", b"no", "text/plain"),
            "server_error": response("500 Internal Server Error", b"sorry", "text/plain"),
            "html_page": response("200 OK", b"<!DOCTYPE html><html><body>Not found</body></html>"),
            "empty": response("200 OK"),
            "half_jpeg": response("200 OK", whole[: len(whole) // 2]),
            "half_progressive": response("200 OK", progressive[: len(progressive) // 2]),
            "half_png": response("200 OK", png[: len(png) // 2], "image/png"),
            "body_cut": response("200 OK", whole[: len(whole) // 2], length=len(whole)),
            "chunks_cut": b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n"
            + f"{len(chunk):x}\r\n".encode()
            + chunk
            + b"\r\n",
            "reset": b"",
            "png_bomb": response("200 OK", png_header_only(30_000, 30_000), "image/png"),
            "three_pixels": response("200 OK", encoded(picture(97, 3, 8), "PNG"), "image/png"),
            "svg": response("200 OK", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
        }

    @staticmethod
    def numbered(whole: bytes, number: int) -> tuple[bytes, bytes]:
        """Head of the answer, and the rest of the JPEG, which all its numbers share."""
        comment = b"\xff\xd8\xff\xfe" + struct.pack(">H", 12) + b"%010d" % number
        head = response("200 OK", length=len(whole) - 2 + len(comment))
        return head + comment, whole[2:]


CLOSING = frozenset({"body_cut", "chunks_cut"})


class Protocol(asyncio.Protocol):
    def __init__(self, photos: Photos, stats: dict[str, float]):
        self.photos, self.stats, self.buffer = photos, stats, b""
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.stats["connections"] += 1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head, self.buffer = self.buffer[:end], self.buffer[end + 4 :]
            self.answer(head.split(b" ", 2)[1].decode("ascii", "replace"), b"\nconnection: close" in head.lower())

    def answer(self, path: str, close: bool) -> None:
        folder, _, name = path.lstrip("/").partition("/")
        stem = name.partition(".")[0]
        if folder == "stats":
            self.transport.write(response("200 OK", json.dumps(self.stats).encode(), "application/json"))
            self.stats.update(NOTHING_YET)
        elif not stem.isdigit():
            self.transport.write(response("404 Not Found"))
        else:
            now = time.monotonic()
            self.stats["requests"] += 1
            self.stats["first"] = self.stats["first"] or now
            close |= self.send_photo(folder, int(stem), path)
            self.stats["last"] = now
        if close:
            self.transport.close()

    def send_photo(self, folder: str, number: int, path: str) -> bool:
        """Returns whether the connection ends with it."""
        fault = fault_of(number) if folder == "photo" else None
        if fault is None:
            pictures = self.photos.tinies if folder == "tiny" else self.photos.wholes
            self.transport.writelines(self.photos.numbered(pictures[number % DISTINCT_PICTURES], number))
        elif fault == "redirect_loop":
            self.transport.write(response("302 Found", b"", "text/plain", f"Location: {path}"))
        elif fault == "reset":
            self.transport.abort()
        else:
            self.transport.write(self.photos.faulty[fault])
        return fault in CLOSING


async def serve(port_to: Connection | None) -> None:
    photos, stats = Photos(), dict(NOTHING_YET)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(photos, stats), "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    if port_to is None:
        print(f"http://127.0.0.1:{port}/photo/0.jpg", flush=True)
    else:
        port_to.send(port)
    await server.serve_forever()


def run(port_to: Connection | None = None) -> None:
    """Serve until the process is ended; the port goes to `port_to`, or to standard output."""
    asyncio.run(serve(port_to))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    run()
