"""`vmkops vmkerr`: what a vmkernel status code, name, errno or words mean, release by release."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from knowledge.errors import NotFound, Unreadable
from knowledge.vmkerr import lookup as vmkerr
from knowledge.vmkerr.advice import as_text
from vmkops.commands import OFFLINE
from vmkops.commands._lookup import FOUND, NOT_FOUND, data_dir, failed, print_json, tables
from vmkops.commands._words import read_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "show what a vmkernel code, name, errno or words mean in each ESX release, and what to do"
GROUP = OFFLINE
USES_SERVICE = True

USAGE = """\
usage: vmkops vmkerr QUERY... [--release R] [--json]
       vmkops vmkerr --list [--release R] [--json]
       vmkops vmkerr import FILE --release NAME"""

HELP = f"""\
{USAGE}

{SUMMARY}.

  QUERY          a code, a name or part of one, an errno, or words of the text
  --release R    only this release: 3.5, 5.0, 6.7, 8, ddk-2024, or one that was imported
  --json         print JSON, as `vmkops help commands` describes it
  --list         print the whole table in the columns of vmkerrcode -l
  import FILE    keep what vmkerrcode -l printed on a host here, so that lookups include it as release NAME;
                 a vm-support bundle contains it as commands/vmkerrcode_-l.txt; - is standard input

  vmkops vmkerr 0xbad0022                   hex as a log prints it; also bad0022 and 195887138
  vmkops vmkerr reservation conflict        also VMK_RESERVATION_CONFLICT, reservation_conf and EAGAIN
  vmkops vmkerr 0xbad0022 --release 6.7
  vmkops vmkerr import listing.txt --release esxi-7.0u3

Exit status: 0 found, 1 not found or not readable, 2 wrong usage."""

DISAGREE = "The releases disagree: go by the release of the host."


def parser() -> ArgumentParser:
    """The arguments of the command, for its documentation; `run` reads them without argparse, which starts slowly."""
    from vmkops.commands._parser import Parser

    made = Parser(prog="vmkops vmkerr", description=SUMMARY, epilog="vmkops vmkerr import FILE --release NAME")
    made.add_argument("query", nargs="*", metavar="QUERY", help="a code, a name or part of one, an errno, or words")
    made.add_argument("--release", metavar="R", help="only this release: 3.5, 5.0, 6.7, 8, or one that was imported")
    made.add_argument("--json", action="store_true", help="print JSON, as `vmkops help commands` describes it")
    made.add_argument("--list", action="store_true", help="print the whole table in the columns of vmkerrcode -l")
    return made


def run(argv: Sequence[str]) -> int:
    """Answer one lookup, list a table or import a listing; return the exit status."""
    queried, release, switches, mistake = read_words(argv, ("--json", "--list"), numbers=True)
    as_json = "--json" in switches
    if "--help" in switches:
        print(HELP)
        return FOUND
    if not mistake and bool(queried) == ("--list" in switches):
        mistake = "give a QUERY or --list, not both" if queried else "give a QUERY, or --list"
    importing = queried[:1] == ["import"]
    if importing and (len(queried) != 2 or not release):
        mistake = mistake or "an import needs one FILE and --release NAME"
    if mistake:
        from vmkops.commands._misuse import wrong_usage

        return wrong_usage("vmkops vmkerr", mistake)
    try:
        if importing:
            return _import(queried[1], release)
        if "--list" in switches:
            return _list(release, as_json)
        return _look_up(" ".join(queried), release, as_json)
    except (NotFound, Unreadable) as failure:
        return failed(failure, as_json)
    except OSError as failure:
        print(f"{failure.filename}: {failure.strerror}", file=sys.stderr)
        return NOT_FOUND


def _look_up(query: str, release: str, as_json: bool) -> int:
    answer = vmkerr.find(query, release, tables("vmkerr"))
    if as_json:
        _print_json(answer)
    else:
        print(_as_text(answer))
    return FOUND


def _list(release: str, as_json: bool) -> int:
    if as_json:
        _print_json(vmkerr.whole_table(release, tables("vmkerr")))
    else:
        from knowledge.vmkerr.listing import listing

        print(listing(release, tables("vmkerr")), end="")
    return FOUND


def _print_json(answer: vmkerr.Answer) -> None:
    records = {name: [record.as_object() for record in getattr(answer, name)] for name in ("matches", "advice")}
    print_json(answer.as_object() | records)


def _as_text(answer: vmkerr.Answer) -> str:
    """One line for each meaning (code, decimal, the releases it is valid for, meaning, name and errno), then advice."""
    cells = [
        (match.code, str(match.decimal), " ".join(match.releases), match.description, match.name, match.errno)
        for match in answer.matches
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(6)]
    lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
    if answer.differs:
        lines.insert(0, DISAGREE)
    if answer.note:
        lines.append(answer.note)
    for _, advice in answer.with_advice():
        lines += ["", as_text(advice)] if advice else []
    return "\n".join(lines)


def _import(file: str, name: str) -> int:
    from knowledge.vmkerr import listing as vmkerr_listing
    from service.api.words import counted
    from vmkops.commands._private import write_privately

    release = vmkerr_listing.release_id(name)
    found = vmkerr_listing.read_listing(vmkerr_listing.content(file), release)
    write_privately()
    kept = vmkerr_listing.keep(data_dir(), release, found.rows)
    print(f"{counted(len(found.rows), 'code')} of {release} imported into {kept}. Lookups include them from now on.")
    if found.skipped:
        first = ", ".join(map(str, found.skipped[:5]))
        lines = counted(len(found.skipped), "line")
        print(f"{lines} without a code skipped: {first}{', …' if len(found.skipped) > 5 else ''}", file=sys.stderr)
    return FOUND
