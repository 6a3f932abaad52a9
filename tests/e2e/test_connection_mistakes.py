"""Each mistake in the settings of a vCenter has a sentence of its own, with what to do, in `vmkops doctor`."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import trustme

from service.api.vcenter import VCenter
from service.errors import CredentialsRefused
from service.vsphere.inventory import count_vms
from service.vsphere.session import Session, signed_in_user
from tests.peers.vcsim import Vcsim
from tests.vmkops.terminal import run_forked

TIMES = 60


@pytest.fixture(scope="module")
def vcsim() -> Iterator[Vcsim]:
    """A vCenter that takes one password."""
    with Vcsim() as running:
        yield running


@pytest.fixture
def plain_port() -> Iterator[int]:
    """A port on which a server speaks http without TLS."""
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_mistake_is_told_apart_and_has_its_mend(tmp_path: Path, vcsim: Vcsim, plain_port: int) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = free.getsockname()[1]
    ours = f"ca_file = {json.dumps(str(vcsim.ca_file))}\n"
    tables = {
        "good": (vcsim.url, ours, vcsim.password),
        "no-ca": (vcsim.url, "", vcsim.password),
        "wrong-ca": (vcsim.url, 'ca_file = "other.pem"\n', vcsim.password),
        "port": (f"127.0.0.1:{closed}", ours, vcsim.password),
        "plain": (f"127.0.0.1:{plain_port}", ours, vcsim.password),
        "host": ("no-such-vcenter.invalid", ours, vcsim.password),
        "password": (vcsim.url, ours, "wr0ng"),
    }
    text = [
        f'[vcenters.{name}]\nurl = "{url}"\nuser = "{vcsim.user}"\npassword = "{password}"\n{ca}'
        for name, (url, ca, password) in tables.items()
    ]
    (tmp_path / "vmkops.toml").write_text("".join(text))

    service = f"https://127.0.0.1:{plain_port}"
    done = run_forked(tmp_path, "doctor", "--json", VMKOPS_SERVICE_URL=service)

    checks = {each["subject"].removeprefix("vcenter "): each for each in json.loads(done.stdout)["checks"]}
    said = {name: checks[name]["text"] for name in tables}
    assert done.returncode == 1
    assert [checks[name]["mark"] for name in tables] == ["ok", *["failed"] * 6]
    assert said["good"] == f"signed in to {vcsim.url} as {vcsim.user}, 4 VMs"
    assert "is not trusted" in said["no-ca"]
    assert "Set ca_file of [vcenters.no-ca] to a PEM file with the CA of this vCenter" in said["no-ca"]
    assert "does not come from the CA in other.pem" in said["wrong-ca"]
    ca = f"put the CA of this vCenter ({vcsim.url.removesuffix('/sdk')}/certs/download.zip has it) into the file"
    assert ca in said["wrong-ca"]
    assert said["port"].startswith(
        f"127.0.0.1 is there, but nothing listens on its port {closed}. Check the port in url"
    )
    assert said["plain"].startswith(f"What listens on port {plain_port} of 127.0.0.1 does not speak https.")
    assert said["host"].startswith("The name no-such-vcenter.invalid does not resolve. Check url of [vcenters.host]")
    assert "does not accept the user name or password" in said["password"]
    assert checks["service"]["text"].startswith(f"{service} answers, but not over https. Write http://")
    assert "wr0ng" not in done.stdout


async def test_wrong_password_never_signs_in_beside_others_that_are_right(vcsim: Vcsim) -> None:
    right = VCenter.model_validate(
        {"url": vcsim.url, "user": vcsim.user, "password": vcsim.password, "ca_file": vcsim.ca_file}
    )
    wrong = right.model_copy(update={"password": type(right.password)("wr0ng")})

    async def signs_in(vcenter: VCenter) -> str:
        session = Session(vcenter)
        try:
            return f"{await signed_in_user(session)} {await count_vms(session)}"
        finally:
            await session.close()

    limit = asyncio.Semaphore(8)

    async def limited(vcenter: VCenter) -> str:
        async with limit:
            return await signs_in(vcenter)

    attempts = [limited(vcenter) for _ in range(TIMES) for vcenter in (wrong, right)]
    found = await asyncio.gather(*attempts, return_exceptions=True)

    assert {type(each) for each in found[::2]} == {CredentialsRefused}
    assert set(found[1::2]) == {f"{vcsim.user} 4"}
