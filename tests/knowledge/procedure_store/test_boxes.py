"""Boxes of pages remain readable where Markdown is shown as text."""

from knowledge.procedure_store.boxes import box_kind, readable_boxes


def test_box_starts_with_the_mark_of_its_kind() -> None:
    assert box_kind("   > [!CAUTION]") == "CAUTION"
    assert box_kind("> [!NOTE] ") == "NOTE"
    assert box_kind("> [!OTHER]") is None
    assert box_kind("[!CAUTION]") is None
    assert box_kind("> [!CAUTION] and more") is None


def test_text_of_a_page_has_headings_in_place_of_marks() -> None:
    page = "1. Step\n\n   > [!CAUTION]\n   > Stops the VM.\n\n> [!NOTE]\n> a [!NOTE] in a sentence\n"
    assert readable_boxes(page) == (
        "1. Step\n\n   > CAUTION:\n   > Stops the VM.\n\n> NOTE:\n> a [!NOTE] in a sentence\n"
    )
