"""`vmkops kb`: the procedures on a terminal: found by words, shown whole, and checked before they are shared."""

from __future__ import annotations

import sys
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.errors import NotFound, shown
from vmkops.commands import OFFLINE
from vmkops.commands._kb_found import all_pages, found_by, live_page, one_page, open_store, wrong_targets
from vmkops.commands._kb_pages import as_text, check, import_pages, print_template, subcommand_meant
from vmkops.commands._lookup import FOUND, NOT_FOUND, WRONG_USAGE, failed, print_json
from vmkops.commands._misuse import subcommand_missing, wrong_usage

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping, Sequence

    from knowledge.procedure_store.lookups import Lookup
    from knowledge.procedure_store.procedure import Procedure
    from knowledge.procedure_store.search import Hit

SUMMARY = "find procedures by words, show or list them; check, begin or import pages of your own"
GROUP = OFFLINE
USES_SERVICE = True

NAMED = 10
"""How many procedures are named when the name is missing."""

USAGE = """usage: vmkops kb WORDS ...       find procedures; the last word may be incomplete
       vmkops kb show SLUG [--vm NAME] [--host NAME] [--datastore NAME]
                                 print one; with a target, the service fills in its live blocks
       vmkops kb list            list all of them by title
       vmkops kb check [FOLDER]  show what is wrong in the pages of a folder, by file and line
       vmkops kb template [KIND] print a page to fill in: alert, failure, maintenance or reference
       vmkops kb import FILE_OR_FOLDER [--into FOLDER]
                                 write Markdown runbooks as pages, by default into your own folder"""

USES = {
    "WORDS": "find procedures, such as vmkops kb host not responding",
    "show": "print one procedure",
    "list": "list all procedures",
    "check": "show what is wrong in the pages of a folder",
    "template": "print a page to fill in",
    "import": "write Markdown runbooks as pages",
}
"""What there is after `vmkops kb`."""
HELP = f"""{USAGE}

{SUMMARY}.

A search that contains a code, an event or a fault first prints the lookup that explains it. A page that has few of the
words is marked as a weak match.
Each form takes --json. Pages of your own are read from the folder in VMKOPS_PROCEDURES_DIR. When a service is named,
searches, show and list use its pages instead, unless you add --local.

Exit status: 0 found or valid, 1 not found or invalid, 2 wrong usage."""


def parser() -> ArgumentParser:
    """The arguments of the command, for its documentation; `run` takes words that are none of these for a search."""
    from knowledge.procedure_store.placeholders import TARGETS
    from vmkops.commands._parser import Parser

    made = Parser(prog="vmkops kb", description=f"{SUMMARY}. vmkops kb WORDS searches.")
    commands = made.add_subparsers(metavar="WORDS | COMMAND")
    show = commands.add_parser("show", help="print one procedure", description="print one procedure")
    show.add_argument("slug", metavar="SLUG", help="its name")
    for target in TARGETS:
        show.add_argument(f"--{target}", metavar="NAME", help=f"fill in the live blocks for this {target}")
    listing = commands.add_parser("list", help="list all procedures", description="list all procedures")
    words = "show what is wrong in the pages of a folder, by file and line"
    checked = commands.add_parser("check", help=words, description=words)
    checked.add_argument("folder", nargs="?", metavar="FOLDER", help="the folder; otherwise VMKOPS_PROCEDURES_DIR")
    words = "print a page to fill in"
    template = commands.add_parser("template", help=words, description=words)
    template.add_argument("kind", nargs="?", metavar="KIND", help="alert, failure, maintenance or reference")
    words = "write Markdown runbooks as pages"
    imported = commands.add_parser("import", help=words, description=words)
    imported.add_argument("source", metavar="FILE_OR_FOLDER", help="the runbooks")
    imported.add_argument("--into", metavar="FOLDER", help="where to write them; otherwise VMKOPS_PROCEDURES_DIR")
    for each in (show, listing, checked, template, imported):
        each.add_argument("--json", action="store_true", help="print JSON")
    return made


