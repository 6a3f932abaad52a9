"""An import from a URL: fetched over https from where it may be, and from nowhere on the inside."""

from __future__ import annotations

import signal

import pytest

from tests.e2e.actions import act, begin, checked, details, refused
from tests.e2e.packages.conftest import Room
from tests.e2e.packages.making import archive, descriptor, package
from tests.peers.waiting import wait_for


def serve(room: Room, name: str, disk: bytes, *, ova: bool = True) -> str:
    """Put a package onto the web server; its URL."""
    files = package(name, {f"{name} disk.vmdk" if not ova else f"{name}.vmdk": disk})
    if ova:
        room.web.files[f"/{name}.ova"] = archive(files)
        return f"{room.web.url}/{name}.ova"
    room.web.files |= {f"/images/{file.replace(' ', '%20')}": content for file, content in files.items()}
    return f"{room.web.url}/images/{name}.ovf"


@pytest.mark.parametrize("form", ["ova", "ovf"])
@pytest.mark.parametrize("chunked", [False, True])
def test_package_on_a_server_of_the_team_becomes_a_vm(room: Room, disk_bytes: bytes, form: str, chunked: bool) -> None:
    room.web.chunked = chunked
    name = f"web-{form}-{chunked}"
    url = serve(room, name, disk_bytes, ova=form == "ova")

    job = act(room.service, "import-ovf", source=f"{url}?signature=s3cret")

    assert job["state"] == "succeeded", job["error"]
    assert room.disks(name) == [disk_bytes]
    assert job["result"]["source"] == url
    assert job["result"]["files"][0]["algorithm"] == "sha256"
    assert room.left() == []


def test_manifest_that_lacks_on_the_server_is_told(room: Room, disk_bytes: bytes) -> None:
    url = serve(room, "unlisted", disk_bytes, ova=False)
    del room.web.files["/images/unlisted.mf"]

    job = act(room.service, "import-ovf", source=url)

    assert job["state"] == "succeeded", job["error"]
    assert "There is no manifest unlisted.mf" in job["result"]["warnings"][0]
    assert "There is no manifest unlisted.mf" in details(job)


def test_redirect_within_the_server_is_followed(room: Room, disk_bytes: bytes) -> None:
    serve(room, "moved", disk_bytes)
    room.web.redirects = {"/latest": "/hop", "/hop": f"{room.web.url}/moved.ova"}

    job = act(room.service, "import-ovf", source=f"{room.web.url}/latest")

    assert job["state"] == "succeeded", job["error"]
    assert room.disks("moved") == [disk_bytes]


INSIDE = {
    "https://127.0.0.1:{port}/x.ova": "loopback",
    "https://[::1]:{port}/x.ova": "loopback",
    "https://[::ffff:127.0.0.1]:{port}/x.ova": "loopback",
    "https://0x7f.1:{port}/x.ova": "loopback",
    "https://127.1:{port}/x.ova": "a number and not an address",
    "https://2130706433:{port}/x.ova": "a number and not an address",
    "https://169.254.169.254/latest/meta-data/": "link-local",
    "https://[fe80::1]/x": "link-local",
    "https://10.0.0.1/x.ova": "private",
    "https://[fd00::1]/x.ova": "private",
    "https://0.0.0.0:{port}/x.ova": "unspecified",
    "https://224.0.0.1/x.ova": "multicast",
    "http://localhost:{port}/x.ova": "http is refused",
    "https://user:password@localhost:{port}/x.ova": "user name or password",
    "ftp://localhost/x.ova": "an https URL only",
    "file:///etc/passwd": "an https URL only",
}


def refusal(room: Room, source: str) -> str:
    status, problem = room.service.call("POST", "/actions/import-ovf", {"params": {"source": source}})
    assert status in {400, 403, 409, 502}, problem
    return str(problem["detail"])


@pytest.mark.parametrize("url", INSIDE)
def test_url_that_leads_to_the_inside_is_refused(room: Room, url: str) -> None:
    said = refusal(room, url.format(port=room.web.port))

    assert INSIDE[url] in said
    assert "password@" not in said
    assert room.web.asked == []


@pytest.mark.parametrize("url", INSIDE)
def test_redirect_to_the_inside_is_refused(room: Room, url: str) -> None:
    room.web.redirects["/x.ova"] = url.format(port=room.web.port)

    assert INSIDE[url] in refusal(room, f"{room.web.url}/x.ova")
    assert room.web.asked == ["/x.ova"]


def test_redirect_that_turns_to_the_inside_after_the_preview_ends_the_job(room: Room, disk_bytes: bytes) -> None:
    url = serve(room, "turned", disk_bytes, ova=False)
    before = room.names()
    room.web.redirects["/images/turned%20disk.vmdk"] = "https://169.254.169.254/latest/meta-data/"

    job = act(room.service, "import-ovf", source=url)

    assert job["state"] == "failed"
    assert job["error"]["type"] == "urn:vmkops:not-allowed"
    assert "link-local" in job["error"]["detail"]
    assert room.names() == before
    assert room.left() == []


