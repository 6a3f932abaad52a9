"""The store of procedures: built-in pages and a team's own, found by words, kept up to date with their folders.

It is a search index over files, so it can be thrown away at any time. One connection serves all threads, one at a
time; pages are taken in by batches, so a search never waits for a whole folder.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from knowledge.procedure_store import index as store_index
from knowledge.procedure_store import search as store_search
from knowledge.procedure_store.folders import BUILT_IN, Found, find_pages, read_page, write_page
from knowledge.procedure_store.procedure import Broken, BrokenPageError, Procedure, parse_page, slug_fault
from knowledge.procedure_store.search import Hit

if TYPE_CHECKING:
    from sqlite_utils import Database

_BATCH = 100


class StoreError(Exception):
    """The store cannot do what was asked; the message says why and what to do."""


class NotEditableError(StoreError):
    """The page cannot be written or deleted here."""


class Store:
    """Procedures by slug and by words; `open` it, and call `refresh` before reading when pages may have changed."""

    def __init__(self, database: Database, folders: Sequence[Path]) -> None:
        self._database = database
        self._folders = tuple(dict.fromkeys(folders))
        self._folder_faults: list[Broken] = []
        self._connection_lock = RLock()
        self._writer_lock = RLock()

    @classmethod
    def open(cls, path: Path | None = None, *, folders: Sequence[Path] = (BUILT_IN,)) -> Self:
        """A store over ``folders``, a page in a later one standing in for the same slug in an earlier one.

        With ``path`` the index is kept in that file and a start reads only what changed; without, it is in
        memory. Pages are saved into the last folder, unless it is the built-in one. Raises `StoreError`.
        """
        from sqlite_utils import Database

        connection = None
        try:
            connection = sqlite3.connect(path or ":memory:", check_same_thread=False)
            database = Database(connection, execute_plugins=False)
            store_index.prepare(database)
        except sqlite3.Error as error:
            if connection:
                connection.close()
            raise StoreError(
                f"{path} cannot be used as the store of procedures ({error}). Delete the file or name another one: "
                "everything in it is made again from the pages."
            ) from error
        store = cls(database, folders)
        store.refresh()
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database; the store cannot be used after it."""
        with self._writer_lock, self._connection_lock:
            self._database.close()

    @property
    def broken(self) -> list[Broken]:
        """All that is wrong with pages and folders now, by file and line."""
        with self._connection_lock:
            rows = list(self._database.query("SELECT file, line, message FROM broken ORDER BY file, line"))
        return [*self._folder_faults, *(Broken(**row) for row in rows)]

    def get(self, slug: str) -> Procedure | None:
        """The page called ``slug``, or None."""
        if slug_fault(slug):
            return None
        sql = "SELECT file, text, origin, overrides FROM pages WHERE slug = ?"
        with self._connection_lock:
            row = next(iter(self._database.query(sql, [slug])), None)
        if row is None:
            return None
        page = parse_page(row["text"].encode(), slug=slug, file=row["file"])
        return replace(page, origin=row["origin"], overrides=bool(row["overrides"]))

    def pages(self) -> list[Hit]:
        """Every page by its title, with nothing matched."""
        sql = "SELECT slug, title, summary, origin, obsolete_since FROM pages ORDER BY title, slug"
        with self._connection_lock:
            return [Hit(**row, snippet="", score=0.0) for row in self._database.query(sql)]

    def search(self, words: str, limit: int = 10) -> list[Hit]:
        """The best ``limit`` pages (1 to 100) for people's words: with all of them if there are any, else with some.

        The last word may be unfinished, a mistyped word is read as the nearest known ones, and no text is an error.
        """
        with self._connection_lock:
            return store_search.search(self._database, words, limit)

    def nearest(self, alert_name: str) -> Procedure | None:
        """The page for an alert: one that has its name as an alias, else one named by half of its words or more."""
        with self._connection_lock:
            slug = store_search.slug_for_alert(self._database, alert_name)
            return self.get(slug) if slug else None

    def named(self, name: str) -> str | None:
        """The slug of the page that has ``name`` as its slug, title or alias."""
        with self._connection_lock:
            return store_search.slug_named(self._database, name)

    def refresh(self) -> int:
        """Take in what was added, changed or removed in the folders; returns how many slugs that touched."""
        with self._writer_lock:
            with self._connection_lock:
                known = store_index.known_files(self._database)
            found = self._find(known)
            slugs = sorted({one.slug for one in known.symmetric_difference(found)})
            candidates: dict[str, list[Found]] = {slug: [] for slug in slugs}
            for one in found:
                if one.slug in candidates:
                    candidates[one.slug].append(one)
            spelled: set[str] = set()
            for start in range(0, len(slugs), _BATCH):
                batch = slugs[start : start + _BATCH]
                read = [(slug, *_best_page(candidates[slug])) for slug in batch]
                with self._connection_lock, self._database.atomic():
                    store_index.forget(self._database, batch)
                    store_index.keep_files(self._database, [one for slug in batch for one in candidates[slug]])
                    store_index.keep_pages(self._database, [page for _, page, _ in read if page], spelled)
                    store_index.keep_broken(
                        self._database, ((slug, problem) for slug, _, problems in read for problem in problems)
                    )
            return len(slugs)

    def save(self, slug: str, text: str) -> Procedure:
        """Write a page into the team's folder once it is found right, and take it in.

        Raises `BrokenPageError` with all that is wrong with it, or `NotEditableError`.
        """
        folder = self._team_folder()
        data = text.encode("utf-8", "surrogatepass")
        page = parse_page(data, slug=slug, file=f"{slug}.md")
        with self._writer_lock:
            try:
                write_page(folder, slug, data)
            except OSError as error:
                raise NotEditableError(f"{folder} cannot be written: {error.strerror}.") from error
            self.refresh()
            return self.get(slug) or page

    def delete(self, slug: str) -> None:
        """Remove a page from the team's folder, which brings back a built-in one that it overrode.

        Raises `NotEditableError`.
        """
        folder = self._team_folder()
        with self._writer_lock:
            try:
                if slug_fault(slug):
                    raise FileNotFoundError
                (folder / f"{slug}.md").unlink()
            except FileNotFoundError as error:
                raise NotEditableError(
                    f"{slug!r} is not a page in the team's folder {folder}. A built-in page cannot be deleted; "
                    "a page of the same name in that folder is shown instead of it."
                ) from error
            except OSError as error:
                raise NotEditableError(f"{folder} cannot be written: {error.strerror}.") from error
            self.refresh()

    def _find(self, known: set[Found]) -> list[Found]:
        """The files of all folders in their order. A folder that cannot be listed is taken as it was known."""
        found: list[Found] = []
        faults: list[Broken] = []
        for folder in self._folders:
            try:
                found += find_pages(folder)
            except OSError as error:
                message = f"cannot be listed ({error.strerror}); pages read from it before are still shown"
                faults.append(Broken(file=str(folder), line=1, message=message))
                found += [one for one in known if one.folder == str(folder)]
        self._folder_faults = faults
        return found

    def _team_folder(self) -> Path:
        if not self._folders or self._folders[-1] == BUILT_IN:
            raise NotEditableError(
                "There is no folder for the team's own pages: set VMKOPS_PROCEDURES_DIR to one and start again."
            )
        return self._folders[-1]


def _best_page(candidates: list[Found]) -> tuple[Procedure | None, list[Broken]]:
    """The last candidate that is right, and what is wrong with those after it."""
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
