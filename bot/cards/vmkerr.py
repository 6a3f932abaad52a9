"""The card of a vmkernel status code: its meanings with releases and first steps, and a warning when they differ."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.blocks import Block, Message, bold, code, context, escape, header, message, section
from service.api.client import VmkerrAdvice, VmkerrAnswer, VmkerrMatch

MEANINGS = 10
"""Meanings that one card shows; of a longer list, it shows the first ones."""
OFFERED = 12
"""Releases that one card offers; of a longer list, it offers the newest."""

Advised = tuple[VmkerrMatch, VmkerrAdvice | None]
"""A match, and what to do about it."""

MEANING_DIFFERS = "⚠️ *ESX releases disagree* about this code: check which release the host runs."
NUMBER_DIFFERS = "⚠️ *The number depends on the ESX release*: check which one the host runs."


def vmkerr_card(answer: VmkerrAnswer, known: Sequence[str], *, asked_by: str = "") -> Message:
    """What the service found for a query.

    `known` holds the ids of the releases that the service knows, oldest first; `asked_by` is the mention of the person
    who asks, for the small print.
    """
    matches = answer.matches
    one_code = len({match.decimal for match in matches}) == 1
    if one_code:
        title, warning = f"{matches[0].hex} = {matches[0].decimal}", MEANING_DIFFERS
        sections = [[section(*_meaning(match, known)), *_advice(advice)] for match, advice in answer.with_advice()]
    else:
        meanings = _by_meaning(answer.with_advice())
        title, warning = f"{answer.query}: {_count(meanings)}", NUMBER_DIFFERS
        sections = [
            [
                section(*_numbers([match for match, _ in meaning], known)),
                *(block for _, advice in meaning for block in _advice(advice)),
            ]
            for meaning in meanings
        ]
    blocks: list[Block] = [header(title)]
    if answer.differs:
        blocks.append(section(warning))
    blocks += [block for shown in sections[:MEANINGS] for block in shown]
    if (more := len(sections) - MEANINGS) > 0:
        blocks.append(section(f"…and {more} more. {_narrower(known)}"))
    if answer.note:
        blocks.append(context(escape(answer.note)))
    if asked_by:
        blocks.append(context(code(f"/vmkerr {answer.query}"), f"requested by {asked_by}"))
    return message(one_line(answer, known), blocks)


def one_line(answer: VmkerrAnswer, known: Sequence[str]) -> str:
    """All meanings in one line of plain text, for notifications; a long list is cut after three."""
    one_code = len({match.decimal for match in answer.matches}) == 1
    readings = [
        f"{'' if one_code else f'{match.hex} '}{match.description} ({release_names(match.releases, known)})"
        for match in answer.matches
    ]
    if len(readings) > 3:
        readings = [*readings[:3], f"{len(readings) - 3} more"]
    return f"{answer.query}: {' or '.join(readings) or 'nothing found'}"


def release_names(releases: Sequence[str], known: Sequence[str]) -> str:
    """Release ids as people write them; neighbours among those known as a range: `ESXi 5.0 – 6.0, DDK 2024`."""
    others = [release for release in releases if release not in known]
    runs: list[list[str]] = []
    for release in (release for release in known if release in releases):
        follows = runs and known.index(release) == known.index(runs[-1][-1]) + 1
        if follows and _product(release) == _product(runs[-1][-1]):
            runs[-1].append(release)
        else:
            runs.append([release])
    names = [_name(run[0]) if len(run) == 1 else f"{_name(run[0])} – {_version(run[-1])}" for run in runs]
    return ", ".join([*names, *(_name(release) for release in others)])


def _meaning(match: VmkerrMatch, known: Sequence[str]) -> tuple[str, str]:
    """One meaning of the code with its releases, and its name and errno."""
    return f"{bold(match.description)}  —  {escape(release_names(match.releases, known))}", _names(match)


def _numbers(meaning: Sequence[VmkerrMatch], known: Sequence[str]) -> tuple[str, str]:
    """One meaning with the number that each release gives it."""
    numbers = [f"{code(match.hex)} {escape(release_names(match.releases, known))}" for match in meaning]
    return f"{bold(meaning[0].description)}  ·  {_names(meaning[0])}", "  ·  ".join(numbers)


def _advice(advice: VmkerrAdvice | None) -> list[Block]:
    """What it usually means on call, the first steps, and where to read more; nothing without advice."""
    if advice is None:
        return []
    holds_for = f" ({code(advice.releases)})" if advice.releases else ""
    steps = [f"{number}. {escape(step)}" for number, step in enumerate(advice.steps, start=1)]
    kind = escape(", ".join(filter(None, (advice.where, advice.class_))))
    more = [code(f"/kb {slug}") for slug in advice.procedures]
    return [
        section(f"*Usually*{holds_for}: {escape(advice.usually)}", *steps),
        context(*filter(None, [kind]), *more, f"source: {escape(advice.source)}"),
    ]


def _narrower(known: Sequence[str]) -> str:
    """How to get fewer meanings, with the releases that can be typed."""
    offered = ", ".join(code(f"release={release}") for release in known[-OFFERED:])
    return f"To see fewer, add a word, or a release: {offered}." if offered else "To see fewer, add a word."


def _names(match: VmkerrMatch) -> str:
    return "  ·  ".join(filter(None, [code(match.name), f"errno {code(match.errno)}" if match.errno else ""]))


def _by_meaning(matches: Sequence[Advised]) -> list[list[Advised]]:
    """The matches grouped by meaning, in the order in which each meaning comes first."""
    meanings: dict[tuple[str, str, str], list[Advised]] = {}
    for match, advice in matches:
        meanings.setdefault((match.name, match.description, match.errno), []).append((match, advice))
    return list(meanings.values())


def _count(meanings: Sequence[object]) -> str:
    return "1 meaning" if len(meanings) == 1 else f"{len(meanings)} meanings"


def _product(release: str) -> str:
    return release.partition("-")[0]


def _version(release: str) -> str:
    return release.partition("-")[2]


def _name(release: str) -> str:
    known = re.fullmatch(r"(esxi?|ddk)-([\d.]+\w*)", release)
    if known is None:
        return release
    product = {"esx": "ESX", "esxi": "ESXi", "ddk": "DDK"}[known[1]]
    return f"{product} {known[2]}"
