"""A signed URL stays a secret of who gave it: no view, record, error, log line or process shows it."""

from __future__ import annotations

import base64
import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.actions import act, begin
from tests.e2e.packages.conftest import Lab
from tests.e2e.packages.ovf_builder import archive, package
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, make_token

SECRET = "s3cr3t4lice"
SIGNED = f"X-Amz-Credential=me&X-Amz-Signature={SECRET}"
WRONG = {
    "of a missing file": "{web}/absent.ova?{signed}",
    "with a password": f"https://vmkops:{SECRET}@localhost:{{port}}/x.ova",
    "with a long password": f"https://vmkops:pass/{SECRET}@localhost:{{port}}/x.ova",
    "over http": "http://localhost:{port}/x.ova?{signed}",
    "with a typing error": "https:/localhost:{port}/x.ova?{signed}",
    "with white space": "{web}/x.ova?{signed} {signed}",
    "with a bad port": f"https://vmkops:{SECRET}@localhost:port/x.ova?{{signed}}",
    "at another port": "https://localhost:1/x.ova?{signed}",
    "of an internal host": "https://127.0.0.1:{port}/x.ova?{signed}",
    "that is too long": "{web}/x.ova?{signed}" + "x" * 2000,
}


@pytest.fixture(scope="module")
def reader(shared_lab: Lab) -> str:
    """A token that may only read."""
    return make_token(shared_lab.service.environment, "read", "reader")


@pytest.fixture
def schedules(lab: Lab) -> Iterator[set[str]]:
    """Names of schedules to delete after the test."""
    names: set[str] = set()
    yield names
    for name in names:
        lab.service.delete(f"/schedules/{name}")


def serve(lab: Lab, name: str, disk: bytes) -> str:
    """Put a package onto the web server, which demands the signature; its signed URL."""
    lab.web.files[f"/{name}.ova"] = archive(package(name, {f"{name}.vmdk": disk}))
    lab.web.signature = SIGNED
    return f"{lab.web.url}/{name}.ova?{SIGNED}"


def shown(service: RunningService, token: str, path: str) -> str:
    """What people and programs see at this path, in every form."""
    seen = ""
    for form in ("application/json", "text/plain", "text/html"):
        headers = {"Authorization": f"Bearer {token}", "Accept": form}
        with urllib.request.urlopen(urllib.request.Request(service.url + path, headers=headers), timeout=60) as answer:
            seen += bytes(answer.read()).decode()
    return seen


def processes() -> str:
    """The command lines of all processes."""
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((process / "cmdline").read_text(errors="replace"))
        except OSError:
            continue  # it has ended
    return "\n".join(lines)


def stored(service: RunningService) -> bytes:
    """Every file of the databases."""
    return b"".join(file.read_bytes() for file in service.data_dir.glob("*.sqlite*"))


def test_signature_is_used_and_never_shown(lab: Lab, disk_bytes: bytes, reader: str) -> None:
    url = serve(lab, "signed", disk_bytes)
    _, preview = lab.service.call("POST", "/actions/import-ovf/check", {"params": {"source": url}})
    lab.web.bytes_per_second = 2_000_000
    status, started = lab.service.call("POST", "/actions/import-ovf", {"params": {"source": url}})
    assert status == 202, started
    running = processes()
    lab.web.bytes_per_second = 0
    job = lab.service.ended(started["id"])

    assert job["state"] == "succeeded", job["error"]
    assert lab.disks("signed") == [disk_bytes]
    assert job["params"]["source"] == preview["params"]["source"] == url.replace(SIGNED, "REDACTED")
    paths = ["/jobs", f"/jobs/{job['id']}", f"/jobs/{job['id']}/events", "/metrics"]
    seen = json.dumps([preview, started, job]) + "".join(shown(lab.service, reader, path) for path in paths)
    assert "signed.ova" in seen
    assert SECRET not in seen
    assert SECRET not in running
    assert SECRET not in lab.service.log()
    assert SECRET not in json.dumps(lab.vcenter.vm("signed"))


def test_killed_import_continues_with_the_signature(lab: Lab, disk_bytes: bytes, reader: str) -> None:
    url = serve(lab, "signed-again", disk_bytes)
    lab.web.bytes_per_second = 1_000_000
    job_id = begin(lab.service, "import-ovf", source=url)
    wait_for(lambda: lab.fetched_by(job_id), timeout=60, what="the first bytes", explain=lab.service.log)

    lab.service.kill(signal.SIGKILL)
    lab.web.bytes_per_second = 0
    lab.service.start()

    job = lab.service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    assert lab.disks("signed-again") == [disk_bytes]
    assert SECRET not in shown(lab.service, reader, f"/jobs/{job_id}") + lab.service.log()


