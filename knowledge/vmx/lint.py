"""Lints a VMX: its format, the settings that a host needs, and the best practices for appliances."""

from knowledge.file_kinds import ovf_kind
from knowledge.finding import Finding, Report
from knowledge.vmx import lint_devices, lint_disks, lint_file, lint_network, lint_serial
from knowledge.vmx.parse import Vmx, parse

NOT_A_VMX = "This is an {kind}, not a VMX."
CHECK_OVF = "Check it with `vmkops ovf lint FILE`, or over HTTP with POST /ovf/lint."

_ORDER = {"error": 0, "warning": 1, "info": 2}


def lint(source: str | bytes | Vmx, far_end: Vmx | None = None) -> list[Finding]:
    """Return the findings about a VMX, errors first.

    `far_end` is the VMX of another VM, whose serial pipes are compared with those in `source`. An OVF descriptor or an
    OVA has only one finding, which says so.
    """
    vmx = source if isinstance(source, Vmx) else parse(source)
    for file, where in ((vmx, "file"), (far_end, "far end")):
        if file and (kind := ovf_kind(file.text)):
            return [Finding("not-a-vmx", "error", where, NOT_A_VMX.format(kind=kind), CHECK_OVF)]
    report = Report()
    for family in (lint_file, lint_devices, lint_disks, lint_network, lint_serial):
        for rule in family.RULES:
            report.extend(rule(vmx))
    if far_end:
        report.extend(lint_serial.mismatched_pipes(vmx, far_end))
    return sorted([*vmx.findings, *report.findings()], key=lambda finding: _ORDER[finding.severity])
