"""The store of procedures: built-in pages and a team's own, searchable and up to date with their folders.

The store is a search index over files, so it can be deleted at any time. All threads share one connection, one at a
time. Pages are read in batches, so that a search never waits for a whole folder.
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
from knowledge.procedure_store import link_table
from knowledge.procedure_store import search as store_search
from knowledge.procedure_store.batch import read_batches
from knowledge.procedure_store.check import every_fault
from knowledge.procedure_store.folders import BUILT_IN, Found, find_pages, work_tree, write_page
from knowledge.procedure_store.front_matter import Fault
from knowledge.procedure_store.procedure import MAX_BYTES, Broken, Procedure, parse_page, slug_fault
from knowledge.procedure_store.query import name_key
from knowledge.procedure_store.search import Hit, Searched

if TYPE_CHECKING:
    from sqlite_utils import Database

_BATCH = 100
"""Pages that are stored at once while others may search."""

_FIRST_BATCH = 2000
"""Pages that are stored at once into an empty index, which nobody searches yet: fewer, larger writes are faster."""


class StoreError(Exception):
    """The operation failed; the message says why and what to do."""


class NotEditableError(StoreError):
    """The page cannot be written or deleted in this store."""


class Store:
    """Finds procedures by slug and by words.

    Create it with `open`, and call `refresh` before you read when pages may have changed.
    """

    def __init__(self, database: Database, folders: Sequence[Path]) -> None:
        self._database = database
        self._folders = tuple(dict.fromkeys(folders))
        self._folder_faults: list[Broken] = []
        self._pages = 0
        self._connection_lock = RLock()
        self._writer_lock = RLock()

    @classmethod
    def open(cls, path: Path | None = None, *, folders: Sequence[Path] = (BUILT_IN,)) -> Self:
        """Open a store over ``folders``; a page in a later folder replaces one with the same slug in an earlier folder.

        With ``path``, the index is stored in that file, and the next start reads only changed pages; without it, the
        index is in memory. Pages are saved into the last folder, unless it is the built-in one. Raises `StoreError`.
        """
        from sqlite_utils import Database

        connection = None
        try:
            connection = sqlite3.connect(path or ":memory:", check_same_thread=False)
            database = Database(connection, execute_plugins=False)
            store_index.prepare(database)
            link_table.prepare(database)
        except sqlite3.Error as error:
            if connection:
                connection.close()
            raise StoreError(
                f"{path} cannot be used as the store of procedures ({error}). Delete the file or choose another one; "
                "vmkops creates its contents again from the pages."
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
        """Close the database; the store cannot be used afterwards."""
        with self._writer_lock, self._connection_lock:
            self._database.close()

    @property
    def broken_links(self) -> list[Broken]:
        """Links of the team's pages, which are shown, to pages that are not there, by file and line."""
        with self._connection_lock:
            return link_table.broken_links(self._database)

    @property
    def broken(self) -> list[Broken]:
        """What keeps pages and folders from being shown since the last refresh, by file and line."""
        with self._connection_lock:
            rows = list(self._database.query("SELECT file, line, message FROM broken ORDER BY file, line"))
        return [*self._folder_faults, *(Broken(**row) for row in rows)]

    @property
    def searched(self) -> Searched:
        """What every search looks at."""
        return Searched(pages=self._pages, folders=tuple(map(str, self._folders)))

    def get(self, slug: str) -> Procedure | None:
        """Return the page with this slug, or None."""
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
        """Return every page, sorted by title, with an empty snippet and score 0."""
        sql = "SELECT slug, title, summary, origin, obsolete_since FROM pages ORDER BY title, slug"
        with self._connection_lock:
            return [Hit(**row, snippet="", score=0.0) for row in self._database.query(sql)]

    def search(self, words: str, limit: int = 10, *, first: Sequence[str] = ()) -> list[Hit]:
        """Return the best ``limit`` pages (1 to 100) that contain all words or, when there are none, some of them.

        The last word can be incomplete. A mistyped word matches the nearest known words. No text is an error. The pages
        with the slugs in ``first`` come first, as those for a code among the words (``lookups.named_pages``).
        """
        with self._connection_lock:
            return store_search.search(self._database, words, limit, first)

    def nearest(self, alert_name: str) -> Procedure | None:
        """Return the page for an alert: with its name as an alias, or else with a name that has most of its words."""
        with self._connection_lock:
            slug = store_search.slug_for_alert(self._database, alert_name)
            return self.get(slug) if slug else None

    def named(self, name: str) -> str | None:
        """Return the slug of the page that has ``name`` as its slug, title or alias, or None."""
        with self._connection_lock:
            return store_search.slug_named(self._database, name)

    def refresh(self) -> int:
        """Update the index with what was added, changed or removed in the folders; return the number of such slugs."""
        with self._writer_lock:
            with self._connection_lock:
                known = store_index.known_files(self._database)
            found = self._find(known)
            slugs = sorted({one.slug for one in known.symmetric_difference(found)})
            candidates: dict[str, list[Found]] = {slug: [] for slug in slugs}
            for one in found:
                if one.slug in candidates:
                    candidates[one.slug].append(one)
            if slugs:
                self._take_in(list(candidates.items()), first=not known)
            with self._connection_lock:
                self._pages = self._database.execute("SELECT count(*) FROM pages").fetchone()[0]
            return len(slugs)

    def save(self, slug: str, text: str) -> Procedure:
        """Check a page, write it into the team's folder, and add it to the index; return it as stored.

        Raises `BrokenPageError` with everything that is wrong with the page, or `NotEditableError`.
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

    def faults(self, page: Procedure) -> list[Fault]:
        """Return what a check of the folder finds wrong with a page of the store, which is shown all the same."""
        keys = dict.fromkeys(map(name_key, (page.title, *page.aliases)))
        with self._connection_lock:
            names = {key: store_search.slugs_named(self._database, key) for key in keys}
            slugs = {row["slug"] for row in self._database.query("SELECT slug FROM pages")}
        found = every_fault(page, names, slugs)
        if page.overrides:
            found.insert(0, Fault(1, f"this page replaces the page {page.slug} that comes with vmkops"))
        return found

    def team_text(self, slug: str) -> str | None:
        """Return the text of a page in the team's folder as its file has it, also of a broken one; None without one.

        Raises `NotEditableError` when there is no such folder, or the file cannot be read.
        """
        file = self._team_folder() / f"{slug}.md"
        if slug_fault(slug) or not file.is_file():
            return None
        try:
            with file.open("rb") as opened:
                return opened.read(MAX_BYTES).decode("utf-8", "replace").replace("\0", "\ufffd")
        except OSError as error:
            raise NotEditableError(f"{file} cannot be read: {error.strerror}.") from error

    def delete(self, slug: str) -> None:
        """Delete a page from the team's folder; a built-in page that it replaced is shown again.

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

    def _take_in(self, candidates: list[tuple[str, list[Found]]], *, first: bool) -> None:
        """Read the pages of some slugs and store them in place of what is stored about these slugs.

        Each batch is read while the batch before it is stored; the index is empty when ``first``.
        """
        size = _FIRST_BATCH if first else _BATCH
        parts = [candidates[start : start + size] for start in range(0, len(candidates), size)]
        spelled: set[str] = set()
        for batch in read_batches(parts):
            replaced = [] if first else batch.slugs
            with self._connection_lock, self._database.atomic():
                if replaced:
                    store_index.delete_slugs(self._database, replaced)
                store_index.insert_files(self._database, batch.files)
                stored_before = store_index.insert_pages(self._database, batch.rows, spelled)
                store_index.insert_broken(self._database, batch.broken)
                link_table.replace_links(self._database, replaced, batch.rows)
                store_index.index_text(self._database, stored_before)
        with self._connection_lock, self._database.atomic():
            store_index.finish(self._database, merge=first)

    def _find(self, known: set[Found]) -> list[Found]:
        """Return the files of all folders in order; a folder that cannot be listed has the files known before."""
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
        """The folder that pages are written to; raises `NotEditableError`."""
        if not self._folders or self._folders[-1] == BUILT_IN:
            raise NotEditableError(
                "There is no folder for the team's own pages. Set VMKOPS_PROCEDURES_DIR to a folder and restart."
            )
        folder = self._folders[-1]
        if tree := work_tree(folder):
            raise NotEditableError(
                f"The team's pages come from the git work tree {tree}, so that they are not changed here: "
                "commit the change there, and update the work tree with `git pull`."
            )
        return folder
