"""Translates what pyVmomi raises into the service's own errors, the most specific fault first."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from xml.parsers.expat import ExpatError

from pyVmomi import vim, vmodl

from service import errors
from service.api.vcenter import VCenter

KINDS = {
    "ClusterComputeResource": "cluster",
    "Datacenter": "datacenter",
    "Datastore": "datastore",
    "DistributedVirtualPortgroup": "network",
    "Folder": "folder",
    "HostSystem": "host",
    "Network": "network",
    "ResourcePool": "resource pool",
    "VirtualMachine": "VM",
    "VirtualMachineSnapshot": "snapshot",
}
"""What people call an object, by the name of its type."""
# Looked up along type(fault).__mro__, so that NotAuthenticated is found before NoPermission, its parent.
FAULTS: dict[type, tuple[type[errors.VmkopsError], str]] = {
    vim.fault.InvalidLogin: (
        errors.CredentialsRefused,
        "vCenter does not accept the user name or password. Check {user} and {password}.",
    ),
    vim.fault.NotAuthenticated: (
        errors.VSphereUnavailable,
        "The vCenter session ended and could not be renewed. Try again.",
    ),
    vim.fault.RestrictedVersion: (
        errors.VSphereRefused,
        "This ESXi host has the free license, with which its API only reads. Give it a paid license, or name the "
        "vCenter that manages it in {url}.",
    ),
    vim.fault.NoPermission: (
        errors.VSphereRefused,
        "The vCenter user does not have {privilege} ({reason}). Grant it, and start the action again. `vmkops doctor "
        "--vcenter {vcenter}` shows everything that is missing, `vmkops vcenter role` prints the roles.",
    ),
    vmodl.fault.ManagedObjectNotFound: (
        errors.NotFound,
        "The object no longer exists in vCenter; somebody removed it meanwhile.",
    ),
    vim.fault.TaskInProgress: (
        errors.VSphereBusy,
        "Another task is running on the VM ({reason}). Try again when it has ended.",
    ),
    vim.fault.ApplicationQuiesceFault: (
        errors.SnapshotFailed,
        "The guest could not be quiesced ({reason}). Check VMware Tools in the guest.",
    ),
    vim.fault.ToolsUnavailable: (
        errors.SnapshotFailed,
        "VMware Tools are not running in the guest, so it cannot be quiesced.",
    ),
    vim.fault.NoDiskSpace: (errors.VSphereRefused, "The datastore has no free space ({reason})."),
    vim.fault.SnapshotFault: (errors.SnapshotFailed, "vSphere could not take the snapshot: {reason}"),
    vim.fault.Timedout: (
        errors.VSphereBusy,
        "vSphere gave up waiting ({reason}). For maintenance mode: VMs still run on the host; move or stop them first.",
    ),
    vmodl.fault.RequestCanceled: (errors.VSphereRefused, "Somebody cancelled the task in vSphere."),
    vim.fault.ConcurrentAccess: (
        errors.ConfigurationChanged,
        "Somebody else changed the configuration of the VM at the same time. Start the action again.",
    ),
    vim.fault.InvalidState: (errors.VSphereBusy, "The VM is in a state that does not allow this ({reason})."),
    vmodl.fault.NotSupported: (errors.VSphereRefused, "This vSphere does not support that: {reason}"),
}


EXPIRED, OTHER_NAMES = 10, {62, 64}
"""OpenSSL's numbers for a certificate that has expired, and for one of another host name or address."""
NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}
"""OpenSSL's reasons when the other side does not speak TLS."""


HTTPS = 443
"""The port that a URL with https does not need to name."""


