"""Reads a batch of pages, up to the rows of the store; this takes most of the time of a first start."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import Any, NamedTuple

from knowledge.procedure_store.folders import BUILT_IN, Found, read_page
from knowledge.procedure_store.index import page_row
from knowledge.procedure_store.procedure import Broken, BrokenPageError, Procedure

MANY_PAGES = 10_000
"""So many pages are read by processes of their own; fewer are read by a thread before such a process would start."""

MOST_READERS = 4
"""The most of these processes. One process stores what they read, and it would not keep up with more."""

Candidates = Sequence[tuple[str, list[Found]]]
"""Slugs, each with the files that can be its page, the preferred one last."""


class Batch(NamedTuple):
    """Some slugs, and what to store about them."""

    slugs: list[str]
    files: list[Found]
    rows: list[dict[str, Any]]
    """The pages that are shown, as `index.page_row` returns them."""
    broken: list[tuple[str, Broken]]
    """The problems of pages, each with the slug of its page."""


def read_batches(parts: Sequence[Candidates]) -> Iterator[Batch]:
    """Yield a batch for each part, in order; the next ones are read while the caller works on this one."""
    if sum(map(len, parts)) < MANY_PAGES:
        yield from _read_ahead(ThreadPoolExecutor(1), parts, 1)
        return
    readers = min(MOST_READERS, os.cpu_count() or 1)
    # A forked process would have the locks of the threads of this one.
    yield from _read_ahead(ProcessPoolExecutor(readers, get_context("spawn")), parts, readers + 1)


def _read_ahead(executor: Executor, parts: Sequence[Candidates], ahead: int) -> Iterator[Batch]:
    """Yield the batches; at most so many are read at a time, as each takes memory."""
    reading: dict[int, Future[Batch]] = {}
    submitted = 0
    with executor:
        for number, part in enumerate(parts):
            try:
                while submitted < min(len(parts), number + ahead):
                    reading[submitted] = executor.submit(read_batch, parts[submitted])
                    submitted += 1
                batch = reading.pop(number).result()
            except BrokenExecutor:  # something killed a reader, as the kernel does when memory runs out
                batch = read_batch(part)
            yield batch


def read_batch(candidates: Candidates) -> Batch:
    """Read the page of each slug."""
    batch = Batch([], [], [], [])
    for slug, files in candidates:
        page, problems = _best_page(files)
        batch.slugs.append(slug)
        batch.files.extend(files)
        batch.broken.extend((slug, problem) for problem in problems)
        if page:
            batch.rows.append(page_row(page))
    return batch


def _best_page(candidates: list[Found]) -> tuple[Procedure | None, list[Broken]]:
    """Return the last candidate that is a correct page, or None, and the problems of the candidates after it."""
    problems: list[Broken] = []
    for place, found in reversed(list(enumerate(candidates))):
        try:
            page = read_page(found)
        except BrokenPageError as error:
            problems += error.problems
        else:
            origin = "built-in" if found.folder == str(BUILT_IN) else "team"
            return replace(page, origin=origin, overrides=place > 0), problems
    return None, problems
