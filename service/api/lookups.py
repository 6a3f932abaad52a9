"""The values that lookups answer with: those of `knowledge` under the names that the API has for them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

from pydantic import PrivateAttr

from knowledge.diagnosis import NAMES_IN_JSON
from knowledge.drivermap.device import Device as PciDevice
from knowledge.drivermap.entries import Correction as ScriptCorrection
from knowledge.drivermap.entries import Entry as DriverEntry
from knowledge.finding import Finding
from knowledge.iscsi.discovery import Discovery as IscsiDiscovery
from knowledge.iscsi.discovery import Mechanism as DiscoveryMechanism
from knowledge.iscsi.discovery import Support as DiscoverySupport
from knowledge.iscsi.values import Address as IscsiAddress
from knowledge.iscsi.values import Alias as IscsiAlias
from knowledge.iscsi.values import EuiParts, FieldVerdict, IqnParts, NaaParts
from knowledge.iscsi.values import Name as IscsiName
from knowledge.iscsi.values import Problem as IscsiProblem
from knowledge.loghistory.values import LogSubject
from knowledge.loghistory.values import StateAt as LogState
from knowledge.loginput.looked_at import LookedAt
from knowledge.ovf.about import Fact
from knowledge.procedure_store.entry_points import EntryPoint, entry_points_of
from knowledge.procedure_store.live_blocks import live_commands
from knowledge.procedure_store.lookups import Lookup as ProcedureLookup
from knowledge.procedure_store.procedure import Page
from knowledge.procedure_store.search import Hit as ProcedureHit
from knowledge.procedure_store.search import Searched as ProceduresSearched
from knowledge.releases import Release as VmkerrRelease
from knowledge.scsi.sense import Sense as ScsiSense
from knowledge.scsi.status import Reading as ScsiReading
from knowledge.scsi.status import Status as ScsiStatus
from knowledge.vmkerr.advice import Advice as VmkerrAdvice
from knowledge.vmkerr.lookup import Answer as VmkerrAnswer
from knowledge.vmkerr.match import Match as VmkerrMatch
from knowledge.vmklog.finding import Finding as _Finding
from knowledge.vmklog.finding import Meaning
from knowledge.vmx.merge import Merged as MergeAnswer
from knowledge.vmx.merge import Replaced as ReplacedSetting
from knowledge.vmx.snippets import DescribedParameter as VmxParameter
from knowledge.vmx.snippets import DescribedSnippet as VmxSnippet
from knowledge.vmx.snippets import RenderedSnippet
from service.api.models import ActionClass, Value

__all__ = [
    "Decoded",
    "DiscoveryMechanism",
    "DiscoverySupport",
    "DriverEntry",
    "EntryPoint",
    "EuiParts",
    "Fact",
    "FieldVerdict",
    "Finding",
    "IqnParts",
    "IscsiAddress",
    "IscsiAlias",
    "IscsiDiscovery",
    "IscsiName",
    "IscsiProblem",
    "LiveAnswer",
    "LiveProcedure",
    "LogFinding",
    "LogState",
    "LogSubject",
    "LookedAtAnswer",
    "MergeAnswer",
    "NaaParts",
    "PciDevice",
    "ProcedureHit",
    "ProcedureLookup",
    "ProcedurePage",
    "ProceduresSearched",
    "RenderedSnippet",
    "ReplacedSetting",
    "ScriptCorrection",
    "ScsiReading",
    "ScsiSense",
    "ScsiStatus",
    "VmkerrAdvice",
    "VmkerrAnswer",
    "VmkerrMatch",
    "VmkerrRelease",
    "VmkerrReleases",
    "VmkerrTable",
    "VmxParameter",
    "VmxSnippet",
    "VmxSnippetList",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcedurePage(Page):
    """One written procedure, and what vmkops does about its subject."""

    entry_points: tuple[EntryPoint, ...] = ()
    """The commands, calls, Slack forms and actions that belong to the page."""
    targets: tuple[str, ...] = ()
    """What its live blocks can be filled in for: ``vm``, ``host``, ``datastore``."""

    @classmethod
    def of(cls, page: Page, **more: Any) -> Self:
        """Return the page with its entry points; `more` has the values of the fields that a subclass adds."""
        values = {field.name: getattr(page, field.name) for field in fields(Page)}
        targets = dict.fromkeys(name for command in live_commands(page.body) for name in command.targets)
        return cls(**{**values, "entry_points": entry_points_of(page), "targets": tuple(targets), **more})


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveAnswer:
    """What a command in a live block answers now, for the targets that the reader gave."""

    __pydantic_config__ = NAMES_IN_JSON

    line: int
    """The line of the body in the page's file order, from 1."""
    command: str
    """The command with the targets filled in."""
    text: str
    """The answer; for an action, the result of its dry run. Empty when there is none."""
    problem: str
    """Why there is no answer, and what to do; empty when there is one, and for commands that are only shown."""
    action: str = ""
    """The host action that the command starts, if its dry run found nothing that prevents it."""
    params: dict[str, Any] = field(default_factory=dict)
    """The parameters of that action."""
    class_: ActionClass | Literal[""] = ""
    """How much harm that action can do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveProcedure(ProcedurePage):
    """A procedure whose live blocks are filled in; `body` has the answers below each block."""

    blocks: tuple[LiveAnswer, ...] = ()
    """The answers, in the order of the commands."""


class VmkerrReleases(Value):
    """The releases whose codes are known, oldest first; those imported from hosts are among them."""

    releases: tuple[VmkerrRelease, ...]


class VmkerrTable(VmkerrReleases):
    """The whole table, by code and then oldest release first."""

    matches: tuple[VmkerrMatch, ...]
    _listing: str = PrivateAttr(default="")


@dataclass(frozen=True, kw_only=True)
class _Span:
    file: str = ""
    """The file in an archive that has the line; empty for a log that is not in one."""
    line: int
    """From 1."""
    start: int
    """In characters of the line, from 0."""
    end: int
    text: str


@dataclass(frozen=True, kw_only=True)
class LogFinding(Meaning, _Span):
    """One span of a line of a log, and what it means."""

    @classmethod
    def of(cls, finding: _Finding, file: str = "") -> Self:
        """The finding, in a file of an archive or in a log that is not in one, with its meaning in one object."""
        meaning = {field.name: getattr(finding.meaning, field.name) for field in fields(finding.meaning)}
        return cls(file=file, line=finding.line, start=finding.start, end=finding.end, text=finding.text, **meaning)


class LookedAtAnswer(Value):
    """What was looked at: how much, how it was packed and encoded, and which logs it holds."""

    lines: int
    bytes: int
    """As they came, so compressed ones of compressed input."""
    encoding: str
    """`UTF-8`, `UTF-16LE` and so on; `binary` when it is not text."""
    compression: str
    """`gzip`, `xz`, `zstd` or `bzip2`; empty when it is not compressed."""
    archive: str
    """`tar` or `zip`; empty when it is one text."""
    files: int
    """Texts of the archive that were decoded."""
    formats: tuple[str, ...]
    """The kinds of log, such as `vmkernel log of ESXi 8.0 and later`."""
    problems: tuple[str, ...]
    """Sentences: what could not be read, and caveats."""
    in_words: str
    """All of it in one phrase."""

    @classmethod
    def of(cls, looked: LookedAt) -> Self:
        """What was noted while a log was read."""
        return cls(
            lines=looked.lines,
            bytes=looked.bytes,
            encoding=looked.encoding,
            compression=looked.compression,
            archive=looked.archive,
            files=looked.files,
            formats=tuple(looked.formats),
            problems=tuple(looked.problems),
            in_words=looked.in_words(),
        )


class Decoded(Value):
    """What was found in a log, in order."""

    findings: tuple[LogFinding, ...]
    summary: dict[str, int]
    """How often each meaning occurs, the most frequent first."""
    truncated: bool = False
    """True when there are more findings than are listed; `summary` counts all."""
    subjects: tuple[LogSubject, ...] = ()
    """The devices, paths, adapters, datastores, VMs and hosts that lines report trouble of, the worst first."""
    incident: str = ""
    """A paragraph for an incident: what, since when, how bad, and what to do next; empty without subjects."""
    looked_at: LookedAtAnswer


class VmxSnippetList(Value):
    """The catalogue of VMX snippets."""

    snippets: tuple[VmxSnippet, ...]
