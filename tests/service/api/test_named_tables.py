"""A table of vmkops.toml that a request names is found, and a wrong name is answered with the right one."""

from __future__ import annotations

import pytest

from service.api.named_tables import named_table
from service.errors import NotFound


def test_table_is_found_by_its_name() -> None:
    assert named_table({"nas": 1}, "nas", what="copy target", section="copy") == 1


@pytest.mark.parametrize(
    ("tables", "name", "words"),
    [
        ({"nas": 1, "offsite": 2}, "ofsite", "'ofsite'. Did you mean offsite? There are: nas, offsite."),
        ({"nas": 1}, "nope", "'nope'. There are: nas."),
        ({"nas": 1}, "zzzz", "'zzzz'. There are: nas."),
        ({}, "nope", "'nope'. vmkops.toml has no table [copy.NAME]; the administrator adds one."),
    ],
)
@pytest.mark.parametrize(("also", "end"), [("none", " For no copy target, give none."), ("", "")])
def test_wrong_name_is_answered_in_words_and_not_with_what_would_complete_a_command(
    tables: dict[str, int], name: str, words: str, also: str, end: str
) -> None:
    with pytest.raises(NotFound) as refused:
        named_table(tables, name, what="copy target", section="copy", also=also)

    assert str(refused.value) == f"There is no copy target {words}{end}"
    assert refused.value.suggestions == []
