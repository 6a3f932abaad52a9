"""Determines the encoding of a text from its first bytes, and turns it into UTF-8.

Bytes that are not UTF-8 in an 8-bit text are left as they are: ``knowledge.vmklog.line.text_of`` decodes each line.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

from knowledge.loginput.looked_at import LookedAt
from knowledge.loginput.magic import looks_binary
from knowledge.vmklog.line import is_latin_1

SAMPLE = 1 << 13
"""Bytes at the beginning that show the encoding."""

NUL_BYTES = "NUL bytes"
"""Stands for an encoding when there is nothing else, as in a file that was not written before a power failure."""

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32LE"),
    (codecs.BOM_UTF32_BE, "UTF-32BE"),
    (codecs.BOM_UTF16_LE, "UTF-16LE"),
    (codecs.BOM_UTF16_BE, "UTF-16BE"),
    (codecs.BOM_UTF8, "UTF-8"),
)


def as_utf8(blocks: Iterable[bytes], looked: LookedAt) -> Iterator[bytes]:
    """Yield the same text as UTF-8 without a byte order mark, and note its encoding in ``looked``."""
    blocks = iter(blocks)
    head = next(blocks, b"")
    name, mark = encoding_of(head[:SAMPLE])
    if name == NUL_BYTES:
        name, _ = encoding_of(head.lstrip(b"\x00")[:SAMPLE] or head[:SAMPLE])
    looked.add_encoding(name)
    blocks = chain([head[mark:]], blocks)
    if not name.startswith("UTF-16") and not name.startswith("UTF-32"):
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(name)("replace")
    for block in blocks:
        yield decoder.decode(block).encode()
    yield decoder.decode(b"", final=True).encode()


def encoding_of(sample: bytes) -> tuple[str, int]:
    """Return the encoding of a text that begins with ``sample``, and the length of its byte order mark.

    ``binary`` stands for bytes that are not text. UTF-16 and UTF-32 without a mark show by the NUL bytes between ASCII
    characters.
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name, len(mark)
    if len(sample) > 1 and not sample.strip(b"\x00"):
        return NUL_BYTES, 0
    if b"\x00" in sample and (name := _wide(sample)):
        return name, 0
    if looks_binary(sample):
        return "binary", 0
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 3:
            return "Latin-1" if is_latin_1(sample) else "UTF-8 with other bytes", 0
    return "UTF-8", 0


def _wide(sample: bytes) -> str:
    """Return the encoding with units of two or four bytes in which the sample is mostly ASCII; empty for none."""
    for width in (4, 2):
        for order, place in (("LE", 0), ("BE", width - 1)):
            units = len(sample) // width
            if units < 2:
                continue
            characters = sample[place : units * width : width].translate(None, b"\x00")
            others = units * (width - 1) - sum(
                sample[other : units * width : width].count(0) for other in range(width) if other != place
            )
            if len(characters) > units * 0.7 and others <= units * 0.3 and not looks_binary(characters):
                return f"UTF-{width * 8}{order}"
    return ""
