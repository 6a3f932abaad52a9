"""Checks the properties of an appliance: the values that a person or a script sets at import (DMTF DSP0243, 9.5.1).

Sources of the refusals: ``prop_*`` and ``dup_prodsec`` below ``Neg`` in ovf/fixtures/external of vmware/govmomi, which
are test input of VMware's ovftool. A key with a period, which DSP0243 forbids, is no finding, because VMware's own
appliances have such keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from knowledge.finding import Finding, Severity
from knowledge.ovf.machines import kind
from knowledge.ovf.quoting import quoted
from knowledge.ovf.xml import Element

_INTEGERS = {
    "int": (-(2**31), 2**31 - 1),
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    **{f"sint{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
}
"""The least and the greatest value of each integer type; ``int`` is VMware's (ovf/configspec.go in vmware/govmomi)."""

_REALS = frozenset({"real", "real32", "real64"})
_TYPES = frozenset(_INTEGERS) | _REALS | {"string", "boolean"}
_OF_VSPHERE = re.compile(r"(string|password|int|real|ip|expression)([(:].*)?", re.DOTALL)
"""Types of vSphere's own properties, such as ``ip:Network``; which importers accept them is unknown."""

_LENGTH = re.compile(r"(Min|Max)Len\(\s*([0-9]{1,9})\s*\)")
_VALUE = re.compile(r"(Min|Max)Value\(\s*(-?[0-9]{1,20}(?:\.[0-9]{1,20})?)\s*\)")
_CHOICE = re.compile(r'"([^"]*)"|\'([^\']*)\'|([^,"\'\s][^,]*)')
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def check_properties(root: Element) -> Iterator[Finding]:
    """Yield findings about the ProductSections of each VM and vApp in ``root``."""
    for content in root.walk():
        if kind(content) in {"VirtualSystem", "VirtualSystemCollection"}:
            yield from _check_products([child for child in content.children if kind(child) == "ProductSection"])


def _check_products(sections: list[Element]) -> Iterator[Finding]:
    keys: dict[tuple[str, str], set[str]] = {}
    for section in sections:
        product = section.attributes.get("class", ""), section.attributes.get("instance", "")
        if product in keys:
            names = f"class {quoted(product[0])} and instance {quoted(product[1])}" if any(product) else "no class"
            severity: Severity = "error" if any(product) else "warning"
            message = f"Two ProductSections have {names}, so their properties cannot be told apart."
            yield _finding("product-twice", section, message, "Give each one a class or instance of its own.", severity)
        known = keys.setdefault(product, set())
        for element in section.children:
            if element.name == "Property":
                yield from _check_property(element, known)
                known.add(element.attributes.get("key", ""))


def _check_property(element: Element, known: set[str]) -> Iterator[Finding]:
    attributes = element.attributes
    key = attributes.get("key", "")
    if not key:
        yield _finding("property-key", element, "A Property has no key.", "Add ovf:key.", "error")
    elif key in known:
        message = f"The property {quoted(key)} is defined twice in one product."
        yield _finding("property-twice", element, message, "Rename or remove one of them.", "error")
    yield from _check_type(element, key)
    configurable = attributes.get("userConfigurable", "false")
    if configurable.lower() not in {"true", "false", "1", "0"}:
        message = f"userConfigurable of property {quoted(key)} is {quoted(configurable)} instead of true or false."
        yield _finding("property-configurable", element, message, "Write true or false.", "warning")
    value = attributes.get("value", "")
    if value.strip() and not value.startswith("${"):
        problem = _wrong_value(attributes.get("type", "").lower(), value, attributes.get("qualifiers", ""))
        if problem:
            message = f"The default value {quoted(value)} of property {quoted(key)} {problem}."
            fix = "Correct the value, the type or the qualifiers; otherwise each import has to set another value."
            yield _finding("property-value", element, message, fix, "warning")


def _check_type(element: Element, key: str) -> Iterator[Finding]:
    """Report a type that ovftool refuses, also a missing one; an empty one is in packages of VMware Studio."""
    stated = element.attributes.get("type")
    if stated is None:
        message = f"Property {quoted(key)} has no type, so ovftool refuses the package."
        yield _finding("property-type", element, message, 'Add ovf:type, for example ovf:type="string".', "error")
    elif not stated:
        message = f"The type of property {quoted(key)} is empty."
        yield _finding("property-type", element, message, 'Set it, for example to ovf:type="string".', "warning")
    elif stated.lower() not in _TYPES and not _OF_VSPHERE.fullmatch(stated):
        message = f"Property {quoted(key)} has the type {quoted(stated)}, which OVF does not have."
        fix = "Use string, boolean, a type for whole numbers such as uint16, or real64."
        yield _finding("property-type", element, message, fix, "error")


def _wrong_value(kind_of_value: str, value: str, qualifiers: str) -> str:
    """Return how a default value contradicts its type or qualifiers, or an empty string."""
    if kind_of_value != "string":
        value = value.strip()
    if kind_of_value in _INTEGERS:
        least, greatest = _INTEGERS[kind_of_value]
        if not re.fullmatch(r"[+-]?[0-9]{1,20}", value) or not least <= int(value) <= greatest:
            return f"is not of the type {kind_of_value}"
    elif kind_of_value in _REALS and not _NUMBER.fullmatch(value):
        return f"is not of the type {kind_of_value}"
    elif kind_of_value == "boolean" and value.lower() not in {"true", "false", "1", "0"}:
        return "is not true or false"
    if kind_of_value == "string":
        lengths = {which: int(length) for which, length in _LENGTH.findall(qualifiers)}
        if not lengths.get("Min", 0) <= len(value) <= lengths.get("Max", len(value)):
            return f"does not have a length that {quoted(qualifiers)} allows"
    elif kind_of_value in _INTEGERS or kind_of_value in _REALS:
        limits = {which: float(limit) for which, limit in _VALUE.findall(qualifiers)}
        if not limits.get("Min", float(value)) <= float(value) <= limits.get("Max", float(value)):
            return f"is outside the range of {quoted(qualifiers)}"
    choices = _choices(qualifiers)
    if choices and value not in choices:
        return f"is not one of the values in {quoted(qualifiers)}"
    return ""


def _choices(qualifiers: str) -> set[str]:
    """Return the values in ``ValueMap{"a", "b"}``; empty without one."""
    listed = qualifiers.partition("ValueMap{")[2].rpartition("}")[0]
    return {(one or two or three).strip() for one, two, three in _CHOICE.findall(listed)}


def _finding(rule: str, element: Element, message: str, fix: str, severity: Severity) -> Finding:
    return Finding(rule, severity, f"line {element.line}", message, fix)
