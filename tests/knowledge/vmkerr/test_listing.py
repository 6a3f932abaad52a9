"""A host's own `vmkerrcode -l`, imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.errors import Unreadable
from knowledge.vmkerr.listing import keep, listing, read_listing, release_id
from knowledge.vmkerr.lookup import find
from knowledge.vmkerr.table import bundled, tables_in

LISTING = """\
VMK_ReturnStatus table for VMware ESX Server, Build #64607
Name Dec Hex errno equiv Description
——————————————————————————-
VMK_OK 0 0 OK Success
VMK_FAILURE 195887105 0xbad0001 EINVAL Failure
VMK_DEPRECATED_NO_FREE_PTR_BLOCKS195887129 0xbad0019 ENOSPC No free pointer blocks (deprecated)
VMK_BAD_VLANID  195887165   0xbad003d   EBADF   Couldn’t retrieve VLan id
VMK_SWAPPED_COLUMNS 0xbad0040 195887168 EIO Hex before decimal
VMK_LAST_ERR 195887461 0xbad0165 EINVAL Invalid error code
"""


def _import(data_dir: Path, release: str, text: str = LISTING) -> Path:
    return keep(data_dir, release, read_listing(text, release).rows)


def test_a_listing_is_read_with_its_heading_its_run_together_names_and_its_curly_quotes() -> None:
    found = read_listing(LISTING, "lab")
    assert found.skipped == ()
    assert [(row.code, row.name, row.errno, row.description) for row in found.rows] == [
        (0, "VMK_OK", "OK", "Success"),
        (0xBAD0001, "VMK_FAILURE", "EINVAL", "Failure"),
        (0xBAD0019, "VMK_DEPRECATED_NO_FREE_PTR_BLOCKS", "ENOSPC", "No free pointer blocks (deprecated)"),
        (0xBAD003D, "VMK_BAD_VLANID", "EBADF", "Couldn't retrieve VLan id"),
        (0xBAD0040, "VMK_SWAPPED_COLUMNS", "EIO", "Hex before decimal"),
    ]


def test_only_lines_that_are_neither_rows_nor_a_heading_count_as_skipped() -> None:
    own = listing("6.0")
    assert read_listing(own, "lab").skipped == ()
    assert read_listing(f"$ vmkerrcode -l\n{own}\nName of the host: esx-01\n", "lab").skipped == (1, 348)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("VMK_BUSY 195887108 0xbad0005 EBUSY Busy", "line 10: 195887108 and 0xbad0005 are not the same number"),
        ("VMK_BUSY 195887108", "line 10: expected name, decimal, hex, errno and description"),
        ("VMK_AGAIN 195887105 0xbad0001 EINVAL Failure", "line 10: 0xbad0001 is listed twice"),
        ("VMK_BIG 0x1ffffffff 8589934591 EIO Too big", "line 10: 0x1ffffffff has more than 32 bits"),
    ],
)
def test_a_damaged_row_is_refused_with_its_line_number(row: str, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        read_listing(LISTING + row, "lab")


def test_a_text_without_rows_is_not_a_listing() -> None:
    for text in ("", "hello\nworld", "\x00\x01\x02"):
        with pytest.raises(Unreadable, match="not a listing of vmkernel codes"):
            read_listing(text, "lab")


def test_an_imported_release_is_included_in_lookups(tmp_path: Path) -> None:
    _import(tmp_path, "esx-4.1", LISTING + "VMK_FOURTH 195887138 0xbad0022 EIO What 4.1 means by it")
    tables = tables_in(tmp_path)
    assert [match.releases for match in find("0xbad0022", tables=tables).matches] == [
        ["esx-3.5"],
        ["esx-4.1"],
        ["esxi-5.0", "esxi-5.1", "esxi-6.0", "ddk-2024"],
    ]
    assert [match.name for match in find("0xbad0022", "4.1", tables).matches] == ["VMK_FOURTH"]
    assert not find("0xbad0022", "ESX 4.1", tables).note
    assert find("what 4.1 means", tables=tables).kind == "text"
    assert "VMK_FOURTH" in listing("4.1", tables)


def test_without_imports_the_built_in_tables_are_used_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert tables_in(tmp_path) is bundled()
    assert tables_in(tmp_path / "absent") is bundled()
    assert tables_in(tmp_path / "file") is bundled()


def test_imported_tables_are_read_again_only_when_they_change(tmp_path: Path) -> None:
    _import(tmp_path, "lab")
    first = tables_in(tmp_path)
    assert tables_in(tmp_path) is first
    _import(tmp_path, "lab", LISTING + "VMK_NEW 195887462 0xbad0166 EIO New")
    assert find("0xbad0166", tables=tables_in(tmp_path)).matches[0].releases == ["lab"]


def test_importing_again_replaces_the_table_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    for _ in range(2):
        kept = _import(tmp_path, "esxi-7.0u3")
    assert [file.name for file in kept.parent.iterdir()] == ["esxi-7.0u3.tsv"]


@pytest.mark.parametrize(
    "content",
    ["header\nnonsense", "header\nlab\tVMK_A\t1\t0x2\tEIO\tA", "header\nother\tVMK_A\t1\t0x1\tEIO\tA", "\xff"],
)
def test_a_damaged_import_is_ignored_and_reported(tmp_path: Path, content: str) -> None:
    _import(tmp_path, "good")
    (tmp_path / "releases" / "lab.tsv").write_bytes(content.encode("latin-1"))
    tables = tables_in(tmp_path)
    assert list(tables.by_release)[-1] == "good"
    assert "lab.tsv is ignored" in tables.problems[0]


def test_a_file_cannot_take_the_place_of_a_built_in_table(tmp_path: Path) -> None:
    (tmp_path / "releases").mkdir()
    (tmp_path / "releases" / "esxi-6.0.tsv").write_text("h\nesxi-6.0\tVMK_A\t1\t0x1\tEIO\tA\n")
    tables = tables_in(tmp_path)
    assert "vmkops already has a table" in tables.problems[0]
    assert find("0xbad0022", "6.0", tables).matches[0].name == "VMK_READ_ONLY"


@pytest.mark.parametrize(
    "name",
    ["", "..", "../x", "a/b", "/etc/passwd", ".hidden", "a..b", "x" * 41, "a b", "ä", "a\x00", "6.0", "ESXi 6.0"],
)
def test_a_name_that_points_outside_the_folder_or_hides_a_table_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unreadable):
        release_id(name)
    with pytest.raises(Unreadable):
        _import(tmp_path, name)


def test_a_name_is_stored_in_lower_case() -> None:
    assert release_id(" ESXi-7.0U3 ") == "esxi-7.0u3"
