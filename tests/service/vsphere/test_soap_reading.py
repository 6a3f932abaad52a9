"""What vSphere answers is read into the same objects as pyVmomi alone reads it into, and fails as it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pyVmomi import SoapAdapter, vim, vmodl
from pyVmomi.SoapAdapter import SoapDeserializer, SoapResponseDeserializer

from service.vsphere import soap_reading
from service.vsphere.preflight import read_before_snapshot
from service.vsphere.session import Instance, Session, read_all
from service.vsphere.soap_reading import QuickDeserializer, read_quickly
from service.vsphere.vms import read_state
from tests.peers.vcsim import Vcsim
from tests.service.vsphere.test_session import session as session  # a fixture

RESULT = vmodl.query.PropertyCollector.RetrieveResult
ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body><RetrievePropertiesExResponse xmlns="urn:vim25">
<returnval><objects><obj type="VirtualMachine">vm-1</obj>{}</objects></returnval>
</RetrievePropertiesExResponse></e:Body></e:Envelope>"""
PROPERTY = '<propSet><name>p</name><val xsi:type="{}">{}</val></propSet>'
FAULT = '<fault xsi:type="NoPermission"><object type="Folder">group-1</object><privilegeId>A.b</privilegeId></fault>'
NAN = "<ipAddress>10.0.0.1</ipAddress><ipAddress>10.0.0.2</ipAddress>"


class Stub:
    """Stands in for the connection, to which managed objects belong."""

    version = "vim.version.v8_0_2_0"

    def SupportServerGUIDs(self) -> bool:  # noqa: N802 - pyVmomi names it
        return False


def read(answer: bytes, of: Any, by: Callable[[Any], Any]) -> object:
    """The objects in an answer as text, or the error that its reading raises."""
    stub = Stub()
    reading = SoapResponseDeserializer(stub)
    reading.deser = by(stub)
    try:
        return str(reading.Deserialize(answer, of))
    except Exception as error:
        return type(error), str(error)


def both_ways(answer: bytes, of: Any = RESULT) -> object:
    """What an answer is read into, which is the same the first time, the second time, and by pyVmomi alone."""
    for memory in (soap_reading._begins, soap_reading._properties, soap_reading._fitting, soap_reading._readers):
        memory.clear()
    alone = read(answer, of, SoapDeserializer)
    assert read(answer, of, QuickDeserializer) == alone
    assert read(answer, of, QuickDeserializer) == alone
    return alone


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, Any]]:
    """The answers to the calls of a test, each with the type of what it contains."""
    seen: list[tuple[bytes, Any]] = []
    deserialize = SoapResponseDeserializer.Deserialize

    def keep(self: Any, response: Any, of: Any, *more: Any) -> Any:
        answer = response if isinstance(response, bytes) else response.read()
        seen.append((answer, of))
        return deserialize(self, answer, of, *more)

    monkeypatch.setattr(SoapResponseDeserializer, "Deserialize", keep)
    return seen


async def test_answers_of_a_vcenter_become_the_same_objects(
    session: Session, vcsim: Vcsim, answers: list[tuple[bytes, Any]]
) -> None:
    vm = vcsim.vms()[0]["moref"]
    await read_state(session, vm)
    await read_before_snapshot(session, vm)

    def more(instance: Instance) -> None:
        read_all(instance, vim.HostSystem, ["config", "hardware", "summary"])
        read_all(instance, vim.Datastore, ["info", "host", "capability"])
        with pytest.raises(vmodl.fault.ManagedObjectNotFound):
            vim.VirtualMachine("vm-0", instance._stub).PowerOnVM_Task()

    await session.call(more)
    taken = list(answers)

    assert SoapAdapter.SoapDeserializer is QuickDeserializer
    assert len(taken) > 10
    read_as = [both_ways(answer, of) for answer, of in taken]
    everything = "\n".join(map(str, read_as))
    assert [
        each
        for each in ("VirtualDisk", "vim.HostSystem:", "ManagedObjectNotFound", "TaskInfo")
        if each not in everything
    ] == []


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        (PROPERTY.format("xsd:boolean", "1"), "val = true"),
        (PROPERTY.format("xsd:boolean", "False"), "val = false"),
        (PROPERTY.format("xsd:boolean", "maybe"), "TypeError"),
        (PROPERTY.format("xsd:int", "12"), "val = 12"),
        (PROPERTY.format("xsd:int", "twelve"), "ValueError"),
        (PROPERTY.format("xsd:string", ""), "val = ''"),
        (PROPERTY.format("xsd:base64Binary", "AQI="), "val = AQI="),
        (PROPERTY.format("xsd:dateTime", "2026-01-02T03:04:05Z"), "2026-01-02T03:04:05Z"),
        (PROPERTY.format("xsd:dateTime", "yesterday"), "Error"),
        (PROPERTY.format("VirtualMachinePowerState", "poweredOn"), "poweredOn"),
        (PROPERTY.format("VirtualMachinePowerState", "melted"), "AttributeError"),
        (PROPERTY.format("ArrayOfString", "<string>a</string><string>b</string>"), "'b'"),
        (PROPERTY.format("ArrayOfString", ""), "(str) []"),
        (PROPERTY.format("NoSuchType", "x"), "KeyError"),
        (PROPERTY.format("VirtualDisk", "<key>1</key><nothing>2</nothing>"), "AttributeError"),
        (PROPERTY.format("VirtualDisk", "<key><deep>1</deep></key>"), "TypeError"),
        (PROPERTY.format("GuestNicInfo", f"{NAN}<connected>true</connected>"), "10.0.0.2"),
        (PROPERTY.format("LocalizedMethodFault", f"{FAULT}<localizedMessage>No.</localizedMessage>"), "'No.'"),
        (f"<missingSet><path>p</path><fault>{FAULT}</fault></missingSet>", "A.b"),
        (PROPERTY.format("VirtualDisk", '<key xsi:type="xsd:string">1</key>'), 'For "key" expected type int'),
        ('<propSet><name>p</name><val type="Task" serverGuid="g" xsi:type="ManagedObjectReference">t-1</val></propSet>'
         '<propSet><name>q</name><val type="Task" xsi:type="ManagedObjectReference">t-2</val></propSet>', "t-2"),
    ],
)  # fmt: skip
def test_each_kind_of_value_is_read_alike(properties: str, expected: str) -> None:
    read_as = both_ways(ENVELOPE.format(properties).encode())

    assert expected in str(read_as)


def test_memory_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soap_reading, "MOST_KINDS", 3)
    disk = "<key>1</key><deviceInfo><label>l</label><summary>s</summary></deviceInfo><unitNumber>2</unitNumber>"

    read_as = both_ways(ENVELOPE.format(PROPERTY.format("VirtualDisk", disk)).encode())

    assert "unitNumber = 2" in str(read_as)
    assert max(map(len, (soap_reading._begins, soap_reading._properties, soap_reading._fitting))) <= 3


def test_it_takes_the_place_of_pyvmomi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SoapAdapter, "SoapDeserializer", SoapDeserializer)

    read_quickly()

    assert type(SoapResponseDeserializer(Stub()).deser) is QuickDeserializer
