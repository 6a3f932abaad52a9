"""Reads a batch of pages, up to the rows of the store; this takes most of the time of a first start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from knowledge.procedure_store.folders import BUILT_IN, Found, read_page
from knowledge.procedure_store.index import page_row
from knowledge.procedure_store.procedure import Broken, BrokenPageError, Procedure


class Batch(NamedTuple):
    """Some slugs, and what to store about them."""

    slugs: list[str]
    files: list[Found]
    rows: list[dict[str, Any]]
    """The pages that are shown, as `index.page_row` returns them."""
    broken: list[tuple[str, Broken]]
    """The problems of pages, each with the slug of its page."""


def read_batch(candidates: Sequence[tuple[str, list[Found]]]) -> Batch:
    """Read the page of each slug; ``candidates`` has the files that can be its page, the preferred one last."""
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
