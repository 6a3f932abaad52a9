"""Creates the P2V checklist for one source: the steps that apply to it, with complete commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from knowledge.p2v import facts
from knowledge.p2v.distributions import Distribution, identify
from knowledge.p2v.facts import Correction, corrections
from knowledge.p2v.fill import disk_words, file_system_words, source_words
from knowledge.p2v.source import Source

WORD = re.compile(r"\{([a-z_0-9]+)\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command or setting, and where to enter it."""

    on: str
    """Such as ``source``, ``target``, ``VM settings``, ``rescue shell``, or a line of a file."""
    run: str
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One step: what to do, why, the exact commands, how to check it, and a warning."""

    id: str
    """Stable; ends with the disk or file system where the step repeats."""
    phase: str
    title: str
    why: str
    commands: tuple[Command, ...]
    check: str
    warning: str
    optional: bool
    origin: str
    """``document`` or ``added``."""
    source: str
    """Where the step is from."""
    applies_to: dict[str, list[str | bool]]
    """The condition under which it was chosen: the values that apply, by the name of the fact."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """A part of the checklist, with its steps in order."""

    id: str
    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Checklist:
    """The checklist for one source, with the phases of the Linux P2V page in the same order."""

    source: Source
    distribution: str
    known: bool
    """False when there is no recipe for the distribution and version; the steps are the general ones then."""
    age: str
    """How old the recipe is: ``documented``, ``later``, ``modern``, or empty."""
    notes: tuple[str, ...]
    """For people."""
    suggestions: tuple[str, ...]
    phases: tuple[Phase, ...]
    corrections: tuple[Correction, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, in order."""
        return tuple(item for phase in self.phases for item in phase.items)


def checklist(source: Source) -> Checklist:
    """Return the checklist for a source; for an unknown distribution, it has the general steps."""
    distribution = identify(source.distribution, source.version)
    conditions = _conditions(source, distribution)
    words = source_words(source, distribution)
    rows = [row for row in facts.table("checklist")["item"] if _applies(row.get("when", {}), conditions)]
    items = [item for row in rows for item in _items(row, source, words)]
    phases = tuple(
        Phase(id=row["id"], title=row["title"], items=tuple(item for item in items if item.phase == row["id"]))
        for row in facts.table("checklist")["phase"]
    )
    return Checklist(
        source=source,
        distribution=distribution.label,
        known=distribution.era is not None,
        age=distribution.era.age if distribution.era else "",
        notes=_notes(source, distribution),
        suggestions=distribution.suggestions,
        phases=phases,
        corrections=corrections(),
    )


def _conditions(source: Source, distribution: Distribution) -> dict[str, str | bool]:
    """Return the facts that the ``when`` of an item can test, by name; unknown ones are empty."""
    era = distribution.era
    return {
        "known": era is not None,
        "family": distribution.family,
        "age": era.age if era else "",
        "initrd": era.initrd if era else "",
        "init": era.init if era else "",
        "grub": era.grub if era else "",
        "rescue": era.rescue if era else "",
        "clock": era.clock if era else "",
        "kudzu": era.kudzu if era else "",
        "smp_kernel": era.smp_kernel if era else "",
        "lvm": source.lvm,
        "renamed": any(disk["source_device"] != disk["target_device"] for disk in disk_words(source)),
    }


def _applies(when: Mapping[str, object], conditions: Mapping[str, str | bool]) -> bool:
    return all(conditions[key] in _choices(value) for key, value in when.items())


def _choices(value: object) -> list[str | bool]:
    return list(value) if isinstance(value, list) else [value]  # type: ignore[list-item]


def _items(row: facts.Table, source: Source, words: dict[str, str]) -> list[Item]:
    """Return the steps for one row of the data: one step, or one for each disk or file system."""
    if row.get("each") == "disk":
        return [_item(row, source, words | disk, disk["slug"]) for disk in disk_words(source)]
    if row.get("each") == "filesystem":
        return [_item(row, source, words | point, point["slug"]) for point in file_system_words(source)]
    return [_item(row, source, words, "")]


def _item(row: facts.Table, source: Source, words: dict[str, str], slug: str) -> Item:
    return Item(
        id=f"{row['id']}-{slug}" if slug else row["id"],
        phase=row["phase"],
        title=_filled(row["title"], words),
        why=_filled(row["why"], words),
        commands=tuple(command for line in row.get("commands", ()) for command in _commands(line, source, words)),
        check=_filled(row["check"], words),
        warning=_filled(row.get("warning", ""), words),
        optional=row.get("optional", False) or row["phase"] in _optional_phases(),
        origin=row["origin"],
        source=facts.table("checklist")["sources"][row.get("source", row["origin"])],
        applies_to={key: _choices(value) for key, value in row.get("when", {}).items()},
    )


def _optional_phases() -> list[str]:
    return [row["id"] for row in facts.table("checklist")["phase"] if row.get("optional", False)]


def _commands(line: facts.Table, source: Source, words: dict[str, str]) -> list[Command]:
    """Return the commands for one command of the data: one, or one for each disk or alias line."""
    each = line.get("each", "")
    repeats: list[dict[str, str]] = [{}]
    if each == "disk":
        repeats = disk_words(source)
    elif each == "alias":
        repeats = [{"alias_line": alias} for alias in words["alias_lines"].splitlines()]
    return [
        Command(**{key: _filled(line.get(key, ""), words | repeat) for key in ("on", "run", "note")})
        for repeat in repeats
    ]


def _filled(text: str, words: Mapping[str, str]) -> str:
    """Return the text with each ``{word}`` replaced; the words are checked values or text from the data files."""
    return WORD.sub(lambda match: words[match[1]], text)


def _notes(source: Source, distribution: Distribution) -> tuple[str, ...]:
    notes = [distribution.note]
    if distribution.era and distribution.era.age != "documented":
        notes.append(
            f"Age: {distribution.era.age}. The page of 2007 does not cover this system; see the origin of each step."
        )
    if distribution.suggestions:
        notes.append(f"Did you mean {' or '.join(distribution.suggestions)}?")
    if not source.target_ip:
        notes.append("Replace TARGET-IP with the target's address, or give the address to get exact commands.")
    if any(disk.blocks is None for disk in source.disks):
        notes.append(
            "Some disk sizes are missing. Add them (from sfdisk -s, e.g. sda:39070080) to get sizes and times."
        )
    return tuple(notes)
