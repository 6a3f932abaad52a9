"""Checks the skeleton of a descriptor: where its sections are, and elements that importers do not support.

An element that an importer does not know is refused unless it has ``ovf:required="false"`` (DMTF DSP0243, 7.3).
Sources of the refusals: xcp-ng/xenadmin#202, opendedup/sdfs#97, and the descriptors below ``Neg`` in
ovf/fixtures/external of vmware/govmomi, which are test input of VMware's ovftool.
"""

from __future__ import annotations

from collections.abc import Iterator

from knowledge.finding import Finding
from knowledge.ovf.machines import kind
from knowledge.ovf.quoting import quoted
from knowledge.ovf.xml import Element

_VM = "VirtualSystem"
_VAPP = "VirtualSystemCollection"
_CONTENT = frozenset({_VM, _VAPP})
_ENVELOPE = "Envelope"

_PLACES = {
    "DiskSection": frozenset({_ENVELOPE}),
    "NetworkSection": frozenset({_ENVELOPE}),
    "DeploymentOptionSection": frozenset({_ENVELOPE}),
    "VirtualHardwareSection": frozenset({_VM}),
    "OperatingSystemSection": frozenset({_VM}),
    "InstallSection": frozenset({_VM}),
    "StartupSection": frozenset({_VAPP}),
    "ResourceAllocationSection": frozenset({_VAPP}),
    "AnnotationSection": _CONTENT,
    "ProductSection": _CONTENT,
    "EulaSection": _CONTENT | {_ENVELOPE},
}
"""The elements that a section may be in (DMTF DSP0243, 9). OVF 0.9 also has a EulaSection in the Envelope."""

_PLACE_NAMES = {_ENVELOPE: "the Envelope", _VM: "a VirtualSystem", _VAPP: "a VirtualSystemCollection"}

_OVF_2_SECTIONS = frozenset(
    {
        "BootDeviceSection",
        "EncryptionSection",
        "EnvironmentFilesSection",
        "NetworkPortProfileSection",
        "PlacementGroupSection",
        "PlacementSection",
        "ScaleOutSection",
        "SharedDiskSection",
    }
)
"""Sections that DSP0243 2.1 adds; VMware's importers accept some of them in OVF 1."""

_NOT_SECTIONS = frozenset({"References", "Strings", "Info", "Name"})

_ELEMENTS = {
    "DiskSection": frozenset({"Disk"}),
    "NetworkSection": frozenset({"Network"}),
    "DeploymentOptionSection": frozenset({"Configuration"}),
    "VirtualHardwareSection": frozenset({"System", "Item", "StorageItem", "EthernetPortItem"}),
    "OperatingSystemSection": frozenset({"Description"}),
    "StartupSection": frozenset({"Item"}),
    "AnnotationSection": frozenset({"Annotation"}),
    "EulaSection": frozenset({"License"}),
}
"""The elements that a section can have beside Info."""

_ALLOCATION = "CIM_ResourceAllocationSettingData"
_ALLOCATION_ELEMENTS = frozenset(
    {
        "Address",
        "AddressOnParent",
        "AllocationUnits",
        "AutomaticAllocation",
        "AutomaticDeallocation",
        "BusNumber",
        "Caption",
        "ChangeableType",
        "ComponentSetting",
        "ConfigurationName",
        "Connection",
        "ConsumerVisibility",
        "Description",
        "ElementName",
        "Generation",
        "HostResource",
        "InstanceID",
        "InstanceId",
        "Limit",
        "MappingBehavior",
        "OtherResourceType",
        "Parent",
        "PoolID",
        "Reservation",
        "ResourceSubType",
        "ResourceType",
        "SoID",
        "SoOrgID",
        "VirtualQuantity",
        "VirtualQuantityUnits",
        "Weight",
    }
)
"""The properties of CIM_ResourceAllocationSettingData, and BusNumber and InstanceId of OVF 0.9."""

_MOST_NAMES = 5
_OVF_0_9 = "http://www.vmware.com/schema/ovf/1/envelope"
_ENVELOPE_NAMESPACES = ("http://schemas.dmtf.org/ovf/", "http://www.vmware.com/schema/ovf/")


