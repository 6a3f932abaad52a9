"""`vmkops decode`: every vmkernel code, SCSI status and storage name in a log, and what it means."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from knowledge.errors import Unreadable
from knowledge.vmkerr.table import Tables, tables_in
from knowledge.vmklog.finding import Meaning
from knowledge.vmklog.stream import LONGEST_LINE, Decoded, Progress, blocks_of, decode_stream
from service.api.words import counted
from vmkops.commands import OFFLINE
from vmkops.commands._log_html import page_mistake, take_page, write_page
from vmkops.commands._log_summary import print_summary
from vmkops.commands._log_text import LogText, wants_colour
from vmkops.commands._lookup import FOUND, NOT_FOUND, WRONG_USAGE, data_dir, failed
from vmkops.commands._words import read_words

SUMMARY = "explain every vmkernel code, SCSI status and storage name in a log"
GROUP = OFFLINE

USAGE = """\
usage: vmkops decode [FILE] [--release R] [--summary | --all] [--json]
       vmkops decode --html PAGE [FILE] [--release R]"""

HELP = f"""\
{USAGE}

{SUMMARY}:
prints each line that has any, with its number, and below it what they mean.

  FILE           the log; standard input when left out, or -
  --release R    the release of the host: 3.5, 6.7, 8, or one that was imported; without it the format of each line
                 decides, and where that is not enough, every reading is printed
  --summary      print what happened to each device, path, adapter, datastore and VM, a paragraph for the incident,
                 and how often each meaning occurs, with the first line that has it
  --all          print the lines without findings too
  --json         print one JSON object on a line for each finding, with the fields of POST /decode; with --summary one
                 for each meaning, one for each subject, and the incident

  --html PAGE    write a page that needs no other file: the incident, a timeline, and the lines with their codes marked
                 and explained; - writes it to standard output

  vmkops decode vmkernel.log
  vmkops decode --summary < vmkernel.log
  tail -f vmkernel.log | vmkops decode

Exit status: 0 something was found, 1 nothing was found or the log cannot be read, 2 wrong usage."""

LONG_LINES = "{lines} longer than {size} KiB, decoded in pieces. A text that was split there may be missed."
NOTHING = "Nothing found: no vmkernel code, SCSI status or storage name in {lines}."


def run(argv: Sequence[str]) -> int:
    """Decode a file or standard input; return the exit status."""
    page, argv = take_page(argv)
    files, release, switches, mistake = read_words(argv, ("--json", "--summary", "--all"))
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
        print(f"{USAGE}\nvmkops decode: {mistake}", file=sys.stderr)
        return WRONG_USAGE
    try:
        with _reading(files[0] if files else "-") as read:
            return _decode(read, release, switches, page, files[0] if files else "-")
    except Unreadable as failure:
        return failed(failure, "--json" in switches)
    except OSError as failure:
        if isinstance(failure, BrokenPipeError):
            raise
        print(f"{failure.filename or 'standard input'}: {failure.strerror}", file=sys.stderr)
        return NOT_FOUND


@contextmanager
def _reading(file: str) -> Iterator[Callable[[int], bytes]]:
    """Open a file, or standard input for `-`; what is yielded reads what is there without waiting for more."""
    descriptor = 0 if file == "-" else os.open(file, os.O_RDONLY)
    try:
        yield lambda size: os.read(descriptor, size)
    finally:
        if descriptor:
            os.close(descriptor)


def _decode(read: Callable[[int], bytes], release: str, switches: set[str], page: str | None, name: str) -> int:
    tables = _tables()
    progress = Progress()
    decoded = decode_stream(blocks_of(read), release, tables, progress, every_line="--all" in switches)
    as_json = "--json" in switches
    if page is not None:
        found = write_page(page, decoded, name)
    elif "--summary" in switches:
        found = print_summary(decoded, as_json=as_json)
    else:
        found = _print_findings(decoded, _as_json if as_json else LogText(colour=wants_colour(sys.stdout)).line)
    if progress.long_lines:
        were = "was" if progress.long_lines == 1 else "were"
        lines = f"{counted(progress.long_lines, 'line')} {were}"
        print(LONG_LINES.format(lines=lines, size=LONGEST_LINE >> 10), file=sys.stderr)
    if not found:
        print(NOTHING.format(lines=counted(progress.lines, "line")), file=sys.stderr)
    return FOUND if found else NOT_FOUND


def _tables() -> Tables:
    tables = tables_in(data_dir())
    for problem in tables.problems:
        print(f"warning: {problem}", file=sys.stderr)
    return tables


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
    return "".join(
        f'{{"line": {line}, "start": {start}, "end": {end}, "text": {json.dumps(text)}, {_meaning_as_json(meaning)}\n'
        for line, start, end, text, meaning in decoded.findings
    )


@lru_cache(maxsize=16384)
def _meaning_as_json(meaning: Meaning) -> str:
    """The rest of the JSON object of a finding, after its place."""
    return json.dumps(meaning.to_dict())[1:]
