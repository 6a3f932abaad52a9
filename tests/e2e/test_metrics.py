"""What Prometheus scrapes: figures of the purpose, also while vCenter is away; and the rules of deploy/."""

from __future__ import annotations

import re
import socket
import subprocess
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.e2e.conftest import VM
from tests.kept_packages import keep_package
from tests.peers.commands import ROOT
from tests.peers.fetch import require
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

RULES = ROOT / "deploy" / "prometheus-rules.yml"
CASES = Path(__file__).with_name("prometheus_rules_test.yml")
LEFT = {"VMKOPS_REAP_SECONDS": "3600"}


def scrape(service: RunningService, token: str | None = None) -> str:
    """The metrics as Prometheus gets them; the token of the service unless another one is given."""
    sent = {"Authorization": f"Bearer {service.token if token is None else token}"} if token != "" else {}
    with urllib.request.urlopen(urllib.request.Request(f"{service.url}/metrics", headers=sent), timeout=60) as answer:
        text: str = answer.read().decode()
        return text


def value(text: str, series: str) -> float | None:
    """The value of one series; None when it is not there."""
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{series} ")), None)


def reach(service: RunningService, series: str, wanted: float) -> str:
    """The metrics once this series has the value."""

    def look() -> str | None:
        text = scrape(service)
        return text if value(text, series) == wanted else None

    return wait_for(look, timeout=120, what=f"{series} {wanted}", explain=lambda: scrape(service)) or ""


def asked_for() -> set[str]:
    """The metrics that the rules ask for."""
    expressions = re.sub(r"(?m)^\s*(#|summary|description|runbook).*$", "", RULES.read_text())
    return set(re.findall(r"\b(vmkops_[a-z_]+)\b", expressions))


def test_scrape_tells_of_jobs_backups_snapshots_and_vcenters(vcenter: Vcsim, tmp_path: Path) -> None:
    with RunningService(tmp_path, vcenter_settings(vcenter) | LEFT) as service:
        reach(service, 'vmkops_vcenter_connected{vcenter="default"}', 1)
        reach(service, "vmkops_vms_stale", 4)
        assert service.ended(service.backup(VM)["id"])["state"] == "succeeded"
        vcenter.fault("RemoveSnapshot_Task", "NoPermission")
        assert service.ended(service.backup(VM)["id"])["state"] == "failed"
        body = {"action": "backup", "params": {"vm": VM}, "cron": "30 2 * * *"}
        assert service.call("PUT", "/schedules/nightly", body)[0] in {200, 201}

        text = reach(service, "vmkops_vms_stale", 3)
        text = reach(service, 'vmkops_jobs_total{action="backup",state="failed"}', 1)
        reach(service, "vmkops_snapshots_left", 1)
        text = reach(service, 'vmkops_schedule_last_outcome{outcome="never",schedule="nightly"}', 1)

        assert value(text, 'vmkops_jobs_total{action="backup",state="succeeded"}') == 1
        assert value(text, 'vmkops_jobs_total{action="rescan",state="failed"}') == 0
        assert value(text, 'vmkops_jobs{action="backup",state="running"}') == 0
        age = value(text, f'vmkops_backup_newest_good_age_seconds{{vcenter="default",vm="{VM}"}}')
        assert age is not None
        assert 0 <= age < 600
        assert value(text, "vmkops_backup_ages_left_out") == 0
        assert value(text, "vmkops_schedules_late") == 0
        assert 'vmkops_job_seconds_count{action="backup"} 2.0' in text

        names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
        assert asked_for()
        assert asked_for() - names == set()
        checked = subprocess.run(
            [require("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        about_ours = [line for line in (checked.stdout + checked.stderr).splitlines() if line.startswith("vmkops")]
        assert about_ours == []

        assert "vmkops_vms" not in scrape(service, token="")  # names and counts of the inventory need a token
        assert "vmkops_http_request_seconds" in scrape(service, token="")


def test_own_port_names_vms_only_when_it_may(vcsim: Vcsim, tmp_path: Path) -> None:
    vm = vcsim.vm(VM)
    made = datetime.now(UTC) - timedelta(hours=40)
    keep_package(tmp_path / "backups", "old", made, vm=VM, identity={"uuid": vm["uuid"], "moref": vm["moref"]})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    names = []
    for allowed in ("false", "true"):
        own = {"VMKOPS_METRICS_PORT": str(port), "VMKOPS_METRICS_VM_NAMES": allowed}
        with RunningService(tmp_path, vcenter_settings(vcsim) | own, token="none") as service:

            def look() -> str:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
                    text: str = answer.read().decode()
                found = {line.split("{")[0].split(" ")[0] for line in text.splitlines()}
                complete = asked_for() - found <= {"vmkops_schedule_last_outcome"}  # there is no schedule
                return text if complete and "vmkops_backup_newest_good_age_seconds{" in text else ""

            names.append(VM in wait_for(look, timeout=120, what="all figures", explain=service.log))
    assert names == [False, True]


def test_scrape_answers_while_vcenter_is_away(vcsim: Vcsim, tmp_path: Path) -> None:
    settings = vcenter_settings(vcsim) | {"VMKOPS_VCENTER_URL": "https://127.0.0.1:9"}
    with RunningService(tmp_path, settings) as service:
        text = reach(service, 'vmkops_vcenter_connected{vcenter="default"}', 0)

        assert value(text, "vmkops_vms_stale") is None  # nothing is known of any VM
        assert value(text, 'vmkops_figures_age_seconds{part="jobs"}') is not None


def test_rules_are_accepted_and_each_alert_fires_when_it_should() -> None:
    promtool = require("promtool")
    for words in (["check", "rules", str(RULES)], ["test", "rules", str(CASES)]):
        done = subprocess.run([promtool, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    slugs = set(re.findall(r"runbook_url: \S+/procedures/(\S+)", RULES.read_text()))
    assert slugs
    assert [slug for slug in slugs if not (ROOT / "knowledge" / "procedures" / f"{slug}.md").is_file()] == []
