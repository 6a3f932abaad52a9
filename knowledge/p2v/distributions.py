"""Which distribution and era a source belongs to: how its initrd is made, which drivers the VM needs in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from knowledge.p2v import facts

LEADING_NUMBERS = re.compile(r"\d{1,6}(?:\.\d{1,6}){0,2}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Era:
    """A range of versions that are converted alike.

    ``age`` is ``documented`` (in the Linux P2V page), ``later`` or ``modern``; ``image`` is the initrd's file with
    KERNEL for the version; ``aliases`` are the lines of ``module_config``; ``source`` says where this is from.
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
    """What is known of a distribution and version; ``era`` is None when there is no recipe for it.

    ``label`` is its name for people, ``family`` is ``redhat``, ``debian``, ``suse`` or empty, ``note`` says what is
    missing or of what age the recipe is, and ``suggestions`` are names that were perhaps meant.
    """

    id: str
    label: str
    family: str
    era: Era | None
    note: str
    suggestions: tuple[str, ...] = ()


def identify(name: str, version: str) -> Distribution:
    """Return what is known of this distribution and version; an unknown one is an answer too, never an error."""
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
        note=f"{name} is not known here, so these are the general steps. Recipes are there for: {known}.",
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
    ranges = ", ".join(f"{row['from']} up to below {row['below']}" for row in rows)
    missing = f"version {version!r} of {label} is not among those with a recipe" if version else "no version was told"
    return Distribution(
        id=identifier,
        label=label,
        family=family,
        era=None,
        note=f"General steps only: {missing}. There are recipes for {label} {ranges}.",
    )


def _number(version: str) -> tuple[int, ...]:
    """Return the version as numbers that compare, e.g. 22.04 as (22, 4); () when it does not begin with one."""
    match = LEADING_NUMBERS.match(version.strip())
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def _era(row: facts.Table) -> Era:
    values = {key: value for key, value in row.items() if key not in ("distributions", "from", "below")}
    return Era(**{**values, "drivers": tuple(row["drivers"]), "aliases": tuple(row["aliases"])})
