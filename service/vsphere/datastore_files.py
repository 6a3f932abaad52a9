"""Where the NVRAM file of a VM is, and how vCenter's datastore browser (`/folder`) gives and takes a file."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field
from pyVmomi import vim

from service.vsphere.session import Instance, Session, read_properties, vm_of

NVRAM_NAME = re.compile(r"[^/\\\[\]\0]+\.nvram", re.IGNORECASE)
"""The name of an NVRAM file, without a folder or a datastore."""


class DatastoreFile(BaseModel):
    """A file on a datastore: its datastore path, its URL, and the cookie of the session that may open it."""

    model_config = ConfigDict(frozen=True)

    path: str
    url: str
    cookie: str = Field(repr=False)


async def find_nvram(session: Session, vm: str) -> DatastoreFile | None:
    """The NVRAM file of the VM `vm` (a moref); None when it has none, as before its first power-on."""

    def ask(instance: Instance) -> DatastoreFile | None:
        values = _read(instance, vm)
        files = [str(each.name) for each in values.get("layoutEx.file", []) if str(each.type) == "nvram"]
        # Snapshots may have copies of their own, with longer names.
        path = _named(values) or min((each for each in files if _is_own(values, each)), key=len, default="")
        return _file(session, instance, vm, path) if path else None

    return await session.call(ask)


async def place_nvram(session: Session, vm: str) -> DatastoreFile:
    """Where the VM `vm` (a moref) will look for its NVRAM file when it is powered on for the first time."""

    def ask(instance: Instance) -> DatastoreFile:
        values = _read(instance, vm)
        vmx = str(values["config.files.vmPathName"])
        path = _named(values) or str(PurePosixPath(vmx).with_suffix(".nvram"))
        return _file(session, instance, vm, path)

    return await session.call(ask)


async def find_file(session: Session, vm: str, path: str) -> DatastoreFile:
    """The file with this datastore path, in the datacenter of the VM `vm` (a moref); it need not exist."""
    return await session.call(lambda instance: _file(session, instance, vm, path))


def _read(instance: Instance, vm: str) -> dict[str, Any]:
    names = ["config.files.vmPathName", "config.extraConfig", "layoutEx.file"]
    return read_properties(instance, [vm_of(instance, vm)], vim.VirtualMachine, names)[0][1]


def _named(values: dict[str, Any]) -> str:
    """The datastore path of the file that the advanced setting `nvram` names, in the folder of the VM.

    Empty when it names anything else: a package, or whoever may change the VM, could have vmkops read or overwrite the
    files of other VMs.
    """
    options = {str(each.key): str(each.value) for each in values.get("config.extraConfig", [])}
    name = options.get("nvram", "")
    if not NVRAM_NAME.fullmatch(name):
        return ""
    return str(PurePosixPath(_vmx(values)).with_name(name))


def _is_own(values: dict[str, Any], path: str) -> bool:
    """Whether a datastore path is that of an NVRAM file in the folder of the VM."""
    file = PurePosixPath(path)
    return file.parent == PurePosixPath(_vmx(values)).parent and NVRAM_NAME.fullmatch(file.name) is not None


def _vmx(values: dict[str, Any]) -> str:
    return str(values.get("config.files.vmPathName", ""))


def _file(session: Session, instance: Instance, vm: str, path: str) -> DatastoreFile:
    datastore, _, below = path.partition("] ")
    query = urlencode({"dcPath": _datacenter(instance, vm), "dsName": datastore.removeprefix("[")})
    host = f"[{session.vcenter.host}]" if ":" in session.vcenter.host else session.vcenter.host
    url = f"https://{host}:{session.vcenter.port}/folder/{quote(below)}?{query}"
    cookie = str(instance._stub.cookie or "").partition(";")[0]
    return DatastoreFile(path=path, url=url, cookie=cookie)


def _datacenter(instance: Instance, vm: str) -> str:
    """The inventory path of the VM's datacenter, such as `folder/DC0`."""
    names: list[str] = []
    entity: Any = vm_of(instance, vm)
    while entity is not None:
        values = read_properties(instance, [entity], type(entity), ["name", "parent"])[0][1]
        if names or isinstance(entity, vim.Datacenter):
            names.insert(0, values.get("name", ""))
        entity = values.get("parent")
    return "/".join(names[1:])
