"""The roles for vCenter: privileges that vSphere knows, the same on the page, and as commands that can be pasted."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from pyVmomi import vim

from knowledge.vsphere_roles import IMPLICIT, TIERS, of_tier, privileges, role_commands, role_ids

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
CALLS = {
    "VirtualMachine.CreateSnapshot_Task": vim.VirtualMachine.CreateSnapshot,
    "VirtualMachine.ConsolidateVMDisks_Task": vim.VirtualMachine.ConsolidateDisks,
    "VirtualMachine.ExportVm": vim.VirtualMachine.ExportVm,
    "VirtualMachine.PowerOnVM_Task": vim.VirtualMachine.PowerOn,
    "VirtualMachine.PowerOffVM_Task": vim.VirtualMachine.PowerOff,
    "VirtualMachine.ShutdownGuest": vim.VirtualMachine.ShutdownGuest,
    "VirtualMachine.ResetVM_Task": vim.VirtualMachine.Reset,
    "VirtualMachine.AnswerVM": vim.VirtualMachine.Answer,
    "VirtualMachine.RelocateVM_Task": vim.VirtualMachine.Relocate,
    "VirtualMachine.CreateScreenshot_Task": vim.VirtualMachine.CreateScreenshot,
    "VirtualMachineSnapshot.RemoveSnapshot_Task": vim.vm.Snapshot.Remove,
    "VirtualMachineSnapshot.RevertToSnapshot_Task": vim.vm.Snapshot.Revert,
    "VirtualMachineSnapshot.ExportSnapshot": vim.vm.Snapshot.ExportSnapshot,
    "ResourcePool.ImportVApp": vim.ResourcePool.ImportVApp,
    "Folder.CreateVM_Task": vim.Folder.CreateVm,
    "HostSystem.EnterMaintenanceMode_Task": vim.HostSystem.EnterMaintenanceMode,
    "HostStorageSystem.RescanAllHba": vim.host.StorageSystem.RescanAllHba,
    "HostStorageSystem.AddInternetScsiSendTargets": vim.host.StorageSystem.AddInternetScsiSendTargets,
}


def test_each_privilege_that_cites_a_call_is_the_one_that_pyvmomi_lists_for_it() -> None:
    cited = [
        (call, each.id)
        for each in privileges()
        if each.source.startswith("pyVmomi 9: ")
        for call in each.source.removeprefix("pyVmomi 9: ").split(", ")
    ]

    assert len(cited) > 15
    assert [(call, CALLS[call].info.privId) for call, _ in cited] == cited


def test_page_has_every_row_of_the_table() -> None:
    page = PAGE.read_text()

    for each in privileges():
        assert f"| `{each.id}` | {each.object} | {each.needed_for} | {each.certainty} | {each.source} |" in page
    assert page.count("\n| `") == len(privileges())


@pytest.mark.parametrize("tier", TIERS)
def test_role_has_the_privileges_of_its_tier_once_in_both_forms(tier: str) -> None:
    ids = role_ids(tier)

    create, grant = role_commands(tier, "govc").replace("\\\n", " ").splitlines()
    assert shlex.split(create) == ["govc", "role.create", f"vmkops-{tier}", *ids]
    assert shlex.split(grant)[:2] == ["govc", "permissions.set"]
    assert all(f"'{each}'" in role_commands(tier, "powercli") for each in ids)
    assert {each.id for each in of_tier(tier)} - set(ids) <= {"System.View", "System.Read"}
    assert not any(each.startswith(IMPLICIT) for each in ids)
