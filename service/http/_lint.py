"""What a lint answers: whether the file is valid, and the findings, also as text."""

from __future__ import annotations

from collections.abc import Sequence

from knowledge.finding import is_valid
from service.api.lookups import Finding
from service.api.models import Value


class LintAnswer(Value):
    """What a lint found; `valid` is false when any finding is an error."""

    valid: bool
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, findings: Sequence[Finding]) -> LintAnswer:
        """The answer with these findings."""
        return cls(valid=is_valid(findings), findings=tuple(findings))


def findings_text(answer: LintAnswer) -> str:
    """One finding a line, with its fix below; `nothing to correct` when there is none."""
    lines: list[str] = []
    for finding in answer.findings:
        lines.append(f"{finding.severity}: {finding.where}: {finding.message} [{finding.rule}]")
        lines += [f"    {line}" for line in finding.fix.splitlines()]
    return "\n".join(lines or ["nothing to correct"]) + "\n"