def check_sections(root: Element) -> Iterator[Finding]:
    """Yield findings about the Envelope ``root``: its namespace and version, its sections and the elements in them."""
    if root.namespace and not root.namespace.startswith(_ENVELOPE_NAMESPACES):
        yield Finding(
            "envelope-namespace",
            "error",
            f"line {root.line}",
            f"The namespace {quoted(root.namespace)} of the Envelope is not one of OVF, so importers refuse it.",
            'Set xmlns="http://schemas.dmtf.org/ovf/envelope/1".',
        )
    version = root.attributes.get("version", "")
    if root.namespace == _OVF_0_9 and version != "0.9":
        yield Finding(
            "envelope-version",
            "error",
            f"line {root.line}",
            f"An Envelope with the namespace of OVF 0.9 has the version {quoted(version)}, so importers refuse it.",
            'Set ovf:version="0.9".',
        )
    yield from _check_container(root, _ENVELOPE)


def _check_container(container: Element, place: str) -> Iterator[Finding]:
    """Check what is in the Envelope, a VM or a vApp."""
    if place != _ENVELOPE:
        yield from _check_info(container, place)
    unknown = []
    for child in container.children:
        name = kind(child)
        if name in _CONTENT and place != _VM:
            yield from _check_container(child, name)
        elif name in _PLACES:
            yield from _check_section(child, name, place)
        elif name not in _OVF_2_SECTIONS | _NOT_SECTIONS and _is_refused(child):
            unknown.append(child)
    yield from _unknown("section-unknown", unknown, _PLACE_NAMES[place])


def _check_section(section: Element, name: str, place: str) -> Iterator[Finding]:
    if place not in _PLACES[name] and section.attributes.get("required") != "false":
        places = " or ".join(text for key, text in _PLACE_NAMES.items() if key in _PLACES[name])
        yield Finding(
            "section-misplaced",
            "error",
            f"line {section.line}",
            f"{name} is in {_PLACE_NAMES[place]}, so importers refuse the package: Unsupported section.",
            f"Move it to {places}.",
        )
    yield from _check_info(section, name)
    known = _ELEMENTS.get(name)
    if known is not None:
        children = [child for child in section.children if child.name not in known and child.name != "Info"]
        yield from _unknown("element-unknown", [child for child in children if _is_refused(child)], name)
    if name == "VirtualHardwareSection":
        items = [child for child in section.children if child.name == "Item"]
        parts = [part for item in items for part in item.children if _is_refused_part(part)]
        yield from _unknown("element-unknown", parts, "Items")


def _check_info(element: Element, name: str) -> Iterator[Finding]:
    """Report a missing Info, which ovftool refuses; vCenter imports some packages without it."""
    if not any(child.name == "Info" for child in element.children):
        yield Finding(
            "info-missing",
            "warning",
            f"line {element.line}",
            f"{name} has no Info element, as OVF requires; some importers refuse the package.",
            "Add an Info element as the first element in it; it may be empty.",
        )


def _unknown(rule: str, elements: list[Element], place: str) -> Iterator[Finding]:
    """Report the elements in one finding, because packages for other products have dozens of them."""
    if not elements:
        return
    names = list(dict.fromkeys(kind(element) or f"{element.name} without xsi:type" for element in elements))
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    what = "section" if rule == "section-unknown" else "element"
    yield Finding(
        rule,
        "error",
        f"line {elements[0].line}",
        f"VMware's products do not know {', '.join(map(quoted, names[:_MOST_NAMES]))}{more} in {place} and refuse the "
        f"package: Unsupported {what} {quoted(names[0])}.",
        'Remove what is for another product, or add ovf:required="false" to it if the VM works without it.',
    )


def _is_refused(element: Element) -> bool:
    """Return whether an importer that does not know the element refuses it; VMware's own elements are known to some."""
    is_optional = element.attributes.get("required", "").lower() in {"false", "0"}
    return not is_optional and "vmware.com/" not in element.namespace and not element.namespace.endswith("/envelope/2")


def _is_refused_part(part: Element) -> bool:
    known = part.name in _ALLOCATION_ELEMENTS or not part.namespace.endswith(_ALLOCATION)
    return not known and _is_refused(part)
