"""Owners of OUIs, from the registry of the IEEE."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.oui import owner


@pytest.mark.parametrize(
    ("oui", "organization"),
    [("00-A0-98", "NetApp"), ("24-A9-37", "PURE Storage"), ("00-50-8B", "Hewlett Packard"), ("00-60-16", "CLARIION")],
)
def test_the_owner_of_an_oui_is_the_organization_in_the_registry(oui: str, organization: str) -> None:
    assert owner(oui) == organization


def test_an_oui_that_others_use_names_them_too() -> None:
    assert owner("00-14-05") == "OpenIB, Inc., used by Linux-IO (LIO)"


@given(st.binary(min_size=2, max_size=2))
def test_a_locally_administered_number_has_no_owner(rest: bytes) -> None:
    assert owner(f"FE-{rest.hex('-').upper()}") == ""
