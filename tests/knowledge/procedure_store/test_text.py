"""Excerpts show the words of a page as they stand in it, without the markup around them."""

import pytest

from knowledge.procedure_store.folders import BUILT_IN
from knowledge.procedure_store.store import Store
from knowledge.procedure_store.text import MARK_END, MARK_START, marked, plain_text


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("The snapshot `_VCB-BACKUP_` is there.", "The snapshot _VCB-BACKUP_ is there."),
        ("See `commands/vmkerrcode_-l.txt`.", "See commands/vmkerrcode_-l.txt."),
        ("See vmkerrcode_-l.txt and snake_case_name.", "See vmkerrcode_-l.txt and snake_case_name."),
        ("`vmkfstools -D *-delta.vmdk` and `a**b`", "vmkfstools -D *-delta.vmdk and a**b"),
        ("This is **not** an _error_, *really*, ***never***.", "This is not an error, really, never."),
        ("2 * 3 * 4 and a_b", "2 * 3 * 4 and a_b"),
        (r"\*no emphasis\* and \_none\_", "*no emphasis* and _none_"),
        ("``a `b` c``", "a `b` c"),
        ("[words](page.md#part) and ![picture](x.png)", "words and picture"),
        ("## Steps\n\n1. One\n2. Two\n   - three", "Steps One Two three"),
        ("> [!CAUTION]\n> Affects every host.", "Affects every host."),
        ("```sh\nls -l _x_\n```", "ls -l _x_"),
        ("| a | b |\n| --- | --- |\n| 1 | 2 |", "a b 1 2"),
    ],
)
def test_markup_is_removed_and_code_remains(markdown: str, plain: str) -> None:
    assert plain_text(markdown) == plain


@pytest.mark.parametrize("words", ["VCB-BACKUP", "vmkerrcode_-l.txt"])
def test_excerpt_keeps_underscores_and_hyphens(words: str) -> None:
    with Store.open(folders=[BUILT_IN]) as store:
        excerpts = [marked(hit.snippet, "", "") for hit in store.search(words)]
    assert any(words in excerpt for excerpt in excerpts)


def test_marks_of_an_excerpt_never_come_from_the_page() -> None:
    assert plain_text(f"{MARK_START}x{MARK_END}") == "x"


def test_a_link_whose_target_is_code_remains_as_text() -> None:
    assert plain_text("See [the log](`vmkernel.log`) and `esxtop`.") == "See [the log](vmkernel.log) and esxtop."
