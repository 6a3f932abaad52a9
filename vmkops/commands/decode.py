"""`vmkops decode`: every vmkernel code, SCSI status and storage name in a log, and what it means."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from knowledge.errors import Unreadable
from knowledge.for_people import amount
from knowledge.loginput.decoding import decode_input
from knowledge.loginput.looked_at import LookedAt
from knowledge.loginput.source import Source
from knowledge.loginput.unpacking import Limits, read_size
from knowledge.vmklog.finding import Meaning
from knowledge.vmklog.stream import LONGEST_LINE, Decoded
from service.api.words import counted
from vmkops.commands import OFFLINE
from vmkops.commands._log_html import page_mistake, take_page, write_page
from vmkops.commands._log_progress import with_progress
from vmkops.commands._log_text import LogText, wants_colour
from vmkops.commands._lookup import FOUND, NOT_FOUND, failed, tables
from vmkops.commands._words import read_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "explain every code, status, event, fault and storage name in a log"
GROUP = OFFLINE
USES_SERVICE = True

USAGE = """\
usage: vmkops decode [FILE] [--release R] [--summary | --all] [--json] [--max-size SIZE]
       vmkops decode --html PAGE [FILE] [--release R] [--max-size SIZE]"""

HELP = f"""\
{USAGE}

{SUMMARY}:
prints each line that has any, with its number, and below it what they mean.

  FILE           the log; standard input when left out, or -. It may be compressed (gzip, xz, zstd, bzip2), in UTF-8,
                 UTF-16 or UTF-32, and exported as JSON lines. Of an archive (tar, compressed tar, ZIP), each text file
                 is decoded; of a vm-support bundle, the logs, with the release and the table of codes of its host
  --release R    the release of the host: 3.5, 6.7, 8, or one that was imported; without it the format of each line
                 decides, and where that is not enough, every reading is printed
  --summary      print what happened to each device, path, adapter, datastore and VM, a paragraph for the incident,
                 and how often each meaning occurs, with the first line that has it
  --all          print the lines without findings too
  --json         print one JSON object on a line for each finding, with the fields of POST /decode; with --summary one
                 for each meaning, one for each subject, and the incident
  --html PAGE    write a page that needs no other file: the incident, a timeline, and the lines with their codes marked
                 and explained; - writes it to standard output
  --max-size SIZE
                 how much a compressed input may unpack to, such as 500MiB or 100GiB; 64GiB when left out

  vmkops decode vmkernel.log
  vmkops decode --summary < vmkernel.log
  vmkops decode --summary esx-host-2024-05-01.tgz
  tail -f vmkernel.log | vmkops decode

