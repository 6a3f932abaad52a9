"""Sections stand where OVF allows them, and what no importer knows is marked as not required."""

from __future__ import annotations

import pytest

from knowledge.finding import Finding
from knowledge.ovf import lint_bytes
from tests.knowledge.ovf.test_descriptor import CONTROLLER, DISK, NETWORK_CARD, descriptor

ANNOTATION = "<AnnotationSection><Info/><Annotation>Call the team</Annotation></AnnotationSection>"
START = '<StartupSection><Info/><Item ovf:id="web01" ovf:order="1"/></StartupSection>'
NETWORKS = "<NetworkSection><Info/></NetworkSection>"
FOREIGN = '<x:Plan xmlns:x="urn:example" {}><Info/></x:Plan>'
EMPTY_VAPP = '<VirtualSystemCollection ovf:id="app"><Info/></VirtualSystemCollection>'


def in_envelope(part: str) -> bytes:
    return descriptor().replace(b"<VirtualSystem ", f"{part}<VirtualSystem ".encode())


def in_vm(part: str) -> bytes:
    return descriptor().replace(b"</VirtualSystem>", f"{part}</VirtualSystem>".encode())


def in_item(part: str) -> bytes:
    return descriptor(CONTROLLER + DISK + NETWORK_CARD.replace("<rasd:InstanceID>", f"{part}<rasd:InstanceID>"))


def in_vapp(part: str) -> bytes:
    vapp = f"<VirtualSystemCollection><Info/>{part}<VirtualSystem "
    data = descriptor().replace(b"<VirtualSystem ", vapp.encode())
    return data.replace(b"</Envelope>", b"</VirtualSystemCollection></Envelope>")


def only(data: bytes) -> Finding:
    (finding,) = lint_bytes(data)
    return finding


@pytest.mark.parametrize(
    "data",
    [
        in_vm(ANNOTATION),
        in_vapp(ANNOTATION + START),
        in_vm(FOREIGN.format('ovf:required="false"')),
        in_vm('<vmw:BootOrderSection vmw:instanceId="9"><Info/></vmw:BootOrderSection>'),
        in_vm('<NetworkSection ovf:required="false"><Info/></NetworkSection>'),
        in_envelope(FOREIGN.format('ovf:required="false"')),
        in_envelope("<ScaleOutSection><Info/></ScaleOutSection>"),
        in_item('<rasd:Example ovf:required="false">1</rasd:Example>'),
        in_item('<vmw:CoresPerSocket ovf:required="false">2</vmw:CoresPerSocket>'),
    ],
    ids=[
        "annotation in a VM",
        "start order in a vApp",
        "foreign section that is not required",
        "VMware's section",
        "misplaced but not required",
        "foreign section in the Envelope",
        "section of OVF 2",
        "element that is not required",
        "VMware's element",
    ],
)
def test_allowed_section_has_no_finding(data: bytes) -> None:
    assert lint_bytes(data) == ()


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (in_vm(NETWORKS), "the Envelope"),
        (in_envelope(ANNOTATION), "a VirtualSystem or a VirtualSystemCollection"),
        (in_vm("<ResourceAllocationSection><Info/></ResourceAllocationSection>"), "a VirtualSystemCollection"),
        (in_envelope(START), "a VirtualSystemCollection"),
        (in_vapp('<OperatingSystemSection ovf:id="36"><Info/></OperatingSystemSection>'), "a VirtualSystem"),
    ],
    ids=["networks in a VM", "annotation in the Envelope", "resources in a VM", "start order", "OS of a vApp"],
)
def test_section_in_the_wrong_place_is_an_error_that_names_the_right_one(data: bytes, place: str) -> None:
    finding = only(data)
    assert (finding.rule, finding.severity) == ("section-misplaced", "error")
    assert finding.fix == f"Move it to {place}."


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (in_vm(FOREIGN.format("")), "'Plan'"),
        (in_envelope(FOREIGN.format('ovf:required="true"')), "'Plan'"),
        (in_vm("<Section><Info/></Section>"), "'Section without xsi:type'"),
    ],
    ids=["in a VM", "in the Envelope", "without a type"],
)
def test_required_section_of_another_product_is_an_error(data: bytes, name: str) -> None:
    finding = only(data)
    assert (finding.rule, finding.severity) == ("section-unknown", "error")
    assert name in finding.message
    assert 'ovf:required="false"' in finding.fix


@pytest.mark.parametrize(
    "data",
    [
        in_item("<rasd:Example>1</rasd:Example>"),
        in_item('<rasd:Example ovf:required="true">1</rasd:Example>'),
        descriptor(settings="<Example/>"),
        in_envelope("<DiskSection><Info/><Example/></DiskSection>"),
    ],
    ids=["in an Item", "required in an Item", "in the hardware", "in a DiskSection"],
)
def test_element_that_no_importer_knows_is_an_error(data: bytes) -> None:
    findings = {finding.rule: finding for finding in lint_bytes(data)}
    assert findings["element-unknown"].severity == "error"
    assert "'Example'" in findings["element-unknown"].message


def test_many_unknown_elements_are_one_finding() -> None:
    data = in_vm("".join(FOREIGN.replace("Plan", f"Plan{number}").format("") for number in range(7)))
    assert "'Plan4' and 2 more in a VirtualSystem" in only(data).message


@pytest.mark.parametrize(
    ("present", "name"),
    [
        ("<Info>Disks</Info>", "DiskSection"),
        ("<Info>Hardware</Info>", "VirtualHardwareSection"),
        ("<Info>A VM</Info>", "VirtualSystem"),
    ],
)
def test_missing_info_is_a_warning(present: str, name: str) -> None:
    finding = only(descriptor().replace(present.encode(), b""))
    assert (finding.rule, finding.severity) == ("info-missing", "warning")
    assert finding.message.startswith(f"{name} has no Info")


def test_empty_info_is_enough() -> None:
    assert lint_bytes(descriptor().replace(b"<Info>Disks</Info>", b"<Info/>")) == ()


def test_envelope_of_another_namespace_is_an_error() -> None:
    finding = only(descriptor().replace(b'<Envelope xmlns="http://schemas.dmtf.org', b'<Envelope xmlns="urn:example'))
    assert (finding.rule, finding.severity) == ("envelope-namespace", "error")


@pytest.mark.parametrize(("version", "rules"), [('ovf:version="0.9"', set()), ("", {"envelope-version"})])
def test_envelope_of_ovf_0_9_states_its_version(version: str, rules: set[str]) -> None:
    data = descriptor().replace(
        b"http://schemas.dmtf.org/ovf/envelope/1", b"http://www.vmware.com/schema/ovf/1/envelope"
    )
    data = data.replace(b"<Envelope ", f"<Envelope {version} ".encode())
    assert {finding.rule for finding in lint_bytes(data)} == rules
