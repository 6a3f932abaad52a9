"""The simulated vCenter does what the other tests ask of it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import ssl
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import VmomiSupport, vim, vmodl
from pyVmomi.SoapAdapter import SoapStubAdapter

from tests.peers import fetch
from tests.peers.person import wait_for_task
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for

VM = "DC0_H0_VM0"
VERSION = VmomiSupport.versionMap["vim25/8.0.2.0"]
OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"


class Session:
    """A pyVmomi session with the few verbs that these tests speak."""

    content: Any

    def __init__(self, simulator: Vcsim, password: str | None = None) -> None:
        self.tls = ssl.create_default_context(cafile=str(simulator.ca_file))
        self.stub = SoapStubAdapter(host=simulator.host, port=simulator.port, version=VERSION, sslContext=self.tls)
        self.instance: Any = vim.ServiceInstance("ServiceInstance", self.stub)
        self.content = self.instance.RetrieveContent()
        try:
            self.content.sessionManager.Login(simulator.user, password or simulator.password)
        except vim.fault.InvalidLogin:
            self.stub.DropConnections()
            raise

    def close(self) -> None:
        with contextlib.suppress(vmodl.fault.SecurityError):
            self.content.sessionManager.Logout()
        self.stub.DropConnections()

    def all(self, kind: Any) -> list[Any]:
        view = self.content.viewManager.CreateContainerView(self.content.rootFolder, [kind], True)
        return sorted(view.view, key=lambda found: found.name)

    def vm(self) -> Any:
        return next(vm for vm in self.all(vim.VirtualMachine) if vm.name == VM)

    def snapshot(self, **how: Any) -> Any:
        wanted = {"name": "backup", "description": "", "memory": False, "quiesce": True, **how}
        return wait_for_task(self.vm().CreateSnapshot_Task(**wanted)) and self.current()

    def current(self) -> Any:
        return self.vm().snapshot.currentSnapshot

    def download(self, url: str) -> bytes:
        context = ssl._create_unverified_context()  # a host's certificate is signed by nobody
        with urllib.request.urlopen(url, context=context, timeout=60) as answer:
            content: bytes = answer.read()
        return content


@pytest.fixture
def session(vcsim: Vcsim) -> Iterator[Session]:
    with contextlib.closing(Session(vcsim)) as opened:
        yield opened


def message_of(fault: Any) -> str:
    return str(fault.msg)


def put_vmdk(vcsim: Vcsim, file: Path) -> bytes:
    vcsim.put_disk(vcsim.vm(VM)["disks"][0]["path"], file)
    return file.read_bytes()


def test_wrong_password_is_refused(vcsim: Vcsim) -> None:
    with pytest.raises(vim.fault.InvalidLogin):
        Session(vcsim, password="not the password")
    assert vcsim.sessions() == {"alive": 0, "logins": 0, "views": 0}


def test_certificate_is_not_trusted_without_its_authority(vcsim: Vcsim) -> None:
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(vcsim.url, timeout=60)


def test_inventory_has_four_running_vms_with_tools(vcsim: Vcsim, session: Session) -> None:
    vms = session.all(vim.VirtualMachine)
    assert [vm.name for vm in vms] == ["DC0_C0_RP0_VM0", "DC0_C0_RP0_VM1", "DC0_H0_VM0", "DC0_H0_VM1"]
    assert {vm.guest.toolsRunningStatus for vm in vms} == {"guestToolsRunning"}
    assert vcsim.sessions() == {"alive": 1, "logins": 1, "views": 1}


def test_backup_by_hand_gives_the_bytes_that_were_put(vcsim: Vcsim, session: Session, vmdk: Path) -> None:
    content = put_vmdk(vcsim, vmdk)

    snapshot = session.snapshot()
    assert vcsim.snapshots() == {
        VM: [
            {
                "name": "backup",
                "moref": snapshot._moId,
                "description": "",
                "quiesced": True,
                "current": True,
                "children": [],
            }
        ]
    }

    lease = snapshot.ExportSnapshot()
    assert lease.state == "ready"
    (url,) = lease.info.deviceUrl
    assert session.download(url.url) == content
    lease.HttpNfcLeaseProgress(100)
    (entry,) = lease.HttpNfcLeaseGetManifest()
    assert entry.sha1 == hashlib.sha1(content).hexdigest()

    file = vim.OvfManager.OvfFile(deviceId=url.key, path="disk-0.vmdk", size=len(content))
    wanted = vim.OvfManager.CreateDescriptorParams(name=VM, ovfFiles=[file])
    envelope = ElementTree.fromstring(session.content.ovfManager.CreateDescriptor(session.vm(), wanted).ovfDescriptor)
    (reference,) = envelope.findall(f"{OVF}References/{OVF}File")
    assert reference.get(f"{OVF}href") == "disk-0.vmdk"
    assert reference.get(f"{OVF}size") == str(len(content))
    (disk,) = envelope.findall(f"{OVF}DiskSection/{OVF}Disk")
    assert disk.get(f"{OVF}fileRef") == reference.get(f"{OVF}id")
    assert disk.get(f"{OVF}capacity") == str(vcsim.vm(VM)["disks"][0]["capacity"])

    lease.HttpNfcLeaseComplete()
    wait_for_task(snapshot.RemoveSnapshot_Task(removeChildren=False))
    assert vcsim.snapshots() == {}
    assert [(lease["state"], lease["progress_calls"]) for lease in vcsim.leases()] == [("done", 1)]
    assert (vcsim.count("CreateSnapshot_Task"), vcsim.count("RemoveSnapshot_Task")) == (1, 1)


def test_snapshot_of_a_vm_without_tools_is_not_quiesced(vcsim: Vcsim, session: Session) -> None:
    vcsim.change_vm(VM, tools_running_status="guestToolsNotRunning")
    session.snapshot()
    assert vcsim.snapshots()[VM][0]["quiesced"] is False


def test_quiescing_fails_in_the_guest(vcsim: Vcsim, session: Session) -> None:
    vcsim.change_vm(VM, quiesce_fault="ApplicationQuiesceFault")
    with pytest.raises(vim.fault.ApplicationQuiesceFault):
        session.snapshot()
    assert vcsim.snapshots() == {}


def test_fault_hits_only_the_calls_it_was_made_for(vcsim: Vcsim, session: Session) -> None:
    vcsim.fault("CreateSnapshot_Task", "FileLocked", object_name=VM, message="disk is in use", skip=1, count=1)
    session.snapshot()
    with pytest.raises(vim.fault.FileLocked) as caught:
        session.snapshot()
    assert message_of(caught.value) == "disk is in use"
    session.snapshot()
    assert [call["status"] for call in vcsim.calls("CreateSnapshot_Task")] == [200, 500, 200]
    (rule,) = vcsim.faults()
    assert (rule["seen"], rule["acted"]) == (3, 1)


def test_task_fails_though_the_call_went_well(vcsim: Vcsim, session: Session) -> None:
    vcsim.fault("CreateSnapshot_Task", "SnapshotFault", as_task=True, message="no room for the delta")
    with pytest.raises(vim.fault.SnapshotFault) as caught:
        session.snapshot()
    assert message_of(caught.value) == "no room for the delta"
    assert vcsim.snapshots() == {}


def test_task_fails_after_it_has_done_its_work(vcsim: Vcsim, session: Session) -> None:
    vcsim.fault("CreateSnapshot_Task", "SnapshotFault", as_task=True, after=True)
    with pytest.raises(vim.fault.SnapshotFault):
        session.snapshot()
    assert len(vcsim.snapshots()[VM]) == 1


def test_slow_task_is_seen_running_and_ends_well(vcsim: Vcsim, session: Session) -> None:
    vcsim.fault("CreateSnapshot_Task", task_delay_ms=400)
    task = session.vm().CreateSnapshot_Task(name="slow", description="", memory=False, quiesce=False)
    assert task.info.state == "running"
    assert vcsim.snapshots() == {}
    wait_for_task(task)
    assert vcsim.snapshots()[VM][0]["moref"] == task.info.result._moId


def test_answer_is_lost_but_the_deed_is_done(vcsim: Vcsim, session: Session) -> None:
    vcsim.fault("CreateSnapshot_Task", lose_answer=True, count=1)
    with pytest.raises(http.client.RemoteDisconnected):
        session.snapshot()
    assert wait_for(lambda: vcsim.snapshots().get(VM), what="the snapshot")
    assert vcsim.calls("CreateSnapshot_Task")[0]["status"] == 0


def test_http_error_comes_through(vcsim: Vcsim, session: Session) -> None:
    vcsim.fault("CurrentTime", http_status=503, message="busy", count=1)
    with pytest.raises(http.client.HTTPException, match="503"):
        session.instance.CurrentTime()
    assert session.instance.CurrentTime()


def test_unknown_fault_is_a_slip_in_the_test(vcsim: Vcsim) -> None:
    with pytest.raises(ValueError, match="NoSuchFault"):
        vcsim.fault("CreateSnapshot_Task", "NoSuchFault")
    with pytest.raises(ValueError, match="quiesce_folt"):
        vcsim.change_vm(VM, quiesce_folt="SnapshotFault")
    with pytest.raises(KeyError):
        vcsim.vm("no such VM")


def test_expired_session_is_refused_until_the_next_login(vcsim: Vcsim, session: Session) -> None:
    vm = session.vm()
    assert vcsim.expire_sessions() == 1
    with pytest.raises(vim.fault.NotAuthenticated):
        _ = vm.name
    session.content.sessionManager.Login(vcsim.user, vcsim.password)
    assert vm.name == VM


def test_datastore_browser_wants_a_login(vcsim: Vcsim, session: Session) -> None:
    url = vcsim.vm(VM)["disks"][0]["url"]
    with pytest.raises(urllib.error.HTTPError, match="401") as caught:
        session.download(url)
    caught.value.close()


def open_lease(session: Session) -> tuple[Any, str]:
    lease = session.snapshot().ExportSnapshot()
    return lease, lease.info.deviceUrl[0].url


def test_download_is_cut(vcsim: Vcsim, session: Session, vmdk: Path) -> None:
    content = put_vmdk(vcsim, vmdk)
    vcsim.nfc(cut_after_bytes=1_000_000, count=1)
    _, url = open_lease(session)
    with pytest.raises(http.client.IncompleteRead) as caught:
        session.download(url)
    assert caught.value.partial == content[:1_000_000]
    assert session.download(url) == content
    assert [one["result"] for one in vcsim.transfers()] == ["cut", "whole"]


def test_one_byte_of_a_download_is_wrong(vcsim: Vcsim, session: Session, vmdk: Path) -> None:
    content = put_vmdk(vcsim, vmdk)
    vcsim.nfc(corrupt_at=5_000_000, content_length=False)
    _, url = open_lease(session)
    received = session.download(url)
    assert [at for at in range(len(content)) if content[at] != received[at]] == [5_000_000]


async def test_stalled_download_goes_on_when_it_may(vcsim: Vcsim, session: Session, vmdk: Path) -> None:
    content = put_vmdk(vcsim, vmdk)
    vcsim.nfc(stall_after_bytes=300_000)
    _, url = open_lease(session)
    download = asyncio.create_task(asyncio.to_thread(session.download, url))
    await asyncio.to_thread(wait_for, lambda: vcsim.transfers() and vcsim.transfers()[0]["bytes"] == 300_000)
    assert not download.done()
    vcsim.reset_nfc()
    assert await download == content


async def test_slow_download_can_be_watched(vcsim: Vcsim, session: Session, vmdk: Path) -> None:
    content = put_vmdk(vcsim, vmdk)
    vcsim.nfc(bytes_per_second=1_000_000)
    _, url = open_lease(session)
    download = asyncio.create_task(asyncio.to_thread(session.download, url))
    await asyncio.to_thread(wait_for, lambda: vcsim.transfers() and vcsim.transfers()[0]["bytes"] > 0)
    assert vcsim.transfers()[0]["result"] == "running"
    vcsim.reset_nfc()
    assert await download == content


def test_lease_without_progress_calls_times_out(vcsim: Vcsim, session: Session) -> None:
    vcsim.nfc(lease_timeout=1)
    lease, url = open_lease(session)
    wait_for(lambda: vcsim.leases()[0]["state"] == "timed out", what="the end of the lease")
    assert lease.state == "error"
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        session.download(url)
    caught.value.close()
    with pytest.raises(vim.fault.InvalidState):
        lease.HttpNfcLeaseProgress(50)


def test_lease_of_a_host_has_a_star_in_its_urls() -> None:
    fetch.require("vcsim")
    with Vcsim(["-esx"]) as host, contextlib.closing(Session(host)) as opened:
        vm = opened.all(vim.VirtualMachine)[0]
        snapshot = vm.CreateSnapshot_Task(name="a", description="", memory=False, quiesce=False)
        wait_for_task(snapshot)
        lease = snapshot.info.result.ExportSnapshot()
        assert lease.info.deviceUrl[0].url.startswith(f"https://*:{host.port}/nfc/")


def test_consolidation_is_needed_after_a_removal_and_done(vcsim: Vcsim, session: Session) -> None:
    vcsim.change_vm(VM, consolidation_needed_after_remove=True)
    wait_for_task(session.snapshot().RemoveSnapshot_Task(removeChildren=False))
    assert session.vm().runtime.consolidationNeeded is True
    wait_for_task(session.vm().ConsolidateVMDisks_Task())
    assert session.vm().runtime.consolidationNeeded is False


def test_question_of_a_vm_is_answered(vcsim: Vcsim, session: Session) -> None:
    choices = {"0": "I moved it", "1": "I copied it"}
    vcsim.change_vm(VM, question={"id": "7", "text": "Moved or copied?", "choices": choices})
    asked = session.vm().runtime.question
    assert [choice.label for choice in asked.choice.choiceInfo] == ["I moved it", "I copied it"]
    with pytest.raises(vmodl.fault.InvalidArgument) as caught:
        session.vm().AnswerVM("7", "9")
    assert caught.value.invalidProperty == "answerChoice"
    session.vm().AnswerVM("7", "1")
    assert (vcsim.vm(VM)["question"], vcsim.vm(VM)["answer"]) == ("", "1")


def test_properties_of_vms_and_hosts_are_changed(vcsim: Vcsim, session: Session) -> None:
    vcsim.change_object("HostSystem", "DC0_H0", {"runtime.connectionState": "notResponding"})
    vcsim.change_vm(VM, properties={"guest.ipAddress": "192.0.2.7", "config.template": True})
    vm = session.vm()
    assert (vm.guest.ipAddress, vm.summary.config.template) == ("192.0.2.7", True)
    assert vm.runtime.host.summary.runtime.connectionState == "notResponding"
    vcsim.change_vm(VM, rename="büro <1>")
    assert vm.name == "büro <1>"


def test_iscsi_target_belongs_to_one_host(session: Session) -> None:
    first, second = (host.configManager.storageSystem for host in session.all(vim.HostSystem)[:2])
    target = vim.host.InternetScsiHba.SendTarget(address="192.0.2.9")
    first.AddInternetScsiSendTargets("vmhba64", [target])
    with pytest.raises(vim.fault.AlreadyExists):
        first.AddInternetScsiSendTargets("vmhba64", [target])
    with pytest.raises(vim.fault.NotFound):
        first.AddInternetScsiSendTargets("vmhba99", [target])

    def targets(storage: Any) -> list[tuple[str, int]]:
        (hba,) = (one for one in storage.storageDeviceInfo.hostBusAdapter if one.device == "vmhba64")
        return [(one.address, one.port) for one in hba.configuredSendTarget]

    assert (targets(first), targets(second)) == ([("192.0.2.9", 3260)], [])
    first.RescanHba("vmhba64")


def test_simulator_ends_with_its_parent(vcsim: Vcsim) -> None:
    process = vcsim._process.process
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=60) == 0
