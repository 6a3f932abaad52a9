"""A merge changes only the given settings, a second merge changes nothing, and the diff applies."""

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.vmx.merge import MergeError, merge
from knowledge.vmx.parse import parse
from knowledge.vmx.snippets import SNIPPETS, render
from knowledge.vmx.syntax import UnsafeValueError

VMX = """config.version = "8"
# kept as it is
displayName = "fileserver"
ethernet0.present = "TRUE"
ethernet0.virtualDev = "vlance"
memsize = "512"
guestOS = "rhel4"
"""

KEYS = st.sampled_from(["a.b", "A.B", "memsize", "serial0.present", "serial0.fileName", "x", "guestOS"])
VALUES = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), max_size=20)
LINES = st.lists(
    st.one_of(
        st.builds('{} = "{}"'.format, KEYS, st.sampled_from(["1", "TRUE", "a|b", "say |22x|22"])),
        st.builds("{} = “{}”".format, KEYS, st.sampled_from(["1", "two words"])),
        st.sampled_from(["# note", "", "junk", 'x = "open']),
    ),
    max_size=30,
)


def applied(text: str, diff: str) -> str:
    """Return `text` with a unified diff applied, by the line numbers in the diff."""
    old = re.findall(r"[^\n]*\n|[^\n]+", text)
    diff = diff.replace("\n\\ No newline at end of file\n", "\0\n")
    new: list[str] = []
    at = 0
    for hunk in re.split(r"^(?=@@ )", diff, flags=re.MULTILINE)[1:]:
        head, *body = (line.replace("\0\n", "") for line in re.findall(r"[^\n]*\n", hunk))
        numbers = re.match(r"@@ -(\d+),(\d+) \+(\d+),(\d+) @@", head)
        assert numbers
        start, length = int(numbers[1]) - (numbers[2] != "0"), int(numbers[2])
        before = [line[1:] for line in body if line[0] in " -"]
        after = [line[1:] for line in body if line[0] in " +"]
        new += old[at:start]
        assert old[start : start + length] == before
        assert (len(new) + (numbers[4] != "0"), len(after)) == (int(numbers[3]), int(numbers[4]))
        new += after
        at = start + length
    return "".join(new + old[at:])


@given(
    lines=LINES,
    settings=st.lists(st.tuples(KEYS, VALUES), max_size=6),
    end=st.sampled_from(["\n", "\r\n"]),
    closed=st.booleans(),
)
def test_merging_sets_every_key_and_merging_again_changes_nothing(
    lines: list[str], settings: list[tuple[str, str]], end: str, closed: bool
) -> None:
    text = end.join(lines) + (end if closed else "")
    once = merge(parse(text), settings)
    vmx = parse(once.text)
    for key, value in {key.lower(): value for key, value in settings}.items():
        assert (vmx.get(key) or "").lower() == value.lower()
        assert key not in vmx.duplicates
    again = merge(vmx, settings)
    assert (again.text, again.diff, again.added, again.replaced, again.removed) == (once.text, "", [], [], [])
    assert applied(text, once.diff) == once.text


@given(lines=LINES, settings=st.lists(st.tuples(KEYS, VALUES), max_size=6))
def test_lines_of_other_keys_remain_unchanged(lines: list[str], settings: list[tuple[str, str]]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    touched = {key.lower() for key, _ in settings}

    def others(vmx: str) -> list[str]:
        return [line for line in vmx.split("\n") if line.partition(" ")[0].lower() not in touched and line]

    assert others(merge(parse(text), settings).text) == others(text)


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_merged_snippet_is_unchanged_by_a_second_merge(name: str) -> None:
    vmx = parse(VMX)
    for end in render(name, SNIPPETS[name].example, vmx).settings:
        parameters = {**SNIPPETS[name].example, **({"index": "0"} if name in {"nic", "scsi-controller"} else {})}
        once = merge(vmx, render(name, parameters, vmx).settings[end])
        merged = parse(once.text)
        assert merged.findings == []
        assert merge(merged, render(name, parameters, merged).settings[end]).diff == ""


def test_a_replaced_key_keeps_its_place_and_is_reported() -> None:
    merged = merge(parse(VMX), [("ethernet0.VirtualDev", "vmxnet"), ("ethernet0.features", "15")])
    assert [(change.key, change.line, change.old, change.new) for change in merged.replaced] == [
        ("ethernet0.VirtualDev", 5, "vlance", "vmxnet")
    ]
    assert merged.added == ["ethernet0.features"]
    assert merged.text.splitlines()[4] == 'ethernet0.VirtualDev = "vmxnet"'
    assert merged.text.splitlines()[-1] == 'ethernet0.features = "15"'


def test_the_diff_is_unified_and_names_the_file() -> None:
    diff = merge(parse(VMX), [("memsize", "1024")], "fs.vmx").diff
    assert diff.splitlines() == [
        "--- fs.vmx",
        "+++ fs.vmx",
        "@@ -3,5 +3,5 @@",
        ' displayName = "fileserver"',
        ' ethernet0.present = "TRUE"',
        ' ethernet0.virtualDev = "vlance"',
        '-memsize = "512"',
        '+memsize = "1024"',
        ' guestOS = "rhel4"',
    ]


def test_a_boolean_in_another_case_is_not_a_change() -> None:
    assert merge(parse(VMX), [("ethernet0.present", "true")]).diff == ""


def test_a_duplicate_key_is_kept_only_once() -> None:
    merged = merge(parse('a = "1"\nb = "2"\nA = "3"\n'), [("a", "1")])
    assert merged.text == 'a = "1"\nb = "2"\n'
    assert merged.removed == [3]


def test_a_line_with_curly_quotes_is_replaced_although_its_value_is_the_same() -> None:
    assert merge(parse("a = “1”\n"), [("a", "1")]).text == 'a = "1"\n'


def test_windows_line_ends_and_a_missing_last_one_are_handled() -> None:
    assert merge(parse('a = "1"\r\nb = "2"'), [("c", "3")]).text == 'a = "1"\r\nb = "2"\r\nc = "3"\r\n'


def test_settings_can_be_merged_into_an_empty_vmx() -> None:
    assert merge(parse(""), [("a", "1")]).text == 'a = "1"\n'


def test_a_value_with_a_line_break_is_refused() -> None:
    with pytest.raises(UnsafeValueError):
        merge(parse(VMX), [("a", '1"\nevil = "2')])


def test_a_vmx_with_undecodable_bytes_is_not_changed() -> None:
    with pytest.raises(MergeError, match="not text in its encoding"):
        merge(parse(b'.encoding = "UTF-8"\na = "\xff"\n'), [("b", "1")])


def test_text_that_the_encoding_does_not_have_is_refused() -> None:
    with pytest.raises(MergeError, match="cp1252"):
        merge(parse('.encoding = "windows-1252"\n'), [("annotation", "日本")])


def test_git_applies_the_diff(tmp_path: Path) -> None:
    long = VMX + "".join(f'guestinfo.k{number} = "{number}"\n' for number in range(40)) + 'last = "1"'
    merged = merge(parse(long), [("config.version", "7"), ("guestinfo.k20", "x"), ("new", "y")], "vm.vmx")
    (tmp_path / "vm.vmx").write_text(long)
    subprocess.run(["git", "apply", "-p0", "-"], input=merged.diff, text=True, cwd=tmp_path, check=True)
    assert (tmp_path / "vm.vmx").read_text() == merged.text
    assert merged.diff.count("@@ -") == 3
