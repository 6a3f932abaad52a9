"""What the commands of lists share: filters, the table, one form of JSON, and `--watch`.

`--json` prints one object: the list under the name of the command, such as `jobs`, and `next`, the cursor for the rest
or null. Other keys are those of the HTTP API.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

from vmkops.commands import EXIT_DONE
from vmkops.commands._options import add_patience_option, ago
from vmkops.commands._parser import Parser
from vmkops.commands._shown import for_people


class Filter(NamedTuple):
    """One option that narrows a list: its name, the parameter of the HTTP call, its help, and its values if few."""

    option: str
    query: str
    help: str
    metavar: str | None = None
    choices: tuple[str, ...] | None = None
    type: Callable[[str], str] = str
    many: bool = False


PIPED = (
    "A terminal gets a heading above the columns. A pipe or a file gets the rows alone, for cut, awk and sort; "
    "programs that need names of columns take --json."
)
NAME = Filter("--name", "q", "only those with these words in the name", "WORDS")
VCENTER = Filter("--vcenter", "vcenter", "only those of the vCenter with this name", "NAME")
SINCE = Filter("--since", "since", "only those of this time, such as 90m, 24h or 7d", "TIME", type=ago)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One kind of things: the command that lists them, the HTTP call, and how they look."""

    name: str
    """The name of the command, under which JSON has the list."""
    columns: Mapping[str, Callable[[Mapping[str, Any]], str]]
    filters: tuple[Filter, ...] = ()
    path: str = ""
    """The path of the list; `/NAME` without it. One thing is below it."""
    key: str = ""
    """The key of the list in the answer over HTTP, where it is not the name."""
    none: str = ""
    """What to say of an empty list; `No NAME.` without it."""
    fixed: tuple[tuple[str, str], ...] = ()
    """Parameters that every call has."""

    @property
    def at(self) -> str:
        """The path of the list."""
        return self.path or f"/{self.name}"


def add_list_options(parser: argparse.ArgumentParser, listing: Listing) -> None:
    """Add the filters of the list, --limit, --cursor, --json, --watch and --patience."""
    for each in listing.filters:
        parser.add_argument(
            each.option,
            dest=each.query,
            metavar=each.metavar,
            choices=each.choices,
            type=each.type,
            help=each.help + ("; may be repeated" if each.many else ""),
            action="append" if each.many else "store",
        )
    parser.add_argument("--limit", type=_positive, metavar="N", help="list at most this many")
    parser.add_argument("--cursor", metavar="N", help="continue where a list ended: the value of `next` in its JSON")
    parser.add_argument("--json", action="store_true", help="print JSON, as `vmkops help commands` describes it")
    parser.add_argument("--watch", action="store_true", help="show it again whenever it changes, until Ctrl-C")
    add_patience_option(parser)
    parser.epilog = " ".join(filter(None, (PIPED, parser.epilog)))


def list_parser(listing: Listing, command: str, summary: str, what: str) -> argparse.ArgumentParser:
    """The arguments of `vmkops COMMAND [NAME]`; `what` is the help of NAME."""
    made = Parser(prog=f"vmkops {command}", description=summary)
    add_list_arguments(made, listing, what)
    return made


def add_list_arguments(parser: argparse.ArgumentParser, listing: Listing, what: str) -> None:
    """Add NAME and the options of the list; `what` is the help of NAME."""
    parser.add_argument("one", nargs="?", metavar="NAME", help=f"{what}; without it all are listed")
    add_list_options(parser, listing)


def run_list(listing: Listing, made: argparse.ArgumentParser, argv: Sequence[str]) -> int:
    """Print one thing or the list, once or again and again.

    Raises ServiceError when the service does not answer or there is no such thing.
    """
    return print_one_or_list(listing, made, made.parse_args(without_list(argv)))


def without_list(argv: Sequence[str]) -> Sequence[str]:
    """The words without a leading `list`, which people type although the command alone lists."""
    return argv[1:] if argv[:1] == ["list"] else argv


def print_one_or_list(listing: Listing, made: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """The same with the options that `made` has read."""
    import asyncio

    if options.one is not None:
        if query_of(listing, options) or options.watch:
            made.error("NAME shows one; filters and --watch are for the list")
        return asyncio.run(_print_one(listing, options.one, as_json=options.json))
    return print_list(listing, options)


def print_list(listing: Listing, options: argparse.Namespace) -> int:
    """Print the list with the filters in `options`, once, or again and again with --watch; exit 0 also when empty."""
    import asyncio

    query = query_of(listing, options)
    if options.watch:
        from vmkops.commands._watch import watch_list

        return watch_list(listing, query, patience=options.patience, as_json=options.json)
    answer = asyncio.run(read_list(listing, query))
    if options.json:
        print(json.dumps(answer))
        return EXIT_DONE
    show(listing, answer)
    return EXIT_DONE


def query_of(listing: Listing, options: argparse.Namespace) -> dict[str, str | list[str]]:
    """The parameters of the HTTP call for the options that are given."""
    names = [*(each.query for each in listing.filters), "limit", "cursor"]
    given = {name: getattr(options, name, None) for name in names}
    return {name: value if isinstance(value, list) else str(value) for name, value in given.items() if value}


async def read_list(listing: Listing, query: Mapping[str, str | list[str]]) -> dict[str, Any]:
    """The answer of the service in the form of `--json`: the list under the name of the command, and `next`."""
    from vmkops.commands._console import client

    async with client() as service:
        answer = await service.search(listing.at, {**dict(listing.fixed), **query})
    found = answer.pop(listing.key or listing.name)
    return {listing.name: found, "next": None, **answer}


def show(listing: Listing, answer: Mapping[str, Any]) -> None:
    """Print a list: its rows on standard output; that it is empty, incomplete or old on standard error."""
    lines = rows(listing, answer)
    if lines:
        from vmkops.commands._color import show_lines

        show_lines(lines)
    for doubt in doubts(listing, answer):
        print(for_people(doubt), file=sys.stderr)


def rows(listing: Listing, answer: Mapping[str, Any]) -> list[str]:
    """The lines of the table; none for an empty list."""
    from vmkops.commands._table import lines_of

    found = answer[listing.name]
    return lines_of(found, listing.columns) if found else []


def doubts(listing: Listing, answer: Mapping[str, Any]) -> list[str]:
    """Sentences for standard error: the list is empty, there is more, or a vCenter does not answer."""
    from service.api.models import Freshness
    from service.api.words import copies_hint

    said = [] if answer[listing.name] else [listing.none or f"No {listing.name}."]
    if said and (hint := copies_hint(answer.get("copy_targets", ()))):
        said.append(hint)
    if answer["next"] is not None:
        said.append(f"There are more: add --cursor {answer['next']}, or a larger --limit.")
    seen = [Freshness.model_validate(each) for each in answer.get("inventory", [])]
    return said + [words for each in seen if (words := each.words())]


async def _print_one(listing: Listing, name: str, *, as_json: bool) -> int:
    from vmkops.commands._inventory import print_answer

    return await print_answer(f"{listing.at}/{quote(name, safe='')}", {}, as_json=as_json)


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)
