"""A selection means the VMs that people expect, and one that cannot be read is refused with what to write instead."""

from __future__ import annotations

import pytest

from service.errors import InvalidParams
from service.vsphere.inventory import Vm
from service.vsphere.selection import Places, asks_about, choose, in_folder, near, read_selection
from service.vsphere.tags import Tag

VMS = [
    Vm(moref="vm-1", name="web-01", power_state="poweredOn", host="host-1", datastores=("ds-1",)),
    Vm(moref="vm-2", name="web-02", power_state="poweredOff", host="host-2", datastores=("ds-1", "ds-2")),
    Vm(moref="vm-3", name="db:1, old", power_state="poweredOn", uuid="4210-AB"),
    Vm(moref="vm-1", name="web-01", vcenter="lab", power_state="poweredOn"),
    Vm(moref="vm-8", name="golden", template=True),
    Vm(moref="vm-9", name="vCLS-1", managed_by="com.vmware.vim.eam"),
]
PLACES = Places(
    folders={
        ("default", "vm-1"): ("DC0", "vm", "prod", "web"),
        ("default", "vm-2"): ("DC0", "vm", "prod"),
        ("default", "vm-3"): ("Europe", "DC0", "vm"),
        ("default", "vm-8"): ("DC0", "vm", "prod"),
    },
    tags={("default", "vm-1"): (Tag(category="Backup", name="gold"),), ("lab", "vm-1"): ()},
    hosts={("default", "host-1"): "esx1.example", ("default", "host-2"): "esx2.example"},
    datastores={("default", "ds-1"): "fast", ("default", "ds-2"): "slow"},
)
WEB1, WEB2, DB, LAB = "default/vm-1", "default/vm-2", "default/vm-3", "lab/vm-1"


def chosen(selection: str) -> list[str]:
    return [f"{vm.vcenter}/{vm.moref}" for vm in choose(read_selection(selection), VMS, PLACES).vms]


@pytest.mark.parametrize(
    ("selection", "vms"),
    [
        ("all", [DB, WEB1, LAB, WEB2]),
        ("ALL, !vcenter:lab", [DB, WEB1, WEB2]),
        ("web-01", [WEB1, LAB]),
        ("lab/web-01", [LAB]),
        ("lab/moref:vm-1", [LAB]),
        ("moref:vm-1", [WEB1, LAB]),
        ("uuid:4210-ab", [DB]),
        ("name:WEB-*", [WEB1, LAB, WEB2]),
        ("web-0?,!web-02", [WEB1, LAB]),
        ("tag:gold", [WEB1]),
        ("tag:Backup=gold", [WEB1]),
        ("tag:backup/GOLD", [WEB1]),
        ("folder:/DC0/vm/prod/*", [WEB1, WEB2]),
        ("folder:/DC0/prod/*", [WEB1, WEB2]),
        ("folder:/dc0/prod", [WEB2]),
        ("folder:/DC0/prod/,!folder:/DC0/prod/web", [WEB2]),
        ("folder:/*/prod/web", [WEB1]),
        ("folder:/Europe/*", [DB]),
        ("host:esx2.*", [WEB2]),
        ("datastore:slow", [WEB2]),
        ("power:on,!tag:gold", [DB, LAB]),
        ("power:off", [WEB2]),
        ("name:db:1*", [DB]),
    ],
)
def test_selection_includes_the_vms_that_it_names(selection: str, vms: list[str]) -> None:
    assert chosen(selection) == vms


@pytest.mark.parametrize(
    ("selection", "vms", "unknown"),
    [
        ("all,!folder:/DC0/dev/*", [DB, WEB1, WEB2], [LAB]),
        ("all,!host:esx1.*", [WEB2], [DB, LAB]),
        ("all,!datastore:slow", [WEB1], [DB, LAB]),
        ("all,!lab/host:esx1.*", [DB, WEB1, WEB2], [LAB]),
        ("all,!vcenter:lab,!folder:/DC0/dev", [DB, WEB1, WEB2], []),
        ("all,!tag:silver", [DB, WEB1, LAB, WEB2], []),
    ],
)
def test_vm_that_a_term_may_exclude_is_left_out_and_named(selection: str, vms: list[str], unknown: list[str]) -> None:
    found = choose(read_selection(selection), VMS, PLACES)
    assert [f"{vm.vcenter}/{vm.moref}" for vm in found.vms] == vms
    assert [f"{vm.vcenter}/{vm.moref}" for vm in found.unknown] == unknown


@pytest.mark.parametrize("term", ["all", "golden", "name:*", "vCLS-1", "folder:/DC0/prod", "moref:vm-8"])
def test_templates_and_agents_are_never_in(term: str) -> None:
    assert not {"default/vm-8", "default/vm-9"} & set(chosen(term))


def test_terms_that_fit_no_vm_are_named() -> None:
    assert choose(read_selection("all,tag:silver,!host:gone"), VMS, PLACES).unmatched == ["tag:silver", "!host:gone"]


@pytest.mark.parametrize(
    ("selection", "mend"),
    [
        ("", "A term is empty"),
        ("tag:gold,,web", "A term is empty"),
        ("tag:", "'tag:' has no value"),
        ("!", "Nothing follows '!'"),
        ("tags:gold", "write name:tags:gold"),
        ("power:maybe", "power:on, power:off or power:suspended"),
        ("folder:prod", "folder:/DATACENTER/prod"),
        ("!tag:dev", "all,!tag:dev"),
        ("a" * 5000, "4000 is the most"),
        (",".join(["web"] * 101), "101 terms, and 100 is the most. Use a tag or a folder"),
    ],
)
def test_selection_that_cannot_be_read_is_refused_with_the_mend(selection: str, mend: str) -> None:
    with pytest.raises(InvalidParams) as refused:
        read_selection(selection)
    assert mend in str(refused.value)


@pytest.mark.parametrize(
    ("path", "wanted", "inside"),
    [
        (("DC0", "vm"), "/DC0", True),
        (("DC0", "vm"), "/DC0/vm", True),
        (("DC0", "vm", "a/b"), "/DC0/a%2fb", True),
        (("DC0", "vm", "a/b"), "/DC0/a/b", False),
        (("DC0", "vm", "product"), "/DC0/prod/*", False),
        (("DC0", "vm", "web [1]"), "/DC0/web [1]", True),
        (("DC0", "vm", "web 1"), "/DC0/web [1]", False),
        (("DC0", "vm", "x"), "/*", True),
    ],
)
def test_folder_is_compared_level_by_level(path: tuple[str, ...], wanted: str, *, inside: bool) -> None:
    assert in_folder(path, wanted) is inside


def test_only_the_vcenters_that_a_term_can_fit_are_asked() -> None:
    terms = read_selection("vcenter:prod-*,lab/name:web-01,!all")
    assert [name for name in ("prod-1", "lab", "dev") if asks_about(terms, name)] == ["prod-1", "lab"]


def test_terms_near_to_a_misspelt_one_are_offered() -> None:
    assert near(read_selection("tag:glod"), VMS, PLACES) == ["tag:Backup/gold"]
    assert "web-01" in near(read_selection("web-1"), VMS, PLACES)
