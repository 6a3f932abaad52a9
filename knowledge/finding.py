"""What a lint says: findings in the one shape that every lint answers with, and how they are gathered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "info"]

PER_RULE = 100
"""Findings kept of each rule; a file with a million bad lines gets the first hundred and a count."""


class Finding(NamedTuple):
    """One thing found in a file.

    ``error``: it will not load or work as it says. ``warning``: against good practice. ``info``: worth knowing.
    ``where`` names the line or the device; ``fix`` says what mends it, and is empty when nothing that could be
    written down does. For a VMX the fix is a line (or lines) to paste, in the place of the line of the same key.
    """

    rule: str
    severity: Severity
    where: str
    message: str
    fix: str = ""


class Report:
    """Collects findings, at most ``PER_RULE`` of each rule, and counts the rest."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._counts: dict[str, int] = {}
        self._severities: dict[str, Severity] = {}

    def add(self, finding: Finding) -> None:
        """Keep ``finding``, or only count it when its rule has been reported often enough."""
        seen = self._counts[finding.rule] = self._counts.get(finding.rule, 0) + 1
        if seen <= PER_RULE:
            self._findings.append(finding)
            self._severities[finding.rule] = finding.severity

    def extend(self, findings: Iterable[Finding]) -> None:
        """Add each of the findings."""
        for finding in findings:
            self.add(finding)

    def findings(self) -> list[Finding]:
        """All findings kept, with one more for each rule that had too many to list."""
        rest = [
            Finding(rule, self._severities[rule], "file", f"{count - PER_RULE} more findings of this rule.")
            for rule, count in self._counts.items()
            if count > PER_RULE
        ]
        return [*self._findings, *rest]


def is_valid(findings: Iterable[Finding]) -> bool:
    """Whether a file with these findings should load and work: none of them is an error."""
    return not any(finding.severity == "error" for finding in findings)
