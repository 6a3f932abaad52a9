"""A name chooses the backups of one VM; where it stands for several VMs, each candidate can be typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.backups.catalogue import read_catalogue
from service.backups.vm_choice import backups_of, find_backup, vm_selector
from service.errors import Ambiguous, NotFound
from tests.kept_packages import keep_package

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def keep(
    folder: Path, backup: str, days: int, moref: str, *, vm: str = "web", uuid: str = "", vcenter: str = ""
) -> None:
    """Keep a backup, so many days after the first, of the VM with this moref; its UUID is derived from the moref."""
    identity = {"moref": moref, "uuid": uuid or f"uuid-of-{moref}", **({"vcenter": vcenter} if vcenter else {})}
    keep_package(folder, backup, NOON + timedelta(days=days), vm=vm, identity=identity)


def newest_of_each(folder: Path, name: str) -> list[str]:
    """The ids of the backups that the candidates of an ambiguous name lead to."""
    with pytest.raises(Ambiguous) as refused:
        find_backup(folder, f"newest:{name}")
    return [find_backup(folder, candidate).id for candidate in refused.value.suggestions]


def test_newest_of_a_name_that_two_vms_have_is_ambiguous(tmp_path: Path) -> None:
    keep(tmp_path, "first", 0, "vm-1")
    keep(tmp_path, "second", 1, "vm-2")

    with pytest.raises(Ambiguous, match="stands for 2 VMs") as refused:
        find_backup(tmp_path, "newest:web")

    assert refused.value.suggestions == ["newest:moref:vm-2", "newest:moref:vm-1"]
    assert newest_of_each(tmp_path, "web") == ["second", "first"]


def test_vms_of_two_vcenters_are_told_apart_though_their_morefs_are_equal(tmp_path: Path) -> None:
    keep(tmp_path, "first", 0, "vm-1", vcenter="lab")
    keep(tmp_path, "second", 1, "vm-1", uuid="other")

    assert newest_of_each(tmp_path, "web") == ["second", "first"]
    assert find_backup(tmp_path, "newest:lab/web").id == "first"
    assert find_backup(tmp_path, "newest:lab/moref:vm-1").id == "first"


def test_moref_that_another_vm_got_later_is_told_apart_by_the_uuid(tmp_path: Path) -> None:
    keep(tmp_path, "first", 0, "vm-1", uuid="one")
    keep(tmp_path, "second", 1, "vm-1", uuid="two")

    assert newest_of_each(tmp_path, "web") == ["second", "first"]
    assert find_backup(tmp_path, "newest:uuid:ONE").id == "first"


def test_name_belongs_to_the_vm_that_had_it_last(tmp_path: Path) -> None:
    keep(tmp_path, "before", 0, "vm-1")
    keep(tmp_path, "renamed", 1, "vm-1", vm="web-old")
    keep(tmp_path, "in its place", 2, "vm-2")

    assert find_backup(tmp_path, "newest:web").id == "in its place"
    assert find_backup(tmp_path, "newest:web-old").id == "renamed"


def test_renamed_vm_is_found_by_its_earlier_name_while_no_other_has_it(tmp_path: Path) -> None:
    keep(tmp_path, "before", 0, "vm-1")
    keep(tmp_path, "renamed", 1, "vm-1", vm="new")

    assert find_backup(tmp_path, "newest:web").id == "renamed"
    assert [kept.id for kept in backups_of(read_catalogue(tmp_path), "web")] == ["renamed", "before"]


def test_newest_of_a_vm_skips_damaged_and_broken_ones(tmp_path: Path) -> None:
    keep_package(tmp_path, "good", NOON)
    keep_package(tmp_path, "damaged", NOON + timedelta(days=1), verdict="damaged")
    (keep_package(tmp_path, "broken", NOON + timedelta(days=2)) / "web.mf").unlink()

    assert find_backup(tmp_path, "newest:web").id == "good"


def test_record_that_cannot_be_read_makes_no_name_ambiguous(tmp_path: Path) -> None:
    keep(tmp_path, "good", 0, "vm-1")
    (keep_package(tmp_path, "unreadable", NOON) / "backup.json").unlink()

    assert find_backup(tmp_path, "newest:web").id == "good"


def test_vm_without_a_good_backup_is_reported_with_the_reason(tmp_path: Path) -> None:
    (keep_package(tmp_path, "broken", NOON) / "web.mf").unlink()

    with pytest.raises(NotFound, match=r"No backup of web is good, of 1 in all.*no manifest"):
        find_backup(tmp_path, "newest:web")


def test_name_without_a_backup_brings_similar_ones(tmp_path: Path) -> None:
    keep_package(tmp_path, "a1", NOON, vm="web-01")

    with pytest.raises(NotFound) as refused:
        find_backup(tmp_path, "newest:WEB")

    assert refused.value.suggestions == ["newest:web-01"]


def test_id_that_climbs_out_of_the_folder_is_unknown(tmp_path: Path) -> None:
    keep_package(tmp_path, "a1", NOON)

    with pytest.raises(NotFound, match="The list of backups has their ids"):
        find_backup(tmp_path, "../web/a1")


def keep_instance(folder: Path, backup: str, days: int, moref: str, instance: str, vcenter: str = "prod") -> None:
    """Keep a backup of the VM with this instance UUID; all VMs have the same BIOS UUID."""
    identity = {"moref": moref, "uuid": "bios", "instance_uuid": instance, "vcenter": vcenter}
    keep_package(folder, backup, NOON + timedelta(days=days), identity=identity)


def test_vm_that_was_registered_anew_is_the_same_vm(tmp_path: Path) -> None:
    keep_instance(tmp_path, "recorded before", -1, "vm-1", "")
    keep_instance(tmp_path, "before", 0, "vm-1", "one")
    keep_instance(tmp_path, "anew", 1, "vm-2", "ONE")

    assert find_backup(tmp_path, "newest:web").id == "anew"
    every = read_catalogue(tmp_path)
    for selector in ("web", "moref:vm-1", "moref:vm-2", "uuid:one"):
        assert [kept.id for kept in backups_of(every, selector)] == ["anew", "before", "recorded before"]
    assert {vm_selector(every, kept) for kept in every} == {"prod/moref:vm-1", "prod/moref:vm-2"}


def test_same_instance_uuid_in_another_vcenter_is_another_vm(tmp_path: Path) -> None:
    keep_instance(tmp_path, "first", 0, "vm-1", "one")
    keep_instance(tmp_path, "second", 1, "vm-1", "one", "lab")

    with pytest.raises(
        Ambiguous, match=r"Choose one: newest:lab/web \(vCenter lab, vm-1, .*newest:prod/web \("
    ) as told:
        find_backup(tmp_path, "newest:web")

    assert told.value.suggestions == ["newest:lab/web", "newest:prod/web"]
    assert newest_of_each(tmp_path, "web") == ["second", "first"]


def test_two_vms_of_one_name_in_one_vcenter_are_chosen_by_their_morefs(tmp_path: Path) -> None:
    keep_instance(tmp_path, "first", 0, "vm-1", "one")
    keep_instance(tmp_path, "second", 1, "vm-2", "two")
    keep_instance(tmp_path, "third", 2, "vm-1", "three", "lab")

    with pytest.raises(Ambiguous) as told:
        find_backup(tmp_path, "newest:web")

    assert told.value.suggestions == ["newest:lab/web", "newest:prod/moref:vm-2", "newest:prod/moref:vm-1"]
    assert newest_of_each(tmp_path, "web") == ["third", "second", "first"]


def test_vcenter_that_nothing_has_is_told(tmp_path: Path) -> None:
    keep_instance(tmp_path, "first", 0, "vm-1", "one")

    with pytest.raises(NotFound, match="No vCenter is named nope; there are: lab, prod"):
        find_backup(tmp_path, "newest:nope/web", ["lab"])
    with pytest.raises(NotFound, match="no backup of a VM 'web' in the vCenter lab"):
        find_backup(tmp_path, "newest:lab/web", ["lab"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("web", ["newest:web"]),
        ("lab/web", ["newest:lab/web"]),
        ("wbe", ["newest:web"]),
        ("twin", ["newest:lab/moref:vm-3", "newest:lab/moref:vm-2"]),
        ("nosuch/web", []),
        ("0f0f", []),
    ],
)
def test_vm_in_place_of_a_backup_leads_to_its_newest_one(tmp_path: Path, typed: str, meant: list[str]) -> None:
    keep(tmp_path, "first", 0, "vm-1", vcenter="lab")
    keep(tmp_path, "second", 1, "vm-2", vm="twin", vcenter="lab")
    keep(tmp_path, "third", 2, "vm-3", vm="twin", vcenter="lab")

    with pytest.raises(NotFound, match="There is no backup") as refused:
        find_backup(tmp_path, typed)

    assert refused.value.suggestions == meant
    assert {find_backup(tmp_path, each).vm.name for each in meant} <= {"web", "twin"}


def test_beginning_of_an_id_that_is_too_short_is_named_as_such(tmp_path: Path) -> None:
    keep(tmp_path, "655aa0", 0, "vm-1")

    with pytest.raises(NotFound, match="at least four characters"):
        find_backup(tmp_path, "655")
    assert find_backup(tmp_path, "655a").id == "655aa0"
