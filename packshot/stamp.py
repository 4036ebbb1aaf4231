"""Which packshot made an artifact, told in the file itself: an artifact outlives the run that made it.

JSON carries `"packshot": version`, .npz a zip comment, PNG the text chunk `Software`, JPEG a comment.
"""

import io
import json
import re
import struct
import zipfile
import zlib

from packshot import __version__

_PNG, _JPEG, _ZIP = b"\x89PNG", b"\xff\xd8", b"PK"
_PNG_END = 12  # bytes: the empty IEND chunk
_SOFTWARE = b"tEXtSoftware\0"
_WORD = "packshot"
_SAID = re.compile(rb"packshot ([\w.+!-]+)")


def stamp(data: bytes, version: str = __version__) -> bytes:
    """An artifact's bytes with packshot's version in them. What it holds stays as it is."""
    said = f"{_WORD} {version}".encode()
    if data.startswith(_PNG):
        body = _SOFTWARE + said
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        return data[:-_PNG_END] + chunk + data[-_PNG_END:]
    if data.startswith(_JPEG):
        at = _after_comments(data)
        return data[:at] + b"\xff\xfe" + struct.pack(">H", len(said) + 2) + said + data[at:]
    if data.startswith(_ZIP):
        buffer = io.BytesIO(data)
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.comment = said
        return buffer.getvalue()
    return data[:-1] + f',"{_WORD}":{json.dumps(version)}}}'.encode()


def made_by(data: bytes) -> str | None:
    """The version of packshot that made an artifact; None where it does not tell."""
    if data.startswith(_PNG):
        found = _SAID.match(data.rpartition(_SOFTWARE)[2].split(b"IEND")[0][:-8])
    elif data.startswith(_JPEG):
        found = _SAID.search(data[: _after_comments(data)])
    elif data.startswith(_ZIP):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = _SAID.match(archive.comment)
    else:
        return json.loads(data).get(_WORD)
    return found.group(1).decode() if found else None


def _after_comments(jpeg: bytes) -> int:
    """Where a JPEG's application segments and comments end."""
    at = 2
    while jpeg[at] == 0xFF and (0xE0 <= jpeg[at + 1] <= 0xEF or jpeg[at + 1] == 0xFE):
        at += 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
    return at
