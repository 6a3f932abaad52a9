"""Imports from a URL: fetched over https from allowed hosts, and never from internal ones."""

from __future__ import annotations

import signal

import pytest

from tests.e2e.actions import act, begin, checked, details, refused
from tests.e2e.packages.conftest import Lab
from tests.e2e.packages.ovf_builder import archive, descriptor, package
from tests.peers.waiting import wait_for


def serve(lab: Lab, name: str, disk: bytes, *, ova: bool = True) -> str:
    """Put a package onto the web server; its URL."""
    files = package(name, {f"{name} disk.vmdk" if not ova else f"{name}.vmdk": disk})
    if ova:
        lab.web.files[f"/{name}.ova"] = archive(files)
        return f"{lab.web.url}/{name}.ova"
    lab.web.files |= {f"/images/{file.replace(' ', '%20')}": content for file, content in files.items()}
    return f"{lab.web.url}/images/{name}.ovf"


@pytest.mark.parametrize("form", ["ova", "ovf"])
@pytest.mark.parametrize("chunked", [False, True])
def test_package_on_a_server_of_the_team_becomes_a_vm(lab: Lab, disk_bytes: bytes, form: str, chunked: bool) -> None:
    lab.web.chunked = chunked
    name = f"web-{form}-{chunked}"
    url = serve(lab, name, disk_bytes, ova=form == "ova")

    job = act(lab.service, "import-ovf", source=f"{url}?signature=s3cret")

    assert job["state"] == "succeeded", job["error"]
    assert lab.disks(name) == [disk_bytes]
    assert job["result"]["source"] == url
    assert job["result"]["files"][0]["algorithm"] == "sha256"
    assert lab.left() == []


def test_missing_manifest_on_the_server_is_reported(lab: Lab, disk_bytes: bytes) -> None:
    url = serve(lab, "unlisted", disk_bytes, ova=False)
    del lab.web.files["/images/unlisted.mf"]

    job = act(lab.service, "import-ovf", source=url)

    assert job["state"] == "succeeded", job["error"]
    assert "There is no manifest unlisted.mf" in job["result"]["warnings"][0]
    assert "There is no manifest unlisted.mf" in details(job)


def test_redirect_within_the_server_is_followed(lab: Lab, disk_bytes: bytes) -> None:
    serve(lab, "moved", disk_bytes)
    lab.web.redirects = {"/latest": "/hop", "/hop": f"{lab.web.url}/moved.ova"}

    job = act(lab.service, "import-ovf", source=f"{lab.web.url}/latest")

    assert job["state"] == "succeeded", job["error"]
    assert lab.disks("moved") == [disk_bytes]


INSIDE = {
    "https://127.0.0.1:{port}/x.ova": "loopback",
    "https://[::1]:{port}/x.ova": "loopback",
    "https://[::ffff:127.0.0.1]:{port}/x.ova": "loopback",
    "https://0x7f.1:{port}/x.ova": "loopback",
    "https://127.1:{port}/x.ova": "a number, but not an IP address",
    "https://2130706433:{port}/x.ova": "a number, but not an IP address",
    "https://169.254.169.254/latest/meta-data/": "link-local",
    "https://[fe80::1]/x": "link-local",
    "https://10.0.0.1/x.ova": "private",
    "https://[fd00::1]/x.ova": "private",
    "https://0.0.0.0:{port}/x.ova": "unspecified",
    "https://224.0.0.1/x.ova": "multicast",
    "http://localhost:{port}/x.ova": "http is refused",
    "https://user:password@localhost:{port}/x.ova": "user name or password",
    "ftp://localhost/x.ova": "use an https URL",
    "file:///etc/passwd": "use an https URL",
}


def refusal(lab: Lab, source: str) -> str:
    status, problem = lab.service.call("POST", "/actions/import-ovf", {"params": {"source": source}})
    assert status in {400, 403, 409, 502}, problem
    return str(problem["detail"])


@pytest.mark.parametrize("url", INSIDE)
def test_url_of_an_internal_host_is_refused(lab: Lab, url: str) -> None:
    message = refusal(lab, url.format(port=lab.web.port))

    assert INSIDE[url] in message
    assert "password@" not in message
    assert lab.web.asked == []


@pytest.mark.parametrize("url", INSIDE)
def test_redirect_to_an_internal_host_is_refused(lab: Lab, url: str) -> None:
    lab.web.redirects["/x.ova"] = url.format(port=lab.web.port)

    assert INSIDE[url] in refusal(lab, f"{lab.web.url}/x.ova")
    assert lab.web.asked == ["/x.ova"]


def test_redirect_to_an_internal_host_after_the_preview_ends_the_job(lab: Lab, disk_bytes: bytes) -> None:
    url = serve(lab, "turned", disk_bytes, ova=False)
    before = lab.names()
    lab.web.redirects["/images/turned%20disk.vmdk"] = "https://169.254.169.254/latest/meta-data/"

    job = act(lab.service, "import-ovf", source=url)

    assert job["state"] == "failed"
    assert job["error"]["type"] == "urn:vmkops:not-allowed"
    assert "link-local" in job["error"]["detail"]
    assert lab.names() == before
    assert lab.left() == []


