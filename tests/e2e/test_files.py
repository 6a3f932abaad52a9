"""Files out of a kept backup from outside: over HTTP and with the command, for those who may, and in the audit."""

from __future__ import annotations

import contextlib
import html
import io
import json
import os
import random
import re
import select
import socket
import ssl
import tarfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.files.readers import MOST
from tests.kept_packages import keep_package, keep_raw_disk
from tests.peers import file_systems as make
from tests.peers.fetch import require
from tests.running_service import RunningService, make_token
from tests.service.http.test_tls import Files

HOSTS = "127.0.0.1 localhost\n"
LARGE = 40 << 20
"""Bytes of a file that no buffer of a connection holds; it is sparse."""


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with a backup of a VM with ext4 on a stream-optimized disk."""
    for program in ("qemu-img", "mke2fs"):
        require(program)
    folder = tmp_path_factory.mktemp("made")
    tree = folder / "tree"
    (tree / "etc/app").mkdir(parents=True)
    (tree / "usr").mkdir()
    (tree / "etc/hosts").write_text(HOSTS)
    (tree / "etc/app/new\nline.conf").write_bytes(b"\x00\x01binary")
    (tree / "etc/app/<script>alert(1)<").write_text("markup")
    (tree / "etc/link").symlink_to("/etc/hosts")
    (tree / "large").touch()
    os.truncate(tree / "large", LARGE)
    disk = make.vmdk(make.ext("ext4")(folder / "disk.img", tree), "streamOptimized")
    data = tmp_path_factory.mktemp("keeper")
    keep_package(data / "backups", "a1a1", datetime.now(UTC), content=disk.read_bytes())
    with RunningService(data, {"VMKOPS_SEND_SECONDS": "2"}) as running:
        yield running


def fetched(service: RunningService, path: str, **headers: str) -> tuple[int, bytes]:
    sent = {"Authorization": f"Bearer {service.token}", **headers}
    try:
        with urllib.request.urlopen(urllib.request.Request(service.url + path, headers=sent), timeout=120) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_files_are_listed_found_and_sent_over_http(keeper: RunningService) -> None:
    status, volumes = keeper.call("GET", "/backups/newest:web/volumes")
    assert status == 200
    assert [(each["name"], each["type"], each["used_as"]) for each in volumes["volumes"]] == [("disk0", "ext4", "/")]

    _, lines = fetched(keeper, "/backups/a1a1/files?path=/&depth=0&name=*.conf")
    *entries, end = map(json.loads, lines.splitlines())
    assert [each["path"] for each in entries] == [r"/etc/app/new\x0aline.conf"]
    assert end == {"end": True}

    content = "/backups/a1a1/files/content?path=/etc"
    assert fetched(keeper, f"{content}/hosts") == (200, HOSTS.encode())
    assert fetched(keeper, f"{content}/hosts", Range="bytes=4-8") == (206, HOSTS.encode()[4:9])
    assert fetched(keeper, f"{content}/hosts", Range="bytes=-5") == (206, HOSTS.encode()[-5:])
    assert fetched(keeper, f"{content}/hosts", Range="bytes=999-")[0] == 416
    assert fetched(keeper, content)[0] == 400
    assert fetched(keeper, f"{content}/none")[0] == 404

    with tarfile.open(fileobj=io.BytesIO(fetched(keeper, f"{content}&archive=tar")[1])) as tar:
        assert tar.getnames() == [
            *("etc", "etc/app", "etc/app/<script>alert(1)<", "etc/app/new\nline.conf", "etc/hosts", "etc/link")
        ]
        assert tar.getmember("etc/link").linkname == "/etc/hosts"
        found = tar.extractfile("etc/hosts")
        assert found is not None
        assert found.read() == HOSTS.encode()
    with zipfile.ZipFile(io.BytesIO(fetched(keeper, f"{content}&archive=zip")[1])) as archive:
        assert archive.read("etc/hosts") == HOSTS.encode()
        assert archive.testzip() is None


def download(service: RunningService) -> socket.socket:
    """A connection that has asked for the large file, and whose buffer is small."""
    address = urllib.parse.urlsplit(service.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.connect((address.hostname, address.port))
    client.sendall(
        f"GET /backups/a1a1/files/content?path=/large HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {service.token}\r\nConnection: close\r\n\r\n".encode()
    )
    client.settimeout(60)
    assert client.recv(12) == b"HTTP/1.1 200"
    return client


def test_clients_that_never_read_give_their_turns_back(keeper: RunningService) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(MOST):
            stack.enter_context(download(keeper))

        status, content = fetched(keeper, "/backups/newest:web/files/content?path=/etc/hosts")

        assert (status, content.decode()) == (200, HOSTS), "turns are given back before others stop waiting"


def test_client_that_reads_slowly_gets_the_whole_file(keeper: RunningService) -> None:
    with download(keeper) as client:
        client.setblocking(False)
        size = 0
        for _ in range(60):  # in the time of several limits, less than one piece that the service sends
            select.select([client], [], [], 60)
            size += len(client.recv(8192))
            select.select([], [], [], 0.15)
        client.settimeout(60)
        while piece := client.recv(1 << 20):
            size += len(piece)

    assert size > LARGE


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_file_on_a_raw_disk_of_a_save_profile_is_sent_whole_and_in_parts(tmp_path: Path, secure: bool) -> None:
    big = random.Random(8).randbytes(40_000_001)
    (tmp_path / "tree/etc").mkdir(parents=True)
    (tmp_path / "tree/big.bin").write_bytes(big)
    image = make.ext("ext3", 64 << 20)(tmp_path / "disk.img", tmp_path / "tree")
    settings = keep_raw_disk(tmp_path / "data", "b2b2", image)
    certificate = Files(tmp_path)
    settings |= certificate.settings if secure else {}
    context = ssl.create_default_context(cafile=str(certificate.ca)) if secure else None
    with RunningService(tmp_path / "data", settings) as service:
        url = f"{service.url}/backups/b2b2/files/content?path=/big.bin"
        headers = {"Authorization": f"Bearer {service.token}"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=120, context=context) as slow:
            pieces = []
            while piece := slow.read(1 << 16):
                pieces.append(piece)
                time.sleep(0.01)  # slower than the service sends
            assert b"".join(pieces) == big
        for asked, expected in (
            ("bytes=1000-2000999", big[1000:2001000]),
            ("bytes=-3000000", big[-3000000:]),
        ):
            headers = {"Authorization": f"Bearer {service.token}", **({"Range": asked} if asked else {})}
            request = urllib.request.Request(url, headers=headers)
            with urllib.request.urlopen(request, timeout=120, context=context) as answer:
                assert answer.read() == expected


def test_pages_lead_from_the_backup_to_each_file(keeper: RunningService) -> None:
    def page(path: str) -> tuple[str, list[str]]:
        status, body = fetched(keeper, path, Accept="text/html")
        assert status == 200, body
        return body.decode(), [html.unescape(link) for link in re.findall('href="(/backups/[^"]+)"', body.decode())]

    assert "/backups/a1a1/volumes" in page("/backups/a1a1")[1]
    assert "/backups/a1a1/files?path=disk0%3A/" in page("/backups/a1a1/volumes")[1]
    _, links = page("/backups/a1a1/files?path=/etc")
    assert "/backups/a1a1/files?path=/etc/app" in links
    assert "/backups/a1a1/files/content?path=/etc/hosts" in links
    assert "&lt;script&gt;" in page("/backups/a1a1/files?path=/etc/app")[0]
    assert "<script>" not in page("/backups/a1a1/files?path=/etc/app")[0]
    for folder in ("/etc", "/etc/app", "disk0%3A/"):
        for link in page(f"/backups/a1a1/files?path={folder}")[1]:
            assert fetched(keeper, link)[0] == 200, link
    for path in ("volumes", "files?path=/etc"):
        request = urllib.request.Request(f"{keeper.url}/backups/a1a1/{path}", headers={"Accept": "text/html"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        assert refused.value.code == 401
        refused.value.close()


def test_only_those_who_may_operate_read_files_and_the_audit_names_them(keeper: RunningService) -> None:
    reader = make_token(keeper.environment, "read", "reader")
    auditor = make_token(keeper.environment, "admin", "auditor")
    for path in ("volumes", "files", "files/content?path=/etc/hosts"):
        assert keeper.call("GET", f"/backups/a1a1/{path}", token=reader)[0] == 403
        assert keeper.call("GET", f"/backups/a1a1/{path}", token="")[0] == 401

    fetched(keeper, "/backups/a1a1/files/content?path=/etc/hosts")

    _, found = keeper.call("GET", "/audit?event=files.read&limit=1", token=auditor)
    entry = found["entries"][0]
    assert entry["token"] == "test"
    assert entry["details"] == {"backup": "a1a1", "vm": "web", "path": "/etc/hosts"}


def test_command_lists_finds_prints_and_gets(keeper: RunningService, tmp_path: Path) -> None:
    assert keeper.run("files", "newest:web").stdout.split()[:2] == ["disk0", "ext4"]
    listed = keeper.run("files", "newest:web", "ls", "/etc").stdout.splitlines()
    assert [line.split()[-1] for line in listed] == ["app", "hosts", "/etc/hosts"]
    assert listed[2].startswith("lrwxrwxrwx")
    found = keeper.run("files", "a1a1", "find", "/", "--name", "*.conf", "--json").stdout
    assert [json.loads(line)["name"] for line in found.splitlines()] == [r"new\x0aline.conf"]
    assert keeper.run("files", "a1a1", "cat", "/etc/link").stdout == HOSTS

    got = keeper.run("files", "a1a1", "get", "/etc", "--to", str(tmp_path / "etc"))

    assert got.returncode == 0, got.stderr
    assert "3 files" in got.stderr
    assert "1 link left out" in got.stderr
    assert (tmp_path / "etc/hosts").read_text() == HOSTS
    assert (tmp_path / "etc/app/new\nline.conf").read_bytes() == b"\x00\x01binary"
    assert not (tmp_path / "etc/link").is_symlink()
    again = keeper.run("files", "a1a1", "get", "/etc", "--to", str(tmp_path / "etc"))
    assert (again.returncode, "exists already" in again.stderr) == (1, True)
    missing = keeper.run("files", "a1a1", "cat", "/etc/none")
    assert (missing.returncode, "There is no none in the folder /etc" in missing.stderr) == (1, True)
