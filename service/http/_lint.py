"""Findings of a lint as text."""

from __future__ import annotations

from service.api.lookups import LintAnswer


def findings_text(answer: LintAnswer) -> str:
    """One finding a line with what mends it below; `nothing to mend` when there is none."""
    lines: list[str] = []
    for finding in answer.findings:
        lines.append(f"{finding.severity}: {finding.where}: {finding.message} [{finding.rule}]")
        lines += [f"    {line}" for line in finding.fix.splitlines()]
    return "\n".join(lines or ["nothing to mend"]) + "\n"
