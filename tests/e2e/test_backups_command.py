"""`vmkops backups`: the kept backups from a terminal, with exit codes for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.kept_packages import keep_package
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service without a vCenter that keeps two backups of two VMs."""
    data_dir = tmp_path_factory.mktemp("keeper")
    keep_package(data_dir / "backups", "a1", NOW - timedelta(days=2), verdict="good")
    keep_package(data_dir / "backups", "b1", NOW, vm="db")
    with RunningService(data_dir) as running:
        yield running


def test_backups_are_listed_newest_first(keeper: RunningService) -> None:
    done = keeper.run("backups")

    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["b1", "unverified"], ["a1", "verified"]]


def test_backups_of_one_vm_are_listed(keeper: RunningService) -> None:
    listed = keeper.run("backups", "--vm", "web", "--json")
    none = keeper.run("backups", "--vm", "nobody")

    assert listed.returncode == 0, listed.stderr
    assert [kept["id"] for kept in json.loads(listed.stdout)["backups"]] == ["a1"]
    assert none.returncode == 1
    assert "No backup of a VM 'nobody'" in none.stderr


def test_one_backup_is_shown_with_its_checksums(keeper: RunningService) -> None:
    shown = keeper.run("backups", "a1")
    newest = keeper.run("backups", "newest:web", "--json")

    assert shown.returncode == newest.returncode == 0, shown.stderr
    kept = json.loads(newest.stdout)
    assert kept["id"] == "a1"
    assert kept["disks"][0]["sha256"] in shown.stdout
    assert kept["path"] in shown.stdout


def test_unknown_backup_is_not_found(keeper: RunningService) -> None:
    done = keeper.run("backups", "b1/../a1")

    assert done.returncode == 1
    assert "There is no backup 'b1/../a1'" in done.stderr
    assert done.stdout == ""


def test_vm_in_place_of_a_backup_leads_to_its_newest_one(keeper: RunningService) -> None:
    for words in (["backups", "web"], ["action", "verify-backup", "web"]):
        done = keeper.run(*words)
        assert (done.returncode, done.stdout) == (1, "")
        mend = "For the newest good backup of this VM, write newest:web."
        assert done.stderr == f"vmkops {words[0]}: There is no backup 'web'. {mend}\n"
    near = keeper.run("action", "restore", "wbe")
    assert near.stderr == "vmkops action: There is no backup 'wbe'. `vmkops backups` lists the backups.\n  newest:web\n"


@pytest.mark.parametrize("words", ["--stale soon", "a1 --vm web", "--vm web --stale"])
def test_wrong_usage_is_told(keeper: RunningService, words: str) -> None:
    done = keeper.run("backups", *words.split())

    assert done.returncode == 2
    assert done.stderr.startswith("vmkops backups: ")
    assert done.stderr.endswith(" See vmkops backups --help.\n")


def test_service_that_is_away_is_told(keeper: RunningService) -> None:
    done = keeper.run("backups", VMKOPS_SERVICE_URL="http://127.0.0.1:9")

    assert done.returncode == 3
    assert "vmkops at http://127.0.0.1:9 does not answer: connection refused." in done.stderr


def test_vms_without_a_fresh_backup_are_named(vcenter: Vcsim, tmp_path: Path) -> None:
    for vm in vcenter.vms():
        folder = keep_package(tmp_path / "backups", vm["moref"], NOW - timedelta(hours=3), vm=vm["name"])
        about = json.loads((folder / "backup.json").read_text())
        about["vm"] = {name: vm[name] for name in ("name", "uuid", "moref")}
        (folder / "backup.json").write_text(json.dumps(about))
    with RunningService(tmp_path, vcenter_settings(vcenter)) as service:
        fresh = service.run("backups", "--stale")
        stale = service.run("backups", "--stale", "90m")
        data = service.run("backups", "--stale", "90m", "--json")

    assert fresh.returncode == 0, fresh.stderr
    assert "have a good backup of the last 24h" in fresh.stdout
    assert stale.returncode == data.returncode == 1
    assert "DC0_H0_VM0" in stale.stdout
    assert {each["vm"] for each in json.loads(data.stdout)["stale"]} == {vm["name"] for vm in vcenter.vms()}
