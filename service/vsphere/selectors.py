"""Selectors: find one object of an inventory by its name, or by another field that is named before a colon."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from service.api.vcenter import DEFAULT
from service.errors import Ambiguous, InvalidParams, NotFound

LONGEST = 255
"""Characters in a selector."""
NEAREST = 5
"""Suggestions in an error."""
MOST_CANDIDATES = 10
"""Candidates of an ambiguous selector that an error describes; its suggestions have all."""
PLAIN = re.compile(r"\w[\w.@+-]*")
"""A name that needs no quotation marks in a shell or in Slack."""


class Located(BaseModel):
    """An object of one vCenter's inventory; `moref` is unique in that vCenter only."""

    model_config = ConfigDict(frozen=True)

    vcenter: str = DEFAULT
    moref: str
    name: str

    @property
    def selector(self) -> str:
        """The exact selector of this object."""
        return exact_selector(self.vcenter, self.moref)


class Exact(NamedTuple):
    """A vCenter by its name, and a moref there."""

    vcenter: str
    moref: str


class Candidate(NamedTuple):
    """One of several objects that a selector fits: the selector that people type for it, and what tells it apart."""

    selector: str
    facts: str


def typed_selector(item: Located, *, unique: bool, several: bool) -> str:
    """The shortest selector that people can type and that means only this object: `web-01`, `prod/moref:vm-42`.

    `unique` says whether no other object of its vCenter has its name, and `several` whether there are several vCenters.
    """
    text = item.name if unique and PLAIN.fullmatch(item.name) else f"moref:{item.moref}"
    return f"{item.vcenter}/{text}" if several else text


def exact_selector(vcenter: str, moref: str) -> str:
    """`moref:vm-42` in the vCenter of VMKOPS_VCENTER_URL, `lab/moref:vm-42` in another one."""
    return f"moref:{moref}" if vcenter == DEFAULT else f"{vcenter}/moref:{moref}"


def read_exact(selector: str) -> Exact:
    """The vCenter and the moref of an exact selector."""
    vcenter, slash, rest = selector.rpartition("/")
    return Exact(vcenter if slash else DEFAULT, rest.removeprefix("moref:"))


def lock_key(kind: str, vcenter: str, moref: str) -> str:
    """The key that a live job holds for an object: `vm:vm-42`, or `vm:lab/vm-42`."""
    return f"{kind}:{moref}" if vcenter == DEFAULT else f"{kind}:{vcenter}/{moref}"


T = TypeVar("T", bound=Located)

FIELDS = {"name": "name", "moref": "moref"}


class Index(Generic[T]):
    """The objects of one vCenter by each of their `fields`; the case of letters does not matter.

    `fields` maps the words that people type, such as `ipaddr`, to attributes.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields
        self._items: dict[str, T] = {}
        self._by: dict[str, dict[str, dict[str, T]]] = {word: {} for word in fields}

    def put(self, item: T) -> None:
        """Add an object, or replace the one with its moref."""
        self.drop(item.moref)
        self._items[item.moref] = item
        for word, attribute in self._fields.items():
            if value := str(getattr(item, attribute)).lower():
                self._by[word].setdefault(value, {})[item.moref] = item

    def drop(self, moref: str) -> None:
        """Remove the object with this moref, if there is one."""
        item = self._items.pop(moref, None)
        if item is None:
            return
        for word, attribute in self._fields.items():
            value = str(getattr(item, attribute)).lower()
            same = self._by[word].get(value, {})
            same.pop(moref, None)
            if not same:
                self._by[word].pop(value, None)

    def find(self, word: str, value: str) -> list[T]:
        """The objects whose field `word` is `value`."""
        return list(self._by[word].get(value.lower(), {}).values())

    def all(self) -> list[T]:
        """All objects."""
        return list(self._items.values())


class Selector(NamedTuple):
    """The parts of a selector: `kind` is the word before the colon (or `name`), `text` is the value."""

    kind: str
    text: str


def read_selector(text: str, fields: Iterable[str], noun: str) -> Selector:
    """Split a selector into its parts; raises InvalidParams for an empty or overlong one."""
    kind, colon, value = text.strip().partition(":")
    found = (
        Selector(kind.lower(), value.strip()) if colon and kind.lower() in fields else Selector("name", text.strip())
    )
    if not found.text or len(found.text) > LONGEST:
        prefixes = " or ".join(f"{word}:" for word in fields)
        raise InvalidParams(f"Give the {noun}: its name, or {prefixes} and a value.")
    return found


def choose(
    found: Sequence[T], attribute: str, selector: Selector, noun: str, describe: Callable[[T], Candidate]
) -> T | None:
    """The one object of `found`, None when there is none; one that matches in upper and lower case comes first.

    Raises Ambiguous with the selectors of the candidates, as `describe` makes them.
    """
    same = [item for item in found if str(getattr(item, attribute)) == selector.text] or list(found)
    if len(same) > 1:
        what = f"{len(same)} {noun}s have the {selector.kind} {selector.text!r}"
        raise ambiguous(what, sorted(map(describe, same)))
    return same[0] if same else None


def ambiguous(what: str, candidates: Sequence[Candidate]) -> Ambiguous:
    """The error for a selector that fits several objects; `what` says which, as a sentence without its full stop."""
    shown = "; ".join(f"{each.selector} ({each.facts})" for each in candidates[:MOST_CANDIDATES])
    more = f"; and {len(candidates) - MOST_CANDIDATES} more" if len(candidates) > MOST_CANDIDATES else ""
    return Ambiguous(f"{what}. Choose one: {shown}{more}.", [each.selector for each in candidates])


def no_vcenter(name: str, known: Sequence[str], suggestions: Sequence[str] = ()) -> NotFound:
    """The error for the name of a vCenter that the settings do not have; `known` are the names that they have."""
    there = f"there {'are' if len(known) > 1 else 'is'}: {', '.join(known)}" if known else "there is none"
    return NotFound(f"No vCenter is named {name[:60]}; {there}.", list(suggestions or known))


def not_found(names: Iterable[str], selector: Selector, noun: str, more: str = "") -> NotFound:
    """The error for an object that does not exist, with similar names; slow when there are thousands of names."""
    every = sorted(set(names))
    lowered = selector.text.lower()
    near = [name for name in every if lowered in name.lower()]
    near = near or difflib.get_close_matches(selector.text, every, NEAREST, 0.5)
    hint = " Did you mean one of these?" if near else ""
    return NotFound(f"There is no {noun} with the {selector.kind} {selector.text!r}.{hint}{more}", near[:NEAREST])
