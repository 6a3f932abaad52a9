"""Which VMs a selection means, such as `folder:/DC0/prod/*,tag:gold,!name:test-*`; pure.

A selection has terms, separated by commas. It includes each VM that one of its terms fits, without those that a term
after `!` fits. Neither does it include a VM that such a term may fit, because the folder, host, datastore or power
state of the VM is unknown. Templates, and VMs that an extension of vCenter manages, such as vCLS, are never included.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache
from typing import NamedTuple

from service.errors import InvalidParams
from service.vsphere.inventory import FIELDS, Vm
from service.vsphere.names import unescape
from service.vsphere.tags import Tags, fits

LONGEST = 4000
"""Characters of a selection."""
MOST = 100
"""Terms of a selection."""
ALL = "all"
POWER = {"on": "poweredOn", "off": "poweredOff", "suspended": "suspended"}
WORDS = ("folder", "tag", "vcenter", "host", "datastore", "power", *FIELDS)
"""The words that a term may have before its colon; those of a selector are among them."""
NEAREST = 5
"""Suggestions in an error."""
BELOW = "*"
"""The last level of a folder term that stands for the folder and all below it."""
HIDDEN = "vm"
"""The folder of a datacenter that holds its VMs; the vSphere Client does not show it."""

Key = tuple[str, str]
"""A VM: the name of its vCenter, and its moref."""
Path = tuple[str, ...]
"""The names of the folders above a VM, the outermost first, such as `("DC0", "vm", "prod")`."""


class Term(NamedTuple):
    """One term: `kind` is the word before the colon; `name` for a plain name, and `all`. `text` is as it was typed."""

    kind: str
    value: str
    excluded: bool
    text: str
    vcenter: str = ""
    """The vCenter that the term is limited to, in lower case, such as `lab` of `lab/moref:vm-42`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """What terms ask about the VMs beside their own properties; see `_unknown` for what is missing."""

    folders: Mapping[Key, Path] = field(default_factory=dict)
    tags: Mapping[Key, Tags] = field(default_factory=dict)
    """A VM that is missing has no tags: they are read for all VMs of a vCenter at once."""
    hosts: Mapping[Key, str] = field(default_factory=dict)
    """The names of hosts by their vCenter and moref."""
    datastores: Mapping[Key, str] = field(default_factory=dict)


class Chosen(NamedTuple):
    """The VMs that a selection includes, and its terms that fit no VM."""

    vms: list[Vm]
    unmatched: list[str]
    unknown: list[Vm]
    """VMs that are left out only because it is unknown whether a term excludes them."""


def read_selection(text: str) -> list[Term]:
    """The terms of a selection; raises InvalidParams that says which term is wrong, and what to write instead."""
    if len(text) > LONGEST:
        raise InvalidParams(f"The selection has {len(text)} characters, and {LONGEST} is the most. Use a tag instead.")
    parts = text.split(",")
    if len(parts) > MOST:
        raise InvalidParams(
            f"The selection has {len(parts)} terms, and {MOST} is the most. Use a tag or a folder instead."
        )
    terms = [_read(part.strip()) for part in parts]
    if all(term.excluded for term in terms):
        raise InvalidParams(f"The selection {text[:80]!r} only excludes. Say what it includes first: all,{text[:80]}.")
    return terms


def choose(terms: Sequence[Term], vms: Iterable[Vm], places: Places) -> Chosen:
    """The VMs, by name, that the terms include; see the top of this module."""
    candidates = [vm for vm in vms if not vm.template and not vm.managed_by]
    matched = [{_key(vm) for vm in candidates if _fits(term, vm, places)} for term in terms]
    of_terms = list(zip(terms, matched, strict=True))
    included = set().union(*(found for term, found in of_terms if not term.excluded))
    excluded = set().union(*(found for term, found in of_terms if term.excluded))
    wanted = sorted(
        (vm for vm in candidates if _key(vm) in included - excluded), key=lambda vm: (vm.name.lower(), *_key(vm))
    )
    exclusions = [term for term in terms if term.excluded]
    unknown = [vm for vm in wanted if any(_unknown(term, vm, places) for term in exclusions)]
    doubtful = {_key(vm) for vm in unknown}
    return Chosen(
        [vm for vm in wanted if _key(vm) not in doubtful],
        [term.text for term, found in of_terms if not found],
        unknown,
    )


def near(terms: Iterable[Term], vms: Iterable[Vm], places: Places) -> list[str]:
    """Terms that fit some VM and look like those that fit none, which `terms` are."""
    every = list(vms)
    known = {
        "folder": {"/" + "/".join((*_shown(path), BELOW)) for path in places.folders.values()},
        "tag": {str(tag) for tags in places.tags.values() for tag in tags},
        "host": set(places.hosts.values()),
        "datastore": set(places.datastores.values()),
        "vcenter": {vm.vcenter for vm in every},
        "": {vm.name for vm in every},
    }
    found: dict[str, None] = {}
    for term in terms:
        values = known.get(term.kind) or (known[""] if term.kind in ("", "name") else set())
        word = f"{term.kind}:" if term.kind else ""
        close = difflib.get_close_matches(term.value, sorted(values), NEAREST, 0.5)
        found |= dict.fromkeys(f"{word}{value}" for value in close or sorted(values)[:NEAREST])
    return list(found)[:NEAREST]


def needs(terms: Iterable[Term], kind: str) -> bool:
    """Whether a term of this kind is among them: what it asks about must be read."""
    return any(term.kind == kind for term in terms)


