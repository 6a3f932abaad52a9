"""The form of a state file: gzip, with one JSON object in each line. docs/state.md describes it for others.

The first line is the header, the last one the end; each line between them is a row of a part, such as `tokens`. Nothing
in a file is unpickled, and no name in it becomes a class or a function.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import json
import os
import stat
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from knowledge.for_people import amount
from service.api.words import printable
from service.errors import StateRefused

FORMAT = 1
"""The number of the form. A change that older versions cannot read needs a larger one."""
LONGEST_LINE = 16 << 20
"""Bytes in one line. A line is read as a whole, so this limits the memory that a file can ask for."""
LARGEST = 64 << 30
"""Bytes in one file when it is unpacked."""
MOST_ROWS = 20_000_000
DEEPEST = 100
"""How deep lists and objects may be nested in a row."""
BEFORE_DIGEST = b"vmkops state 1\n"
"""What stands before the digest in the content that is signed, so that the signature fits nothing else."""

Row = dict[str, Any]
Signs = Callable[[bytes], bytes]
Accepts = Callable[[bytes, bytes], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """The first line of a file."""

    product: str
    """The version of vmkops that wrote it."""
    created_at: str
    """When it was written: RFC 3339, UTC."""
    installation: str
    """The fingerprint of the key that signed it: SHA-256 of the public key, in hex."""
    database: str
    """`sqlite` or `postgresql`."""
    parts: Mapping[str, int]
    """How many rows each part has."""

    @property
    def rows(self) -> int:
        """How many rows the file has."""
        return sum(self.parts.values())


class StateWriter:
    """Writes one file; the rows must be as many as the header says."""

    def __init__(self, file: IO[bytes], header: Header) -> None:
        self._packed = gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0)
        self._digest = hashlib.sha256()
        self._size = 0
        about = {"product": header.product, "created_at": header.created_at, "installation": header.installation}
        self._line({"vmkops-state": FORMAT, **about, "database": header.database, "parts": dict(header.parts)})

    def row(self, part: str, row: Row) -> None:
        """Add a row of a part; raises StateRefused when it is too large."""
        self._line({"part": part, "row": row})

    def end(self, sign: Signs) -> None:
        """Write the last line, with the digest of all lines before it and the signature."""
        digest = self._digest.hexdigest()
        signature = base64.b64encode(sign(BEFORE_DIGEST + digest.encode())).decode()
        self._line({"end": {"sha256": digest, "signature": signature}})
        self._packed.close()

    def _line(self, value: Mapping[str, Any]) -> None:
        line = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        self._size += len(line)
        if len(line) > LONGEST_LINE or self._size > LARGEST:
            raise StateRefused(
                f"The state is too large for a file: a row may have {amount(LONGEST_LINE)}, and all of them "
                f"{amount(LARGEST)}."
            )
        self._digest.update(line)
        self._packed.write(line)


class StateFile:
    """Reads one file; a context manager. Every mistake in the file raises StateRefused, which names the line."""

    def __init__(self, path: Path) -> None:
        """Open the file; raises StateRefused when that is not possible."""
        # A pipe would block the open, and can't be read twice.
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise StateRefused(f"{printable(str(path))} cannot be read ({error.strerror}).") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise StateRefused(f"{printable(str(path))} is not a regular file. Name a file of vmkops state export.")
        self._file = os.fdopen(descriptor, "rb")
        self._path = printable(str(path))

    def __enter__(self) -> StateFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def header(self) -> Header:
        """The first line alone: the rest is not checked."""
        lines = self._lines()
        try:
            return self._header(next(lines))
        finally:
            lines.close()

    def rows(self, accepts: Accepts | None) -> Iterator[tuple[str, Row]]:
        """Each row with the name of its part, from the beginning; at the end, everything is checked.

        What comes before the end is not to be relied on: use it only when the iterator ends without an error. With
        `accepts`, which takes content and signature, the signature must be a known one; raises StateRefused otherwise.
        """
        lines = self._lines()
        first = next(lines)
        header, digest, left = self._header(first), hashlib.sha256(first), Counter[str]()
        left.update(header.parts)
        number = 1
        for line in lines:
            number += 1
            value = self._read(line, number)
            if "end" in value:
                if any(left.values()):
                    raise self._refused(f"it has fewer rows than its first line says: {_missing(left)} missing")
                self._check_end(value["end"], digest.hexdigest(), accepts)
                if next(lines, None) is not None:
                    raise self._refused("something follows its last line")
                return
            digest.update(line)
            part, row = value.get("part"), value.get("row")
            if not isinstance(part, str) or not isinstance(row, dict) or len(value) != 2:
                raise self._refused(f"line {number} is not a row")
            if left[part] < 1:
                what = "more rows than its first line says" if part in header.parts else "rows of an unknown part"
                raise self._refused(f"it has {what}: {printable(part[:40])}, line {number}")
            left[part] -= 1
            yield part, row
        raise self._refused("its last line is missing, so it was cut off")

    def _check_end(self, end: Any, digest: str, accepts: Accepts | None) -> None:
        if not isinstance(end, dict) or end.get("sha256") != digest:
            raise self._refused("it was changed or damaged after it was written: its SHA-256 does not fit")
        try:
            signature = base64.b64decode(str(end.get("signature", "")), validate=True)
        except (binascii.Error, ValueError):
            signature = b""
        if accepts is not None and not accepts(BEFORE_DIGEST + digest.encode(), signature):
            raise StateRefused(
                f"{self._path} is not signed with a key that is known here. Copy signing/public.pem of the data "
                "directory of the installation that wrote it into signing/trusted of this one, under a name that ends "
                "in .pem. If nobody else could write to the file, add --unsigned instead."
            )

    def _lines(self) -> Generator[bytes]:
        """The lines as they are unpacked, from the beginning."""
        self._file.seek(0)
        size = 0
        try:
            with gzip.GzipFile(fileobj=self._file, mode="rb") as unpacked:
                while line := unpacked.readline(LONGEST_LINE + 1):
                    size += len(line)
                    if len(line) > LONGEST_LINE or size > LARGEST:
                        raise self._refused(
                            f"it is larger than vmkops reads: {amount(LONGEST_LINE)} a line, and {amount(LARGEST)} "
                            "unpacked"
                        )
                    yield line
        except gzip.BadGzipFile as error:
            if not size:
                raise self._refused("it is not packed with gzip, as vmkops state export does") from error
            raise self._refused("it is damaged: what is packed in it does not fit its checksum") from error
        except EOFError as error:
            raise self._refused("it was cut off") from error
        except zlib.error as error:
            raise self._refused("it is damaged and cannot be unpacked") from error
        if not size:
            raise self._refused("it is empty")

    def _header(self, line: bytes) -> Header:
        value = self._read(line, 1)
        number = value.get("vmkops-state")
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise self._refused("its first line is not that of a state file")
        product = str(value.get("product", ""))[:40]
        if number > FORMAT:
            raise StateRefused(
                f"{self._path} has format {number}, and this version of vmkops reads up to {FORMAT}. vmkops "
                f"{printable(product)} wrote it: install that version or a later one, then import it."
            )
        parts = value.get("parts")
        if not isinstance(parts, dict) or not all(_is_count(each) for each in parts.values()):
            raise self._refused("its first line has no counts of rows")
        if sum(parts.values()) > MOST_ROWS:
            raise self._refused(f"its first line promises more than {MOST_ROWS:,} rows")
        texts = {name: value.get(name) for name in ("created_at", "installation", "database")}
        if not all(isinstance(text, str) and len(text) <= 100 and text.isprintable() for text in texts.values()):
            raise self._refused("its first line is not that of a state file")
        return Header(product=printable(product), parts=parts, **{name: str(text) for name, text in texts.items()})

    def _read(self, line: bytes, number: int) -> Row:
        try:
            value = json.loads(line, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise self._refused(f"line {number} is not JSON") from error
        if not isinstance(value, dict):
            raise self._refused(f"line {number} is not a JSON object")
        return value

    def _refused(self, why: str) -> StateRefused:
        return StateRefused(f"{self._path} is refused: {why}. Nothing was changed.")


def _missing(left: Mapping[str, int]) -> str:
    return ", ".join(f"{count} of {printable(part[:40])}" for part, count in left.items() if count)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_ROWS


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
