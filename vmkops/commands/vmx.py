"""`vmkops vmx`: the catalogue of snippets, one snippet filled in, a lint, and the diff of a merge."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from knowledge.for_people import amount
from service.api.words import counted
from vmkops.commands import OFFLINE

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from knowledge.vmx.parse import Vmx
    from knowledge.vmx.snippets import Rendered

SUMMARY = "print VMX snippets that are safe to paste, lint a VMX, or show the diff of a merge"
GROUP = OFFLINE

FOUND, NOT_FOUND, WRONG_USAGE = 0, 1, 2
MAX_BYTES = 64 * 1024 * 1024
"""The largest VMX that is read; a real one has a few kilobytes."""

USAGE = """usage: vmkops vmx snippets [--json]
       vmkops vmx snippet NAME [key=value ...] [--into FILE] [--end END] [--json]
       vmkops vmx lint FILE [--far-end FILE] [--json]
       vmkops vmx merge FILE --snippet NAME [key=value ...] [--end END] [--json]
FILE may be - for standard input."""

HELP = f"""{USAGE}

{SUMMARY}.

Exit status: 0 found or valid, 1 not found or invalid, 2 wrong usage."""


class _UnreadableFileError(Exception):
    """A file that cannot be read, or is too large for a VMX."""


def parser() -> ArgumentParser:
    """The arguments of the command and its subcommands."""
    from vmkops.commands._parser import Parser

    made = Parser(prog="vmkops vmx", description=SUMMARY)
    commands = made.add_subparsers(metavar="COMMAND")
    for name, command in _SUBCOMMANDS.items():
        _add_arguments(commands.add_parser(name, help=command.summary, description=command.summary), command)
    return made


def _add_arguments(parser: ArgumentParser, command: _Subcommand) -> None:
    if command.arguments:
        command.arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(argv: list[str]) -> int:
    """Run `vmkops vmx` with the words after it; 0 found or valid, 1 not found or invalid, 2 wrong usage."""
    subcommand = argv[0] if argv else ""
    if subcommand in {"-h", "--help", "help"}:
        print(HELP)
        return FOUND
    command = _SUBCOMMANDS.get(subcommand)
    if command is None:
        from vmkops.commands._misuse import subcommand_missing, wrong_usage
        from vmkops.commands._near import did_you_mean, shown

        if not subcommand:
            return subcommand_missing("vmkops vmx", {name: each.summary for name, each in _SUBCOMMANDS.items()})
        near = did_you_mean(subcommand, _SUBCOMMANDS) or f" Choose one of: {', '.join(_SUBCOMMANDS)}."
        return wrong_usage("vmkops vmx", f"there is no subcommand {shown(subcommand)}.{near}")
    from vmkops.commands._parser import Parser

    made = Parser(prog=f"vmkops vmx {subcommand}", description=command.summary, allow_abbrev=False)
    _add_arguments(made, command)
    try:
        arguments = made.parse_intermixed_args(argv[1:])
    except SystemExit as stop:
        return WRONG_USAGE if stop.code else FOUND
    from knowledge.errors import NotFound, Unreadable

    try:
        return command.run(arguments)
    except NotFound as problem:
        return _failed(problem.message, arguments, NOT_FOUND, problem.suggestions)
    except Unreadable as problem:
        return _failed(problem.message, arguments, WRONG_USAGE, problem.suggestions)
    except _UnreadableFileError as problem:
        return _failed(str(problem), arguments, WRONG_USAGE)


def _snippets(arguments: Namespace) -> int:
    from knowledge.vmx.snippets import SNIPPETS, described

    if arguments.json:
        _print_json({"snippets": [asdict(described(snippet)) for snippet in SNIPPETS.values()]})
        return FOUND
    for snippet in SNIPPETS.values():
        print(f"{snippet.name}: {snippet.summary}")
        for parameter in snippet.parameters:
            needed = "required" if parameter.required else f"default {parameter.default or 'none'}"
            print(f"    {parameter.name}= {parameter.meaning} ({needed})")
    return FOUND


def _snippet(arguments: Namespace) -> int:
    into = _read(arguments.into) if arguments.into else None
    rendered = _rendered(arguments, arguments.name, into)
    if arguments.json:
        _print_json(
            {
                "name": rendered.name,
                "text": rendered.text,
                "texts": dict(rendered.texts),
                "notes": list(rendered.notes),
            }
        )
        return FOUND
    print(rendered.texts[arguments.end] if arguments.end else rendered.text, end="")
    for note in rendered.notes:
        print(f"note: {note}", file=sys.stderr)
    return FOUND


def _lint(arguments: Namespace) -> int:
    from knowledge.finding import is_valid
    from knowledge.vmx.lint import lint

    far_end = _read(arguments.far_end) if arguments.far_end else None
    findings = lint(_read(arguments.file), far_end)
    valid = is_valid(findings)
    if arguments.json:
        _print_json({"valid": valid, "findings": [asdict(finding) for finding in findings]})
        return FOUND if valid else NOT_FOUND
    for finding in findings:
        print(f"{finding.severity}: {finding.where}: {finding.message} [{finding.rule}]")
        for line in finding.fix.splitlines():
            print(f"    {line}")
    counts = [
        counted(sum(finding.severity == severity for finding in findings), severity, plural)
        for severity, plural in (("error", ""), ("warning", ""), ("info", "info"))
    ]
    verdict = "valid" if valid else "not valid"
    if valid and any(finding.rule == "hardware-version" and finding.severity == "warning" for finding in findings):
        verdict += ", but no current host is known to run its hardware version"
    print(f"{arguments.file}: {verdict} ({', '.join(counts)})")
    return FOUND if valid else NOT_FOUND


def _merge(arguments: Namespace) -> int:
    from knowledge.vmx.merge import MergeError, merge

    vmx = _read(arguments.file)
    rendered = _rendered(arguments, arguments.snippet, vmx)
    end = arguments.end or next(iter(rendered.settings))
    try:
        name = "vm.vmx" if arguments.file == "-" else arguments.file
        merged = merge(vmx, rendered.settings[end], name, end=end, notes=rendered.notes)
    except MergeError as problem:
        return _failed(str(problem), arguments, NOT_FOUND)
    if arguments.json:
        _print_json(asdict(merged))
        return FOUND
    print(merged.diff, end="")
    if not merged.diff:
        print("Nothing to change: the VMX has all of these lines already.", file=sys.stderr)
    for change in merged.replaced:
        print(f"replaced on line {change.line}: {change.key}, was {change.old!r}", file=sys.stderr)
    if len(rendered.settings) > 1 and not arguments.end:
        print(f"This is the {end} end; --end has the others: {', '.join(rendered.settings)}.", file=sys.stderr)
    for note in rendered.notes:
        print(f"note: {note}", file=sys.stderr)
    return FOUND


def _rendered(arguments: Namespace, name: str, into: Vmx | None) -> Rendered:
    from knowledge.vmx.catalogue import InvalidParameterError
    from knowledge.vmx.snippets import render

    parameters: dict[str, str] = {}
    for word in arguments.parameters:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise InvalidParameterError(f"{word!r} is not key=value.")
        if key in parameters:
            raise InvalidParameterError(f"{key} is given twice.")
        parameters[key] = value
    rendered = render(name, parameters, into)
    if arguments.end and arguments.end not in rendered.texts:
        ends = ", ".join(rendered.texts)
        raise InvalidParameterError(f"This snippet has no end {arguments.end!r}; it has {ends}.")
    return rendered


def _read(file: str) -> Vmx:
    from knowledge.vmx.parse import parse

    try:
        if file == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with open(file, "rb") as source:  # noqa: PTH123 - pathlib is not loaded otherwise
                data = source.read(MAX_BYTES + 1)
    except OSError as problem:
        raise _UnreadableFileError(f"{file} cannot be read: {problem.strerror}.") from problem
    if len(data) > MAX_BYTES:
        raise _UnreadableFileError(f"{file} is larger than {amount(MAX_BYTES)}, so it is not a VMX.")
    return parse(data)


def _failed(message: str, arguments: Namespace, code: int, suggestions: tuple[str, ...] = ()) -> int:
    if arguments.json:
        _print_json({"error": message, "suggestions": list(suggestions)})
    else:
        print(f"vmkops vmx: {message}", file=sys.stderr)
        if suggestions and code == NOT_FOUND:
            print(f"Did you mean {' or '.join(suggestions[:3])}?", file=sys.stderr)
    return code


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _snippet_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a name of `vmkops vmx snippets`")
    parser.add_argument("parameters", metavar="key=value", nargs="*", help="parameters of the snippet")
    parser.add_argument("--into", metavar="FILE", help="a VMX whose free slots are used")
    parser.add_argument("--end", help="only this end of a snippet with two: server or client")


def _lint_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the VMX, or - for standard input")
    parser.add_argument("--far-end", metavar="FILE", help="the VMX at the other end of its serial pipe")


def _merge_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the VMX, or - for standard input; it is not changed")
    parser.add_argument("parameters", metavar="key=value", nargs="*", help="parameters of the snippet")
    parser.add_argument("--snippet", metavar="NAME", required=True, help="a name of `vmkops vmx snippets`")
    parser.add_argument("--end", help="which end of a snippet with two: server or client")


class _Subcommand(NamedTuple):
    summary: str
    arguments: Callable[[ArgumentParser], None] | None
    run: Callable[[Namespace], int]


_SUBCOMMANDS = {
    "snippets": _Subcommand("List the snippets with their parameters.", None, _snippets),
    "snippet": _Subcommand("Print a snippet, ready to paste.", _snippet_arguments, _snippet),
    "lint": _Subcommand("Check a VMX.", _lint_arguments, _lint),
    "merge": _Subcommand("Show what merging a snippet into a VMX changes.", _merge_arguments, _merge),
}