def run(argv: list[str]) -> int:
    """Run `vmkops kb` with the words after it; 0 found or valid, 1 not found or invalid, 2 wrong usage."""
    as_json = "--json" in argv
    words = [word for word in argv if word != "--json"]
    if words == ["help"] or {"-h", "--help"} & set(words):
        print(HELP)
        return FOUND
    words, into = _without_option(words, "into")
    words, targets = _targets(words)
    unknown = next((word for word in words if word.startswith("--")), None)
    if into is not None and (not into or words[:1] != ["import"] or len(words) != 2):
        return wrong_usage("vmkops kb", "--into FOLDER belongs to import")
    if targets and (unknown or words[:1] != ["show"] or len(words) > 2):
        return wrong_usage("vmkops kb", "a target belongs to one procedure")
    if unknown:
        return wrong_usage("vmkops kb", _no_option(unknown))
    if not " ".join(words).strip():
        return subcommand_missing("vmkops kb", USES)
    match words:
        case ["show", slug] if targets:
            return _show_live(slug.removesuffix(".md"), targets, as_json=as_json)
        case ["show", slug]:
            return _show(slug.removesuffix(".md"), as_json=as_json)
        case ["show"]:
            return _name_missing(targets)
        case ["import"]:
            return wrong_usage("vmkops kb", "name the file or the folder to import")
        case ["list"]:
            return _list(as_json=as_json)
        case ["check"]:
            return check(None, as_json=as_json)
        case ["check", folder]:
            return check(Path(folder), as_json=as_json)
        case ["template"]:
            return print_template(None, as_json=as_json)
        case ["template", kind]:
            return print_template(kind, as_json=as_json)
        case ["import", source] if into or _is_path(source):
            return import_pages(Path(source), Path(into) if into else None, as_json=as_json)
        case _:
            return _search(" ".join(words), as_json=as_json)


def _search(words: str, *, as_json: bool) -> int:
    found = found_by(words)
    if meant := subcommand_meant(words, found.hits, lambda: [hit.slug for hit in all_pages()]):
        print(f"vmkops kb: these words were searched for. Did you mean {meant}?", file=sys.stderr)
    if as_json:
        results, lookups = [asdict(hit) for hit in found.hits], [asdict(lookup) for lookup in found.lookups]
        print_json({"query": words, "results": results, "lookups": lookups, "searched": asdict(found.searched)})
        return FOUND if found.hits else NOT_FOUND
    _print_lookups(found.lookups)
    if found.hits and all(hit.weak for hit in found.hits):
        print("No procedure fits these words well. The nearest ones:")
    _print_hits(found.hits)
    if found.hits:
        return FOUND
    advice = f"{found.searched.in_words()} Try other words, or list all pages: vmkops kb list"
    return failed(NotFound(f"No procedure contains any of the words {shown(words)}. {advice}"))


def _list(*, as_json: bool) -> int:
    listed = all_pages()
    if as_json:
        print_json({"results": [asdict(page) for page in listed]})
    else:
        _print_hits(listed)
    return FOUND


def _name_missing(targets: Mapping[str, str]) -> int:
    """Print that `show` needs a name, with the pages that can be filled in for these targets, or some of all."""
    from knowledge.procedure_store.placeholders import targets_in

    with open_store() as store:
        slugs = [hit.slug for hit in store.pages()]
        if targets:
            pages = (store.get(slug) for slug in slugs)
            slugs = [page.slug for page in pages if page and {*targets} <= {*targets_in(page.body)}]
    some = ", ".join(sorted(slugs)[:NAMED])
    more = f" and {len(slugs) - NAMED} more" if len(slugs) > NAMED else ""
    about = f" about a {' and a '.join(targets)}" if targets else ""
    print(
        f"vmkops kb: show needs the name of a procedure: vmkops kb show SLUG. Procedures{about}: {some}{more}. "
        "vmkops kb WORDS finds one by words, vmkops kb list lists all.",
        file=sys.stderr,
    )
    return WRONG_USAGE


def _show(slug: str, *, as_json: bool, targets: Mapping[str, str] | None = None, own: bool = False) -> int:
    try:
        page = one_page(slug, own=own)
    except NotFound as missing:
        return failed(missing, as_json)
    if as_json:
        print_json(asdict(page))
    else:
        print_page(page, targets or {})
    return FOUND


