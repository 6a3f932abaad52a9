"""Chooses the one thing of an inventory that people mean: by name, or by another field named before a colon."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from service.api.vcenter import DEFAULT
from service.errors import Ambiguous, InvalidParams, NotFound

LONGEST = 255
NEAREST = 5


class Located(BaseModel):
    """A thing of one vCenter's inventory; `moref` is good within that vCenter only."""

    model_config = ConfigDict(frozen=True)

    vcenter: str = DEFAULT
    moref: str
    name: str

    @property
    def selector(self) -> str:
        """What means this thing and no other."""
        return exact_selector(self.vcenter, self.moref)


class Exact(NamedTuple):
    """A vCenter by its name, and a moref there."""

    vcenter: str
    moref: str


def exact_selector(vcenter: str, moref: str) -> str:
    """`moref:vm-42` in the vCenter of VMKOPS_VCENTER_URL, `lab/moref:vm-42` in another one."""
    return f"moref:{moref}" if vcenter == DEFAULT else f"{vcenter}/moref:{moref}"


def read_exact(selector: str) -> Exact:
    """The vCenter and the moref of an exact selector."""
    vcenter, slash, rest = selector.rpartition("/")
    return Exact(vcenter if slash else DEFAULT, rest.removeprefix("moref:"))


def lock_key(kind: str, vcenter: str, moref: str) -> str:
    """What one live job holds: `vm:vm-42`, or `vm:lab/vm-42`."""
    return f"{kind}:{moref}" if vcenter == DEFAULT else f"{kind}:{vcenter}/{moref}"


T = TypeVar("T", bound=Located)

FIELDS = {"name": "name", "moref": "moref"}


class Index(Generic[T]):
    """Things of one vCenter by each of their `fields` (a word that people type and its attribute), in any case."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields
        self._things: dict[str, T] = {}
        self._by: dict[str, dict[str, dict[str, T]]] = {word: {} for word in fields}

    def put(self, thing: T) -> None:
        """Add a thing, or take it for the one with its moref."""
        self.drop(thing.moref)
        self._things[thing.moref] = thing
        for word, attribute in self._fields.items():
            if value := str(getattr(thing, attribute)).lower():
                self._by[word].setdefault(value, {})[thing.moref] = thing

    def drop(self, moref: str) -> None:
        """Forget the thing with this moref, if there is one."""
        thing = self._things.pop(moref, None)
        if thing is None:
            return
        for word, attribute in self._fields.items():
            value = str(getattr(thing, attribute)).lower()
            same = self._by[word].get(value, {})
            same.pop(moref, None)
            if not same:
                self._by[word].pop(value, None)

    def find(self, word: str, value: str) -> list[T]:
        """The things whose field is `value`, in any case."""
        return list(self._by[word].get(value.lower(), {}).values())

    def all(self) -> list[T]:
        """Every thing."""
        return list(self._things.values())


class Asked(NamedTuple):
    """A selector taken apart: `kind` is the word before the colon, `text` what follows."""

    kind: str
    text: str


def read_selector(selector: str, fields: Iterable[str], noun: str) -> Asked:
    """Take a selector apart; raises InvalidParams for an empty or endless one."""
    kind, colon, value = selector.strip().partition(":")
    asked = Asked(kind.lower(), value.strip()) if colon and kind.lower() in fields else Asked("name", selector.strip())
    if not asked.text or len(asked.text) > LONGEST:
        ways = " or ".join(f"{word}:" for word in fields)
        raise InvalidParams(f"Name a {noun}: its name, or {ways} and the value.")
    return asked


def choose(found: Sequence[T], attribute: str, asked: Asked, noun: str) -> T | None:
    """The one of `found`; exact case wins over any case. Raises Ambiguous with a selector for each candidate."""
    same = [thing for thing in found if str(getattr(thing, attribute)) == asked.text] or list(found)
    if len(same) > 1:
        raise Ambiguous(
            f"{len(same)} {noun}s have the {asked.kind} {asked.text!r}. Choose one by its moref.",
            [thing.selector for thing in same],
        )
    return same[0] if same else None


def not_found(names: Iterable[str], asked: Asked, noun: str, more: str = "") -> NotFound:
    """The error that there is no such thing, with near names; slow where there are thousands."""
    every = sorted(set(names))
    lowered = asked.text.lower()
    near = [name for name in every if lowered in name.lower()]
    near = near or difflib.get_close_matches(asked.text, every, NEAREST, 0.5)
    hint = " Did you mean one of these?" if near else ""
    return NotFound(f"There is no {noun} with the {asked.kind} {asked.text!r}.{hint}{more}", near[:NEAREST])