@pytest.mark.parametrize("what", WRONG)
def test_refusal_and_schedule_do_not_repeat_the_secret(lab: Lab, reader: str, schedules: set[str], what: str) -> None:
    url = WRONG[what].format(web=lab.web.url, port=lab.web.port, signed=SIGNED)

    _, refusal = lab.service.call("POST", "/actions/import-ovf", {"params": {"source": url}})
    assert "detail" in refusal, refusal
    assert SECRET not in json.dumps(refusal)
    done = lab.service.run("action", "import-ovf", url)
    assert done.returncode != 0
    assert SECRET not in done.stdout + done.stderr

    schedule = {"action": "import-ovf", "params": {"source": url}, "cron": "* * * * * *"}
    status, made = lab.service.call("PUT", "/schedules/signed", schedule)
    assert SECRET not in json.dumps(made)
    if status != 200:
        return
    schedules.add("signed")

    def look() -> dict[str, Any] | None:
        found = lab.service.call("GET", "/schedules/signed", token=reader)[1]
        return found if found["last_problem"] or found["last_job"] else None

    fired = wait_for(look, timeout=60, what="the schedule to fire", explain=lab.service.log)
    assert fired
    assert fired["last_problem"] or fired["last_job"]
    seen = shown(lab.service, reader, "/schedules/signed") + shown(lab.service, reader, "/schedules")
    assert "import-ovf" in seen
    assert SECRET not in seen + json.dumps(fired) + lab.service.log()


def test_schedule_keeps_the_signature_that_it_does_not_show(
    lab: Lab, disk_bytes: bytes, reader: str, schedules: set[str]
) -> None:
    url = serve(lab, "by-the-clock", disk_bytes)
    schedules.add("clock")
    body = {"action": "import-ovf", "params": {"source": url}, "cron": "* * * * * *"}
    status, made = lab.service.call("PUT", "/schedules/clock", body)
    assert status == 200, made

    made_vm = wait_for(
        lambda: "by-the-clock" in lab.names(), timeout=120, what="the VM of the schedule", explain=lab.service.log
    )

    assert made_vm
    assert SECRET not in shown(lab.service, reader, "/schedules") + shown(lab.service, reader, "/jobs")
    assert SECRET not in lab.service.log()


def test_url_as_it_was_shown_is_refused(lab: Lab) -> None:
    source = f"{lab.web.url}/x.ova?REDACTED"

    for method, path in (("POST", "/actions/import-ovf"), ("PUT", "/schedules/again")):
        body = {"action": "import-ovf", "params": {"source": source}, "cron": "0 0 * * *"}
        status, problem = lab.service.call(method, path, body if method == "PUT" else {"params": body["params"]})
        assert status == 400, problem
        assert "Give the whole URL" in problem["detail"]


def test_url_in_a_file_is_neither_sent_nor_recorded(lab: Lab, disk_bytes: bytes, reader: str) -> None:
    name = "from-a-file"
    other = SECRET[::-1]  # other tests of this service recorded the secret
    url = serve(lab, name, disk_bytes).replace(SECRET, other)
    lab.web.signature = other
    (lab.inbox / "team").mkdir(exist_ok=True)
    (lab.inbox / "team" / "web.url").write_text(f"{url}\n")

    job = act(lab.service, "import-ovf", url_file="team/web.url")

    assert job["state"] == "succeeded", job["error"]
    assert lab.disks(name) == [disk_bytes]
    assert job["result"]["source"] == "team/web.url"
    assert job["target"] == f"team/web.url as {name}"
    assert other not in shown(lab.service, reader, f"/jobs/{job['id']}") + lab.service.log()
    recorded = stored(lab.service)
    encoded = [base64.b64encode(b"x" * shift + other.encode())[4:-4] for shift in range(3)]
    assert b"team/web.url" in recorded
    assert other.encode() not in recorded
    assert not [each for each in encoded if each in recorded]


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read"), (b"", "does not hold a URL"), (b"https://a/x\nhttps://b/y\n", "does not hold a URL")],
)
def test_file_without_a_url_is_refused(lab: Lab, content: bytes | None, words: str) -> None:
    if content is not None:
        (lab.inbox / "bad.url").write_bytes(content)
    _, problem = lab.service.call(
        "POST", "/actions/import-ovf", {"params": {"url_file": "absent.url" if content is None else "bad.url"}}
    )

    assert problem["status"] == 400
    assert words in problem["detail"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../vmkops.sqlite", "team/../../x"])
def test_file_of_a_url_outside_of_the_import_folder_is_refused(lab: Lab, path: str) -> None:
    _, problem = lab.service.call("POST", "/actions/import-ovf", {"params": {"url_file": path}})

    assert "is not a path that packages are imported from" in problem["detail"]


def test_source_and_file_of_a_url_exclude_each_other(lab: Lab) -> None:
    for params in ({}, {"source": "x.ova", "url_file": "x.url"}):
        status, problem = lab.service.call("POST", "/actions/import-ovf", {"params": params})
        assert (status, "Give either" in problem["detail"]) == (400, True)
