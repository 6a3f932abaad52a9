"""One page with a procedure: parses its front matter and body, and reports everything that is wrong with them.

The pages are CommonMark. ``procedures/TEMPLATE.md`` shows the format and explains how to write a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from knowledge.procedure_store.body import body_faults
from knowledge.procedure_store.front_matter import Entry, Fault, read_front_matter

MAX_BYTES = 256 * 1024
"""The longest page that is read; a longer procedure is of no use on call."""

MAX_SUMMARY = 200
"""The longest summary, in characters: an alert can show it on one line."""

_REQUIRED = ("title", "summary", "subjects", "applies_to", "source")
_LISTS = frozenset({"subjects", "applies_to", "source", "aliases"})
_KEYS = (*_REQUIRED, "aliases", "obsolete_since", "obsolete_reason")

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One written procedure as readers see it."""

    slug: str
    title: str
    summary: str
    subjects: tuple[str, ...]
    applies_to: tuple[str, ...]
    source: tuple[str, ...]
    aliases: tuple[str, ...]
    obsolete_since: str
    obsolete_reason: str
    body: str
    """Markdown."""
    text: str
    """The whole page as its file has it: facts and body."""
    origin: str = "built-in"
    """``built-in`` or ``team``."""
    overrides: bool = False
    """True when this page replaces a page with the same slug in an earlier folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Procedure(Page):
    """One written procedure, and the file it is read from."""

    file: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """One problem of a page, with its file and line (from 1; line 1 also for the file as a whole)."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class BrokenPageError(ValueError):
    """The page cannot be used; ``problems`` has everything that is wrong with it, at least one entry."""

    def __init__(self, problems: list[Broken]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def slug_fault(slug: str) -> str:
    """Return why ``slug`` cannot be the name of a page, or an empty string when it can."""
    if len(slug) <= 80 and _SLUG.fullmatch(slug):
        return ""
    return f"{slug[:90]!r} cannot be the name of a page: use at most 80 lowercase letters, digits and single hyphens"


def parse_page(data: bytes, *, slug: str, file: str) -> Procedure:
    """Parse one page; raises `BrokenPageError` with every problem by ``file`` and line."""
    text, faults = decode_page(data)
    if reason := slug_fault(slug):
        faults.insert(0, Fault(1, reason))
    if faults:
        raise _broken(file, faults)
    lines = text.removesuffix("\n").split("\n")
    head = read_front_matter(lines)
    faults = head.faults or [*_entry_faults(head.entries), *body_faults(lines, head.length)]
    if faults:
        raise _broken(file, faults)
    entries = head.entries
    return Procedure(
        slug=slug,
        title=_text(entries, "title"),
        summary=_text(entries, "summary"),
        subjects=_list(entries, "subjects"),
        applies_to=_list(entries, "applies_to"),
        source=_list(entries, "source"),
        aliases=_list(entries, "aliases"),
        obsolete_since=_text(entries, "obsolete_since"),
        obsolete_reason=_text(entries, "obsolete_reason"),
        body="\n".join(lines[head.length :]).strip("\n") + "\n",
        text=text,
        file=file,
    )


def _broken(file: str, faults: list[Fault]) -> BrokenPageError:
    return BrokenPageError([Broken(file=file, line=line, message=message) for line, message in sorted(faults)])


def decode_page(data: bytes) -> tuple[str, list[Fault]]:
    """Return the text of a page with ``\\n`` as line end, or an empty text and the fault that makes it unreadable."""
    if len(data) > MAX_BYTES:
        message = f"the page has more than {MAX_BYTES:,} bytes, the most that is read: split it, or move logs out"
        return "", [Fault(1, message)]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return "", [Fault(line, f"byte {error.object[error.start]:#04x} is not UTF-8: save the page as UTF-8")]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if bad := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        return "", [Fault(line, f"the character U+{ord(bad[0]):04X} is not allowed in a page: remove it")]
    return text, []


def _entry_faults(entries: dict[str, Entry]) -> Iterator[Fault]:
    """Yield everything that is wrong with the entries of the front matter."""
    for key, (line, value) in entries.items():
        if key not in _KEYS:
            near = get_close_matches(key, _KEYS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"the keys are {', '.join(_KEYS)}"
            yield Fault(line, f"unknown key '{key}'; {hint}")
        elif not value:
            yield Fault(line, f"'{key}' is empty")
        elif isinstance(value, list) and key not in _LISTS:
            yield Fault(line, f"'{key}' is one value, not a list")
    for key in _REQUIRED:
        if key not in entries:
            yield Fault(1, f"'{key}' is missing")
    length = len(_text(entries, "summary"))
    if length > MAX_SUMMARY:
        yield Fault(entries["summary"].line, f"the summary has {length} characters; at most {MAX_SUMMARY} are allowed")
    if "obsolete_since" in entries and "obsolete_reason" not in entries:
        yield Fault(entries["obsolete_since"].line, "add 'obsolete_reason': why, and what to use now")
    if "obsolete_reason" in entries and "obsolete_since" not in entries:
        yield Fault(entries["obsolete_reason"].line, "add 'obsolete_since': the release or year")


def _text(entries: dict[str, Entry], key: str) -> str:
    value = entries[key].value if key in entries else ""
    return value if isinstance(value, str) else ""


def _list(entries: dict[str, Entry], key: str) -> tuple[str, ...]:
    value = entries[key].value if key in entries else []
    return (value,) if isinstance(value, str) else tuple(value)
