"""Headers of a tar archive from outside, read in linear time and bounded memory.

Extended headers (pax, long names) have a size that they state themselves. Before Python 3.11.10 and 3.12.6, tarfile
also searches them with expressions whose cost grows with the square of a run of digits (CVE-2024-6232).
"""

from __future__ import annotations

import contextlib
import re
import tarfile
from collections.abc import Iterator
from typing import Any

LARGEST_HEADER = 64 << 10
"""Bytes of an extended header; names, times and access control lists have some kilobytes."""
MOST_EXTENDED = 16
"""Extended headers before one entry; each is read by a call within the call for the one before."""
LONGEST_NUMBER = 100
"""Digits in a row in an extended header; a time has 30."""

_EXTENDED = (
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
)  # fmt: skip
_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % (LONGEST_NUMBER + 1))


class HeaderRefusedError(Exception):
    """A header is larger than any real one, or sparse; the message says which.

    It is none of tarfile's own errors, because tarfile takes some of those for the end of the archive.
    """


class BoundedHeader(tarfile.TarInfo):
    """The ``tarinfo`` of a TarFile whose archive may be hostile; raises HeaderRefusedError."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> BoundedHeader:  # type: ignore[override]
        """Read the 512 bytes of a header."""
        header = super().frombuf(buf, encoding, errors)
        if header.type in _EXTENDED and not 0 <= header.size <= LARGEST_HEADER:
            raise HeaderRefusedError(f"a header has {header.size:,} bytes")
        if header.type == tarfile.GNUTYPE_SPARSE:
            raise HeaderRefusedError("it has sparse files")
        return header

    def _proc_pax(self, archive: Any) -> Any:
        with _looked_at(archive, self.size):
            return super()._proc_pax(archive)  # type: ignore[misc]

    def _proc_gnulong(self, archive: Any) -> Any:
        with _looked_at(archive, self.size):
            return super()._proc_gnulong(archive)  # type: ignore[misc]

    def _proc_gnusparse_10(self, *_: object) -> None:
        raise HeaderRefusedError("it has sparse files")


@contextlib.contextmanager
def _looked_at(archive: Any, size: int) -> Iterator[None]:
    """Check the content of an extended header, which the block then reads from the archive."""
    file = archive.fileobj
    before = file.before + 1 if isinstance(file, _Again) else 1
    if before > MOST_EXTENDED:
        raise HeaderRefusedError(f"an entry has more than {MOST_EXTENDED} extended headers")
    content = file.read(-(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE)
    if _LONG_NUMBER.search(content):
        raise HeaderRefusedError(f"a header has a number of more than {LONGEST_NUMBER} digits")
    archive.fileobj = _Again(content, file, before)
    try:
        yield
    finally:
        archive.fileobj = file


class _Again:
    """A file that was read, and first gives what was read again; ``before`` counts the extended headers so far."""

    def __init__(self, content: bytes, file: Any, before: int) -> None:
        self._content: bytes | None = content
        self._file = file
        self.before = before

    def read(self, size: int) -> bytes:
        content, self._content = self._content, None
        if content is not None:
            return content
        return bytes(self._file.read(size))

    def seek(self, position: int) -> int:
        return int(self._file.seek(position))

    def tell(self) -> int:
        return int(self._file.tell())
