"""The paths, adapters, datastores and VMs that a line is about are found where the line has another finding."""

from __future__ import annotations

import pytest

from knowledge.vmklog import decode_line

CODE = "failed: 0xbad0006 "
VOLUME = "5009333b-b7a2d1f8-fc26-e4115bb4a813"


def named(text: str) -> list[tuple[str, str]]:
    line = CODE + text
    found = decode_line(line)[1:]
    assert all(line[finding.start : finding.end] == finding.text for finding in found)
    return [(finding.kind, finding.text) for finding in found]


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ('on path "vmhba2:C0:T1:L80" Failed', "path", "vmhba2:C0:T1:L80"),
        ("vmhba0:0:1:1 status", "path", "vmhba0:0:1:1"),
        ("mpx.vmhba33:C0:T0:L0", "mpx", "mpx.vmhba33:C0:T0:L0"),
        ("iscsi_vmk: vmhba64:CH:0 T:1 CN:0: Failed", "adapter", "vmhba64"),
        ("vmnic3: link down", "adapter", "vmnic3"),
        ('Affected datastores (if any): "DS 02".', "datastore", "DS 02"),
        ("Waiting for timed out [HB state abcdef02] on vol 'DS01'", "datastore", "DS01"),
        ("HBX: 3058: 'DS 01': HB at offset 3407872 - Waiting", "datastore", "DS 01"),
        ("Vol3: 3102: 'DS01': Unable to open volume", "datastore", "DS01"),
        ("Create virtual machine snapshot vm01: An error occurred", "vm", "vm01"),
        ("/vmfs/volumes/DS01/iso", "datastore", "DS01"),
        ('"/vmfs/volumes/my store/iso/a.iso"', "datastore", "my store"),
        ("[DS01] web-01/web-01.vmdk", "datastore", "DS01"),
        ("identifier [8a5a1336-3d574c6d] has entered", "datastore", "8a5a1336-3d574c6d"),
        ("StorageApdHandler: 846: APD Exit for ident [8a5a1336-3d574c6d]!", "datastore", "8a5a1336-3d574c6d"),
        ("World: vm 3343194: 1443: Starting world vmm0:web-01 of type 8", "vm", "web-01"),
        ("vmx-vcpu-0:db.example)", "vm", "db.example"),
        ("in world 1:vmm0:My VM IP 0x1", "vm", "My VM"),
        ("(vmm0:My VM)", "vm", "My VM"),
    ],
)
def test_a_subject_is_found_beside_a_code(text: str, kind: str, name: str) -> None:
    assert (named(text) or [("", "")])[-1] == (kind, name)


@pytest.mark.parametrize(
    "text",
    [
        "vmhba",
        "myvmhba2:C0:T1:L80",
        "vmnic",
        "[APDCorrelator] 955us: a/b",
        "50093-b7a2",
        "datastores: none",
        "vol '",
        "vmm0:My VM failed",
        "Vol3: 3102: 'vml.01': Unable to open device",
    ],
)
def test_a_part_of_a_name_or_another_word_is_not_a_subject(text: str) -> None:
    assert named(text) == []


def test_a_volume_is_found_with_the_name_that_follows_its_uuid() -> None:
    both = [("datastore", VOLUME), ("datastore", "DS01")]
    for line in (
        f"Lost access to volume {VOLUME} (DS01) due to connectivity issues",
        f"[esx.problem.vmfs.resource.corruptondisk] {VOLUME} DS01",
    ):
        assert [pair for pair in named(line) if pair[0] == "datastore"] == both


def test_the_path_of_a_vmx_file_names_the_datastore_and_the_vm() -> None:
    assert named("[/vmfs/volumes/my ds/web 01/web 01.vmx]") == [("datastore", "my ds"), ("vm", "web 01")]
    assert named(f"vm:/vmfs/volumes/{VOLUME}/web/web.vmx: x") == [("datastore", VOLUME), ("vm", "web")]


def test_every_datastore_of_a_list_is_found() -> None:
    line = 'Lost path redundancy. Path vmhba1:C0:T0:L0 is down. Affected datastores: "DS1", "DS2".'
    assert named(line) == [("path", "vmhba1:C0:T0:L0"), ("datastore", "DS1"), ("datastore", "DS2")]


def test_a_line_is_not_found_because_of_a_subject_alone() -> None:
    assert decode_line("NMP: path vmhba2:C0:T1:L80 of [DS01] web/web.vmdk is registered") == []


def test_the_name_of_the_vm_at_the_start_of_a_vmware_log_is_found_alone() -> None:
    (found,) = decode_line('2024-01-15T02:10:09.001Z In(05) vmx - DICT               displayName = "web 01"')
    assert (found.kind, found.text) == ("vm", "web 01")


def test_a_path_is_explained_by_its_parts() -> None:
    summary = decode_line(CODE + "vmhba2:C0:T1:L80")[1].summary
    assert summary.endswith("the path through adapter vmhba2 to channel 0, target 1, LUN 80")
