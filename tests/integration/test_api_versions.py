"""A client gets what its version of the API knows, and vmkops speaks the newest that vCenter has."""

from __future__ import annotations

import contextlib
import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pyVmomi import VmomiSupport, vim
from pyVmomi.SoapAdapter import SoapStubAdapter

from service.api.vcenter import VCenter
from service.vsphere import api_version
from service.vsphere.login import Login
from tests.peers.vcsim import Vcsim

TABLE = Path(__file__).parents[1] / "vcsim" / "api_versions.tsv"
PREFIXES = ("HttpNfcLease", "Ovf", "Virtual")
LIST = b"""<?xml version="1.0" encoding="UTF-8" ?>
<namespaces version="1.0"><namespace><name>urn:vim25</name><version>9.9.9.9</version>
<priorVersions><version>6.5</version><version>7.0.3.0</version><version>5.5</version></priorVersions></namespace>
<namespace><name>urn:sms</name><version>8.0.0.0</version></namespace></namespaces>"""


def test_simulator_leaves_out_what_pyvmomi_knows_as_newer() -> None:
    """To write the table anew: `python -m tests.integration.test_api_versions`."""
    assert TABLE.read_text() == newer_than_55()


@pytest.mark.parametrize(("version", "seen"), [("5.5", False), ("6.5", True), ("8.0.2.0", True)])
def test_client_sees_what_its_version_knows(vcsim: Vcsim, version: str, seen: bool) -> None:
    vm = vcsim.vms()[0]
    with client(vcsim, VmomiSupport.versionMap[f"vim25/{version}"]) as instance:
        machine = vim.VirtualMachine(vm["moref"], instance._stub)
        change = vim.vm.ConfigSpec(firmware="efi", bootOptions=vim.vm.BootOptions(efiSecureBootEnabled=True))
        machine.ReconfigVM_Task(change)
        card = next(each for each in machine.config.hardware.device if hasattr(each, "macAddress"))

        assert (machine.config.bootOptions.efiSecureBootEnabled is True) == seen
        assert (card.resourceAllocation is not None) == seen
        assert card.macAddress


def test_login_speaks_the_newest_version_that_both_know(vcsim: Vcsim) -> None:
    with Login(settings(vcsim.url, vcsim)).of_its_own(60) as instance:
        assert instance._stub.version == "vim.version.v8_0_2_0"
        assert instance.content.about.apiVersion == "8.0.2.0"


@pytest.mark.parametrize(
    ("status", "body", "version"),
    [
        (200, LIST, "vim.version.v7_0_3_0"),
        (200, b"<html>a login page</html>", None),
        (200, b"not XML", None),
        (404, LIST, None),
    ],
)
def test_list_of_versions_is_read_or_left_alone(vcsim: Vcsim, status: int, body: bytes, version: str | None) -> None:
    with answering(vcsim, status, body) as url:
        vcenter = settings(url, vcsim)
        assert api_version.listed_version(vcenter, Login(vcenter).ssl_context()) == version


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("8.0.2.0", "vim.version.v8_0_2_0"),
        ("8.0.2.5", "vim.version.v8_0_2_0"),
        ("7.0", "vim.version.v7_0"),
        ("6.7.3", "vim.version.version15"),
        ("5.5", "vim.version.version9"),
        ("5.1", "vim.version.version9"),
        ("unknown", "vim.version.version9"),
    ],
)
def test_vcenter_without_a_list_is_spoken_to_as_old_as_it_says_it_is(said: str, version: str) -> None:
    assert api_version.version_of(said) == version


def newer_than_55() -> str:
    """What pyVmomi knows as newer than API 5.5, in the form of the table."""
    versions = [each for each in VmomiSupport.GetServiceVersions("vim25") if each.startswith("vim.version.")]
    rank = {version: number for number, version in enumerate(reversed(versions))}
    numbered: Any = VmomiSupport.versionIdMap

    def newer(version: str, than: str = "vim.version.version9") -> bool:
        return rank.get(version, 0) > rank.get(than, 0) and numbered[version][0].isdigit()

    lines = []
    for name in VmomiSupport.ListDataTypes():
        kind: Any = VmomiSupport.GetVmodlType(name)
        if not kind._wsdlName.startswith(PREFIXES):
            continue
        if newer(kind._version):
            older = next(each for each in kind.__mro__ if not newer(each._version))
            lines.append(f"{kind._wsdlName}\t{numbered[kind._version]}\t{older._wsdlName}")
        for item in kind._propList:
            if newer(item.version) and newer(item.version, kind._version):
                lines.append(f"{kind._wsdlName}.{item.name}\t{numbered[item.version]}")
    return "\n".join(sorted(lines)) + "\n"


def settings(url: str, vcsim: Vcsim) -> VCenter:
    return VCenter(url=url, user=vcsim.user, password=SecretStr(vcsim.password), ca_file=vcsim.ca_file)


@contextlib.contextmanager
def client(vcsim: Vcsim, version: str) -> Iterator[Any]:
    tls = ssl.create_default_context(cafile=str(vcsim.ca_file))
    stub = SoapStubAdapter(host=vcsim.host, port=vcsim.port, version=version, sslContext=tls)
    instance: Any = vim.ServiceInstance("ServiceInstance", stub)
    instance.content.sessionManager.Login(vcsim.user, vcsim.password)
    yield instance
    stub.DropConnections()


@contextlib.contextmanager
def answering(vcsim: Vcsim, status: int, body: bytes) -> Iterator[str]:
    """A server with the vCenter's certificate that gives each GET the same answer; the address of its SDK."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(vcsim.server_file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/sdk"
    server.shutdown()
    server.server_close()
    thread.join()


if __name__ == "__main__":
    TABLE.write_text(newer_than_55())
