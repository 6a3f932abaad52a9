"""A link to a page of the service works for the reader, or is not a link."""

from __future__ import annotations

import pytest

from bot.cards.links import page_link


def test_page_of_a_service_with_a_public_address_is_a_link() -> None:
    link = page_link("https://ops.example.com", "/p2v/checklist?a=b&c=d", "all steps")
    assert link == "<https://ops.example.com/p2v/checklist?a=b&amp;c=d|all steps>"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"])
def test_page_of_a_service_on_the_same_machine_is_named_by_its_path(url: str) -> None:
    assert page_link(url, "/procedures", "all procedures") == "all procedures: `/procedures` on the vmkops service"
