"""Reads the answers of vSphere several times as fast as pyVmomi alone does, into the same objects.

For each XML element, pyVmomi looks up which type it has, makes an object property by property, and checks whether the
value fits where it goes. All this depends on the types alone, so it is remembered here from the first element of its
kind. What is rare, such as a fault, is left to pyVmomi each time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from pyVmomi import SoapAdapter
from pyVmomi.SoapAdapter import NS_SEP, XSI_TYPE, SoapDeserializer
from pyVmomi.VmomiSupport import Enum, GetVmodlType, ManagedMethod, ManagedObject, binary

MOST_KINDS = 50_000
"""How many kinds of elements are remembered; the answers of a vCenter have some hundreds."""
LEFT_TO_PYVMOMI = (type, ManagedMethod, binary, datetime)
"""Types of values that take more than their text."""
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
LOCALIZED_FAULT: type = GetVmodlType("vmodl.LocalizedMethodFault")

_begin: Any = SoapDeserializer.StartElementHandler
_end: Any = SoapDeserializer.EndElementHandler


class _Property(NamedTuple):
    name: str
    is_list: bool


_begins: dict[tuple[Any, ...], Callable[[], Any] | None] = {}
"""What makes what an element is read into; None for what pyVmomi has to make."""
_properties: dict[tuple[type, str], _Property] = {}
"""The property of an object of this type that an element with this tag is."""
_fitting: dict[tuple[type, str, type], str] = {}
"""The name of the property of an object of this type that an element with this tag is, where values of a type fit."""
_readers: dict[type, Callable[[str], Any] | None] = {}
"""What makes the value of a type from its text; None for what pyVmomi has to read."""


class QuickDeserializer(SoapDeserializer):
    """Takes the place of pyVmomi's class: it makes the same objects, and raises the same errors."""

    def StartElementHandler(self, tag: str, attr: dict[str, str]) -> None:  # noqa: N802 - pyVmomi names it
        """Put on the stack what the element is read into."""
        if not self.stack or "serverGuid" in attr:
            _begin(self, tag, attr)
            return
        kind: tuple[Any, ...] = (self.stack[-1].__class__, tag, self.version)
        if attr:
            kind += self._stated_type(attr)
        try:
            begin = _begins[kind]
        except KeyError:
            begin = self._first(kind, tag, attr)
        if begin is None:
            _begin(self, tag, attr)
            return
        self.data = ""
        self.serverGuid = None
        self.stack.append(begin())

    def _stated_type(self, attr: dict[str, str]) -> tuple[object, ...]:
        """The types that an element states, each with its namespace."""
        spaces = self.nsMap
        prefix, _, name = attr.get(XSI_TYPE, "").rpartition(":")
        stated, usual = spaces.get(prefix or None), spaces.get(None)
        return name, stated[-1] if stated else "", attr.get("type"), usual[-1] if usual else ""

    def EndElementHandler(self, tag: str) -> None:  # noqa: N802
        """Give what was read to the object or the list that it is a part of."""
        stack = self.stack
        value = stack[-1] if len(stack) > 1 else None
        if isinstance(value, type):
            read = _readers[value] if value in _readers else _reader(value)
            if read is not None:
                value = read(self.data)
            elif issubclass(value, ManagedObject):
                value = value(self.data, self.stub, self.serverGuid)
            else:
                value = None
        if value is None or isinstance(value, LOCALIZED_FAULT):
            _end(self, tag)
            return
        stack.pop()
        parent = stack[-1]
        if isinstance(parent, list):
            parent.append(value)
            return
        place = parent.__class__, tag, value.__class__
        name = _fitting.get(place)
        if name is not None:
            parent.__dict__[name] = value
            return
        known = _properties.get(place[:2]) or _property(parent, tag)
        if known.is_list and not isinstance(value, list):
            getattr(parent, known.name).append(value)
            return
        setattr(parent, known.name, value)
        if not isinstance(value, list) and not isinstance(parent, Exception):  # lists depend on what is in them
            _limit(_fitting)
            _fitting[place] = known.name

    def _first(self, kind: tuple[Any, ...], tag: str, attr: dict[str, str]) -> Callable[[], Any] | None:
        """Let pyVmomi begin the first element of its kind, and remember how it did that."""
        _begin(self, tag, attr)
        made = self.stack.pop()
        _limit(_begins)
        begin = _begins[kind] = _maker(made)
        return begin


def _maker(made: Any) -> Callable[[], Any] | None:
    """What makes another one of what pyVmomi has put on its stack."""
    if isinstance(made, type):
        return lambda: made  # a value, whose text follows
    of: type = type(made)
    if isinstance(made, list):
        return of
    if isinstance(made, Exception):
        return None
    values = dict(made.__dict__)
    lists = [(name, type(value)) for name, value in values.items() if isinstance(value, list)]

    def make() -> Any:
        new: Any = object.__new__(of)
        new.__dict__.update(values)
        for name, kind in lists:
            new.__dict__[name] = kind()
        return new

    return make


def _reader(of: type) -> Callable[[str], Any] | None:
    read: Callable[[str], Any] | None = of
    if of in LEFT_TO_PYVMOMI or issubclass(of, ManagedObject):
        read = None
    elif of is bool:
        read = BOOLEANS.get
    elif issubclass(of, Enum):
        read = partial(getattr, of)
    _readers[of] = read
    return read


def _property(parent: Any, tag: str) -> _Property:
    info = parent._GetPropertyInfo(tag.rpartition(NS_SEP)[2])
    _limit(_properties)
    known = _properties[parent.__class__, tag] = _Property(info.name, issubclass(info.type, list))
    return known


def _limit(memory: dict[Any, Any]) -> None:
    """Forget everything when it is much more than a vCenter's answers have, such as made-up namespaces."""
    if len(memory) >= MOST_KINDS:
        memory.clear()


def read_quickly() -> None:
    """Let pyVmomi read the answers to all its calls so."""
    vars(SoapAdapter)["SoapDeserializer"] = QuickDeserializer
