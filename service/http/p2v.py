"""P2V for Linux: the checklist for a described source, sizes and transfer time, and which tools support Linux."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from knowledge.p2v import facts
from knowledge.p2v.checklist import checklist
from knowledge.p2v.estimate import FASTEST_RATE, MEASURED_RATE, estimate
from knowledge.p2v.markdown import checklist_markdown
from knowledge.p2v.size import MOST_BLOCKS, in_words, parse_blocks
from knowledge.p2v.source import DEFAULT_PORT, LONGEST_WORD, MOST_DISKS, MOST_FILE_SYSTEMS, Source, described
from service.api.p2v import P2vChecklist, P2vEstimate, P2vTools
from service.errors import InvalidParams
from service.http._route import Call, Query, Route

Word = Annotated[str, StringConstraints(max_length=LONGEST_WORD)]
Disks = Annotated[
    list[Word],
    Field(
        max_length=MOST_DISKS,
        description="sda, or sda:SIZE where SIZE is blocks of `sfdisk -s` or 36GB; repeat it for further disks.",
    ),
]
MountPoints = Annotated[
    list[Annotated[str, StringConstraints(max_length=200)]],
    Field(max_length=MOST_FILE_SYSTEMS, description="A mount point to fill with zeros; repeat it."),
]


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without the empty ones: a web form sends every field."""
    return {name: value for name, value in values.items() if value not in ("", [""])}


class SourceQuery(Query):
    """The system to be converted. An empty value counts as not given."""

    distribution: Word = Field(
        description="Such as centos, rhel, debian, sles.",
        json_schema_extra={"minLength": 1},  # held by `described`, whose message says where to look
    )
    version: Word = Field(default="", description="Such as 4 or 22.04.")
    disk: Disks = Field(default=["sda"])
    lvm: bool = Field(default=False, description="Whether the source has LVM.")
    target_ip: Word = Field(default="", description="Address of the VM while it receives.")
    source_ip: Word = Field(default="", description="Address of the source while it sends.")
    port: int = Field(default=DEFAULT_PORT, ge=1, le=65535, description="TCP port; further disks take the next ones.")
    netcat: Literal["traditional", "openbsd", "ncat"] = Field(default="traditional", description="Which netcat.")
    filesystem: MountPoints = Field(default=["/usr"])

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        return {"distribution": "", **_given(values)}

    def source(self) -> Source:
        """The source with every value checked; raises Unreadable."""
        return described(
            distribution=self.distribution,
            version=self.version,
            disks=[disk for disk in self.disk if disk],
            lvm=self.lvm,
            target_ip=self.target_ip,
            source_ip=self.source_ip,
            port=self.port,
            netcat=self.netcat,
            filesystems=[point for point in self.filesystem if point],
        )


class EstimateQuery(Query):
    """How much is to be sent, and how fast. An empty value counts as not given."""

    blocks: int | None = Field(default=None, ge=1, le=MOST_BLOCKS, description="1 KiB blocks, as `sfdisk -s` counts.")
    size: str | None = Field(default=None, max_length=40, description="36GB (decimal) or 36GiB (binary).")
    rate: float = Field(
        default=MEASURED_RATE, gt=0, le=FASTEST_RATE, description="MB/s of 1024 x 1024 bytes; 14.3 is the documented."
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        return _given(values)


async def _checklist(call: Call[SourceQuery, None]) -> P2vChecklist:
    found = await asyncio.to_thread(checklist, call.query.source())
    values = {field.name: getattr(found, field.name) for field in fields(found)}
    return P2vChecklist(**values, mends=found.corrections)


async def _estimate(call: Call[EstimateQuery, None]) -> P2vEstimate:
    blocks, size = call.query.blocks, call.query.size
    if size is not None and blocks is None:
        blocks = parse_blocks(size)
    elif size is not None or blocks is None:
        raise InvalidParams("Give either `blocks`, as `sfdisk -s` prints them, or `size`, such as 36GB.")
    return estimate(blocks, call.query.rate)


async def _tools(call: Call[Query, None]) -> P2vTools:
    return P2vTools(tools=facts.tools())


def _estimate_text(answer: P2vEstimate) -> str:
    lines = [
        f"{in_words(answer.blocks)} ({answer.decimal_gb:.3f} GB of 10^9 bytes)",
        f"{answer.duration} at {answer.rate:g} MB/s",
        *answer.notes,
    ]
    return "\n".join(lines) + "\n"


def _tools_text(answer: P2vTools) -> str:
    return "".join(
        f"{tool.linux:<7} {tool.name}\n        {tool.caveat}\n        today: {tool.today}\n" for tool in answer.tools
    )


ROUTES = (
    Route(
        method="GET",
        path="/p2v/checklist",
        summary="The steps that make this physical Linux system a VM, with the exact commands",
        handle=_checklist,
        answer=P2vChecklist,
        query=SourceQuery,
        lookup=True,
        text=checklist_markdown,
        page="p2v_checklist.html",
    ),
    Route(
        method="GET",
        path="/p2v/estimate",
        summary="How large a disk is, and how long it takes over the network",
        handle=_estimate,
        answer=P2vEstimate,
        query=EstimateQuery,
        lookup=True,
        text=_estimate_text,
        page="p2v_estimate.html",
    ),
    Route(
        method="GET",
        path="/p2v/tools",
        summary="Which P2V tools support Linux",
        handle=_tools,
        answer=P2vTools,
        lookup=True,
        text=_tools_text,
        page="p2v_tools.html",
    ),
)