Exit status: 0 something was found, 1 nothing was found or the log cannot be read, 2 wrong usage."""

LONG_LINES = "{lines} longer than {size}, decoded in pieces. A text that was split there may be missed."
NOTHING = "Nothing found: no code, status, event, fault or storage name in {looked_at}."


def parser() -> ArgumentParser:
    """The arguments of the command, for its documentation; `run` reads them without argparse, which starts slowly."""
    from vmkops.commands._parser import Parser

    made = Parser(prog="vmkops decode", description=SUMMARY)
    made.add_argument("file", nargs="?", metavar="FILE", help="a log, an archive or a vm-support bundle")
    made.add_argument("--release", metavar="R", help="the release of the host: 3.5, 6.7, 8, or one that was imported")
    made.add_argument("--summary", action="store_true", help="print what happened to each device, datastore and VM")
    made.add_argument("--all", action="store_true", help="print the lines without findings too")
    made.add_argument("--json", action="store_true", help="print one JSON object on a line for each finding")
    made.add_argument("--html", metavar="PAGE", help="write a page with a timeline and the lines explained")
    made.add_argument("--max-size", metavar="SIZE", help="how much a compressed input may unpack to, such as 500MiB")
    return made


def run(argv: Sequence[str]) -> int:
    """Decode a file or standard input; return the exit status."""
    page, words = take_page(argv)
    words, limits = _limits(words)
    files, release, switches, mistake = read_words(words, ("--json", "--summary", "--all"))
    if limits is None:
        mistake = mistake or "--max-size needs a size, such as 500MiB or 100GiB"
    if "--help" in switches:
        print(HELP)
        return FOUND
    if len(files) > 1:
        mistake = mistake or "give one FILE, or pipe them: cat FILES | vmkops decode"
    if {"--summary", "--all"} <= switches:
        mistake = mistake or "give --summary or --all, not both"
    if page is not None:
        mistake = mistake or page_mistake(page, files, switches)
    if mistake:
        from vmkops.commands._misuse import wrong_usage

        return wrong_usage("vmkops decode", mistake)
    try:
        with _reading(files[0] if files else "-") as source:
            return _decode(source, release, switches, limits or Limits(), page)
    except Unreadable as failure:
        return failed(failure, "--json" in switches)
    except OSError as failure:
        if isinstance(failure, BrokenPipeError):
            raise
        print(f"{failure.filename or 'standard input'}: {failure.strerror}", file=sys.stderr)
        return NOT_FOUND


def _limits(argv: Sequence[str]) -> tuple[list[str], Limits | None]:
    """Take --max-size out of the words; return the others and the limits, None when the size cannot be read."""
    words = list(argv)
    options = words[: words.index("--")] if "--" in words else words
    for at, word in enumerate(options):
        name, equals, value = word.partition("=")
        if name == "--max-size":
            size = read_size(value if equals else "".join(words[at + 1 : at + 2]))
            del words[at : at + (1 if equals else 2)]
            return words, Limits(total=size) if size else None
    return words, Limits()


@contextmanager
def _reading(file: str) -> Iterator[Source]:
    """Open a file, or standard input for `-`; the source reads what is there without waiting for more."""
    descriptor = 0 if file == "-" else os.open(file, os.O_RDONLY)
    try:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        from_start = is_file and os.lseek(descriptor, 0, os.SEEK_CUR) == 0
        again = open(descriptor, "rb", buffering=0, closefd=False) if from_start else None  # noqa: SIM115
        yield Source(lambda size: os.read(descriptor, size), again, "" if file == "-" else file)
    finally:
        if descriptor:
            os.close(descriptor)


def _decode(source: Source, release: str, switches: set[str], limits: Limits, page: str | None) -> int:
    looked = LookedAt()
    decoded = decode_input(source, release, tables("decode"), looked, limits, every_line="--all" in switches)
    decoded = with_progress(decoded, looked, source)
    as_json = "--json" in switches
    if page is not None:
        found = write_page(page, decoded, looked, source.name)
    elif "--summary" in switches:
        from vmkops.commands._log_summary import print_summary  # imported only for a summary

        found = print_summary(decoded, as_json=as_json)
    else:
        found = _print_findings(decoded, _as_json if as_json else LogText(colour=wants_colour(sys.stdout)).line)
    for remark in _remarks(looked, found):
        print(remark, file=sys.stderr)
    return FOUND if found else NOT_FOUND


def _remarks(looked: LookedAt, found: bool) -> Iterator[str]:
    """What people need to know about an input besides its findings."""
    if looked.long_lines:
        were = "was" if looked.long_lines == 1 else "were"
        lines = f"{counted(looked.long_lines, 'line')} {were}"
        yield LONG_LINES.format(lines=lines, size=amount(LONGEST_LINE))
    yield from looked.problems
    if not found:
        yield NOTHING.format(looked_at=looked.in_words())


def _print_findings(blocks: Iterable[list[Decoded]], write: Callable[[Decoded], str]) -> bool:
    """Print the findings block by block, so that a reader of `tail -f` sees them at once."""
    found = False
    for lines in blocks:
        if lines:
            found = found or any(line.findings for line in lines)
            sys.stdout.write("".join(map(write, lines)))
            sys.stdout.flush()
    return found


def _as_json(decoded: Decoded) -> str:
    file = f'"file": {json.dumps(decoded.file)}, ' if decoded.file else ""
    return "".join(
        f'{{{file}"line": {line}, "start": {start}, "end": {end}, '
        f'"text": {json.dumps(text)}, {_meaning_as_json(meaning)}\n'
        for line, start, end, text, meaning in decoded.findings
    )


@lru_cache(maxsize=16384)
def _meaning_as_json(meaning: Meaning) -> str:
    """The rest of the JSON object of a finding, after its place."""
    return json.dumps(meaning.to_dict())[1:]
