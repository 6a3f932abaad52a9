"""The properties of an appliance have a key, a type of OVF, and default values that fit it."""

from __future__ import annotations

import pytest

from knowledge.finding import Finding
from knowledge.ovf import lint_bytes
from tests.knowledge.ovf.test_descriptor import descriptor


def product(*properties: str, about: str = "") -> str:
    return f"<ProductSection {about}><Info/>{''.join(properties)}</ProductSection>"


def prop(attributes: str) -> str:
    return f"<Property {attributes}/>"


def lint_products(*products: str) -> tuple[Finding, ...]:
    return lint_bytes(descriptor().replace(b"</VirtualSystem>", "".join((*products, "</VirtualSystem>")).encode()))


def lint_property(attributes: str) -> Finding:
    (finding,) = lint_products(product(prop(attributes)))
    return finding


@pytest.mark.parametrize(
    "attributes",
    [
        'ovf:key="guestinfo.hostname" ovf:type="string" ovf:userConfigurable="true"',
        'ovf:key="hidden" ovf:type="string" ovf:userConfigurable="false"',
        'ovf:key="a" ovf:type="String" ovf:value=""',
        'ovf:key="a" ovf:type="ip:Network 1" ovf:value="192.0.2.1"',
        'ovf:key="a" ovf:type="boolean" ovf:value="True"',
        'ovf:key="a" ovf:type="int" ovf:value=" 42 "',
        'ovf:key="a" ovf:type="int" ovf:value="${port}"',
        'ovf:key="a" ovf:type="uint8" ovf:value="255"',
        'ovf:key="a" ovf:type="sint8" ovf:value="-128"',
        'ovf:key="a" ovf:type="real64" ovf:value="1.5e3" ovf:qualifiers="MinValue(1.5) MaxValue(2000)"',
        'ovf:key="a" ovf:type="string" ovf:value="abc" ovf:qualifiers="MinLen(3),MaxLen(3)"',
        "ovf:key='a' ovf:type='string' ovf:value='b, c' ovf:qualifiers='ValueMap{\"a\", \"b, c\"}'",
        'ovf:key="a" ovf:type="uint8" ovf:value="2" ovf:qualifiers="ValueMap{1,2}"',
        'ovf:key="a" ovf:type="string" ovf:qualifiers="Ip(\'Network 1\')"',
    ],
)
def test_property_of_a_real_appliance_has_no_finding(attributes: str) -> None:
    assert lint_products(product(prop(attributes))) == ()


@pytest.mark.parametrize(
    ("attributes", "rule", "severity"),
    [
        ('ovf:type="string"', "property-key", "error"),
        ('ovf:key="a"', "property-type", "error"),
        ('ovf:key="a" ovf:type=""', "property-type", "warning"),
        ('ovf:key="a" ovf:type="hostname"', "property-type", "error"),
        ('ovf:key="a" ovf:type="string" ovf:userConfigurable="yes"', "property-configurable", "warning"),
    ],
    ids=["no key", "no type", "empty type", "unknown type", "userConfigurable"],
)
def test_property_that_cannot_be_read_is_reported(attributes: str, rule: str, severity: str) -> None:
    finding = lint_property(attributes)
    assert (finding.rule, finding.severity) == (rule, severity)


@pytest.mark.parametrize(
    "attributes",
    [
        'ovf:type="int" ovf:value="many"',
        'ovf:type="uint8" ovf:value="256"',
        'ovf:type="real32" ovf:value="1,5"',
        'ovf:type="boolean" ovf:value="yes"',
        'ovf:type="string" ovf:value="ab" ovf:qualifiers="MinLen(3)"',
        'ovf:type="string" ovf:value="abcd" ovf:qualifiers="MinLen(1) MaxLen(3)"',
        'ovf:type="uint16" ovf:value="0" ovf:qualifiers="MinValue(1),MaxValue(65535)"',
        "ovf:type='string' ovf:value='c' ovf:qualifiers='ValueMap{\"a\", \"b\"}'",
    ],
)
def test_default_value_that_contradicts_its_type_is_a_warning(attributes: str) -> None:
    finding = lint_property(f'ovf:key="a" {attributes}')
    assert (finding.rule, finding.severity) == ("property-value", "warning")


ADDRESS = prop('ovf:key="ip" ovf:type="string"')


def test_key_may_be_in_several_products_but_once_in_each() -> None:
    first = product(ADDRESS, about='ovf:class="com.example.web"')
    second = product(ADDRESS, about='ovf:class="com.example.web" ovf:instance="2"')
    assert lint_products(first, second) == ()
    (finding,) = lint_products(product(ADDRESS, ADDRESS))
    assert (finding.rule, finding.severity) == ("property-twice", "error")


@pytest.mark.parametrize(
    ("about", "severity"), [('ovf:class="com.example.web" ovf:instance="1"', "error"), ("", "warning")]
)
def test_products_that_cannot_be_told_apart_are_reported(about: str, severity: str) -> None:
    (finding,) = lint_products(product(about=about), product(about=about))
    assert (finding.rule, finding.severity) == ("product-twice", severity)
