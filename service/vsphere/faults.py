"""Translates what pyVmomi raises into the service's own errors, the most specific fault first."""

from __future__ import annotations

import http.client
import socket
import ssl
from xml.parsers.expat import ExpatError

from pyVmomi import vim, vmodl

from service import errors
from service.api.vcenter import VCenter

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


def translate(error: BaseException, vcenter: VCenter) -> errors.VmkopsError:
    """Our own error for `error`, with what it means and what to do next; the caller raises it from `error`."""
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
                        privilege=_privilege(error),
                        vcenter=vcenter.name,
                        **settings,
                    )
                )
        return errors.VSphereRefused(
            f"vSphere answered {type(error).__name__.rpartition('.')[2]}: {fault_message(error)}"
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return errors.CertificateUntrusted(
            f"The certificate of {vcenter.host} is not trusted ({error.verify_message}). "
            f"Set {vcenter.setting('ca_file')} to the PEM file of its CA, "
            f"or {vcenter.setting('insecure')} to true to skip the check (for a lab)."
        )
    if isinstance(error, socket.gaierror):
        return errors.VSphereUnavailable(
            f"The name {vcenter.host} does not resolve. Check {vcenter.setting('url')} and the DNS of this machine."
        )
    if isinstance(error, (OSError, http.client.HTTPException, ExpatError, TimeoutError)):
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return errors.VSphereUnavailable(
            f"vCenter at {vcenter.host}:{vcenter.port} does not answer ({reason}). "
            f"Check {vcenter.setting('url')} and the network."
        )
    return errors.VmkopsError(f"Unexpected answer from vSphere: {type(error).__name__}: {error}")


def _privilege(fault: vmodl.MethodFault) -> str:
    """The privileges that a NoPermission asks for, each with the object that it is missing on."""
    # Since 7.0.3.2, the fault can list several objects; before, it names one.
    several = getattr(fault, "missingPrivileges", None) or []
    pairs = [(each.entity, list(each.privilegeIds or [])) for each in several]
    pairs = pairs or [(getattr(fault, "object", None), [getattr(fault, "privilegeId", None) or ""])]
    named = [f"the privilege {' and '.join(ids)}{_on(entity)}" for entity, ids in pairs if any(ids)]
    return ", ".join(named) or "the privilege for this"


def _on(entity: object) -> str:
    moref = str(getattr(entity, "_moId", "") or "")
    return f" on the {getattr(entity, '_wsdlName', 'object')} {moref}" if moref else ""


def fault_message(fault: vmodl.MethodFault) -> str:
    """The message of a fault, or that of its cause, or the fault's name."""
    words = str(getattr(fault, "msg", "") or "").strip()
    if not words and getattr(fault, "faultCause", None):
        words = str(getattr(fault.faultCause, "msg", "") or "")
    return words or type(fault).__name__.rpartition(".")[2]
