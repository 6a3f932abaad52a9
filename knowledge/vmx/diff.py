"""Writes a unified diff for known edits, in time proportional to the size of the file."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

CONTEXT = 3

Edit = list[str]
"""The lines that replace one old line, with their line ends; empty to delete it."""


def unified(old: Sequence[str], edits: Mapping[int, Edit], name: str) -> str:
    """Return the unified diff that `edits` make in `old` (lines with their ends); empty without a change.

    `edits` is by line index, and an edit at `len(old)` appends. `patch` and `git apply` accept the result.
    """
    changed = sorted(number for number, new in edits.items() if [*old[number : number + 1]] != new)
    if not changed:
        return ""
    groups = [[changed[0]]]
    for before, after in pairwise(changed):
        if after - before <= 2 * CONTEXT + 1:
            groups[-1].append(after)
        else:
            groups.append([after])
    hunks = []
    shift = 0
    for group in groups:
        hunk, growth = _hunk(old, edits, group, shift)
        hunks.append(hunk)
        shift += growth
    return f"--- {name}\n+++ {name}\n" + "".join(hunks)


def _hunk(old: Sequence[str], edits: Mapping[int, Edit], changed: Sequence[int], shift: int) -> tuple[str, int]:
    """Return one hunk around the lines `changed`, and the number of lines that it adds to the file."""
    first = max(changed[0] - CONTEXT, 0)
    last = max(min(changed[-1] + CONTEXT + 1, len(old)), changed[-1] + 1)
    body: list[str] = []
    before = after = 0
    for number in range(first, last):
        unchanged = [*old[number : number + 1]]
        new = edits.get(number, unchanged)
        if new == unchanged:
            body += [_marked(" ", line) for line in unchanged]
        else:
            body += [_marked("-", line) for line in unchanged] + [_marked("+", line) for line in new]
        before, after = before + len(unchanged), after + len(new)
    head = f"@@ -{_range(first, before)} +{_range(first + shift, after)} @@\n"
    return head + "".join(body), after - before


def _range(start: int, length: int) -> str:
    return f"{start + 1 if length else start},{length}"


def _marked(mark: str, line: str) -> str:
    return f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"
