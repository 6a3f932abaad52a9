"""How many bytes of a transfer are done, and of how many; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from service.api.models import FileProgress

Report = Callable[[int, int | None, str, Sequence[FileProgress]], None]
"""Takes the units done, how many there are in all, the unit, and each file when there are several."""


class TransferProgress:
    """Adds up the files of one transfer and reports the bytes done and, where they are known or estimated, in all.

    `report` receives both numbers, and each file by its name when there are several. `names` and `sizes` have one entry
    for each file; a size is its bytes, or None until the lease or the host reports them or the file is done. While any
    size is unknown, `estimate` (what the VM uses on its datastores) stands for the total.
    """

    def __init__(self, report: Report, names: Sequence[str], sizes: list[int | None], estimate: int | None) -> None:
        self._report = report
        self._names = names
        self._sizes = sizes
        self._done = [0] * len(sizes)
        self._estimate = estimate

    def update(self, number: int, done: int, size: int | None) -> None:
        """Set the bytes done of file `number`, and its size where it is known by now."""
        self._done[number] = done
        self._sizes[number] = size or self._sizes[number]
        self._report(sum(self._done), self.total(), "bytes", self._files())

    def finish(self, number: int, size: int) -> None:
        """Mark file `number` as done, with its `size` in bytes."""
        self._done[number] = self._sizes[number] = size

    def _files(self) -> list[FileProgress]:
        if len(self._names) < 2:
            return []
        every = zip(self._names, self._done, self._sizes, strict=True)
        return [FileProgress(name=name, done=done, total=size) for name, done, size in every]

    def total(self) -> int | None:
        """Bytes in all: known, or estimated, or None when the estimate turned out to be too small."""
        if None not in self._sizes:
            return sum(size for size in self._sizes if size is not None)
        return self._estimate if self._estimate and self._estimate > sum(self._done) else None

    def percent(self) -> int:
        """Whole percents done; 0 while the total is unknown."""
        total = self.total()
        return 100 * sum(self._done) // total if total else 0
