"""Where `vmkops kb` finds pages: in the service that somebody named, or else on this computer."""

from __future__ import annotations

import sys
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.errors import NotFound, shown
from service.api.words import counted
from vmkops.commands._kb_pages import team_folder
from vmkops.commands._lookup import data_dir, service_is_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knowledge.procedure_store.answer import Answer
    from knowledge.procedure_store.procedure import Procedure
    from knowledge.procedure_store.search import Hit
    from knowledge.procedure_store.store import Store
    from service.api.client import ServiceError

LIMIT = 10
"""The largest number of pages that a search finds."""


def found_by(words: str) -> Answer:
    """The answer to a search; raises SettingError and ServiceError."""
    if service_is_named():
        from vmkops.commands._of_service import search

        if (found := search(words, LIMIT)) is not None:
            return found
    from knowledge.procedure_store.answer import answer
    from knowledge.vmkerr.table import tables_in

    with open_store() as store:
        found = answer(store, words, LIMIT, tables_in(data_dir()))
        _mention(store)
    return found


def all_pages() -> Sequence[Hit]:
    """All pages by title; raises SettingError and ServiceError."""
    if service_is_named():
        from vmkops.commands._of_service import pages

        if (found := pages()) is not None:
            return found
    with open_store() as store:
        listed = store.pages()
        _mention(store)
    return listed


def one_page(slug: str, *, own: bool = False) -> Procedure:
    """One page, with `own` that of this computer; raises NotFound with similar ones, SettingError and ServiceError."""
    if service_is_named() and not own:
        from vmkops.commands._of_service import page

        if (found := page(slug)) is not None:
            return found
    with open_store() as store:
        kept = store.get(slug)
        near = [] if kept else [hit.slug for hit in store.search(slug, 3)]
        broken = [one for one in store.broken if Path(one.file).stem == slug]
    for one in broken:
        print(one, file=sys.stderr)
    if kept is None:
        raise NotFound(f"There is no procedure {shown(slug)}. List all of them: vmkops kb list", near)
    return kept


async def live_page(slug: str, targets: Mapping[str, str]) -> dict[str, Any]:
    """The page with its live blocks filled in, as the service answers it; raises ServiceError."""
    from urllib.parse import quote

    from vmkops.commands._console import client

    async with client() as service:
        return await service.get(f"/procedures/{quote(slug, safe='')}/live", **targets)


async def wrong_targets(targets: Mapping[str, str]) -> list[ServiceError]:
    """What the service says of each target that does not exist, or that is the name of several."""
    from urllib.parse import quote

    from service.api.client import ServiceError
    from vmkops.commands._console import client

    wrong = []
    async with client() as service:
        for kind, name in targets.items():
            try:
                await service.get(f"/{kind}s/{quote(name, safe='')}")
            except ServiceError as error:
                if error.problem.status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                    wrong.append(error)
    return wrong


def open_store() -> Store:
    """The pages of this computer: the built-in ones and your own."""
    from knowledge.procedure_store.folders import BUILT_IN
    from knowledge.procedure_store.store import Store

    team = team_folder()
    return Store.open(folders=[BUILT_IN, team] if team else [BUILT_IN])


def _mention(store: Store) -> None:
    if broken := len(store.broken) + len(store.broken_links):
        print(f"{counted(broken, 'problem')} in pages of your own. Show them with: vmkops kb check", file=sys.stderr)
