"""Linux error numbers with their names and texts, the same on every machine.

Python's own ``errno`` module has the numbers of the system that it runs on. ESX uses those of Linux, so
``knowledge/data/linux_errno.tsv`` lists them. Source: the Linux headers ``asm-generic/errno.h`` and
``linux/errno.h``, with the texts of the C library.
"""

from __future__ import annotations

from collections import namedtuple
from functools import cache

from knowledge.data_files import data_lines


class Errno(namedtuple("Errno", ("number", "name", "text"))):
    """One Linux error: its number, its name and the text that ``strerror`` gives."""

    __slots__ = ()
    number: int
    name: str
    text: str


def by_number(number: int) -> Errno | None:
    """Return the error with this number (5 is ``EIO``), or None when Linux has none."""
    return next((error for error in _errors() if error.number == number), None)


def by_name(name: str) -> Errno | None:
    """Return the error with this name in upper case (``EAGAIN``, or its alias ``EWOULDBLOCK``), or None."""
    return next((error for error in _errors() if error.name == name), None)


def names(number: int) -> frozenset[str]:
    """Return every name of an error number: 11 is both ``EAGAIN`` and ``EWOULDBLOCK``."""
    return frozenset(error.name for error in _errors() if error.number == number)


@cache
def _errors() -> tuple[Errno, ...]:
    rows = (line.split("\t") for line in data_lines("linux_errno.tsv"))
    return tuple(Errno(int(number), name, text) for number, name, text in rows)
