"""An input as it comes: a pipe, a file or bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from knowledge.vmklog.stream import blocks_of


@dataclass(frozen=True, slots=True)
class Source:
    """Where an input is read from.

    ``read`` returns at most so many bytes, without waiting for more than one, and none at the end. ``file`` has the
    same content and can seek; None for a pipe. ``name`` is the name of the file, or empty.
    """

    read: Callable[[int], bytes]
    file: BinaryIO | None = None
    name: str = ""

    def blocks(self) -> Iterator[bytes]:
        """Yield the content from its beginning, or from where it was read up to when it cannot seek."""
        if self.file is not None:
            self.file.seek(0)
        return blocks_of(self.read)


def of_bytes(content: bytes) -> Source:
    """Return the source of an input that is in memory."""
    file = io.BytesIO(content)
    return Source(file.read, file)
