"""Rows and files that a robust pipeline must survive: faults on the way, hostile files, odd formats, odd SKUs."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from packshot.synth.compose import make_photo

BOMB_SIDE = 30_000
# Fault paths of the server, each a row of its own.
FAULTS = ("404", "403", "500", "timeout", "html", "empty", "truncated.jpg", "loop", "reset", "429")
HOSTILE_SKUS = ("../../etc/passwd", "<script>alert(1)</script>", "a/b\\c:*?", "артикул 7", "' OR 1=1 --", "x" * 300)


def png_bomb(side: int = BOMB_SIDE) -> bytes:
    """A valid one-bit PNG of `side` by `side` black pixels, about a thousandth of its decoded size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    block = row * 1000
    data = b"".join(packer.compress(block) for _ in range(side // 1000))
    data += packer.compress(row * (side % 1000)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _encoded(picture: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def odd_files(seed: int, split: str) -> dict[str, bytes]:
    """Pictures that decoders trip over, by file name; all but the last four are usable."""

    def photo(number: int) -> tuple[Image.Image, np.ndarray]:
        made = make_photo(seed * 1000 + number, "clean_photo_good_background", (640, 640), split)
        return Image.fromarray(made.image), made.product_alpha

    frames = [photo(1)[0].resize((320, 320)).convert("P", palette=Image.Palette.ADAPTIVE) for _ in range(1)]
    frames.append(Image.new("P", (320, 320), 3))
    gif = io.BytesIO()
    frames[0].save(gif, "GIF", save_all=True, append_images=frames[1:], duration=200)
    cutout, alpha = photo(5)
    cutout.putalpha(Image.fromarray((alpha * 255).astype(np.uint8)))
    turned, _ = photo(6)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored a quarter turn anticlockwise; viewers turn it back
    deep = np.asarray(photo(3)[0].convert("L")).astype(np.uint16) * 257
    whole = _encoded(photo(7)[0], "JPEG", quality=90)
    return {
        "animated.gif": gif.getvalue(),
        "cmyk.jpg": _encoded(photo(2)[0].convert("CMYK"), "JPEG", quality=90),
        "sixteen_bit.png": _encoded(Image.fromarray(deep), "PNG"),
        "palette.png": _encoded(photo(4)[0].convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
        "transparent.png": _encoded(cutout, "PNG"),
        "exif_rotated.jpg": _encoded(turned.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=90, exif=exif),
        "no_product.png": _encoded(Image.new("RGB", (700, 700), "white"), "PNG"),
        "cut_short.jpg": whole[: len(whole) // 3],
        "tiny.png": _encoded(Image.new("RGB", (3, 3), (200, 30, 30)), "PNG"),
        "bomb.png": png_bomb(),
    }


def write_broken(
    folder: Path, base: str, first_sku: int, seed: int, split: str, good: dict
) -> tuple[list[str], list[dict]]:
    """Write the odd files into `folder`/photos; returns catalogue lines (raw text) and what each is meant to be.

    Args:
        base: protocol-relative base of the URLs, as "//127.0.0.1:8000".
        first_sku: the first free SKU.
        good: a usable row, repeated as the duplicate and under hostile SKUs.
    """
    lines: list[str] = []
    truth: list[dict] = []

    def add(case: str, row: dict | str) -> None:
        lines.append(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False))
        sku = "" if isinstance(row, str) else row.get("market_sku_id", "")
        truth.append({"case": case, "market_sku_id": sku})

    sku = first_sku
    for fault in FAULTS:
        add(
            f"fault:{fault}", {"market_sku_id": sku, "pic_url": f"{base}/fault/{fault}", "verdict": "good_infographics"}
        )
        sku += 1
    for name, data in odd_files(seed, split).items():
        (folder / "photos" / name).write_bytes(data)
        row = {"market_sku_id": sku, "pic_url": f"{base}/photos/{name}", "verdict": "clean_photo_good_background"}
        add(f"file:{name}", row)
        sku += 1
    for number, hostile in enumerate(HOSTILE_SKUS):
        add(f"sku:{number}", {**good, "market_sku_id": hostile})
    add(
        "unreachable",
        {"market_sku_id": sku, "pic_url": "//127.0.0.1:9/photos/none.jpg", "verdict": "good_infographics"},
    )
    add("missing_url", {"market_sku_id": sku + 1, "verdict": "good_infographics"})
    add("unknown_verdict", {**good, "market_sku_id": sku + 2, "verdict": "no_such_verdict"})
    add("duplicate", good)
    add("bad_line", '{"market_sku_id": 12, "pic_url": "//127.0.0.1')
    return lines, truth
