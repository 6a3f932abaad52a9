"""No VMX makes the parser raise, every wrong line is reported, and a written value is read back unchanged."""

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.vmx.parse import parse
from knowledge.vmx.syntax import UnsafeValueError, pasted, setting

PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), max_size=200)
KEYS = st.from_regex(r"[a-z][A-Za-z0-9]{0,8}\.[a-zA-Z]{1,8}", fullmatch=True)


def rules(source: str | bytes) -> list[str]:
    return [finding.rule for finding in parse(source).findings]


@given(value=PRINTABLE)
def test_any_printable_value_is_read_back_unchanged(value: str) -> None:
    vmx = parse(setting("annotation", value) + "\n")
    assert vmx.get("annotation") == value
    assert vmx.findings == []


@given(source=st.one_of(st.text(), st.binary(), st.text('= "|#“”\n\r\t\0.abc0:\u00a0\u200b\ufeff')))
def test_no_text_and_no_bytes_raise(source: str | bytes) -> None:
    for finding in parse(source).findings:
        assert finding.message
        "".join(astuple(finding)).encode("utf-8")


@given(
    declared=st.one_of(st.sampled_from(["idna", "rot13", "zlib", "utf-8", "Shift_JIS"]), st.text()), body=st.binary()
)
def test_no_declared_encoding_raises(declared: str, body: bytes) -> None:
    parse(b'.encoding = "' + declared.encode("utf-8", "ignore") + b'"\n' + body)


@given(before=st.text(max_size=20), after=st.text(max_size=20), mark=st.sampled_from("\n\r\x00\x0b\x0c\x1b\x85\u2028"))
def test_a_value_with_a_line_break_or_control_character_is_refused(before: str, after: str, mark: str) -> None:
    with pytest.raises(UnsafeValueError, match=f"U\\+{ord(mark):04X}|has a"):
        setting("annotation", before + mark + after)


@pytest.mark.parametrize("key", ["", "a b", 'a"', "a=b", "a\n", "å", ".", "#x"])
def test_a_key_that_could_break_the_line_is_refused(key: str) -> None:
    with pytest.raises(UnsafeValueError):
        setting(key, "TRUE")
    assert pasted(key, "TRUE") == ""


def test_keys_are_not_case_sensitive() -> None:
    vmx = parse('Serial0.FileName = "pipe"\n')
    assert vmx.get("serial0.filename") == "pipe"
    assert vmx.where("SERIAL0.FILENAME") == "line 1: Serial0.FileName"


def test_a_duplicate_key_is_an_error_that_names_both_lines() -> None:
    vmx = parse('memsize = "512"\n# a comment\nMemSize = "1024"\n')
    (finding,) = vmx.findings
    assert (finding.rule, finding.severity, finding.where) == ("duplicate-key", "error", "line 3: MemSize")
    assert "line 1" in finding.message
    assert vmx.get("memsize") == "512"
    assert vmx.duplicates == {"memsize": [3]}


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("say |22hi|22", 'say "hi"'),
        ("a |7C b", "a | b"),
        ("|7C22", "|22"),
        ("line|0Abreak", "line\nbreak"),
        ("|c3|a9t|C3|A9", "été"),
        ("50|", "50|"),
        ("|2g", "|2g"),
    ],
)
def test_escapes_are_decoded(raw: str, value: str) -> None:
    assert parse(f'annotation = "{raw}"').get("annotation") == value


def test_a_bar_that_starts_no_escape_is_a_warning_with_the_fix() -> None:
    (finding,) = parse('annotation = "a | b"').findings
    assert (finding.rule, finding.severity, finding.fix) == ("bad-escape", "warning", 'annotation = "a |7C b"')


def test_a_device_that_is_not_present_hides_its_settings() -> None:
    vmx = parse(
        'serial0.present = "FALSE"\nserial0.fileName = "a"\nserial0.pipe.endPoint = "server"\n'
        'scsi0.present = "false"\nscsi0:0.present = "TRUE"\nscsi0:0.fileName = "d.vmdk"\n'
        'ide1:0.fileName = "cd.iso"\nmemsize = "64"\n'
    )
    assert vmx.active("serial0.fileName") is None
    assert vmx.active("serial0.pipe.endPoint") is None
    assert vmx.active("scsi0:0.fileName") is None
    assert vmx.active("ide1:0.fileName") == "cd.iso"
    assert vmx.active("memsize") == "64"
    assert vmx.get("serial0.fileName") == "a"


