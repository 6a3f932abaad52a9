"""The ages of backups: bounded, one for each name, and nothing before an inventory was loaded."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from service.figures import backups
from service.figures.backups import BackupFigures
from service.figures.collector import Figures
from tests.kept_packages import keep_package

NOW = datetime.now(UTC)


def inventory(vms: list[SimpleNamespace], *, loaded: bool = True) -> Any:
    """Stands in for the vCenters, of which only the inventory is asked."""
    link = SimpleNamespace(inventory=SimpleNamespace(all=lambda _: vms))
    state = SimpleNamespace(vcenter="default", as_of=NOW if loaded else None)
    return SimpleNamespace(freshness=lambda: [state], link=lambda _: link)


def vm(name: str, moref: str, **more: Any) -> SimpleNamespace:
    return SimpleNamespace(
        **{"name": name, "uuid": f"uuid-of-{moref}", "instance_uuid": "", "moref": moref, "vcenter": "default"},
        **{"template": False, "managed_by": ""} | more,
    )


def text_of(folder: Path, vcenters: Any, *, vm_names: bool = True) -> str:
    figures = BackupFigures(folder, vcenters, lambda: 0)
    asyncio.run(figures.refresh())
    return Figures([figures]).text(vm_names=vm_names).decode()


def value(text: str, series: str) -> float | None:
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{series} ")), None)


def test_most_ages_are_of_the_oldest_backups_and_the_rest_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "MOST_SERIES", 2)
    for number in range(4):
        ident = {"uuid": f"uuid-of-vm-{number}", "moref": f"vm-{number}"}
        keep_package(tmp_path, f"b{number}", NOW - timedelta(hours=20 * number), vm=f"web-{number}", identity=ident)

    text = text_of(tmp_path, inventory([vm(f"web-{number}", f"vm-{number}") for number in range(5)]))

    assert text.count("\nvmkops_backup_newest_good_age_seconds{") == 2
    age = value(text, 'vmkops_backup_newest_good_age_seconds{vcenter="default",vm="web-3"}')
    assert age is not None
    assert abs(age - (datetime.now(UTC) - NOW + timedelta(hours=60)).total_seconds()) < 600
    assert value(text, "vmkops_backup_ages_left_out") == 2
    assert value(text, "vmkops_vms") == 5
    assert value(text, "vmkops_vms_stale") == 3  # two are old, and one has none


def test_of_two_vms_with_one_name_the_older_backup_counts_and_others_do_not(tmp_path: Path) -> None:
    keep_package(tmp_path, "b1", NOW, vm="twin", identity={"uuid": "uuid-of-vm-1", "moref": "vm-1"})
    keep_package(
        tmp_path, "b2", NOW - timedelta(hours=9), vm="twin", identity={"uuid": "uuid-of-vm-2", "moref": "vm-2"}
    )
    keep_package(
        tmp_path, "b3", NOW - timedelta(hours=9), vm="removed", identity={"uuid": "uuid-of-vm-3", "moref": "vm-3"}
    )

    left_out = [vm("vCLS", "vm-8", managed_by="com.vmware.vim.eam"), vm("template", "vm-9", template=True)]
    text = text_of(tmp_path, inventory([vm("twin", "vm-1"), vm("twin", "vm-2"), *left_out]))

    assert text.count("\nvmkops_backup_newest_good_age_seconds{") == 1
    assert (value(text, 'vmkops_backup_newest_good_age_seconds{vcenter="default",vm="twin"}') or 0) > 8 * 3600
    assert value(text, "vmkops_vms") == 2


def test_without_names_of_vms_the_oldest_age_of_each_vcenter_is_left(tmp_path: Path) -> None:
    for number in (1, 2):
        identity = {"uuid": f"uuid-of-vm-{number}", "moref": f"vm-{number}"}
        keep_package(tmp_path, f"b{number}", NOW - timedelta(hours=9 * number), vm=f"web-{number}", identity=identity)

    text = text_of(tmp_path, inventory([vm("web-1", "vm-1"), vm("web-2", "vm-2")]), vm_names=False)

    assert "web-" not in text
    assert text.count("\nvmkops_backup_newest_good_age_seconds{") == 1
    assert (value(text, 'vmkops_backup_newest_good_age_seconds{vcenter="default",vm=""}') or 0) > 17 * 3600
    assert value(text, "vmkops_backup_ages_left_out") == 1


def test_before_an_inventory_is_loaded_only_the_disk_is_told(tmp_path: Path) -> None:
    text = text_of(tmp_path / "not" / "there", inventory([], loaded=False))

    assert "vmkops_vms" not in text
    assert (value(text, "vmkops_backups_disk_size_bytes") or 0) > 0


def test_source_that_fails_leaves_the_figures_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ended = iter(range(9))
    figures = BackupFigures(tmp_path, inventory([vm("web", "vm-1")]), lambda: next(ended))
    asyncio.run(figures.refresh())

    def fails(_folder: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(backups, "read_catalogue", fails)
    monkeypatch.setattr(backups, "SHARE", 0)
    for _ in range(2):
        asyncio.run(figures.refresh())

    text = Figures([figures]).text().decode()
    assert value(text, "vmkops_vms_stale") == 1
    assert [each.getMessage() for each in caplog.records] == [
        "the figures of backups are not current: OSError: [Errno 5] Input/output error"
    ]
