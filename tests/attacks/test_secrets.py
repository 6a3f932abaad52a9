"""Secrets with recognisable values: after ordinary work and ordinary errors, none of them is anywhere to be read.

`tests/e2e/packages/test_signed_url.py` has the same for the URLs of an import.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.actions import begin
from tests.peers.disks import make_vmdk
from tests.peers.fetch import require
from tests.peers.postgres import Postgres
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, make_token, vcenter_settings

VM = "DC0_H0_VM0"
PLANTED = {
    "SLACK_BOT_TOKEN": "xoxb-planted-bot-2f8c1d",
    "SLACK_APP_TOKEN": "xapp-planted-app-5e7a90",
    "SLACK_SIGNING_SECRET": "planted-signing-secret-77b3",
    "VMKOPS_TOKEN": "vmkops_planted-remote-token-c41d",
}
"""Secret settings with values that appear nowhere else."""
SENT = {
    "wrong token": "vmkops_planted-wrong-token-d01e",
    "token in a query": "vmkops_planted-query-token-9ab2",
    "password of a URL in a log": "planted-log-password-1c2d",
    "signature of an import": "planted-signature-8e4f",
    "password of an import": "planted-import-password-6a5b",
    "basic password": "planted-basic-password-3c3c",
}
"""Secrets that clients send by mistake, or to something that fails."""
DATABASE_PASSWORD = "planted-database-password-4d21"
WRONG_VCENTER = "planted-wrong-vcenter-password-f00d"


class Planted:
    """A service with each secret planted, after people have worked with it."""

    def __init__(self, service: RunningService, secrets: dict[str, str]) -> None:
        self.service = service
        self.secrets = secrets
        self.answers: dict[str, str] = {}
        self.processes: dict[str, str] = {}

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> str:
        """Ask, keep the answer under its request, and return it."""
        place = urllib.parse.urlsplit(self.service.url)
        sent = {"Authorization": f"Bearer {self.service.token}"} | headers
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in sent.items()})
            answer = connection.getresponse()
            shown = f"{answer.headers}\n{answer.read().decode()}"
        self.answers[f"{method} {path.partition('?')[0]} {headers.get('Accept', '')} {len(self.answers)}"] = shown
        return shown

    def look_at_processes(self) -> None:
        """Keep the command line and the environment of each process below the service."""
        found = [self.service.pid]
        for pid in found:
            folder = Path("/proc") / str(pid)
            with contextlib.suppress(OSError):
                found += map(int, (folder / "task" / str(pid) / "children").read_text().split())
                self.processes[f"command line of {pid}"] = (folder / "cmdline").read_text(errors="replace")
                if pid != self.service.pid:
                    self.processes[f"environment of {pid}"] = (folder / "environ").read_text(errors="replace")

    def found(self, where: dict[str, bytes]) -> list[str]:
        """Each place where a secret is, with the name of the secret."""
        return [f"{name} in {place}" for place, content in where.items() for name, secret in self.secrets.items()
                if secret.encode() in content]  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """A service on each kind of database in which people have worked."""
    require("vcsim")
    require("qemu-img")
    folder = tmp_path_factory.mktemp("planted")
    hook = folder / "environment-of-the-hook"
    with contextlib.ExitStack() as stack:
        vcenter = stack.enter_context(Vcsim())
        disk = make_vmdk(folder / "disk.vmdk", size_mb=8, seed=3)
        vcenter.put_disk(vcenter.vm(VM)["disks"][0]["path"], disk)
        settings = vcenter_settings(vcenter) | PLANTED | {"SLACK_API_URL": "http://127.0.0.1:9/api/"}
        settings |= {"VMKOPS_IMPORT_HOSTS": "localhost"}
        settings |= {"VMKOPS_PRE_FREEZE": f"env > {hook}; tr '\\0' ' ' < /proc/self/cmdline >> {hook}"}
        secrets = PLANTED | SENT | {"VMKOPS_VCENTER_PASSWORD": vcenter.password}
        if request.param == "postgres":
            require("postgres")
            url = stack.enter_context(Postgres()).url.replace("vmkops@", f"vmkops:{DATABASE_PASSWORD}@")
            settings["VMKOPS_DATABASE_URL"] = url
            secrets["VMKOPS_DATABASE_URL"] = DATABASE_PASSWORD
        service = stack.enter_context(RunningService(folder / "data", settings))
        made = Planted(service, secrets | {"operate token": service.token})
        work(made)
        if hook.is_file():
            made.processes["environment of the hook"] = hook.read_text()
        yield made


def work(planted: Planted) -> None:
    """What people do in a day, mistakes included."""
    service = planted.service
    job = begin(service, "backup", vm=VM)
    service.reading(job)
    planted.look_at_processes()
    assert service.ended(job)["state"] == "succeeded"
    signature, password = SENT["signature of an import"], SENT["password of an import"]
    json_type = {"Content_Type": "application/json"}
    for source in (f"https://localhost:443/x.ova?sig={signature}", f"https://me:{password}@localhost/x.ova"):
        planted.ask("POST", "/actions/import-ovf", f'{{"params": {{"source": "{source}"}}}}', **json_type)
    planted.ask("GET", "/jobs", Authorization=f"Bearer {SENT['wrong token']}")
    planted.ask("GET", "/jobs", Authorization=f"Basic {SENT['basic password']}")
    for name in ("token", "access_token", "api_key"):
        planted.ask("GET", f"/jobs?{name}={SENT['token in a query']}")
        planted.ask("GET", f"/nothing/here?{name}={SENT['token in a query']}")
    log = f"bad0006 https://root:{SENT['password of a URL in a log']}@vcenter/sdk"
    service.send("/decode", log.encode(), "text/plain")
    planted.ask("POST", "/actions/backup", '{"params": {"vm": "no-such-vm"}}', **json_type)
    planted.ask("POST", "/actions/backup", "{", **json_type)
    done = service.run("doctor")
    planted.answers["doctor"] = done.stdout + done.stderr
    wrong = service.run("doctor", VMKOPS_VCENTER_PASSWORD=WRONG_VCENTER, SLACK_BOT_TOKEN=f"xoxb-{WRONG_VCENTER}")
    planted.answers["doctor with a wrong password"] = wrong.stdout + wrong.stderr
    planted.secrets["wrong vCenter password"] = WRONG_VCENTER
    make_token(service.environment, "read", "reader")
    read_everything(planted)


def read_everything(planted: Planted) -> None:
    """Each GET call, in each form, with the names that there are."""
    _, document = planted.service.call("GET", "/openapi.json")
    jobs = planted.service.call("GET", "/jobs")[1]["jobs"]
    names = {"id": jobs[0]["id"] if jobs else "x", "selector": VM, "slug": "all-paths-down", "name": "backup"}
    for path, calls in document["paths"].items():
        if "get" not in calls:
            continue
        concrete = re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], "x"), path)
        for accept in ("application/json", "text/plain", "text/html"):
            planted.ask("GET", concrete, Accept=accept)


def test_work_has_been_done(planted: Planted) -> None:
    jobs: list[dict[str, Any]] = planted.service.call("GET", "/jobs")[1]["jobs"]

    assert [job["state"] for job in jobs if job["action"] == "backup"] == ["succeeded"]
    assert "vcenter" in planted.answers["doctor"].lower()
    assert len(planted.answers) > 100
    assert "PATH=" in planted.processes["environment of the hook"]


def test_no_answer_shows_a_secret(planted: Planted) -> None:
    assert not planted.found({name: text.encode() for name, text in planted.answers.items()})


def test_no_log_shows_a_secret(planted: Planted) -> None:
    wait_for(planted.service.log, timeout=60, what="a log")

    assert not planted.found({"the log": planted.service.log().encode()})


def test_no_process_below_the_service_is_given_a_secret(planted: Planted) -> None:
    assert not planted.found({name: text.encode() for name, text in planted.processes.items()})


def test_no_file_has_a_secret(planted: Planted) -> None:
    files = {str(file): file.read_bytes() for file in planted.service.data_dir.rglob("*") if file.is_file()}
    assert any(name.endswith(".sqlite") for name in files) or "VMKOPS_DATABASE_URL" in planted.secrets
    assert not planted.found(files)
