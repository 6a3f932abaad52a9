"""What the service says, as the shell prints it."""

from __future__ import annotations


def for_people(text: str) -> str:
    """A text of one or more lines: safe for a terminal, and with its times on the clock of this computer."""
    from service.api.units import local_times
    from service.api.words import printable_lines

    return local_times(printable_lines(text))