@pytest.mark.parametrize(
    ("line", "rule", "value", "fix"),
    [
        ("serial0.present = “true”", "curly-quotes", "true", 'serial0.present = "true"'),
        ("a.b = “two words”", "curly-quotes", "two words", 'a.b = "two words"'),
        ('a.b = "half”', "curly-quotes", "half", 'a.b = "half"'),
        ("a.b = ‘one’ # why", "curly-quotes", "one", 'a.b = "one"'),
        ("a.b = 'one'", "single-quotes", "one", 'a.b = "one"'),
        ('a.b = "say "hi" to', "unescaped-quote", 'say "hi', 'a.b = "say |22hi"'),
        ('a.b = "say "hi" to"', "unescaped-quote", 'say "hi" to', 'a.b = "say |22hi|22 to"'),
        ('a.b = x"y', "unescaped-quote", 'x"y', 'a.b = "x|22y"'),
        ('a.b = "open', "unclosed-quote", "open", 'a.b = "open"'),
        ('a.b = "one" two', "text-after-value", "one", 'a.b = "one"'),
        ("a.b = one", "unquoted-value", "one", 'a.b = "one"'),
        ("a.b = one two", "unquoted-value", "one two", 'a.b = "one two"'),
        ('a.b\u00a0= "one"', "invisible-character", "one", 'a.b = "one"'),
        ('\u200ba.b = "one"', "invisible-character", "one", 'a.b = "one"'),
    ],
)
def test_a_malformed_line_is_reported_with_a_fix_and_read_as_intended(
    line: str, rule: str, value: str, fix: str
) -> None:
    vmx = parse(f'first = "1"\n{line}\n')
    (finding,) = vmx.findings
    assert (finding.rule, finding.where, finding.fix) == (rule, "line 2: a.b" if "a.b" in line else finding.where, fix)
    assert vmx.get(fix.partition(" ")[0]) == value
    assert parse(fix).findings == []
    assert vmx.repaired == {2}


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("no equals sign", "not-a-setting"),
        ("// not a comment here", "not-a-setting"),
        ('= "value"', "not-a-setting"),
        ('two words = "x"', "odd-key"),
        ('naïve = "x"', "odd-key"),
        ('a.b = "x\x00y"', "control-character"),
    ],
)
def test_a_line_that_is_not_a_setting_is_an_error_with_its_number(line: str, rule: str) -> None:
    vmx = parse(f'first = "1"\n\n{line}\n')
    (finding,) = vmx.findings
    assert (finding.rule, finding.severity) == (rule, "error")
    assert finding.where.startswith("line 3")
    assert list(vmx.entries) == ["first"]


@pytest.mark.parametrize("line", ["", "   \t", "# comment", '\t# a = "b', "#!/usr/bin/vmware", "\r"])
def test_blank_lines_and_comments_are_ignored(line: str) -> None:
    assert rules(f'a = "1"\n{line}\n') == []


@pytest.mark.parametrize("line", ['a="1"', ' a  =\t"1" ', 'a = "1" # why', 'a = "1"\r', "a ="])
def test_the_line_format_of_vmware_is_accepted(line: str) -> None:
    vmx = parse(line)
    assert vmx.findings == []
    assert vmx.get("a") in {"1", ""}


def test_the_declared_encoding_is_used() -> None:
    vmx = parse('.encoding = "windows-1252"\ndisplayName = "Büro"\n'.encode("cp1252"))
    assert vmx.get("displayName") == "Büro"
    assert vmx.encoding == "cp1252"
    assert vmx.findings == []


def test_an_escaped_byte_is_in_the_declared_encoding() -> None:
    assert parse('.encoding = "windows-1252"\nannotation = "|e9t|e9"').get("annotation") == "été"


@pytest.mark.parametrize("name", ["klingon", "idna", "zlib", "utf-7"])
def test_an_unknown_encoding_is_an_error(name: str) -> None:
    assert rules(f'.encoding = "{name}"\na = "1"\n'.encode()) == ["unknown-encoding"]


def test_old_text_without_an_encoding_line_is_read_as_windows_1252() -> None:
    vmx = parse("displayName = “Büro".replace("“", '"').encode("cp1252") + b'"\n')
    assert vmx.get("displayName") == "Büro"
    assert [finding.rule for finding in vmx.findings] == ["missing-encoding"]


@pytest.mark.parametrize(
    "data", [b'.encoding = "UTF-8"\na = "\xff\xfe"\n', b"\x7fELF\x00\x01\xff\xfe", '.a = "1"'.encode("utf-16")]
)
def test_bytes_that_are_not_text_are_an_error_and_lossy(data: bytes) -> None:
    vmx = parse(data)
    assert vmx.lossy
    assert any(finding.severity == "error" for finding in vmx.findings)


def test_half_a_surrogate_pair_in_text_is_an_error_that_can_be_printed() -> None:
    vmx = parse('a = "\ud800"')
    assert vmx.lossy
    assert vmx.findings[0].rule == "undecodable-bytes"
    vmx.text.encode("utf-8")


def test_a_byte_order_mark_is_reported_and_not_part_of_the_key() -> None:
    vmx = parse(b'\xef\xbb\xbfa = "1"\n')
    assert vmx.get("a") == "1"
    assert [finding.rule for finding in vmx.findings] == ["byte-order-mark"]


def test_an_empty_file_is_reported_as_having_no_settings() -> None:
    assert rules("") == ["no-settings"]


def test_a_hundred_findings_of_one_rule_are_kept_and_the_rest_counted() -> None:
    findings = parse("junk\n" * 5000 + 'a = "1"\n').findings
    assert len(findings) == 101
    assert findings[-1].message == "This rule has 4900 more findings."


def test_a_hundred_thousand_keys_are_all_read() -> None:
    vmx = parse("".join(f'guestinfo.key{number} = "{number}"\n' for number in range(100_000)))
    assert len(vmx.entries) == 100_000
    assert vmx.get("guestinfo.key99999") == "99999"
    assert vmx.findings == []


def test_a_very_long_line_is_quoted_in_part() -> None:
    (first, _) = parse("x" * 5_000_000).findings
    assert len(first.message) < 400
