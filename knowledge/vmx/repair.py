"""Explains a line that is not a well-formed setting: the probable meaning, and how to write it."""

import re
from typing import NamedTuple

from knowledge.finding import Severity
from knowledge.vmx.excerpt import excerpt
from knowledge.vmx.syntax import KEY, LONGEST_FIX, pasted, unescaped

CURLY = "“”„‟″‘’‚‛′´`"
"""Characters that web pages and word processors put in place of a straight quote."""

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_INVISIBLE = "\u200b\u200e\u200f\u2060\ufeff"
_SPACES = " \t\u00a0\u2007\u202f\u3000" + _INVISIBLE
_CURLY_VALUE = re.compile(rf'[{CURLY}"](?P<value>.*)[{CURLY}"][ \t]*(?:#.*)?', re.DOTALL)


class Repair(NamedTuple):
    """The finding for one line; `key` and `raw` are its probable key and raw value, or None when they are not clear."""

    rule: str
    severity: Severity
    message: str
    fix: str
    key: str | None = None
    raw: str | None = None


def repair(line: str) -> Repair:
    """Explain `line`, a line of a VMX (without its end) that is not well-formed."""
    if control := _CONTROL.search(line):
        return Repair(
            "control-character",
            "error",
            f"The line has the control character U+{ord(control[0]):04X}, so a host truncates or refuses it. "
            "Check that this is a text file.",
            "",
        )
    name, equals, rest = line.partition("=")
    key = name.strip(_SPACES + CURLY + '"')
    rest = rest.strip(_SPACES)
    if not equals or not key:
        return Repair(
            "not-a-setting",
            "error",
            f'"{excerpt(line.strip())}" is neither key = "value" nor a comment (comments start with #).',
            _commented(line),
        )
    if not KEY.fullmatch(key):
        return Repair(
            "odd-key",
            "error",
            f'"{excerpt(key)}" cannot be a key: keys have only letters, digits and . : _ -',
            _commented(line),
        )
    if rest and (rest[0] in CURLY or rest[-1] in CURLY):
        return _curly(key, rest)
    if rest.startswith('"'):
        return _quoted(key, rest)
    if rest.startswith("'"):
        raw = rest.strip("'")
        message = f"The value of {excerpt(key)} is in single quotes, which become part of the value."
        return _repaired("single-quotes", message, key, raw)
    if '"' in rest:
        return _repaired(
            "unescaped-quote", f"A quote inside the value of {excerpt(key)} must be written |22.", key, rest
        )
    if any(space in rest for space in " \t"):
        return _repaired(
            "unquoted-value", f"The value of {excerpt(key)} has spaces but no quotes around it.", key, rest
        )
    return _invisible(key, rest)


def unquoted(key: str, raw: str) -> Repair | None:
    """Return the finding for a value without quotes, which VMware's code accepts; None for an empty value."""
    if not raw:
        return None
    if raw[0] in CURLY or raw[-1] in CURLY:
        return _curly(key, raw)
    if raw[0] == "'":
        message = f"The value of {excerpt(key)} is in single quotes, which become part of the value."
        return _repaired("single-quotes", message, key, raw.strip("'"))
    return _repaired("unquoted-value", f"{excerpt(key)} has no quotes around its value.", key, raw, severity="warning")


def _curly(key: str, rest: str) -> Repair:
    whole = _CURLY_VALUE.fullmatch(rest)
    raw = whole["value"] if whole else rest.strip(CURLY + '"')
    mark = next(character for character in rest if character in CURLY)
    message = (
        f"{excerpt(key)} has the character {mark} (U+{ord(mark):04X}) in place of a straight quote, as in text from a "
        'web page; only " (U+0022) is a quote in a VMX.'
    )
    return _repaired("curly-quotes", message, key, raw)


def _quoted(key: str, rest: str) -> Repair:
    last = rest.rfind('"')
    if last == 0:
        return _repaired("unclosed-quote", f"The value of {excerpt(key)} has no closing quote.", key, rest[1:])
    after = rest[last + 1 :].partition("#")[0].strip(_SPACES)
    if rest.count('"') == 2 and not after:
        return _invisible(key, rest[1:last])
    if rest.count('"') == 2:
        message = f'{excerpt(key)} has text after its value: "{excerpt(after)}".'
        return _repaired("text-after-value", message, key, rest[1:last])
    message = f"A quote inside the value of {excerpt(key)} ends the value; it must be written |22."
    return _repaired("unescaped-quote", message, key, rest[1:last])


def _invisible(key: str, raw: str) -> Repair:
    message = f"The line of {excerpt(key)} has a space or invisible character, as in web pages, that a VMX cannot have."
    return _repaired("invisible-character", message, key, raw)


def _repaired(rule: str, message: str, key: str, raw: str, *, severity: Severity = "error") -> Repair:
    safe = raw.replace('"', "|22")
    fix = pasted(key, unescaped(safe)) if len(safe) <= LONGEST_FIX else ""
    return Repair(rule, severity, message, fix, key, safe)


def _commented(line: str) -> str:
    text = line.strip()
    return f"# {text}" if len(text) <= LONGEST_FIX and text.isprintable() else ""
