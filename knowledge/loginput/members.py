"""Decodes the logs in an archive one after the other, in constant memory.

A support bundle of an ESXi host has its release and its own table of codes in two small files, which may come after the
logs. A file is therefore read twice: once for these, and once for the logs. A pipe can be read only once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from knowledge.loginput.archive import Member, shown_name, tar_members, zip_members
from knowledge.loginput.bundle import Bundle, is_log, may_be_log
from knowledge.loginput.looked_at import LookedAt, NotText
from knowledge.loginput.opening import opened, text
from knowledge.loginput.source import Source
from knowledge.loginput.unpacking import Limits, limited
from knowledge.vmkerr.table import Tables
from knowledge.vmklog.origin import Origin
from knowledge.vmklog.stream import Decoded, Progress, decode_stream

BUNDLE = "vm-support bundle of {name}"
NO_BUNDLE = (
    "This archive is not the support bundle of an ESXi host: commands/vmware_-vl.txt is missing. Its text files are"
    " decoded, and the format of each line shows the release."
)
INCOMPLETE = (
    "This archive is cut or damaged before commands/vmware_-vl.txt, which shows the release in a support bundle. The"
    " text files before that are decoded, and the format of each line shows the release."
)
STOPPED = (
    "Decoding stopped at a limit before it found commands/vmware_-vl.txt, which shows the release in a support bundle."
    " The text files before that are decoded, and the format of each line shows the release."
)
READ_ONCE = (
    "The input is a pipe, so files before {file} are decoded without the release that it shows. To use"
    " it for all files, give the name of the archive."
)
PIPED_ZIP = "This is a ZIP archive, which cannot be decoded from a pipe or inside another file. Give its name."
NESTED = "{name} is an archive inside the archive, so it is not decoded."
NOTHING_IN_IT = "This archive has no log in it ({looked_at})."


def decode_archive(
    source: Source,
    blocks: Iterator[bytes],
    given: Origin | None,
    tables: Tables,
    looked: LookedAt,
    limits: Limits,
    every_line: bool,
) -> Iterator[list[Decoded]]:
    """Decode the logs of an archive, whose content is ``blocks`` and which ``looked.archive`` names.

    ``given`` is the release that the caller gave. Raises NotText for an archive without any log.
    """
    if looked.archive == "zip" and (source.file is None or looked.compression):
        raise NotText(PIPED_ZIP)
    bundle = Bundle(given, tables)
    if source.file is not None:
        yield from _survey(source, looked.archive, bundle, limits)
        looked.bytes = looked.unpacked = 0
        blocks = opened(source.blocks(), looked, limits).blocks
    for member in _members(source, looked.archive, blocks, looked, limits):
        if not bundle.take(member) and (is_log if bundle.name else may_be_log)(member.name):
            yield from _decode_member(member, bundle, looked, limits, every_line)
        yield []
        if looked.unpacked > limits.total:
            break
    if not looked.files:
        raise NotText(" ".join([NOTHING_IN_IT.format(looked_at=looked.in_words()), *looked.problems]))
    if not bundle.name:
        looked.add_problem(STOPPED if looked.limited else INCOMPLETE if looked.incomplete else NO_BUNDLE)
    else:
        looked.add_format(BUNDLE.format(name=bundle.name))
        if source.file is None:
            looked.add_problem(READ_ONCE.format(file=bundle.version_file))
        if bundle.problem:
            looked.add_problem(bundle.problem)


def _survey(source: Source, archive: str, bundle: Bundle, limits: Limits) -> Iterator[list[Decoded]]:
    """Read an archive up to what shows its release; yield nothing decoded, so that the caller can show progress."""
    looked = LookedAt()
    for member in _members(source, archive, opened(source.blocks(), looked, limits).blocks, looked, limits):
        bundle.take(member)
        if bundle.complete:
            return
        yield []


def _members(
    source: Source, archive: str, blocks: Iterator[bytes], looked: LookedAt, limits: Limits
) -> Iterator[Member]:
    if archive == "tar":
        yield from tar_members(blocks, looked)
        return
    assert source.file is not None
    looked.bytes = source.file.seek(0, os.SEEK_END)
    looked.unpacked = 0
    for member in zip_members(source.file, looked):
        yield member._replace(blocks=limited(member.blocks, looked, limits, lambda size=member.size: size))  # type: ignore[misc]


def _decode_member(
    member: Member, bundle: Bundle, looked: LookedAt, limits: Limits, every_line: bool
) -> Iterator[list[Decoded]]:
    name = shown_name(member.name)
    own = LookedAt(unpacked=looked.unpacked)
    try:
        archive, blocks = opened(member.blocks, own, limits, counted=True)
    except NotText:
        return
    if archive:
        looked.add_problem(NESTED.format(name=name))
        return
    progress = Progress()
    for lines in decode_stream(text(blocks, own, bundle.tables), bundle.origin, bundle.tables, progress, every_line):
        if own.encoding == "binary":
            return
        yield [line._replace(file=name) for line in lines]
    looked.files += 1
    looked.lines += progress.lines
    looked.long_lines += progress.long_lines
    looked.unpacked = max(looked.unpacked, own.unpacked)
    looked.limited = looked.limited or own.limited
    looked.add_encoding(own.encoding)
    for format_ in own.formats:
        looked.add_format(format_)
    for problem in own.problems:
        looked.add_problem(f"{name}: {problem}")