def print_page(page: Procedure, targets: Mapping[str, str] | None = None) -> None:
    """Print a page, with the targets in its commands."""
    from vmkops.commands._color import show_lines

    show_lines([as_text(page, targets or {}).removesuffix("\n")])


def _show_live(slug: str, targets: dict[str, str], *, as_json: bool) -> int:
    """Print the page as the service fills it in; where it does not, the page with the targets in its commands.

    A target that does not exist, or that several have, is told below the page, and the exit status is 1.
    """
    import asyncio

    from service.api.client import ServiceError
    from service.api.words import printable_lines
    from vmkops.commands._errors import report
    from vmkops.commands._of_service import page_from

    try:
        answer = asyncio.run(live_page(slug, targets))
        if as_json:
            print_json(answer)
        else:
            print_page(page_from(answer, f"/procedures/{slug}"))
        wrong = asyncio.run(wrong_targets(targets))
        return max((report("kb", each) for each in wrong), default=FOUND)
    except ServiceError as error:
        if as_json or error.problem.status == HTTPStatus.NOT_FOUND:
            raise
        why = printable_lines(error.problem.detail or error.problem.title)
        print(f"vmkops kb: the page is not filled in. {why}", file=sys.stderr)
    try:
        return _show(slug, as_json=False, targets=targets)
    except ServiceError:  # a token that is refused there is refused here too
        return _show(slug, as_json=False, targets=targets, own=True)


def _targets(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """The words without the options `--vm NAME`, `--host NAME` and `--datastore NAME`, and those by their names."""
    from knowledge.procedure_store.placeholders import TARGETS

    rest: list[str] = []
    targets: dict[str, str] = {}
    left = iter(words)
    for word in left:
        name, equals, value = word.removeprefix("--").partition("=")
        if word.startswith("--") and name in TARGETS and (value := value if equals else next(left, "")):
            targets[name] = value
        else:
            rest.append(word)
    return rest, targets


def _no_option(word: str) -> str:
    from knowledge.procedure_store.placeholders import TARGETS
    from vmkops.commands._near import did_you_mean
    from vmkops.commands._near import shown as plain

    return f"there is no option {plain(word)}.{did_you_mean(word, ['--json', '--into', *(f'--{x}' for x in TARGETS)])}"


def _without_option(words: list[str], name: str) -> tuple[list[str], str | None]:
    """The words without the option `--name VALUE`, and its value; None when it is not there, empty without a value."""
    for place, word in enumerate(words):
        if word == f"--{name}":
            return words[:place] + words[place + 2 :], (words[place + 1 : place + 2] or [""])[0]
        if word.startswith(f"--{name}="):
            return words[:place] + words[place + 1 :], word.partition("=")[2]
    return words, None


def _is_path(word: str) -> bool:
    """Whether a word after `import` names a file or a folder, rather than a word to search for."""
    return "/" in word or word.endswith(".md") or Path(word).exists()


def _print_hits(hits: Sequence[Hit]) -> None:
    from knowledge.procedure_store.text import marked

    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    for hit in hits:
        team, weak = "team" if hit.origin == "team" else "", "weak match" if hit.weak else ""
        notes = [note for note in (_since(hit.obsolete_since), team, weak) if note]
        print(f"{bold}{hit.slug}{plain}  {hit.title}{' (' + ', '.join(notes) + ')' if notes else ''}")
        print(f"    {hit.summary}")
        if hit.snippet:
            print(f"    … {marked(hit.snippet, bold, plain).strip('…')} …")


def _print_lookups(suggested: Sequence[Lookup]) -> None:
    """Print each lookup as the command that makes it, with its answer below."""
    import shlex

    for lookup in suggested:
        query = shlex.quote(lookup.query)
        print(f"vmkops vmkerr {query}" if lookup.command == "vmkerr" else f"echo {query} | vmkops decode")
        print(f"    {lookup.meaning}")


def _since(obsolete_since: str) -> str:
    return f"obsolete since {obsolete_since}" if obsolete_since else ""
