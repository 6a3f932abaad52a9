"""Merges settings into a VMX and shows the changes line by line; all other lines remain unchanged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from knowledge.errors import Unreadable
from knowledge.file_kinds import ovf_kind
from knowledge.vmx.diff import Edit, unified
from knowledge.vmx.excerpt import excerpt
from knowledge.vmx.parse import Vmx
from knowledge.vmx.syntax import setting

_BOOLEANS = frozenset({"true", "false"})


@dataclass(frozen=True, slots=True)
class Replaced:
    """A setting that had another value: its key, the line it was on, the old value and the new one."""

    key: str
    line: int
    old: str
    new: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """A VMX with the settings of a snippet merged into it."""

    text: str
    diff: str
    """Unified; empty when the VMX has all of these settings already."""
    end: str
    """Which end of the snippet was merged; `vm` when it has only one."""
    added: list[str]
    replaced: list[Replaced]
    unchanged: list[str]
    removed: list[int]
    """The lines of duplicates that were removed."""
    notes: tuple[str, ...] = ()
    """The caveats of the snippet."""


class MergeError(Unreadable):
    """The VMX cannot be changed without damage; the message says why and what to do first."""


def merge(
    vmx: Vmx,
    settings: Iterable[tuple[str, str]],
    name: str = "vm.vmx",
    *,
    end: str = "vm",
    notes: tuple[str, ...] = (),
) -> Merged:
    """Set every key of `settings` in `vmx`: in its line when it has one, else at the end of the file.

    `name` is the file name in the diff; `end` and `notes` are those of the snippet. A key with several lines keeps only
    the first, because a VMX with a duplicate key does not load. A second merge of the same settings changes nothing.
    Raises `MergeError`, or `UnsafeValueError` for a value that cannot be written.
    """
    if kind := ovf_kind(vmx.text):
        raise MergeError(f"This is an {kind}, not a VMX. Give the .vmx file of the VM.")
    if vmx.lossy:
        raise MergeError(
            "Some bytes of this VMX are not text in its encoding. Correct them before you change the file."
        )
    wanted = {key.lower(): (key, value) for key, value in settings}
    lines = _lines(vmx.text)
    line_end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    edits: dict[int, Edit] = {}
    added: list[str] = []
    replaced: list[Replaced] = []
    unchanged: list[str] = []
    removed: list[int] = []
    new_lines: list[str] = []
    for lower, (key, value) in wanted.items():
        line = _encodable(setting(key, value), vmx) + line_end
        entry = vmx.entries.get(lower)
        if entry is None:
            added.append(key)
            new_lines.append(line)
            continue
        duplicates = vmx.duplicates.get(lower, [])
        removed.extend(duplicates)
        edits.update((number - 1, []) for number in duplicates)
        if _same(entry.value, value) and entry.line not in vmx.repaired:
            unchanged.append(key)
            continue
        replaced.append(Replaced(key, entry.line, entry.value, value))
        edits[entry.line - 1] = [line]
    if new_lines:
        edits |= _appended(lines, new_lines, edits, line_end)
    text = "".join(part for number, line in enumerate([*lines, ""]) for part in edits.get(number, [line]))
    return Merged(
        text=text,
        diff=unified(lines, edits, excerpt(name)),
        end=end,
        added=added,
        replaced=replaced,
        unchanged=unchanged,
        removed=sorted(removed),
        notes=notes,
    )


def _appended(lines: list[str], new: list[str], edits: Mapping[int, Edit], end: str) -> dict[int, Edit]:
    """Return the edits that put `new` after the last line, which gets a line end when it has none."""
    last = len(lines) - 1
    if not lines or lines[last].endswith("\n"):
        return {len(lines): new}
    closed = [part.rstrip("\r\n") + end for part in edits.get(last, [lines[last]])]
    return {last: closed, len(lines): new}


def _lines(text: str) -> list[str]:
    """Split `text` after every line feed and nowhere else, as the parser counts lines."""
    parts = text.split("\n")
    last = parts.pop()
    return [f"{part}\n" for part in parts] + ([last] if last else [])


def _same(old: str, new: str) -> bool:
    return old == new or (new.lower() in _BOOLEANS and old.lower() == new.lower())


def _encodable(line: str, vmx: Vmx) -> str:
    try:
        line.encode(vmx.encoding)
    except UnicodeEncodeError as problem:
        raise MergeError(
            f"The encoding of this VMX is {vmx.encoding}, which does not have {line[problem.start]!r}."
        ) from problem
    return line
