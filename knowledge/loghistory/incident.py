"""The paragraph that a person can paste into an incident."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from knowledge.diagnosis import severity
from knowledge.loghistory.stamps import split, zone
from knowledge.loghistory.states import LASTING
from knowledge.loghistory.values import IN_WORDS, ClassLines, LogSubject, PurpleScreen, State

ALSO_NAMED = 4
"""Subjects that the paragraph names after the worst one."""

MOST_STATES = 8
"""States that it lists; of more, the first and the last ones."""

NAMED_HOSTS = 4
"""Hosts without a recovery that are named."""

ORDER_OF_FILES = " (in the order of the files, because some lines have no time that can be compared)"

_ARROW = " -> "


def incident(subjects: Sequence[LogSubject]) -> str:
    """Return what happened, since when, how bad it was and what to do next; ``subjects`` has the worst first."""
    if not subjects:
        return ""
    worst, hit = subjects[0], _hit(subjects)
    sentences = [_what(worst), *_course(worst), *_also(hit)]
    if worst.next:
        sentences.append(f"Next: {_ended(worst.next)}")
    slugs = dict.fromkeys(slug for subject in (worst, *hit[:ALSO_NAMED]) for slug in subject.procedures)
    if slugs:
        sentences.append(f"Procedures: {', '.join(slugs)}.")
    return " ".join(sentences)


def course(subject: LogSubject) -> str:
    """Return the states of a subject with their times, such as ``path loss 02:10:09 -> APD 02:10:20``.

    The day is there where it is not that of the state before.
    """
    states, omitted = subject.states, subject.states_omitted
    if len(states) > MOST_STATES:
        omitted += len(states) - MOST_STATES
        states = states[: MOST_STATES // 2] + states[-MOST_STATES // 2 :]
    parts: list[str] = []
    day = split(subject.first)[0]
    for state in states:
        own_day, time = split(state.at)
        parts.append(" ".join(filter(None, (state.state, own_day if own_day != day else "", time))))
        day = own_day
    if omitted:
        parts.insert(len(parts) // 2, f"({omitted} more)")
    return _ARROW.join(parts) + (ORDER_OF_FILES if not subject.order_is_known else "")


def _hosts(subject: LogSubject) -> str:
    named = ", ".join(subject.not_recovered_on[:NAMED_HOSTS])
    more = len(subject.not_recovered_on) - NAMED_HOSTS
    return f"{named} and {more} more" if more > 0 else named


def _what(worst: LogSubject) -> str:
    lines = _lines(worst.classes[0])
    if worst.psod:
        return _stopped(worst, worst.psod)
    when = _when(worst.classes[0])
    if worst.class_ == "harmless":
        harmless = lines.replace("line", "harmless line")
        return f"Nothing in this log needs action: {worst.title} has {harmless}{when}."
    most = worst.classes[0].peak_per_minute
    peak = f", up to {most} in a minute" if most > 1 else ""
    others = f"; also {worst.other_classes}" if worst.other_classes else ""
    what = _fault(worst.class_)
    return f"{_capital(worst.title)}: {what}{when} ({lines}{peak}{others})."


def _stopped(host: LogSubject, psod: PurpleScreen) -> str:
    probably = "probably " if psod.certainty == "likely" else ""
    day, time = split(psod.at)
    when = f" at {' '.join(filter(None, (day, time)))}{zone(psod.at)}" if psod.at else ""
    return (
        f"{_capital(host.title)} {probably}stopped with a purple screen{when}, and with it each VM on it: "
        f"{_ended(psod.summary)}"
    )


def _lines(of_class: ClassLines) -> str:
    return f"{of_class.count} line{'s' * (of_class.count != 1)}"


def _when(lines: ClassLines) -> str:
    if not lines.first:
        return ""
    first, last = split(lines.first), split(lines.last)
    start = " ".join(filter(None, first)) + zone(lines.first)
    if first == last:
        return f" at {start}"
    return f" from {start} to {' '.join(last) if last[0] != first[0] else last[1]}{zone(lines.last)}"


def _course(worst: LogSubject) -> Iterable[str]:
    if worst.psod:
        return
    if len(worst.states) > 1:
        yield f"States: {course(worst)}."
    if worst.states and not worst.recovered:
        where = f" on {_hosts(worst)}" if worst.not_recovered_on else ""
        yield f"The log does not show that it recovered{where}."


def _hit(subjects: Sequence[LogSubject]) -> list[LogSubject]:
    """The subjects after the worst that belong to the incident: next to a lasting fault, no transient ones."""
    least = severity("transient" if subjects[0].class_ in LASTING else "")
    return [subject for subject in subjects[1:] if severity(subject.class_) > least]


def _also(hit: Sequence[LogSubject]) -> Iterable[str]:
    if not hit:
        return
    named = [
        f"{subject.title} ({_fault(subject.class_)}{', recovered' * subject.recovered})" for subject in hit[:ALSO_NAMED]
    ]
    more = len(hit) - len(named)
    yield f"Also affected: {', '.join(named)}{f' and {more} more' if more else ''}."


def _fault(class_: State | Literal[""]) -> str:
    return IN_WORDS.get(class_, class_)


def _capital(text: str) -> str:
    return text if text.startswith("vCenter") else text[:1].upper() + text[1:]


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
