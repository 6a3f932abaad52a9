"""Parses a VMX tolerantly: every wrong line becomes a finding with its number, and no input raises an exception.

Time and memory are proportional to the size of the file, whatever it contains.
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
    """One setting: the key as spelled in the file, its value without escapes, and its line number (from 1)."""

    key: str
    value: str
    line: int


class Vmx(NamedTuple):
    """A parsed VMX.

    `entries` maps the key in lower case to the first setting of that name, in the order of the file; `duplicates` maps
    it to the line numbers of the others. `repaired` has the line numbers whose meaning was guessed. `encoding` is a
    Python codec; `lossy` is true when some bytes are not text in it.
    """

    text: str
    encoding: str
    lossy: bool
    entries: Mapping[str, Entry]
    duplicates: Mapping[str, list[int]]
    repaired: frozenset[int]
    findings: list[Finding]

    def get(self, key: str) -> str | None:
        """Return the value of `key`, in any case and hidden or not, or None."""
        entry = self.entries.get(key.lower())
        return entry.value if entry else None

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return whether `key` is set to true, or `default` when it is not set."""
        value = self.get(key)
        return default if value is None else value.strip().lower() in _TRUE

    def is_hidden(self, key: str) -> bool:
        """Return whether `present = "FALSE"` of its device, or of the device's controller, hides `key`."""
        device = key.lower().partition(".")[0]
        controller = device.partition(":")[0]
        return any(not self.flag(f"{owner}.present", default=True) for owner in {device, controller})

    def active(self, key: str) -> str | None:
        """Return the value of `key`, or None when it is not set or its device is not present."""
        return None if self.is_hidden(key) else self.get(key)

    def where(self, key: str) -> str:
        """Return the place of `key` for a finding: its line and name, or only its name when it is not set."""
        entry = self.entries.get(key.lower())
        return f"line {entry.line}: {excerpt(entry.key)}" if entry else key


def parse(source: str | bytes) -> Vmx:
    """Parse `source`, the text or the bytes of a VMX; no contents raise an exception."""
    report = Report()
    text, encoding, lossy = _as_text(source, report) if isinstance(source, str) else _decoded(source, report)
    if text.startswith("\ufeff"):
        text = text[1:]
        message = "The file starts with a byte order mark, which a host can read as a part of the first key."
        report.add(Finding("byte-order-mark", "warning", "line 1", message))
    entries: dict[str, Entry] = {}
    duplicates: dict[str, list[int]] = {}
    repaired: set[int] = set()
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        found = _setting(line, number, report)
        if found is None:
            continue
        key, raw, well_formed = found
        if not well_formed:
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
        report.add(Finding("no-settings", "error", "file", "The file has no settings. Check that it is a VMX."))
    return Vmx(text, encoding, lossy, entries, duplicates, frozenset(repaired), report.findings())


def _setting(line: str, number: int, report: Report) -> tuple[str, str, bool] | None:
    """Return the key, the raw text of the value, and whether the line is well-formed; None for any other line."""
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
        f"{excerpt(key)} is already set on line {first.line} (keys are not case-sensitive). A VMX with a duplicate "
        "key does not load; keep one of the two lines.",
        f"# {excerpt(line.strip())}",
    )


def _lone_bar(key: str, raw: str, number: int) -> Finding:
    return Finding(
        "bad-escape",
        "warning",
        f"line {number}: {excerpt(key)}",
        "| starts an escape such as |22; write |7C for the character itself.",
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
                f'"{excerpt(entry.value)}" is not a known encoding of a VMX; the file was read as UTF-8.',
                '.encoding = "UTF-8"',
            )
        )
    return known or "utf-8"


def _as_text(source: str, report: Report) -> tuple[str, str, bool]:
    try:
        source.encode("utf-8")
    except UnicodeEncodeError as problem:
        line = source.count("\n", 0, problem.start) + 1
        report.add(Finding("undecodable-bytes", "error", f"line {line}", "The line contains half of a surrogate pair."))
        return source.encode("utf-8", "replace").decode("utf-8"), "utf-8", True
    return source, "utf-8", False


def _decoded(data: bytes, report: Report) -> tuple[str, str, bool]:
    """Return the text of `data`, its codec, and whether some bytes are not text in that codec."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = "The file is in UTF-16, which a host cannot read; save it as UTF-8."
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
            message = "The bytes are not UTF-8, and the file has no .encoding line; it was read as windows-1252."
            fix = '.encoding = "windows-1252"'
            report.add(Finding("missing-encoding", "warning", f"line {line}", message, fix))
            return text, "cp1252", False
    report.add(Finding("undecodable-bytes", "error", f"line {line}", f"The bytes are not text in {name}."))
    return data.decode(name, "replace"), name, True
