"""An OVF package given to the linter of a VMX, and the reverse, is named together with the command that checks it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from knowledge import ovf
from knowledge.file_kinds import LOOKED_AT, is_vmx, ovf_kind
from knowledge.vmx.lint import lint as lint_vmx
from knowledge.vmx.merge import MergeError, merge
from knowledge.vmx.parse import parse
from tests.knowledge.ovf.test_package import descriptor
from tests.knowledge.vmx.test_lint import CORRECT

OVF = descriptor()
PREFIXED = (
    b"<?xml version='1.0'?>\n<!-- exported -->\n<ovf:Envelope xmlns:ovf='http://schemas.dmtf.org/ovf/envelope/1'/>"
)


def ova() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo("web01.ovf")
        entry.size = len(OVF)
        archive.addfile(entry, io.BytesIO(OVF))
    return out.getvalue()


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        (OVF, "OVF descriptor"),
        (PREFIXED, "OVF descriptor"),
        (b"\xef\xbb\xbf\r\n" + OVF, "OVF descriptor"),
        (OVF.decode().encode("utf-16"), "OVF descriptor"),
        (ova(), "OVA"),
    ],
)
def test_the_linter_of_a_vmx_names_an_ovf_package_and_its_command(file: bytes, kind: str) -> None:
    (finding,) = lint_vmx(file)
    assert (finding.rule, finding.severity) == ("not-a-vmx", "error")
    assert finding.message == f"This is an {kind}, not a VMX."
    assert "vmkops ovf lint" in finding.fix
    assert "POST /ovf/lint" in finding.fix


def test_an_ovf_package_as_the_far_end_is_named_and_one_as_the_target_of_a_merge_is_refused() -> None:
    (finding,) = lint_vmx(CORRECT, parse(OVF))
    assert (finding.rule, finding.where) == ("not-a-vmx", "far end")
    with pytest.raises(MergeError, match="This is an OVF descriptor, not a VMX"):
        merge(parse(OVF), [("tools.syncTime", "FALSE")])


@pytest.mark.parametrize(
    "file",
    [
        CORRECT.encode(),
        CORRECT.replace("\n", "\r\n").encode(),
        b"#!/usr/bin/vmware\n\n" + CORRECT.encode(),
        CORRECT.encode("utf-16"),
        b'displayName = "web"\nannotation = "Caf\xe9"\n',
    ],
)
def test_the_linter_of_an_ovf_names_a_vmx_and_its_command(file: bytes, tmp_path: Path) -> None:
    (tmp_path / "web.vmx").write_bytes(file)
    for findings in (ovf.lint_bytes(file), ovf.lint(tmp_path / "web.vmx")):
        (finding,) = findings
        assert (finding.rule, finding.severity) == ("not-an-ovf", "error")
        assert finding.message == "This is a VMX, not an OVF descriptor."
        assert "vmkops vmx lint" in finding.fix
        assert "POST /vmx/lint" in finding.fix


def test_the_folder_of_a_vm_is_named(tmp_path: Path) -> None:
    (tmp_path / "web.vmx").write_text(CORRECT, "utf-8")
    (finding,) = ovf.lint(tmp_path)
    assert finding.rule == "descriptor-missing"
    assert "vmkops vmx lint" in finding.fix


@pytest.mark.parametrize("file", [b"", b"a = 1\n", b"<html>\n", b'displayName = "x"\nand prose\n', bytes(range(256))])
def test_other_files_keep_their_findings(file: bytes) -> None:
    assert not is_vmx(file)
    assert ovf_kind(file.decode("latin-1")) == ""
    assert "not-a-vmx" not in [finding.rule for finding in lint_vmx(file)]
    assert "not-an-ovf" not in [finding.rule for finding in ovf.lint_bytes(file)]


def test_a_large_vmx_is_recognized_by_its_beginning() -> None:
    assert is_vmx(CORRECT.encode() + b'x = "' + b"y" * LOOKED_AT)