def asks_about(terms: Iterable[Term], vcenter: str) -> bool:
    """Whether a term can include a VM of the vCenter with this name."""
    return any(
        not term.excluded
        and term.vcenter in ("", vcenter.lower())
        and (term.kind != "vcenter" or _like(vcenter, term.value))
        for term in terms
    )


def _read(text: str) -> Term:
    excluded = text.startswith("!")
    rest = text.removeprefix("!").strip()
    if not rest:
        wrong = "Nothing follows '!'" if excluded else "A term is empty"
        raise InvalidParams(f"{wrong} in the selection. Separate terms by one comma, such as tag:gold,!name:test-*.")
    if rest.lower() == ALL:
        return Term(ALL, "", excluded, text)
    before, colon, value = rest.partition(":")
    vcenter, _, kind = before.rpartition("/")
    kind, value = kind.strip().lower(), value.strip()
    if not colon:
        return Term("", rest, excluded, text)
    if kind not in WORDS:
        raise InvalidParams(
            f"A selection has no term {kind[:40] + ':'!r}. Begin one with {', '.join(f'{word}:' for word in WORDS)} or "
            f"write all. For a VM whose name has a colon, write name:{rest[:60]}.",
            [f"{word}:" for word in WORDS],
        )
    if not value:
        raise InvalidParams(f"{text[:60]!r} has no value. Write it after the colon, such as {_example(kind)}.")
    if kind == "power" and value.lower() not in POWER:
        raise InvalidParams(f"{text[:60]!r} is no power state. Write power:on, power:off or power:suspended.")
    if kind == "folder" and not value.startswith("/"):
        raise InvalidParams(
            f"{text[:60]!r} is no path. Write it from the top, as vCenter shows it: folder:/DATACENTER/{value[:60]}."
        )
    return Term(kind, value, excluded, text, vcenter.strip().lower())


def _example(kind: str) -> str:
    examples = {"folder": "folder:/DC0/prod/*", "tag": "tag:Backup=gold", "power": "power:on", "name": "name:web-*"}
    return examples.get(kind, f"{kind}:NAME")


def _fits(term: Term, vm: Vm, places: Places) -> bool:
    if term.vcenter and vm.vcenter.lower() != term.vcenter:
        return False
    key = _key(vm)
    match term.kind:
        case "all":
            return True
        case "":
            return _named(term.value, vm)
        case "folder":
            return key in places.folders and in_folder(places.folders[key], term.value)
        case "tag":
            return any(fits(tag, term.value) for tag in places.tags.get(key, ()))
        case "power":
            return vm.power_state == POWER[term.value.lower()]
        case "host":
            return _like(places.hosts.get((vm.vcenter, vm.host), ""), term.value)
        case "datastore":
            return any(_like(places.datastores.get((vm.vcenter, each), ""), term.value) for each in vm.datastores)
        case "vcenter":
            return _like(vm.vcenter, term.value)
        case _:
            return _like(str(getattr(vm, FIELDS[term.kind])), term.value)


def _unknown(term: Term, vm: Vm, places: Places) -> bool:
    """Whether nobody can tell if the term, which does not fit the VM, would fit it: what it asks about is unknown.

    A VM always has a host, a power state and a datastore; without them, the account may not read them.
    """
    if term.vcenter and vm.vcenter.lower() != term.vcenter:
        return False
    match term.kind:
        case "folder":
            return _key(vm) not in places.folders
        case "power":
            return not vm.power_state
        case "host":
            return not places.hosts.get((vm.vcenter, vm.host))
        case "datastore":
            return not vm.datastores or not all(places.datastores.get((vm.vcenter, each)) for each in vm.datastores)
        case _:
            return False


def _named(wanted: str, vm: Vm) -> bool:
    """Whether the VM has this name; a name with `/` may begin with that of the vCenter."""
    vcenter, slash, rest = wanted.partition("/")
    return _like(vm.name, wanted) or bool(slash and vm.vcenter.lower() == vcenter.lower() and _like(vm.name, rest))


def in_folder(path: Path, wanted: str) -> bool:
    """Whether a VM with these folders above it is in the folder `wanted`, or below it when that ends in `/*`.

    The hidden folder `vm` of the datacenter may be left out. The case of letters does not matter.
    """
    levels = [unescape(level) for level in wanted.strip("/").split("/")] if wanted.strip("/") else []
    below = bool(levels) and levels[-1] == BELOW
    levels = levels[:-1] if below else levels
    return any(_under(each, levels, below=below) for each in {path, _shown(path)})


def _under(path: Path, levels: Sequence[str], *, below: bool) -> bool:
    if len(path) < len(levels) or (len(path) > len(levels) and not below):
        return False
    return all(_like(name, level) for name, level in zip(path, levels, strict=False))


def _shown(path: Path) -> Path:
    """The path without the hidden folder: the first one of that name below the top."""
    place = path.index(HIDDEN, 1) if HIDDEN in path[1:] else len(path)
    return path[:place] + path[place + 1 :]


def _key(vm: Vm) -> Key:
    return vm.vcenter, vm.moref


def _like(text: str, pattern: str) -> bool:
    """Whether the text is the pattern, in which `*` stands for any characters and `?` for one."""
    return bool(_pattern(pattern).match(text)) if text else False


@lru_cache(1000)
def _pattern(pattern: str) -> re.Pattern[str]:
    # In a selection, brackets have no meaning: names have them, such as `web [old]`.
    return re.compile(translate(pattern.replace("[", "[[]")), re.IGNORECASE)
