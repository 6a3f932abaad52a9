"""Decodes an input of any kind: a log as it is, compressed, in another encoding or exported as JSON, or an archive."""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.loginput.looked_at import LookedAt, NotText
from knowledge.loginput.opening import opened, text
from knowledge.loginput.source import Source
from knowledge.loginput.unpacking import Limits
from knowledge.vmkerr.table import Tables
from knowledge.vmklog.origin import given_origin
from knowledge.vmklog.stream import Decoded, Progress, decode_stream

NOT_TEXT = "This is not text ({looked_at}), so there is no log in it."
BY_CHANCE = "This is not text ({looked_at}), so what was found may be there by chance."


def decode_input(
    source: Source,
    release: str | None,
    tables: Tables,
    looked: LookedAt,
    limits: Limits | None = None,
    every_line: bool = False,
) -> Iterator[list[Decoded]]:
    """Decode a source; yield its lines with findings (or every line) in lists, as soon as they are read.

    Lines of an archive have the name of their file. ``looked`` is updated meanwhile. When the input cannot be read to
    its end, what was read is decoded, and ``looked.problems`` says why. Raises Unreadable for an unknown release, and
    NotText for what holds no log.
    """
    limits = limits or Limits()
    origin = given_origin(release, tables) if release else None
    archive, blocks = opened(source.blocks(), looked, limits)
    looked.archive = archive
    if archive:
        from knowledge.loginput.members import decode_archive  # imported only for archives

        yield from decode_archive(source, blocks, origin, tables, looked, limits, every_line)
        return
    progress = Progress()
    found = False
    for lines in decode_stream(text(blocks, looked, tables), origin, tables, progress, every_line):
        looked.lines, looked.long_lines = progress.lines, progress.long_lines
        found = found or any(line.findings for line in lines)
        yield lines
    if "binary" in looked.encoding:
        if not found:
            raise NotText(NOT_TEXT.format(looked_at=looked.in_words()))
        looked.add_problem(BY_CHANCE.format(looked_at=looked.in_words()))