def test_endless_redirects_are_refused(lab: Lab) -> None:
    lab.web.redirects["/x.ova"] = "/x.ova"

    assert "more than 5 times" in refusal(lab, f"{lab.web.url}/x.ova")
    assert len(lab.web.asked) == 6


def test_missing_file_on_the_server_is_reported(lab: Lab) -> None:
    assert "answered 404" in refusal(lab, f"{lab.web.url}/absent.ova")


@pytest.mark.parametrize("href", ["../x.vmdk", "//127.0.0.1/x.vmdk", "https://127.0.0.1/x.vmdk", "bad.mf", "bad.ovf"])
def test_ovf_that_lists_files_elsewhere_is_refused(lab: Lab, disk_bytes: bytes, href: str) -> None:
    more = f'<File ovf:href="{href}" ovf:id="more"/>'
    lab.web.files["/bad.ovf"] = descriptor("bad", {"bad.vmdk": disk_bytes}, extra=more)
    lab.web.files["/bad.vmdk"] = disk_bytes
    source = f"{lab.web.url}/bad.ovf"

    if href.startswith("bad"):
        assert (
            "cannot be fetched from beside the descriptor"
            in act(lab.service, "import-ovf", source=source)["error"]["detail"]
        )
    else:
        assert "bad" not in lab.names()
        assert refused(lab.service, "import-ovf", source=source)
    assert "/x.vmdk" not in lab.web.asked
    assert lab.vcenter.count("CreateImportSpec") == 0
    assert lab.left() == []


@pytest.mark.parametrize("what", ["longer", "shorter", "absent", "damaged"])
def test_reference_that_is_not_as_described_ends_the_job(lab: Lab, disk_bytes: bytes, what: str) -> None:
    before = lab.names()
    url = serve(lab, "odd", disk_bytes, ova=False)
    path = "/images/odd%20disk.vmdk"
    changed = {"longer": disk_bytes + b"x", "shorter": disk_bytes[:-1], "damaged": disk_bytes[:-1] + b"x"}
    if what == "absent":
        del lab.web.files[path]
    else:
        lab.web.files[path] = changed[what]

    job = act(lab.service, "import-ovf", source=url)

    assert job["state"] == "failed"
    words = {"longer": "is larger than the", "shorter": "bytes; the descriptor states", "absent": "answered 404"}
    assert words.get(what, "changed since it was packed") in job["error"]["detail"]
    assert lab.names() == before
    assert lab.left() == []


@pytest.mark.parametrize("start", [b"\x1f\x8b" + bytes(600), bytes(600), b"<html/>", b""])
def test_what_is_no_package_is_refused_without_fetching_it(lab: Lab, start: bytes) -> None:
    lab.web.files["/x.ova"] = start

    assert checked(lab.service, "import-ovf", source=f"{lab.web.url}/x.ova")["package"]["severity"] == "refuse"


def test_ova_that_is_cut_short_on_the_server_leaves_nothing(lab: Lab, disk_bytes: bytes) -> None:
    before = lab.names()
    url = serve(lab, "short", disk_bytes)
    lab.web.files["/short.ova"] = lab.web.files["/short.ova"][:-200_000]

    job = act(lab.service, "import-ovf", source=url)

    assert job["state"] == "failed"
    assert "damaged or truncated" in job["error"]["detail"]
    assert lab.names() == before
    assert lab.left() == []


def test_connection_that_breaks_each_time_fails_the_job(lab: Lab, disk_bytes: bytes) -> None:
    url = serve(lab, "broken", disk_bytes)
    lab.web.cut_after = 1_000_000

    job = act(lab.service, "import-ovf", source=url)

    assert job["state"] == "failed"
    assert "was interrupted" in job["error"]["detail"]
    assert lab.left() == []


def test_cancel_while_fetching_leaves_nothing(lab: Lab, disk_bytes: bytes) -> None:
    url = serve(lab, "slow", disk_bytes)
    lab.web.bytes_per_second = 500_000
    job_id = begin(lab.service, "import-ovf", source=url)
    wait_for(lambda: lab.fetched_by(job_id), timeout=60, what="the first bytes", explain=lab.service.log)

    lab.service.call("POST", f"/jobs/{job_id}/cancel")

    assert lab.service.ended(job_id)["state"] == "cancelled"
    assert lab.left() == []
    assert lab.vcenter.count("CreateImportSpec") == 0


def test_kill_while_fetching_leaves_one_vm(lab: Lab, disk_bytes: bytes) -> None:
    url = serve(lab, "fetched-again", disk_bytes)
    lab.web.bytes_per_second = 1_000_000
    before = lab.names()
    job_id = begin(lab.service, "import-ovf", source=url)
    wait_for(lambda: lab.fetched_by(job_id), timeout=60, what="the first bytes", explain=lab.service.log)

    lab.service.kill(signal.SIGKILL)
    lab.web.bytes_per_second = 0
    lab.service.start()

    job = lab.service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    assert lab.names() - before == {"fetched-again"}
    assert lab.disks("fetched-again") == [disk_bytes]
    assert lab.left() == []


def test_server_with_an_untrusted_certificate_is_refused(lab: Lab, disk_bytes: bytes) -> None:
    vcenter = lab.vcenter.url.replace("127.0.0.1", "localhost")

    message = refusal(lab, vcenter)

    assert "is not trusted" in message
    assert "VMKOPS_IMPORT_CA_FILE" in message
