"""How much of a backup's data has been read, and of how much; pure."""

from __future__ import annotations

from collections.abc import Callable


class TransferProgress:
    """Adds up the disks of one backup and reports bytes done and, where it can be known or guessed, in all.

    A disk's size is known when the lease or the host says so, or when it has been read. Until every size is known,
    `guess` (what the VM takes on its datastores) stands for the whole.
    """

    def __init__(self, report: Callable[[int, int | None], None], sizes: list[int | None], guess: int | None) -> None:
        self._report = report
        self._sizes = sizes
        self._done = [0] * len(sizes)
        self._guess = guess

    def reading(self, disk: int, done: int, promised: int | None) -> None:
        """So much of this disk has been read."""
        self._done[disk] = done
        self._sizes[disk] = promised or self._sizes[disk]
        self._report(sum(self._done), self.total())

    def copied(self, disk: int, size: int) -> None:
        """This disk has been read whole."""
        self._done[disk] = self._sizes[disk] = size

    def total(self) -> int | None:
        """Bytes in all: known, or guessed, or None when the guess has proved too small."""
        if None not in self._sizes:
            return sum(size for size in self._sizes if size is not None)
        return self._guess if self._guess and self._guess > sum(self._done) else None

    def percent(self) -> int:
        """Whole percents done; 0 when the whole is not known."""
        total = self.total()
        return 100 * sum(self._done) // total if total else 0
