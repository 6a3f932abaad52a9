"""The values that the lookups of iSCSI, VMX and OVF answer with, shared by the service and the bot."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from service.api.models import Value

Severity = Literal["error", "warning", "info"]


class Finding(Value):
    """One thing that a lint found; for a VMX `fix` is a line (or lines) to paste."""

    rule: str
    severity: Severity
    where: str
    message: str
    fix: str


class LintAnswer(Value):
    """What a lint found; `valid` is false when any finding is an error."""

    valid: bool
    findings: list[Finding]


class IscsiProblem(Value):
    """One rule that a name, address or alias breaks; only an error makes it invalid."""

    rule: str
    severity: Severity
    message: str
    source: str = Field(description="Where the rule stands, such as `RFC 3722 section 6.2`.")


class IqnParts(Value):
    """What an `iqn.` name says: when, whose domain (the right way round), which node."""

    date: str
    year: int
    month: int
    naming_authority: str
    reversed_authority: str
    string: str | None
    vmware_host: str | None


class EuiParts(Value):
    """What an `eui.` name says: an IEEE EUI-64 and who assigned it."""

    identifier: str
    oui: str
    extension: str
    mac: str | None


class NaaParts(Value):
    """What a `naa.` name says: an NAA identifier, its kind, and who assigned it."""

    identifier: str
    bits: int
    naa: int
    naa_name: str
    oui: str | None
    vendor_specific: str
    extension: str | None


class FieldVerdict(Value):
    """One product that judges a name otherwise than the RFCs do."""

    who: str
    why: str
    source: str


class IscsiName(Value):
    """The verdict on one iSCSI name."""

    name: str
    valid: bool
    type: Literal["iqn", "eui", "naa"] | None
    normalized: str | None = Field(description="The prepared name (RFC 3722), which is what names are compared by.")
    parts: IqnParts | EuiParts | NaaParts | None
    problems: list[IscsiProblem]
    explanation: list[str]
    suggestion: str | None = Field(description="The name that was most likely meant; itself valid.")
    refused_by: list[FieldVerdict] = Field(description="Who refuses this name although it is valid.")
    accepted_by: list[FieldVerdict] = Field(description="Who takes this name although it is invalid.")


class IscsiAddress(Value):
    """An iSCSI address read into its parts; `name` is normalized."""

    address: str
    valid: bool
    host: str | None
    host_kind: Literal["name", "ipv4", "ipv6"] | None
    port: int | None
    port_assumed: bool = Field(description="True when no port was given and 3260 was taken.")
    portal_group: int | None
    name: str | None
    problems: list[IscsiProblem]


class IscsiAlias(Value):
    """The verdict on an iSCSI alias, a label for people."""

    alias: str
    valid: bool
    characters: int
    bytes: int
    problems: list[IscsiProblem]


class DiscoverySupport(Value):
    """What one generation of ESX does with a discovery mechanism, how sure that is, and who says so."""

    release: str
    supported: bool
    detail: str
    certainty: Literal["documented", "inferred"]
    source: str
    commands: list[str]


class DiscoveryMechanism(Value):
    """One way for an initiator to learn of its targets."""

    slug: str
    name: str
    also_called: list[str]
    needs: list[str]
    steps: list[str]
    suits: str
    support: list[DiscoverySupport]


class IscsiDiscovery(Value):
    """The three mechanisms and what holds for all of them."""

    mechanisms: list[DiscoveryMechanism]
    needed_for_a_session: str
    note: str


class VmxParameter(Value):
    """One parameter of a snippet; `allowed` says in words what it may be."""

    name: str
    type: str
    required: bool
    default: str | None
    choices: list[str]
    allowed: str
    meaning: str


class VmxSnippet(Value):
    """One snippet of the catalogue; `example` holds parameters to try it with."""

    name: str
    title: str
    summary: str
    parameters: list[VmxParameter]
    notes: list[str]
    source: str
    certainty: str
    example: dict[str, str]


class VmxSnippetList(Value):
    """The catalogue of VMX snippets."""

    snippets: list[VmxSnippet]


class RenderedSnippet(Value):
    """A snippet filled in; a snippet for two VMs has a text for each end, one for one VM has the end `vm`."""

    name: str
    title: str
    text: str = Field(description="Ready to paste; with two ends both, each below a comment that names it.")
    texts: dict[str, str]
    notes: list[str]
