"""A backup keeps the tags of its VM, a restore sets them again, and a lookup shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.e2e.actions import act, details, text
from tests.e2e.conftest import VM
from tests.peers.tagging import TagScript
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService


def kept_tags(backup: dict[str, Any]) -> list[dict[str, str]]:
    settings = json.loads((Path(backup["result"]["package"]) / "vm-settings.json").read_text())
    return list(settings["tags"])


def test_backup_keeps_tags_and_restore_sets_those_that_vcenter_still_has(
    service: RunningService, vcenter: Vcsim
) -> None:
    with TagScript(vcenter) as script:
        gold, prod = script.make("Backup", "gold")["gold"], script.make("Stage", "prod")["prod"]
        script.attach(VM, gold, prod)

        backup = act(service, "backup", vm=VM)
        shown = service.call("GET", f"/vms/{VM}")[1]
        script.delete(prod)
        drill = act(service, "restore-drill", backup=backup["id"])
        attached = vcenter.count("TagAssociation.attach")
        job = act(service, "restore", backup=backup["id"], name="again")

        assert kept_tags(backup) == [{"category": "Backup", "name": "gold"}, {"category": "Stage", "name": "prod"}]
        assert ([each["name"] for each in shown["tags"]], shown["tags_unknown"]) == (["gold", "prod"], "")
        assert "Tags: Backup/gold, Stage/prod\n" in text(service, f"/vms/{VM}")
        assert (drill["state"], attached) == ("succeeded", 2)
        assert job["state"] == "succeeded", job["error"]
        assert "vCenter does not have these tags, so they were not set: Stage/prod." in details(job)
        assert script.of("again") == ["gold"]

        vcenter.take_privileges({"*": ["InventoryService.Tagging.AttachTag"]})
        refused = act(service, "restore", backup=backup["id"], name="without")
        assert refused["state"] == "succeeded", refused["error"]
        assert "Grant InventoryService.Tagging.AttachTag as a global permission" in details(refused)
        assert script.of("without") == []


def test_tagging_that_does_not_work_fails_neither_backup_nor_restore(service: RunningService, vcenter: Vcsim) -> None:
    with TagScript(vcenter) as script:
        script.attach(VM, script.make("Backup", "gold")["gold"])
        good = act(service, "backup", vm=VM)
        vcenter.fault("Session.create", http_status=503)

        backup = act(service, "backup", vm=VM)
        job = act(service, "restore", backup=good["id"], name="again")

        assert (backup["state"], kept_tags(backup)) == ("succeeded", []), backup["error"]
        assert "The tags of the VM are missing from the package: The REST API of" in details(backup)
        assert job["state"] == "succeeded", job["error"]
        assert "The tags Backup/gold were not set: The REST API of" in details(job)
        assert "Its tags could not be read: The REST API of" in text(service, f"/vms/{VM}")
