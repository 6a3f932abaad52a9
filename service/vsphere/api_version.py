"""Which version of the vSphere API to speak: the newest that both vCenter and pyVmomi know.

vCenter answers each client as that version of the API was: what is newer than the client's version is neither sent nor
taken. A client of 5.5 loses NVMe controllers, virtual TPMs, secure boot and disk sharing without any error.
"""

from __future__ import annotations

import http.client
import logging
import re
import ssl

from pyVmomi import VmomiSupport

from knowledge.ovf.xml import Element, XmlRefused, parse
from service.api.vcenter import VCenter

log = logging.getLogger(__name__)

OLDEST = "vim.version.version9"
"""API 5.5, which every vCenter and host that vmkops works with speaks."""
LISTED_AT = "/sdk/vimServiceVersions.xml"
"""Where vCenters and hosts list the versions that they speak, since API 4.0."""
LIST_SECONDS = 10
LARGEST = 1 << 20
"""Bytes of that list that are read."""


def listed_version(vcenter: VCenter, tls: ssl.SSLContext) -> str | None:
    """The newest version that vCenter lists and pyVmomi knows, by pyVmomi's name, such as `vim.version.v8_0_2_0`.

    None when there is no usable list. Raises SSLCertVerificationError for a certificate that `tls` does not trust.
    """
    try:
        offered = _versions(parse(_read_list(vcenter, tls)))
    except ssl.SSLCertVerificationError:
        raise
    except (OSError, http.client.HTTPException, XmlRefused) as error:
        log.info("vCenter lists no API versions: %s", error, extra={"vcenter": vcenter.name})
        return None
    return next((version for version, number in _known() if number in offered), None)


def version_of(api_version: str) -> str:
    """The newest version of pyVmomi that a vCenter of this `apiVersion`, such as `8.0.2.0`, knows."""
    theirs = _numbers(api_version)
    return next((version for version, number in _known() if () < _numbers(number) <= theirs), OLDEST)


def _numbers(version: str) -> tuple[int, ...]:
    """A version such as `6.7` or `7.0.0.0` for comparing; empty for a name such as `m5CA1EF4D`."""
    parts = version.split(".")
    return tuple(map(int, re.sub(r"(\.0)+$", "", version).split("."))) if all(map(str.isdecimal, parts)) else ()


def _read_list(vcenter: VCenter, tls: ssl.SSLContext) -> bytes:
    connection = http.client.HTTPSConnection(vcenter.host, vcenter.port, timeout=LIST_SECONDS, context=tls)
    try:
        connection.request("GET", LISTED_AT)
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise http.client.HTTPException(f"status {answer.status}")
        return answer.read(LARGEST)
    finally:
        connection.close()


def _versions(root: Element) -> set[str]:
    """The versions of the namespace `urn:vim25` that a list names, such as `8.0.2.0` and `5.5`."""
    found: set[str] = set()
    for namespace in root.children:
        named = {element.name: element.text for element in namespace.children}
        if named.get("name") == "urn:vim25":
            found |= {element.text for element in namespace.walk() if element.name == "version"}
    return found


def _known() -> list[tuple[str, str]]:
    """pyVmomi's versions from 5.5 on with the numbers that vCenter uses for them, the newest first."""
    versions = VmomiSupport.GetServiceVersions("vim25")
    return [(each, VmomiSupport.versionIdMap[each]) for each in versions[: versions.index(OLDEST) + 1]]
