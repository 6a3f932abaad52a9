"""What the licences of a vCenter or a host mean for backups."""

from __future__ import annotations

import pytest

from service.vsphere.examine import judge_licences


@pytest.mark.parametrize(
    ("licences", "mark", "words"),
    [
        ([("esxBasic", "VMware vSphere 8 Hypervisor")], "failed", "VMware vSphere 8 Hypervisor is the free ESXi"),
        ([("eval", "Evaluation Mode")], "ok", "Evaluation Mode"),
        ([("esx.enterprisePlus", "VMware vSphere 8 Enterprise Plus")], "ok", "Enterprise Plus"),
        (None, "ok", "Global.Licenses"),
    ],
)
def test_free_esxi_is_named(licences: list[tuple[str, str]] | None, mark: str, words: str) -> None:
    finding = judge_licences("lab", licences)

    assert finding.mark == mark
    assert words in finding.text
