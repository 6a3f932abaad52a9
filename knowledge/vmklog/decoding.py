"""Finds every code, status and name in a line or text of a log, with its position and meaning."""

from __future__ import annotations

from operator import attrgetter

from knowledge.vmkerr.table import Tables, bundled
from knowledge.vmklog.finders import subjects
from knowledge.vmklog.finding import Finding
from knowledge.vmklog.line import Context, Line, lowercase
from knowledge.vmklog.origin import Origin, given_origin, inferred_origin
from knowledge.vmklog.scan import EVERYTHING, Selection

_start = attrgetter("start")


def decode_line(line: str, release: str | None = None, tables: Tables | None = None, number: int = 1) -> list[Finding]:
    """Return the findings of one line, in order; ``number`` is the line number that they get.

    Without ``release`` (``3.5``, ``6.7``), the release is inferred from the format of the line. Raises Unreadable for
    an unknown release.
    """
    tables = tables or bundled()
    origin = given_origin(release, tables) if release else inferred_origin(line, tables)
    return decode_from(line, number, origin, tables, Context())


def decode_text(text: str, release: str | None = None, tables: Tables | None = None) -> list[Finding]:
    """Return the findings of all lines of a text; raises Unreadable for an unknown release."""
    tables = tables or bundled()
    given = given_origin(release, tables) if release else None
    context = Context()
    found: list[Finding] = []
    for number, line in enumerate(text.split("\n"), start=1):
        found += decode_from(line, number, given or inferred_origin(line, tables), tables, context)
    return found


def decode_from(
    text: str, number: int, origin: Origin, tables: Tables, context: Context, selection: Selection = EVERYTHING
) -> list[Finding]:
    """Return what the selected finders find in a line whose origin is known or inferred already, in order.

    A line in which they find anything is also searched for what it is about, such as a path or a datastore.
    """
    line = Line(number, text, lowercase(text), origin, tables, context, selection.signs)
    found: list[Finding] = []
    for finder in selection.finders:
        found += finder.find(line)
    if found:
        about = list(subjects.find(line))
        if about:
            named = {finding[1:3] for finding in found}
            found += [finding for finding in about if finding[1:3] not in named]
        if len(found) > 1:
            found.sort(key=_start)
    return found
