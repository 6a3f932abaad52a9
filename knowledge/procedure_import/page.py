"""Makes a page of a Markdown runbook: its front matter, its sections, and boxes before its destructive commands."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from knowledge.procedure_import.document import first_paragraph, read_document
from knowledge.procedure_import.facts import Facts, read_facts
from knowledge.procedure_import.sections import page_sections
from knowledge.procedure_store.body import LIST_MARKER, body_lines
from knowledge.procedure_store.check import page_faults
from knowledge.procedure_store.dangers import unannounced_commands
from knowledge.procedure_store.front_matter import Fault, read_front_matter
from knowledge.procedure_store.procedure import (
    MAX_SUMMARY,
    Broken,
    BrokenPageError,
    Procedure,
    decode_page,
    parse_page,
)
from knowledge.procedure_store.query import name_key

LONGEST_TITLE = 150
MOST_LOST = 10
"""How many links of a runbook that lead nowhere are named."""
ROUNDS = 4
"""How often boxes are added: a step may need a more severe one than its first command."""

_INLINE_CODE = re.compile(r"((?<!`)(`++).*?(?<!`)\2(?!`))")
_TO = r"\[([^\[\]]*)\]\([ \t]*<?([^()\s<>]+)>?(?:[ \t]+\"[^\"()]*\")?[ \t]*\)"
_ANY_LINK = re.compile(r"!?\[([^\[\]]*)\]\(([^()]*)\)")
_HUGO_REFERENCE = re.compile(r"\{\{[<%] *(?:rel)?ref +\"([^\"\s]+)\" *[>%]\}\}")
"""How runbooks written for Hugo link to each other (https://gohugo.io/shortcodes/ref/)."""
_IMAGE = re.compile(rf"(!){_TO}")
_LINK = re.compile(rf"(?<!!)(){_TO}")
_WEB = re.compile(r"(?:https?://[^/?#]|mailto:.|[#/](?!/))", re.IGNORECASE)
_STEP = re.compile(rf"{LIST_MARKER} |#{{1,6}} ")
_ITEM = re.compile(rf"({LIST_MARKER} +)(.*)")
_LIVE = re.compile(r"([ >]*(?:`{3,}|~{3,})\s*)vmkops\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where an imported page belongs, and what is taken there."""

    file: str
    """The name of the runbook, for messages and as the source of the page."""
    slug: str
    page_at: Callable[[str], str | None]
    """Returns the slug of another runbook that is imported, by its path relative to this one: ``../dns.md``."""
    names: Mapping[str, list[str]]
    """The names of all other pages, as `check.owners` returns them."""
    slugs: frozenset[str]
    """The slugs of all pages that can be linked to, this one too."""


def imported_page(data: bytes, target: Target) -> tuple[Procedure, list[str]]:
    """Return the page that a runbook becomes, and notes on what a person has to look at.

    Raises BrokenPageError, with lines of the runbook, for one that cannot be read or does not make a page.
    """
    text, faults = decode_page(data)
    lines = text.removesuffix("\n").split("\n")
    facts = read_facts(lines)
    if isinstance(facts, Fault):
        faults = [facts]
    if not faults and not text.strip():
        faults = [Fault(1, "the file is empty")]
    if faults or isinstance(facts, Fault):
        raise BrokenPageError([Broken(file=target.file, line=line, message=message) for line, message in faults])
    notes: list[str] = []
    page = _page(_text(lines[facts.length :], facts, target, notes), target)
    left = list(page_faults(page, target.names, target.slugs))
    if left:  # blocks of the language vmkops are live, which the author of a runbook did not know
        page = _page("\n".join(_LIVE.sub(r"\1sh", line) for line in page.text.split("\n")), target)
        left = list(page_faults(page, target.names, target.slugs))
    if left:
        problems = [Broken(file=target.file, line=1, message=f"as a page: {one.message}") for one in left]
        raise BrokenPageError(list(dict.fromkeys(problems)))
    return page, [f"{note} ({times} times)" if times > 1 else note for note, times in Counter(notes).items()]


def _page(text: str, target: Target) -> Procedure:
    try:
        return parse_page(text.encode(), slug=target.slug, file=target.file)
    except BrokenPageError as error:
        problems = [Broken(file=target.file, line=1, message=f"as a page: {one.message}") for one in error.problems]
        raise BrokenPageError(problems) from error


def _text(lines: list[str], facts: Facts, target: Target, notes: list[str]) -> str:
    values = facts.values
    lost: list[str] = []
    linked = [_with_links(line.text, line.kind, target, lost) for line in body_lines(lines, 0)]
    document = read_document(linked, titled=bool(values.get("title")))
    dead = list(dict.fromkeys(lost))
    notes += (f"the link to {path[:80]} leads to no imported page: it is plain text now" for path in dead[:MOST_LOST])
    if (more := len(dead) - MOST_LOST) > 0:
        notes.append(f"and {more} more {'link' if more == 1 else 'links'} of this kind")
    heading = " ".join(values.get("title", []))
    title = _title(heading or document.title or target.slug.replace("-", " "), target, notes)
    paragraph = first_paragraph(document.intro)
    paragraph = paragraph or next(filter(None, (first_paragraph(each.lines) for each in document.sections)), "")
    summary = _short(" ".join(" ".join(values.get("summary", [])).split()) or paragraph or title, MAX_SUMMARY)
    others = [document.title] if heading and name_key(document.title) not in ("", name_key(heading)) else []
    aliases = [alias for alias in (*values.get("aliases", []), *others) if _is_free(alias, target, notes)]
    body: list[str] = []
    for section in page_sections(document, summary):
        body += [f"## {section.heading}", "", *_trimmed(section.lines), ""]
    if facts.rest:
        fence = "`" * max(3, 1 + max((len(run) for line in facts.rest for run in re.findall("`+", line)), default=0))
        body += ["## Front matter of the imported page", "", f"{fence}yaml", *facts.rest, fence, ""]
    head = [
        "---",
        f"title: {_quoted(title)}",
        f"summary: {_quoted(summary)}",
        *_list("subjects", values.get("subjects") or ["imported"]),
        *_list("applies_to", values.get("applies_to") or ["not stated in the imported page"]),
        *_list("source", [*values.get("source", []), f"imported from {target.file}"]),
        *(_list("aliases", aliases) if aliases else []),
        "---",
        "",
    ]
    return "\n".join(_with_boxes([*head, *"\n".join(body).split("\n")], notes)).rstrip("\n") + "\n"


def _trimmed(lines: list[str]) -> list[str]:
    """The lines without empty ones at the ends, and with one between paragraphs; code stays as it is."""
    kept: list[str] = []
    for line in body_lines(lines, 0):
        empty = line.kind == "text" and not line.text.strip()
        if not empty or (kept and kept[-1].strip()):
            kept.append(line.text)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _title(title: str, target: Target, notes: list[str]) -> str:
    text = _short(" ".join(re.sub(r"\*\*|__|`", "", title).split()), LONGEST_TITLE) or target.slug
    if name_key(text) not in target.names:
        return text
    notes.append(f"another page is called '{text}', so this one is called '{text} (team)'")
    return f"{text} (team)"


def _is_free(alias: str, target: Target, notes: list[str]) -> bool:
    taken = target.names.get(name_key(alias))
    if taken:
        notes.append(f"the alias '{alias}' is left out, because the page {taken[0]} has it")
    return not taken


def _with_links(text: str, kind: str, target: Target, lost: list[str]) -> str:
    """A line whose links lead to imported pages or to the web; of any other link, the words and the path are kept.

    The paths of those other links are added to ``lost``.
    """
    if kind != "text" or "](" not in text:
        return text
    pieces = _INLINE_CODE.split(_HUGO_REFERENCE.sub(r"\1", text))

    def changed(found: re.Match[str]) -> str:
        image, words, path = found.groups()
        page = path.partition("#")[0]
        if not image and (slug := target.page_at(page) or target.page_at(f"{page}.md")):
            return f"[{words}]({slug}.md)"
        if _WEB.match(path):
            return found[0]
        lost.append(path)
        return f"{words} ({'image ' if image else ''}{path})".strip()

    def readable(found: re.Match[str]) -> str:
        words, path = found.groups()
        known = path.removesuffix(".md") in target.slugs or _WEB.match(path.strip().lstrip("<"))
        if known:
            return found[0]
        lost.append(path.strip())
        return f"{words} ({path.strip()})".strip()

    def all_changed(piece: str) -> str:
        return _ANY_LINK.sub(readable, _LINK.sub(changed, _IMAGE.sub(changed, piece)))

    # The expression has two groups, so each third piece is text, and the one after it code.
    parts = (all_changed(piece) if place % 3 == 0 else piece for place, piece in enumerate(pieces) if place % 3 < 2)
    return "".join(parts)


def _with_boxes(lines: list[str], notes: list[str]) -> list[str]:
    """The lines with a box in front of each destructive command that has none."""
    for _ in range(ROUNDS):
        found = _by_step(lines, list(unannounced_commands(lines, read_front_matter(lines).length)))
        if not found:
            break
        for faults in reversed(found):  # from the last one, so that the line numbers of the others stay right
            kind = "CAUTION" if any("[!CAUTION]" in fault.message for fault in faults) else "WARNING"
            effects = list(dict.fromkeys(_effect(fault) for fault in faults))
            named = ", and another one ".join(effects)
            box = [f"> [!{kind}]", f"> This command {named}. Find out what it affects before you run it."]
            lines = _insert(lines, faults[0].line, box)
            notes.append(f"a command {named}: a box was added before it; name in it what exactly it affects")
    return lines


def _effect(fault: Fault) -> str:
    return fault.message.partition(": before it")[0].removeprefix("this command ")


def _by_step(lines: list[str], faults: list[Fault]) -> list[list[Fault]]:
    """The faults of each step, which one box announces, in order."""
    starts = [line.number for line in body_lines(lines, 0) if line.kind == "text" and _STEP.match(line.text)]
    steps: dict[int, list[Fault]] = {}
    for fault in sorted(faults):
        steps.setdefault(bisect_right(starts, fault.line), []).append(fault)
    return list(steps.values())


def _insert(lines: list[str], number: int, box: list[str]) -> list[str]:
    """The lines with the box above the code block, or else above the line with this number, in the same step."""
    place = number - 1
    for line in body_lines(lines, 0):
        if line.number > number:
            break
        if line.kind == "open":
            opened = line.number - 1
        if line.number == number and line.kind == "code":
            place = opened
    text = lines[place]
    item = _ITEM.fullmatch(text)
    if item:  # the box has to be in the step, below its number
        indent = " " * len(item[1])
        between = [f"{item[1]}Read this first.", "", *(f"{indent}{line}" for line in box), "", f"{indent}{item[2]}"]
        return [*lines[:place], *between, *lines[place + 1 :]]
    indent = text[: len(text) - len(text.lstrip(" "))]
    above = [] if not lines[place - 1].strip() else [""]
    return [*lines[:place], *above, *(f"{indent}{line}" for line in box), "", *lines[place:]]


def _short(text: str, length: int) -> str:
    """The text, or its first sentences or words in so many characters."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    sentence = max(cut.rfind(". "), cut.rfind("! "), cut.rfind("? "))
    return cut[: sentence + 1] if sentence > length // 3 else cut.rpartition(" ")[0] + "…" if " " in cut else cut + "…"


def _list(key: str, values: list[str]) -> list[str]:
    return [f"{key}:", *(f"  - {_quoted(value)}" for value in dict.fromkeys(values))]


def _quoted(text: str) -> str:
    return json.dumps(" ".join(text.split()), ensure_ascii=False)
