"""What lookups run in a parser process: logs, descriptors, VMX files and pages that a caller sent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from knowledge.finding import Finding
from knowledge.loghistory import LogHistory
from knowledge.loginput.decoding import decode_input
from knowledge.loginput.looked_at import LookedAt
from knowledge.loginput.source import of_bytes
from knowledge.loginput.unpacking import Limits
from knowledge.ovf import lint_bytes
from knowledge.procedure_store.procedure import Broken, BrokenPageError, parse_page
from knowledge.vmkerr.table import tables_in
from knowledge.vmx.catalogue import InvalidParameterError
from knowledge.vmx.lint import lint
from knowledge.vmx.merge import merge
from knowledge.vmx.parse import parse
from knowledge.vmx.snippets import render
from service.api.lookups import Decoded, LogFinding, LookedAtAnswer, MergeAnswer
from service.web.log_page import LogPage
from service.web.markdown import markdown

MOST_FINDINGS = 5000
"""How many findings of one text are listed; all are counted."""

LIMITS = Limits(total=256 << 20)
"""What a log may unpack to."""


def decode(file: bytes, release: str | None, data_dir: str) -> Decoded:
    """What is in a log; `data_dir` has the tables that were imported. Raises Unreadable."""
    findings: list[LogFinding] = []
    counts: Counter[str] = Counter()
    history = LogHistory()
    looked = LookedAt()
    for lines in decode_input(of_bytes(file), release, tables_in(Path(data_dir)), looked, LIMITS):
        history.add_all(lines)
        for line in lines:
            for finding in line.findings:
                counts[finding.summary] += 1
                if len(findings) < MOST_FINDINGS:
                    findings.append(LogFinding.of(finding, line.file))
    report = history.report()
    return Decoded(
        findings=tuple(findings),
        summary=dict(counts.most_common()),
        truncated=counts.total() > len(findings),
        subjects=report.subjects,
        incident=report.incident,
        looked_at=LookedAtAnswer.of(looked),
    )


def decode_page(file: bytes, release: str | None, data_dir: str) -> str:
    """The page of a decoded log, as HTML; raises Unreadable."""
    page = LogPage()
    looked = LookedAt()
    for lines in decode_input(of_bytes(file), release, tables_in(Path(data_dir)), looked, LIMITS):
        page.add(lines)
    return page.html(looked, served=True).encode(errors="replace").decode()


def ovf_lint(file: bytes) -> list[Finding]:
    """What is wrong in a descriptor or an OVA."""
    return list(lint_bytes(file))


def vmx_lint(file: bytes, text: str | None) -> list[Finding]:
    """What is wrong in a VMX: in `text` when the caller sent JSON, else in the file."""
    return list(lint(file if text is None else text))


def vmx_merge(text: str, snippet: str, parameters: dict[str, str], end: str | None) -> MergeAnswer:
    """What merging a snippet into a VMX changes; raises Unreadable and NotFound."""
    vmx = parse(text)
    rendered = render(snippet, parameters, vmx)
    ends = tuple(rendered.settings)
    chosen = ends[0] if end is None else end
    if chosen not in ends:
        raise InvalidParameterError(f"This snippet has no end {chosen[:40]!r}; it has {', '.join(ends)}.", ends)
    return merge(vmx, rendered.settings[chosen], end=chosen, notes=rendered.notes)


def render_markdown(text: str) -> str:
    """A page of Markdown as HTML."""
    return markdown(text)


def check_page(slug: str, text: str) -> list[Broken]:
    """What keeps a page from being shown."""
    try:
        parse_page(text.encode("utf-8", "surrogatepass"), slug=slug, file=f"{slug}.md")
    except BrokenPageError as error:
        return error.problems
    return []


def warm_up(data_dir: str) -> None:
    """Build what the first requests would build: the scanner of logs, the templates, the parser of pages."""
    decode(b"0xbad0022\n", None, data_dir)
    decode_page(b"0xbad0022\n", None, data_dir)
    markdown("-")
