"""Adds a target to a host's iSCSI adapter, and rescans the host."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from knowledge.iscsi import parse_address, validate
from service.actions._host import HostAction, HostParams, host_checks
from service.actions._rescan import HBAS, VMFS, rescan
from service.actions._targeted import CHECK, CheckContext, info, refuse, undo
from service.api.models import ActionClass, Check
from service.jobs.action import JobControl, StepResult
from service.vsphere.hosts import HostState
from service.vsphere.storage import Hba, HostStorage, add_target, has_target, read_storage

ADD = "add target"


class IscsiTarget(HostParams):
    """Which host, and which target."""

    address: str = Field(
        min_length=1,
        max_length=600,
        description="The address of the target: host[:port], or host[:port],name; the port is 3260 when it is left "
        "out.",
    )
    type: Literal["send", "static"] = Field(
        default="send",
        description="How to find the target: send asks the address for its targets, static adds exactly the target in "
        "`name`.",
    )
    name: str = Field(default="", max_length=300, description="The target's iSCSI name; required for a static target.")
    hba: str = Field(
        default="", max_length=40, description="The adapter, such as vmhba64; by default the software iSCSI adapter."
    )

    @field_validator("address")
    @classmethod
    def _address(cls, given: str) -> str:
        read = parse_address(given)
        if not read.valid:
            raise ValueError(" ".join(each.message for each in read.problems if each.severity == "error"))
        return given.strip()

    @field_validator("name")
    @classmethod
    def _name(cls, given: str) -> str:
        verdict = validate(given.strip())
        if given.strip() and not verdict.valid:
            raise ValueError(" ".join(each.message for each in verdict.problems if each.severity == "error"))
        return verdict.normalized or ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        in_address = parse_address(self.address).name or ""
        if self.name and in_address and self.name != in_address:
            raise ValueError("name: it differs from the name in the address; set only one of them")
        if self.type == "static" and not self.target_name:
            raise ValueError("name: a static target requires its iSCSI name, here or after the address and a comma")
        return self

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Host and port of the portal."""
        read = parse_address(self.address)
        assert read.host is not None
        assert read.port is not None
        return read.host, read.port

    @property
    def target_name(self) -> str:
        """The name of a static target; empty for a send target, which reports its names itself."""
        return (self.name or parse_address(self.address).name or "") if self.type == "static" else ""


class Added(StepResult):
    """The adapter, whether the target was added to it, and the host's storage before the rescan (as JSON)."""

    hba: str
    added: bool
    seen: HostStorage


class IscsiAddTarget(HostAction[IscsiTarget]):
    """Adds the target if the adapter does not have it, then rescans."""

    name = "iscsi-add-target"
    summary = "Add a send target or a static target to a host's iSCSI adapter, and rescan."
    action_class = ActionClass.SAFE  # adds a target, and leaves the present ones as they are
    steps = (CHECK, ADD, HBAS, VMFS)
    params = IscsiTarget

    async def checks(self, context: CheckContext[HostState, IscsiTarget]) -> Iterable[Check]:
        """Which adapter is used, and whether it already has the target."""
        host, found = context.state, list(host_checks(context.state))
        if host.connection_state != "connected":
            return found
        storage = await read_storage(context.session, host.moref)
        hba = adapter(storage, context.params.hba)
        if hba is None:
            return [*found, refuse("hba", why_none(host.name, storage, context.params.hba))]
        found.append(info("hba", f"The adapter is {hba.device} ({hba.iscsi_name})."))
        address, port = context.params.host_and_port
        if has_target(hba, address=address, port=port, name=context.params.target_name):
            found.append(info("target", f"{hba.device} already has this target, so it is only rescanned."))
        return found

    async def act(self, job: JobControl, context: CheckContext[HostState, IscsiTarget]) -> dict[str, Any]:
        """Add, then rescan."""
        host, params = context.state, context.params
        address, port = params.host_and_port

        async def add() -> Added:
            storage = await read_storage(context.session, host.moref)
            hba = adapter(storage, params.hba)
            assert hba is not None
            name = params.target_name
            added = await add_target(context.session, host.moref, hba.device, address=address, port=port, name=name)
            hint = undo(
                f"only while no datastore and no raw mapping uses its LUNs, remove it from {hba.device} in vCenter, "
                f"then `vmkops action rescan {context.typed}`; otherwise, first follow the procedure rescan-storage"
            )
            words = f"Added to {hba.device}. {hint}" if added else f"{hba.device} already had it."
            return Added(hba=hba.device, added=added, seen=storage, detail=words)

        added = await job.step_as(Added, ADD, add)
        found = await rescan(job, context.session, host.moref, added.hba, added.seen)
        return {"hba": added.hba, "target": f"{address}:{port}", "added": added.added, **found}


def adapter(storage: HostStorage, wanted: str) -> Hba | None:
    """The iSCSI adapter with the name `wanted`; without a name the one software adapter, or the only iSCSI adapter."""
    iscsi = [each for each in storage.hbas if each.iscsi_name]
    if wanted:
        return next((each for each in iscsi if each.device == wanted), None)
    software = [each for each in iscsi if each.software]
    fitting = software or iscsi
    return fitting[0] if len(fitting) == 1 else None


def why_none(host: str, storage: HostStorage, wanted: str) -> str:
    """Why no adapter was chosen, and what to do."""
    iscsi = [each.device for each in storage.hbas if each.iscsi_name]
    if not iscsi:
        return f"{host} has no iSCSI adapter. Enable its software iSCSI adapter in vCenter first."
    if wanted:
        return f"{host} has no iSCSI adapter {wanted}; it has {', '.join(iscsi)}."
    return f"{host} has several iSCSI adapters. Set hba to one of: {', '.join(iscsi)}."


ACTION = IscsiAddTarget()
