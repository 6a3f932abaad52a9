"""Reads a VMX, tolerantly: every bad line becomes a finding with its number, never an exception.

Time and memory grow with the size of the file, whatever is in it.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from knowledge.finding import Finding, Report
from knowledge.vmx.excerpt import excerpt
from knowledge.vmx.repair import repair, unquoted
from knowledge.vmx.syntax import LONGEST_FIX, codec, has_lone_bar, pasted, unescaped

_SETTING = re.compile(
    r'[ \t]*+([^\s#="\x00-\x1f\x7f]++)[ \t]*+=[ \t]*+'
    r'(?:"([^"\x00-\x08\x0a-\x1f\x7f]*+)"|([^\s#"\x00-\x1f\x7f]*+))'
    r"[ \t]*+(?:#.*)?"
)
_DECLARED = re.compile(rb'^[ \t]*\.encoding[ \t]*=[ \t]*"?([A-Za-z0-9_\-]{1,40})', re.IGNORECASE | re.MULTILINE)
_ENCODING_WITHIN = 65536
_TRUE = frozenset({"true", "yes", "on", "1"})


class Entry(NamedTuple):
    """One setting: the key as it is spelled, its value with escapes undone, and its line (from 1)."""

    key: str
    value: str
    line: int


class Vmx(NamedTuple):
    """A VMX as read.

    `entries` maps the key in lower case to the first setting of that name, in the order of the file;
    `duplicates` maps it to the lines of the further ones. `repaired` holds the lines whose meaning was guessed.
    `encoding` is a Python codec; `lossy` says that some bytes were not text in it.
    """

    text: str
    encoding: str
    lossy: bool
    entries: Mapping[str, Entry]
    duplicates: Mapping[str, list[int]]
    repaired: frozenset[int]
    findings: list[Finding]

    def get(self, key: str) -> str | None:
        """The value of `key` in any case, hidden or not, or None."""
        entry = self.entries.get(key.lower())
        return entry.value if entry else None

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Whether `key` is set to true; `default` when it is not set."""
        value = self.get(key)
        return default if value is None else value.strip().lower() in _TRUE

    def is_hidden(self, key: str) -> bool:
        """Whether `present = "FALSE"` on its device, or on the controller of that, hides `key`."""
        device = key.lower().partition(".")[0]
        controller = device.partition(":")[0]
        return any(not self.flag(f"{owner}.present", default=True) for owner in {device, controller})

    def active(self, key: str) -> str | None:
        """The value of `key`, or None when it is not set or its device is not present."""
        return None if self.is_hidden(key) else self.get(key)

    def where(self, key: str) -> str:
        """Where `key` stands, for a finding: its line and its name, or only the name when it is not set."""
        entry = self.entries.get(key.lower())
        return f"line {entry.line}: {excerpt(entry.key)}" if entry else key


def parse(source: str | bytes) -> Vmx:
    """Read `source`, the text or the bytes of a VMX; never raises for what is in it."""
    report = Report()
    text, encoding, lossy = _as_text(source, report) if isinstance(source, str) else _decoded(source, report)
    if text.startswith("\ufeff"):
        text = text[1:]
        message = "The file starts with a byte order mark, which can become a part of its first key."
        report.add(Finding("byte-order-mark", "warning", "line 1", message))
    entries: dict[str, Entry] = {}
    duplicates: dict[str, list[int]] = {}
    repaired: set[int] = set()
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        found = _setting(line, number, report)
        if found is None:
            continue
        key, raw, sound = found
        if not sound:
            repaired.add(number)
        name = key.lower()
        if name in entries:
            duplicates.setdefault(name, []).append(number)
            report.add(_duplicate(entries[name], key, number, line))
            continue
        if has_lone_bar(raw):
            report.add(_lone_bar(key, raw, number))
        entries[name] = Entry(key, unescaped(raw, encoding), number)
        if name == ".encoding":
            encoding = _encoding(entries[name], report)
    if not entries:
        report.add(Finding("no-settings", "error", "file", "There is no setting in this file: is it a VMX?"))
    return Vmx(text, encoding, lossy, entries, duplicates, frozenset(repaired), report.findings())


def _setting(line: str, number: int, report: Report) -> tuple[str, str, bool] | None:
    """Key, text of the value and whether the line was sound; None for a blank, a comment or nonsense."""
    match = _SETTING.fullmatch(line)
    if match and match[1].isascii():
        key, quoted, bare = match.groups()
        if quoted is not None:
            return key, quoted, True
        problem = unquoted(key, bare)
        if problem is None:
            return key, "", True
    else:
        start = line.lstrip(" \t")
        if not start or start.startswith("#"):
            return None
        problem = repair(line)
    where = f"line {number}: {excerpt(problem.key)}" if problem.key else f"line {number}"
    report.add(Finding(problem.rule, problem.severity, where, problem.message, problem.fix))
    if problem.key is None or problem.raw is None:
        return None
    return problem.key, problem.raw, False


def _duplicate(first: Entry, key: str, number: int, line: str) -> Finding:
    return Finding(
        "duplicate-key",
        "error",
        f"line {number}: {excerpt(key)}",
        f"{excerpt(key)} is already set on line {first.line} (keys are the same in any case); a VMX with a "
        "key twice does not load. Keep one of the two lines.",
        f"# {excerpt(line.strip())}",
    )


def _lone_bar(key: str, raw: str, number: int) -> Finding:
    return Finding(
        "bad-escape",
        "warning",
        f"line {number}: {excerpt(key)}",
        "| starts an escape such as |22; one that stands for itself is written |7C.",
        pasted(key, unescaped(raw)) if len(raw) <= LONGEST_FIX else "",
    )


def _encoding(entry: Entry, report: Report) -> str:
    known = codec(entry.value)
    if known is None:
        report.add(
            Finding(
                "unknown-encoding",
                "error",
                f"line {entry.line}: {entry.key}",
                f'"{excerpt(entry.value)}" is not an encoding that is known for a VMX; it was read as UTF-8.',
                '.encoding = "UTF-8"',
            )
        )
    return known or "utf-8"


def _as_text(source: str, report: Report) -> tuple[str, str, bool]:
    try:
        source.encode("utf-8")
    except UnicodeEncodeError as problem:
        line = source.count("\n", 0, problem.start) + 1
        report.add(Finding("undecodable-bytes", "error", f"line {line}", "Half of a character stands here alone."))
        return source.encode("utf-8", "replace").decode("utf-8"), "utf-8", True
    return source, "utf-8", False


def _decoded(data: bytes, report: Report) -> tuple[str, str, bool]:
    """The text of `data`, the codec that gave it, and whether some of it was not text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = "The file is UTF-16, which a host does not read as a VMX; save it as UTF-8."
        report.add(Finding("unknown-encoding", "error", "file", message, '.encoding = "UTF-8"'))
        return data.decode("utf-16", "replace"), "utf-8", True
    declared = _DECLARED.search(data, 0, _ENCODING_WITHIN)
    name = (codec(declared[1].decode("ascii")) if declared else None) or "utf-8"
    try:
        return data.decode(name), name, False
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
    if declared is None and b"\x00" not in data:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            pass
        else:
            message = "The bytes here are not UTF-8 and no line names another encoding; read as windows-1252."
            fix = '.encoding = "windows-1252"'
            report.add(Finding("missing-encoding", "warning", f"line {line}", message, fix))
            return text, "cp1252", False
    report.add(Finding("undecodable-bytes", "error", f"line {line}", f"The bytes here are not {name} text."))
    return data.decode(name, "replace"), name, True
