"""The faults of the vSphere API in logs: each form of their names, and what they mean."""

from __future__ import annotations

import pytest
from pyVmomi import VmomiSupport, vmodl

from knowledge import data_files
from knowledge.vmklog import Finding, decode_line
from knowledge.vmklog.facts import facts

HOSTD = "2025-04-04T04:04:04.000Z In(166) Hostd[2099301]: [Originator@6876 sub=Vimsvc.TaskManager opID=ab12] "


def only(line: str) -> Finding:
    (found,) = [finding for finding in decode_line(line) if finding.kind == "vim-fault"]
    assert line[found.start : found.end] == found.text
    return found


def test_a_locked_file_leads_to_the_owner_of_the_lock() -> None:
    meaning = only(
        f"{HOSTD}Task Completed : haTask-42-vim.VirtualMachine.powerOn-1 Status error : vim.fault.FileLocked"
    ).meaning
    assert meaning.certainty == "certain"
    assert (meaning.where, meaning.class_) == ("VM", "busy")
    assert "backup proxy" in meaning.summary
    assert "vmkfstools -D" in meaning.next
    assert "consolidation-needed" in meaning.procedures


@pytest.mark.parametrize(
    ("line", "text", "certainty"),
    [
        ("caught N3Vim5Fault8NotFound9ExceptionE(Fault cause: vim.fault.NotFound", "vim.fault.NotFound",
         "certain"),
        ("(vmodl.fault.ManagedObjectNotFound) {", "vmodl.fault.ManagedObjectNotFound", "certain"),
        ("pyVmomi.VmomiSupport.vim.fault.NoPermission: (vim.fault.X) null", "vim.fault.NoPermission", "certain"),
        ("sms.fault.replication.PeerNotReachable", "sms.fault.replication.PeerNotReachable", "certain"),
        ("<vim25:FileLockedFault xsi:type=\"FileLocked\">", "FileLockedFault", "likely"),
        ("com.vmware.vim25.NoDiskSpaceFaultMsg: no space", "NoDiskSpace", "likely"),
        ("detail: InsufficientResourcesFaultFault", "InsufficientResourcesFaultFault", "likely"),
        ("caught ManagedObjectNotFoundFault", "ManagedObjectNotFoundFault", "likely"),
    ],
)  # fmt: skip
def test_a_fault_is_found_in_each_form_of_its_name(line: str, text: str, certainty: str) -> None:
    found = only(line)
    assert (found.text, found.meaning.certainty) == (text, certainty)
    assert found.summary.startswith(("vim.fault.", "vmodl.fault.", "sms.fault."))


@pytest.mark.parametrize(
    "line", ["faultCause = (vmodl.MethodFault) null", "(vim.fault.FileLocked) null", "PageFault", "segmentationFault",
             "vim.fault.", "a SegFault of PF Exception", "vim25.jar", "x.FileLockedFault()"]
)  # fmt: skip
def test_no_fault_and_other_faults_are_not_found(line: str) -> None:
    assert decode_line(line) == []


def test_a_fault_without_its_own_row_is_explained_by_the_fault_that_it_is_a_kind_of() -> None:
    meaning = only("vim.fault.VMotionNotLicensed").meaning
    assert "a kind of VMotionInterfaceIssue" in meaning.summary
    assert meaning.procedures == ("vmotion-failed",)


def test_a_fault_that_the_api_does_not_have_is_open() -> None:
    assert only("vim.fault.BrandNewTrouble").meaning.certainty == "open"
    assert only("vim.fault.InvalidEvent").meaning.certainty == "certain"


def test_a_cancelled_request_is_harmless_on_its_own_and_says_so() -> None:
    meaning = only("vmodl.fault.RequestCanceled").meaning
    assert meaning.class_ == "harmless"
    assert "On its own, this is harmless" in meaning.summary


def test_the_list_of_faults_is_that_of_the_api() -> None:
    types = dict(line.split("\t") for line in data_files.data_lines("vim_fault_types.tsv"))
    known = {
        kind.__name__: kind.__bases__[0].__name__
        for name in VmomiSupport._dataDefMap
        if issubclass(kind := VmomiSupport.GetVmodlType(name), vmodl.MethodFault) and kind.__name__.count(".") > 1
    }
    assert types == known
    assert set(facts("vim_faults.tsv")) <= set(types)