def translate(
    error: BaseException, vcenter: VCenter, names: Mapping[str, str] = MappingProxyType({})
) -> errors.VmkopsError:
    """Our own error for `error`, with what it means and what to do next; the caller raises it from `error`.

    `names` has the names of objects by moref, as far as they are known.
    """
    if isinstance(error, errors.VmkopsError):
        return error
    if isinstance(error, vmodl.MethodFault):
        for kind in type(error).__mro__:
            if kind in FAULTS:
                meaning, message = FAULTS[kind]
                settings = {key: vcenter.setting(key) for key in ("url", "user", "password")}
                return meaning(
                    message.format(
                        reason=fault_message(error),
                        privilege=_privilege(error, names),
                        vcenter=vcenter.name,
                        **settings,
                    )
                )
        return errors.VSphereRefused(
            f"vSphere answered {type(error).__name__.rpartition('.')[2]}: {fault_message(error)}"
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return errors.CertificateUntrusted(_untrusted(error, vcenter))
    if isinstance(error, (OSError, http.client.HTTPException, ExpatError, TimeoutError)):
        return errors.VSphereUnavailable(_no_answer(error, vcenter))
    return errors.VmkopsError(f"Unexpected answer from vSphere: {type(error).__name__}: {error}")


def _untrusted(error: ssl.SSLCertVerificationError, vcenter: VCenter) -> str:
    """Why the certificate is not good, and what to do: each reason has its own cure."""
    host, ca_setting, url = vcenter.host, vcenter.setting("ca_file"), vcenter.setting("url")
    if error.verify_code == EXPIRED:
        return f"The certificate of {host} has expired. Renew it in vCenter, or set the clock of this machine right."
    if error.verify_code in OTHER_NAMES:
        return f"The certificate of {host} is for another name. Write the name that it has in {url}."
    lab = f"or set {vcenter.setting('insecure')} to true to skip the check (for a lab)."
    port = "" if vcenter.port == HTTPS else f":{vcenter.port}"
    where = f"the CA of this vCenter (https://{host}{port}/certs/download.zip has it)"
    if vcenter.ca_file is None:
        wrong = f"The certificate of {host} is not trusted ({error.verify_message})."
        return f"{wrong} Set {ca_setting} to a PEM file with {where}, {lab}"
    wrong = f"The certificate of {host} does not come from the CA in {vcenter.ca_file} ({error.verify_message})."
    return f"{wrong} That is the wrong CA: put {where} into the file of {ca_setting}, {lab}"


def _no_answer(error: Exception, vcenter: VCenter) -> str:
    """Why vCenter does not answer, and what to do: a wrong name, a wrong port, something else there, or the network."""
    host, port, url = vcenter.host, vcenter.port, vcenter.setting("url")
    if isinstance(error, socket.gaierror):
        return f"The name {host} does not resolve. Check {url} and the DNS of this machine."
    if isinstance(error, ConnectionRefusedError):
        return (
            f"{host} is there, but nothing listens on its port {port}. Check the port in {url}, and that vCenter runs."
        )
    if isinstance(error, ssl.SSLError) and error.reason in NO_TLS:
        return f"What listens on port {port} of {host} does not speak https. Check the port in {url}."
    if isinstance(error, http.client.HTTPException) and str(error).startswith("503"):
        return (
            f"vCenter at {host}:{port} answers 503 Service Unavailable: it is starting, or it has no free session left "
            "(config.vmacore.soap.maxSessionCount). Look at Monitor > Sessions of the vCenter in the vSphere Client, "
            "and end those that other programs have left open."
        )
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"vCenter at {host}:{port} does not answer ({reason}). Check {url} and the network."


def missing_privileges(fault: vmodl.MethodFault) -> list[tuple[Any, list[str]]]:
    """The objects of a NoPermission, each with the ids of the privileges that are missing on it."""
    # Since 7.0.3.2, the fault can list several objects; before, it names one.
    several = getattr(fault, "missingPrivileges", None) or []
    pairs = [(each.entity, list(each.privilegeIds or [])) for each in several]
    return pairs or [(getattr(fault, "object", None), [getattr(fault, "privilegeId", None) or ""])]


def _privilege(fault: vmodl.MethodFault, names: Mapping[str, str]) -> str:
    pairs = missing_privileges(fault)
    named = [f"the privilege {' and '.join(ids)}{_on(entity, names)}" for entity, ids in pairs if any(ids)]
    return ", ".join(named) or "the privilege for this"


def _on(entity: object, names: Mapping[str, str]) -> str:
    moref = str(getattr(entity, "_moId", "") or "")
    if not moref:
        return ""
    type_name = str(getattr(entity, "_wsdlName", "object"))
    kind = KINDS.get(type_name, type_name)
    return f" on the {kind} {names[moref]} ({moref})" if moref in names else f" on the {kind} {moref}"


def fault_message(fault: vmodl.MethodFault) -> str:
    """The message of a fault, or that of its cause, or the fault's name."""
    words = str(getattr(fault, "msg", "") or "").strip()
    if not words and getattr(fault, "faultCause", None):
        words = str(getattr(fault.faultCause, "msg", "") or "")
    return words or type(fault).__name__.rpartition(".")[2]