def test_redirects_end_somewhere(room: Room) -> None:
    room.web.redirects["/x.ova"] = "/x.ova"

    assert "more than 5 times" in refusal(room, f"{room.web.url}/x.ova")
    assert len(room.web.asked) == 6


def test_server_that_has_no_such_file_is_told(room: Room) -> None:
    assert "answered 404" in refusal(room, f"{room.web.url}/absent.ova")


@pytest.mark.parametrize("href", ["../x.vmdk", "//127.0.0.1/x.vmdk", "https://127.0.0.1/x.vmdk", "bad.mf", "bad.ovf"])
def test_ovf_that_lists_files_elsewhere_is_refused(room: Room, disk_bytes: bytes, href: str) -> None:
    more = f'<File ovf:href="{href}" ovf:id="more"/>'
    room.web.files["/bad.ovf"] = descriptor("bad", {"bad.vmdk": disk_bytes}, extra=more)
    room.web.files["/bad.vmdk"] = disk_bytes
    source = f"{room.web.url}/bad.ovf"

    if href.startswith("bad"):
        assert "cannot be fetched beside it" in act(room.service, "import-ovf", source=source)["error"]["detail"]
    else:
        assert "bad" not in room.names()
        assert refused(room.service, "import-ovf", source=source)
    assert "/x.vmdk" not in room.web.asked
    assert room.vcenter.count("CreateImportSpec") == 0
    assert room.left() == []


@pytest.mark.parametrize("what", ["longer", "shorter", "absent", "damaged"])
def test_reference_that_is_not_as_described_ends_the_job(room: Room, disk_bytes: bytes, what: str) -> None:
    before = room.names()
    url = serve(room, "odd", disk_bytes, ova=False)
    path = "/images/odd%20disk.vmdk"
    changed = {"longer": disk_bytes + b"x", "shorter": disk_bytes[:-1], "damaged": disk_bytes[:-1] + b"x"}
    if what == "absent":
        del room.web.files[path]
    else:
        room.web.files[path] = changed[what]

    job = act(room.service, "import-ovf", source=url)

    assert job["state"] == "failed"
    words = {"longer": "more than the", "shorter": "bytes; the descriptor states", "absent": "answered 404"}
    assert words.get(what, "not as it was packed") in job["error"]["detail"]
    assert room.names() == before
    assert room.left() == []


@pytest.mark.parametrize("start", [b"\x1f\x8b" + bytes(600), bytes(600), b"<html/>", b""])
def test_what_is_no_package_is_refused_without_fetching_it(room: Room, start: bytes) -> None:
    room.web.files["/x.ova"] = start

    assert checked(room.service, "import-ovf", source=f"{room.web.url}/x.ova")["package"]["severity"] == "refuse"


def test_ova_that_is_cut_short_on_the_server_leaves_nothing(room: Room, disk_bytes: bytes) -> None:
    before = room.names()
    url = serve(room, "short", disk_bytes)
    room.web.files["/short.ova"] = room.web.files["/short.ova"][:-200_000]

    job = act(room.service, "import-ovf", source=url)

    assert job["state"] == "failed"
    assert "damaged or truncated" in job["error"]["detail"]
    assert room.names() == before
    assert room.left() == []


def test_connection_that_breaks_each_time_fails_the_job(room: Room, disk_bytes: bytes) -> None:
    url = serve(room, "broken", disk_bytes)
    room.web.cut_after = 1_000_000

    job = act(room.service, "import-ovf", source=url)

    assert job["state"] == "failed"
    assert "broke off" in job["error"]["detail"]
    assert room.left() == []


def test_cancel_while_fetching_leaves_nothing(room: Room, disk_bytes: bytes) -> None:
    url = serve(room, "slow", disk_bytes)
    room.web.bytes_per_second = 500_000
    job_id = begin(room.service, "import-ovf", source=url)
    wait_for(lambda: room.fetched_by(job_id), timeout=30, what="the first bytes", explain=room.service.log)

    room.service.call("POST", f"/jobs/{job_id}/cancel")

    assert room.service.ended(job_id)["state"] == "cancelled"
    assert room.left() == []
    assert room.vcenter.count("CreateImportSpec") == 0


def test_kill_while_fetching_leaves_one_vm(room: Room, disk_bytes: bytes) -> None:
    url = serve(room, "fetched-again", disk_bytes)
    room.web.bytes_per_second = 1_000_000
    before = room.names()
    job_id = begin(room.service, "import-ovf", source=url)
    wait_for(lambda: room.fetched_by(job_id), timeout=30, what="the first bytes", explain=room.service.log)

    room.service.kill(signal.SIGKILL)
    room.web.bytes_per_second = 0
    room.service.start()

    job = room.service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    assert room.names() - before == {"fetched-again"}
    assert room.disks("fetched-again") == [disk_bytes]
    assert room.left() == []


def test_server_whose_certificate_nobody_vouches_for_is_refused(room: Room, disk_bytes: bytes) -> None:
    vcenter = room.vcenter.url.replace("127.0.0.1", "localhost")

    said = refusal(room, vcenter)

    assert "is not trusted" in said
    assert "VMKOPS_IMPORT_CA_FILE" in said
