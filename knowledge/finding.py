"""The findings of the VMX and OVF linters: one class for both, and a report that collects them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]

PER_RULE = 100
"""The most findings that are kept for one rule; a file with a million bad lines gets the first hundred and a count."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem or remark about a file."""

    rule: str
    severity: Severity
    """``error``: it will not load or work as it says; ``warning``: against good practice; ``info``: worth knowing."""
    where: str
    """The line or the device."""
    message: str
    fix: str = ""
    """What corrects it, empty when nothing that can be written down does.

    For a VMX this is a line, or several, to paste in the place of the line with the same key.
    """


class Report:
    """Collects findings, at most ``PER_RULE`` of each rule, and counts the rest."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._counts: dict[str, int] = {}
        self._severities: dict[str, Severity] = {}

    def add(self, finding: Finding) -> None:
        """Keep ``finding``, or only count it when its rule already has ``PER_RULE`` findings."""
        seen = self._counts[finding.rule] = self._counts.get(finding.rule, 0) + 1
        if seen <= PER_RULE:
            self._findings.append(finding)
            self._severities[finding.rule] = finding.severity

    def extend(self, findings: Iterable[Finding]) -> None:
        """Add every finding in ``findings``."""
        for finding in findings:
            self.add(finding)

    def findings(self) -> list[Finding]:
        """Return the kept findings, plus one for each rule that had more than ``PER_RULE``, with their number."""
        rest = [
            Finding(rule, self._severities[rule], "file", _more(count - PER_RULE))
            for rule, count in self._counts.items()
            if count > PER_RULE
        ]
        return [*self._findings, *rest]


def _more(count: int) -> str:
    return f"This rule has {count} more finding{'s' if count > 1 else ''}."


def is_valid(findings: Iterable[Finding]) -> bool:
    """Return whether a file with these findings should load and work: none of them is an error."""
    return not any(finding.severity == "error" for finding in findings)
