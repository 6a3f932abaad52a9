"""Opens an input of any kind: decompresses it and shows whether it is one text or an archive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from knowledge.loginput.encoding import as_utf8
from knowledge.loginput.formats import noted
from knowledge.loginput.looked_at import LookedAt, NotText
from knowledge.loginput.magic import archive_of, compression_of, needs_more, not_text
from knowledge.loginput.messages import messages
from knowledge.loginput.unpacking import Limits, limited, unpacked
from knowledge.vmkerr.table import Tables

IS = "This is not text: it is {what}."
NESTED = "This is {kind}-compressed data inside {kinds}-compressed data. Unpack it first."


class Opened(NamedTuple):
    """An input without its compression: ``archive`` is ``tar``, ``zip`` or empty; ``blocks`` its content."""

    archive: str
    blocks: Iterator[bytes]


def opened(blocks: Iterable[bytes], looked: LookedAt, limits: Limits, *, counted: bool = False) -> Opened:
    """Determine what an input is from its first bytes, and decompress it; note the compression in ``looked``.

    With ``counted``, the limits apply only to what the input unpacks to, because its own bytes are counted already.
    Raises NotText for a known format that holds no log.
    """
    head, blocks = peeked(_counted(blocks, looked))
    kind = compression_of(head)
    if kind:
        looked.compression = kind
        head, blocks = peeked(limited(unpacked(kind, blocks, looked), looked, limits, lambda: looked.bytes), wait=True)
        if inner := compression_of(head):
            raise NotText(NESTED.format(kind=inner, kinds=kind))
    elif not counted:
        blocks = limited(blocks, looked, limits, lambda: looked.bytes)
    archive = archive_of(head)
    if not archive and (other := not_text(head)):
        what, advice = other
        raise NotText(f"{IS.format(what=what)} {advice}".rstrip())
    return Opened(archive, blocks)


def text(blocks: Iterable[bytes], looked: LookedAt, tables: Tables) -> Iterator[bytes]:
    """Return the lines of one text as UTF-8, without what surrounds the messages; note what it is in ``looked``."""
    return noted(messages(as_utf8(blocks, looked), looked), looked, tables)


def peeked(blocks: Iterable[bytes], *, wait: bool = False) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes and all blocks; with ``wait``, always as many bytes as show every format."""
    blocks = iter(blocks)
    head = b""
    for block in blocks:
        head += block
        if not needs_more(head) and not (wait and len(head) < 512):
            break
    return head, chain([head], blocks) if head else blocks


def _counted(blocks: Iterable[bytes], looked: LookedAt) -> Iterator[bytes]:
    for block in blocks:
        looked.bytes += len(block)
        yield block
