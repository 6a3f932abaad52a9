"""The marks of a run: who set which step to which state, and when, as immutable values.

The functions neither store anything nor read a clock: each returns new marks, and the caller passes the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum

from knowledge import for_people
from knowledge.errors import NotFound, Unreadable

LONGEST_WHO = 200
LONGEST_NOTE = 2000
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
MOST_MARKS = 5000
MOST_SUGGESTED = 20


class State(StrEnum):
    """The state of a step."""

    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """One change in a run: who set which step to which state, and when; or a note on a step that keeps its state."""

    item: str
    """The id of the step."""
    state: State
    who: str
    when: str
    """ISO 8601 with its zone."""
    note: str
    """For a skipped step the reason."""
    token: str = ""
    """The name of the token that the change came with; empty when it is not known."""
    by: str = ""
    """The name that the person gave, which nobody checked; empty without one."""

    @property
    def name(self) -> str:
        """Who made the change, and with which token, for people."""
        return attributed(self.who, self.token, self.by)


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """The progress of a run, in numbers of steps."""

    done: int
    skipped: int
    open: int
    total: int
    finished: bool
    """True when no step is open."""
    next: str | None
    """The id of the first open step."""


class UnknownItem(NotFound):
    """The run has no such step; ``suggestions`` and the message have the ids that are probably meant, or all ids."""

    def __init__(self, item: str, titles: Mapping[str, str]) -> None:
        near = _near(item, titles)
        known = tuple(titles)[:MOST_SUGGESTED]
        more = f" and {len(titles) - len(known)} more" if len(titles) > len(known) else ""
        hint = f"did you mean {' or '.join(near)}?" if near else f"the steps are {', '.join(known)}{more}"
        super().__init__(f"there is no step {item[:80]!r} in this run; {hint}", near or known)


class AlreadyDone(Unreadable):
    """A step that is done cannot be skipped; reopen it first."""

    def __init__(self, mark: Mark) -> None:
        super().__init__(
            f"{mark.item} was done by {mark.name} at {for_people.when(mark.when)}; untick it before you skip it"
        )
        self.mark = mark


class InvalidMark(Unreadable):
    """The name, time or note of a mark cannot be used; the message says what to give instead."""


def marked(
    marks: tuple[Mark, ...],
    titles: Mapping[str, str],
    item: str,
    state: State | None,
    *,
    who: str,
    when: datetime,
    note: str = "",
    token: str = "",
    by: str = "",
) -> tuple[Mark, ...]:
    """Return the marks with this step in this state; without a state, with a note on the step as it is.

    ``titles`` has the titles of all steps of the run by their ids, and ``by`` the name that the person gave. A step
    that has the state already keeps its mark, and a note on it is added; without a note, the same ``marks`` are
    returned.
    Raises UnknownItem; AlreadyDone when a step that is done is to be skipped; InvalidMark, also for a skipped step
    without a reason.
    """
    if item not in titles:
        raise UnknownItem(item, titles)
    last = standings(marks).get(item)
    now = last.state if last else State.OPEN
    text = _note(note)
    if state is State.SKIPPED and not text:
        raise InvalidMark("the reason is missing: say why the step is skipped")
    if state is State.SKIPPED and last and now is State.DONE:
        raise AlreadyDone(last)
    mark = Mark(
        item=item,
        state=state or now,
        who=checked_name(who),
        when=checked_time(when),
        note=text,
        token=token,
        by=checked_name(by) if by.strip() else "",
    )
    if mark.state is now and (not text or any(_same(mark, each) for each in marks)):
        return marks
    if len(marks) >= MOST_MARKS:
        raise InvalidMark(f"this run has {MOST_MARKS} marks already; start a new one")
    return (*marks, mark)


def standings(marks: Iterable[Mark]) -> dict[str, Mark]:
    """Return, by the id of each marked step, the mark that brought it to its state."""
    found: dict[str, Mark] = {}
    for mark in marks:
        if mark.state is not (found[mark.item].state if mark.item in found else State.OPEN):
            found[mark.item] = mark
    return found


def notes(marks: Iterable[Mark]) -> dict[str, tuple[Mark, ...]]:
    """Return, by the id of each step, the notes on it that came without a change of its state, oldest first."""
    found: dict[str, tuple[Mark, ...]] = {}
    states: dict[str, State] = {}
    for mark in marks:
        if mark.state is states.get(mark.item, State.OPEN):
            found[mark.item] = (*found.get(mark.item, ()), mark)
        states[mark.item] = mark.state
    return found


def attributed(who: str, token: str = "", by: str = "") -> str:
    """Return who did something, and with which token: ``slack:U012AB3CD via token bot``; a token by itself once.

    ``by`` is the name that a person gave, which nobody checked: ``Anna (token laptop)``.
    """
    actor = who if not token or who == f"token:{token}" else f"{who} via token {token}"
    if not by:
        return actor
    return f"{by} ({actor.replace('token:', 'token ', 1) if actor.startswith('token:') else actor})"


def checked_name(who: str) -> str:
    """Return the name of a person on one line; raises InvalidMark for one that is empty, too long or unprintable."""
    name = " ".join(who.split())
    if not name or len(name) > LONGEST_WHO or not name.isprintable():
        raise InvalidMark(f"give the name of who did it, in 1 to {LONGEST_WHO} printable characters")
    return name


def checked_time(when: datetime) -> str:
    """Return a time as text, in seconds; raises InvalidMark for one without a zone."""
    if when.tzinfo is None:
        raise InvalidMark("give the time with its time zone")
    return when.isoformat(timespec="seconds")


def _same(mark: Mark, other: Mark) -> bool:
    """Whether a mark repeats another one, as when a request is sent twice."""
    return replace(mark, when=other.when) == other


def _near(item: str, titles: Mapping[str, str]) -> tuple[str, ...]:
    """The ids that are probably meant: with this number, with these words in the title, or spelt like this."""
    words = " ".join(item[:LONGEST_WHO].casefold().split())
    number = words.removeprefix("#").rstrip(".)")
    if number.isdecimal():
        return tuple(each for each in titles if each.endswith(f"-{int(number)}"))[:3]
    fitting = (each for each, title in titles.items() if len(words) > 2 and words in title.casefold())
    return tuple(dict.fromkeys([*get_close_matches(words, titles, n=3, cutoff=0.75), *fitting]))[:3] or tuple(
        get_close_matches(words, titles, n=3, cutoff=0.5)
    )


def _note(text: str) -> str:
    note = text.strip()
    if len(note) > LONGEST_NOTE:
        raise InvalidMark(f"a note can have at most {LONGEST_NOTE} characters")
    if _CONTROLS.search(note):
        raise InvalidMark("a note cannot have control characters, nor characters that change the direction of text")
    return note if any(character.isprintable() and not character.isspace() for character in note) else ""
