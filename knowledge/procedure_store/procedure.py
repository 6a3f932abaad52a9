"""What one page of a procedure is: the facts on top, the body below, and what makes a page wrong.

The pages are CommonMark. ``procedures/TEMPLATE.md`` shows the shape and says how to write one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from knowledge.procedure_store.body import body_faults
from knowledge.procedure_store.front_matter import Entry, Fault, read_front_matter

MAX_BYTES = 256 * 1024
"""The longest page that is read; a procedure nobody can read on call is not one."""

MAX_SUMMARY = 200
"""The longest summary in characters: what an alert can show on one line."""

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
    """True when this page stands in for another of the same slug in an earlier folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Procedure(Page):
    """One written procedure, and the file it is read from."""

    file: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """One thing wrong with a page, by file and line (from 1; 1 too for the file as a whole)."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class BrokenPageError(ValueError):
    """The page cannot be used; ``problems`` holds everything wrong with it, at least one thing."""

    def __init__(self, problems: list[Broken]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def slug_fault(slug: str) -> str:
    """Why ``slug`` cannot name a page, or an empty string when it can."""
    if len(slug) <= 80 and _SLUG.fullmatch(slug):
        return ""
    return f"{slug[:90]!r} cannot name a page: lower-case letters, digits and single hyphens, at most 80, and .md"


def parse_page(data: bytes, *, slug: str, file: str) -> Procedure:
    """Read one page; raises `BrokenPageError` with every fault by ``file`` and line."""
    text, faults = _decode(data)
    if reason := slug_fault(slug):
        faults.insert(0, Fault(1, reason))
    if faults:
        raise _broken(file, faults)
    lines = text.removesuffix("\n").split("\n")
    head = read_front_matter(lines)
    faults = head.faults or [*_fact_faults(head.entries), *body_faults(lines, head.length)]
    if faults:
        raise _broken(file, faults)
    facts = head.entries
    return Procedure(
        slug=slug,
        title=_one(facts, "title"),
        summary=_one(facts, "summary"),
        subjects=_many(facts, "subjects"),
        applies_to=_many(facts, "applies_to"),
        source=_many(facts, "source"),
        aliases=_many(facts, "aliases"),
        obsolete_since=_one(facts, "obsolete_since"),
        obsolete_reason=_one(facts, "obsolete_reason"),
        body="\n".join(lines[head.length :]).strip("\n") + "\n",
        text=text,
        file=file,
    )


def _broken(file: str, faults: list[Fault]) -> BrokenPageError:
    return BrokenPageError([Broken(file=file, line=line, message=message) for line, message in sorted(faults)])


def _decode(data: bytes) -> tuple[str, list[Fault]]:
    """The text of a page with plain line ends, and what keeps it from being text."""
    if len(data) > MAX_BYTES:
        return "", [Fault(1, f"the page has {len(data):,} bytes; {MAX_BYTES:,} is the most")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return "", [Fault(line, f"byte {error.object[error.start]:#04x} is not UTF-8: save the page as UTF-8")]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if bad := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        return "", [Fault(line, f"the character U+{ord(bad[0]):04X} does not belong in a page: take it out")]
    return text, []


def _fact_faults(facts: dict[str, Entry]) -> Iterator[Fault]:
    """What is wrong with the facts on top of a page."""
    for key, (line, value) in facts.items():
        if key not in _KEYS:
            near = get_close_matches(key, _KEYS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"the keys are {', '.join(_KEYS)}"
            yield Fault(line, f"unknown key '{key}'; {hint}")
        elif not value:
            yield Fault(line, f"'{key}' is empty")
        elif isinstance(value, list) and key not in _LISTS:
            yield Fault(line, f"'{key}' is one value, not a list")
    for key in _REQUIRED:
        if key not in facts:
            yield Fault(1, f"'{key}' is missing")
    if len(_one(facts, "summary")) > MAX_SUMMARY:
        length = len(_one(facts, "summary"))
        yield Fault(facts["summary"].line, f"the summary has {length} characters; {MAX_SUMMARY} is the most")
    if "obsolete_since" in facts and "obsolete_reason" not in facts:
        yield Fault(facts["obsolete_since"].line, "say why and what to use now, as 'obsolete_reason'")
    if "obsolete_reason" in facts and "obsolete_since" not in facts:
        yield Fault(facts["obsolete_reason"].line, "say since when, as 'obsolete_since'")


def _one(facts: dict[str, Entry], key: str) -> str:
    value = facts[key].value if key in facts else ""
    return value if isinstance(value, str) else ""


def _many(facts: dict[str, Entry], key: str) -> tuple[str, ...]:
    value = facts[key].value if key in facts else []
    return (value,) if isinstance(value, str) else tuple(value)
