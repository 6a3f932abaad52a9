"""A unified diff of known edits, in time that grows with the size of the file and no faster."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

CONTEXT = 3

Edit = list[str]
"""What stands in the place of one old line: nothing, or new lines with their line ends."""


def unified(old: Sequence[str], edits: Mapping[int, Edit], name: str) -> str:
    """The unified diff of `old` (lines with their ends) against it with `edits`; empty without a change.

    An edit at `len(old)` appends. `diff` and `patch` read the result.
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
    """One hunk around the lines `changed`, and by how many lines it makes the file longer."""
    first = max(changed[0] - CONTEXT, 0)
    last = max(min(changed[-1] + CONTEXT + 1, len(old)), changed[-1] + 1)
    body: list[str] = []
    before = after = 0
    for number in range(first, last):
        here = [*old[number : number + 1]]
        new = edits.get(number, here)
        if new == here:
            body += [_marked(" ", line) for line in here]
        else:
            body += [_marked("-", line) for line in here] + [_marked("+", line) for line in new]
        before, after = before + len(here), after + len(new)
    head = f"@@ -{_range(first, before)} +{_range(first + shift, after)} @@\n"
    return head + "".join(body), after - before


def _range(start: int, length: int) -> str:
    return f"{start + 1 if length else start},{length}"


def _marked(mark: str, line: str) -> str:
    return f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"
