"""What was looked at: how much of an input was decoded, how it was packed and encoded, and which logs it holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from knowledge.errors import Unreadable

_MOST_FORMATS = 20
_MOST_PROBLEMS = 50


class NotText(Unreadable):
    """The input is not text, so there is no log in it; the message says what it is."""


@dataclass(slots=True)
class LookedAt:
    """What was looked at; updated while an input is read."""

    lines: int = 0
    bytes: int = 0
    """As they came, so compressed ones of compressed input."""
    unpacked: int = 0
    """Bytes after decompression; the same as ``bytes`` when nothing is compressed."""
    long_lines: int = 0
    """Lines that were decoded in pieces."""
    compression: str = ""
    """``gzip``, ``xz``, ``zstd``, ``bzip2``, ``zip``; empty when the input is not compressed."""
    archive: str = ""
    """``tar`` or ``zip``; empty when the input is one text."""
    encoding: str = ""
    """``UTF-8``, ``UTF-16LE`` and so on; ``binary`` when it is not text."""
    formats: list[str] = field(default_factory=list)
    """The kinds of log, such as ``vmkernel log of ESXi 8.0 and later``, in the order in which they are met."""
    files: int = 0
    """Texts in an archive that were decoded."""
    incomplete: bool = False
    """The input is not read to its end, because it is cut or damaged or unpacks to too much."""
    limited: bool = False
    """It is not read to its end, because it unpacks to more than the limits of vmkops allow."""
    problems: list[str] = field(default_factory=list)
    """Sentences: what could not be read, and caveats."""

    def add_format(self, name: str) -> None:
        """Note a kind of log once."""
        if name and name not in self.formats and len(self.formats) < _MOST_FORMATS:
            self.formats.append(name)

    def add_problem(self, sentence: str) -> None:
        """Note a problem once."""
        if sentence not in self.problems and len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(sentence)

    def add_encoding(self, name: str) -> None:
        """Note an encoding; an archive may have several."""
        if name not in self.encoding.split(", "):
            self.encoding = f"{self.encoding}, {name}" if self.encoding else name

    def in_words(self) -> str:
        """Return one phrase: ``3 lines, 412 bytes, gzip, UTF-8, vmkernel log of ESXi 8.0 and later``."""
        files = [_counted(self.files, "file")] if self.archive else []
        packed = self.compression if self.compression == self.archive else f"{self.compression} {self.archive}".strip()
        sizes = [_counted(self.lines, "line"), _counted(self.bytes, "byte")]
        parts = [*files, *sizes, packed, self.encoding, *self.formats[:4]]
        return ", ".join(part for part in parts if part)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
