"""Identifies the distribution and era of a source: how its initrd is built, and which drivers the VM needs in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from knowledge.p2v import facts

LEADING_NUMBERS = re.compile(r"\d{1,6}(?:\.\d{1,6}){0,2}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Era:
    """A range of versions with the same conversion.

    ``age`` is ``documented`` (in the Linux P2V page), ``later`` or ``modern``. ``image`` is the file of the initrd,
    with KERNEL for the kernel version. ``aliases`` are lines for the file ``module_config``. ``source`` is a key of the
    sources in ``p2v_checklist.toml``.
    """

    age: str
    initrd: str
    image: str
    drivers: tuple[str, ...]
    controller: str
    module_config: str
    aliases: tuple[str, ...]
    init: str
    grub: str
    rescue: str
    kudzu: bool
    smp_kernel: bool
    clock: str
    note: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """What is known about a distribution and version; ``era`` is None when there is no recipe for it.

    ``label`` is the name for people. ``family`` is ``redhat``, ``debian``, ``suse`` or empty. ``note`` says what is
    missing, or what to know about the recipe. ``suggestions`` are names that may be intended.
    """

    id: str
    label: str
    family: str
    era: Era | None
    note: str
    suggestions: tuple[str, ...] = ()


def identify(name: str, version: str) -> Distribution:
    """Return what is known about this distribution and version; an unknown one has an empty id and is not an error."""
    rows = facts.table("distributions")["distribution"]
    words = _words(name)
    for row in rows:
        if words in (row["id"], *(_words(alias) for alias in row["aliases"])):
            return _with_era(row["id"], row["label"], row["family"], version)
    every_name = [row["id"] for row in rows] + [alias for row in rows for alias in row["aliases"]]
    near = get_close_matches(words, every_name, n=3, cutoff=0.7)
    known = ", ".join(row["label"] for row in rows)
    return Distribution(
        id="",
        label=name,
        family="",
        era=None,
        note=f"{name} is not known here, so these are the general steps. There are recipes for: {known}.",
        suggestions=tuple(near),
    )


def _words(name: str) -> str:
    return " ".join(re.split(r"[\s_/-]+", name.lower())).strip()


def _with_era(identifier: str, label: str, family: str, version: str) -> Distribution:
    rows = [row for row in facts.table("distributions")["era"] if identifier in row["distributions"]]
    number = _number(version)
    for row in rows:
        if number and _number(row["from"]) <= number < _number(row["below"]):
            era = _era(row)
            return Distribution(id=identifier, label=label, family=family, era=era, note=era.note)
    ranges = ", ".join(f"{row['from']} up to (not including) {row['below']}" for row in rows)
    missing = f"there is no recipe for version {version!r} of {label}" if version else "the version is missing"
    return Distribution(
        id=identifier,
        label=label,
        family=family,
        era=None,
        note=f"These are only the general steps, because {missing}. There are recipes for {label} {ranges}.",
    )


def _number(version: str) -> tuple[int, ...]:
    """Return the version as comparable numbers, e.g. 22.04 as (22, 4), or () when it does not begin with a number."""
    match = LEADING_NUMBERS.match(version.strip())
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def _era(row: facts.Table) -> Era:
    values = {key: value for key, value in row.items() if key not in ("distributions", "from", "below")}
    return Era(**{**values, "drivers": tuple(row["drivers"]), "aliases": tuple(row["aliases"])})
