"""Checks a VMX against its format, against what a host needs, and against the appliance practices."""

from knowledge.finding import Finding, Report
from knowledge.vmx import lint_devices, lint_file, lint_serial
from knowledge.vmx.parse import Vmx, parse

_ORDER = {"error": 0, "warning": 1, "info": 2}


def lint(source: str | bytes | Vmx, far_end: Vmx | None = None) -> list[Finding]:
    """What is wrong or doubtful in a VMX, errors first; empty when there is nothing to say.

    `far_end` is the VMX of another VM: its pipes are then checked against the ones here.
    """
    vmx = source if isinstance(source, Vmx) else parse(source)
    report = Report()
    for family in (lint_file, lint_devices, lint_serial):
        for rule in family.RULES:
            report.extend(rule(vmx))
    if far_end:
        report.extend(lint_serial.mismatched_pipes(vmx, far_end))
    return sorted([*vmx.findings, *report.findings()], key=lambda finding: _ORDER[finding.severity])
