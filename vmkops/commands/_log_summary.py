"""`vmkops decode --summary`: what happened to each subject of a log, and how often each meaning occurs."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator

from knowledge.loghistory import LogHistory, LogSubject, Report
from knowledge.loghistory.incident import course
from knowledge.loghistory.stamps import split, zone
from knowledge.loghistory.values import Place
from knowledge.vmklog.finding import Kind
from knowledge.vmklog.stream import Decoded
from service.api.words import counted, printable
from vmkops.commands._log_text import LogText, wants_colour

MOST_SHOWN = 20
"""Subjects that the table shows; `--json` has all."""

_COLUMNS = ("class", "lines", "a minute", "first", "last", "subject")


First = dict[str, tuple[Place, Kind]]
"""Where the first finding of each meaning is, by the summary of the meaning, and its kind."""


def print_summary(blocks: Iterable[list[Decoded]], *, as_json: bool) -> bool:
    """Read all blocks, and print what they show; return whether they have any finding."""
    counts: Counter[str] = Counter()
    first: First = {}
    history = LogHistory()
    for lines in blocks:
        history.add_all(lines)
        for line in lines:
            for finding in line.findings:
                counts[finding.meaning.summary] += 1
                first.setdefault(finding.meaning.summary, (Place(line.file, finding.line), finding.kind))
    report = history.report()
    written = _json_lines(counts, first, report) if as_json else _text_lines(counts, first, report)
    for text in written:
        print(text)
    return bool(counts)


def _json_lines(counts: Counter[str], first: First, report: Report) -> Iterator[str]:
    for summary, count in counts.most_common():
        (file, line), kind = first[summary]
        where = {"first_file": file} if file else {}
        one = {"count": count, "kind": kind, "summary": summary, **where, "first_line": line}
        yield json.dumps(one)
    for subject in report.subjects:
        yield json.dumps(subject.to_dict())
    if report.incident:
        yield json.dumps({"incident": report.incident, "omitted_lines": report.omitted_lines})


def _text_lines(counts: Counter[str], first: First, report: Report) -> Iterator[str]:
    if report.subjects:
        yield from _table(report.subjects[:MOST_SHOWN])
        more = len(report.subjects) - MOST_SHOWN
        if more > 0:
            yield f"... and {counted(more, 'more subject')}; --json lists all"
        if report.omitted_lines:
            yield f"... and {counted(report.omitted_lines, 'line')} about even more subjects"
        yield ""
        yield printable(report.incident)
        yield ""
    width = len(str(max(counts.values(), default=0)))
    for summary, count in counts.most_common():
        yield f"{count:>{width}}  {printable(summary)}  (first in {first[summary][0]})"


def _table(subjects: Iterable[LogSubject]) -> Iterator[str]:
    """A line for each subject, and below it what is more than one word: other classes and states."""
    text = LogText(colour=wants_colour(sys.stdout))
    rows = [(subject, _cells(subject)) for subject in subjects]
    widths = [max(len(name), *(len(cells[at]) for _, cells in rows)) for at, name in enumerate(_COLUMNS[:-1])]
    yield _row(_COLUMNS, widths)
    for subject, cells in rows:
        line = _row(cells, widths)
        yield text.of_class(subject.class_, line[: widths[0]]) + line[widths[0] :]
        for below in _below(subject):
            yield f"{' ' * widths[0]}  {below}"


def _below(subject: LogSubject) -> Iterator[str]:
    if subject.psod:
        yield printable(" ".join(filter(None, ("purple screen", *split(subject.psod.at)))))
    if subject.other_classes:
        yield f"also {subject.other_classes}"
    if len(subject.states) > 1:
        yield course(subject)


def _cells(subject: LogSubject) -> tuple[str, ...]:
    first, last = split(subject.first), split(subject.last)
    return (
        f"{subject.class_ or '-'}{f' ({subject.classes[0].count})' if subject.other_classes else ''}",
        str(subject.count),
        str(subject.peak_per_minute or "-"),
        " ".join(filter(None, first)) + zone(subject.first) or str(subject.first_place),
        (last[1] if first[0] == last[0] else " ".join(last)) + zone(subject.last) or "-",
        printable(subject.title),
    )


def _row(cells: tuple[str, ...], widths: list[int]) -> str:
    class_, lines, peak, first, last, subject = cells
    a, b, c, d, e = widths
    return f"{class_:<{a}}  {lines:>{b}}  {peak:>{c}}  {first:<{d}}  {last:<{e}}  {subject}"
