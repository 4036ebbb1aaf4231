"""How a picture came to be, told in its metadata: IPTC's digital source type, as XMP in PNG and JPEG.

Terms (https://cv.iptc.org/newscodes/digitalsourcetype/): a photographed product on a background that a model painted is
`compositeWithTrainedAlgorithmicMedia`. On a backdrop that a program drew by rules, from no training data, it is
`composite`: several elements put together, none of them made by generative AI. A product on plain white has no term.
"""

import re
import struct
import zlib

COMPOSITE = "composite"
AI_COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
AI_TERMS = frozenset({AI_COMPOSITE, "trainedAlgorithmicMedia", "compositeSynthetic"})
"""Terms that say that generative AI made the picture or a part of it."""

_VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_XMP_KEYWORD = b"XML:com.adobe.xmp\0\0\0\0\0"  # an iTXt chunk: keyword, not compressed, no language
_PNG_HEAD = 33  # bytes: PNG's signature and header chunk
_FOUND = re.compile(rb"DigitalSourceType[^>]*?newscodes/digitalsourcetype/([A-Za-z]+)", re.DOTALL)


def xmp(term: str) -> bytes:
    """An XMP packet with `Iptc4xmpExt:DigitalSourceType`."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{_VOCABULARY}{term}"/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def mark_png(png: bytes, term: str) -> bytes:
    """The PNG with the term in its metadata."""
    return _with_chunk(png, b"iTXt" + _XMP_KEYWORD + xmp(term))


def with_png_profile(png: bytes, profile: bytes) -> bytes:
    """The PNG with an ICC profile."""
    return _with_chunk(png, b"iCCPICC profile\0\0" + zlib.compress(profile))


def _with_chunk(png: bytes, body: bytes) -> bytes:
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:_PNG_HEAD] + chunk + png[_PNG_HEAD:]


def source_type(data: bytes) -> str | None:
    """The digital source type in a picture's uncompressed XMP, or None."""
    found = _FOUND.search(data)
    return found.group(1).decode() if found else None
