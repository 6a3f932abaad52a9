"""Words for people that several parts of the product share; pure."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and its noun, such as `1 disk` and `3 disks`; `plural` is given where an `s` is not enough."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
