"""The copies of backups that a copy target has, as that target says now."""

from __future__ import annotations

from pydantic import Field

from service.backups.catalogue import KeptBackup
from service.backups.text import copies_words
from service.backups.vm_choice import shown_vm
from service.copies.held import held_copies
from service.copies.store import CopyStore
from service.http._pages import Page, PageQuery, page_of
from service.http._route import Call, Route
from service.store.tokens import Scope


class CopiesQuery(PageQuery):
    """Which copies to list."""

    vm: str = Field(default="", max_length=300, description="Only those of VMs with this name.")


class CopyList(Page):
    """The copies of a target, newest first.

    One with the state `verified` is whole: its record is there, which is written after all files were read back. For
    one that is `broken`, `reason` says what is missing.
    """

    target: str
    where: str
    backups: list[KeptBackup]


async def _list(call: Call[CopiesQuery, None]) -> CopyList:
    context = call.services.context
    store = CopyStore.of(context.settings, call.path("target"))
    vcenters = context.vcenters.names()
    found = [
        each.kept.model_copy(update={"title": shown_vm(each.kept, vcenters)})
        for each in await held_copies(store, context.signer)
        if call.query.vm in ("", each.kept.vm.name)
    ]
    shown, after = page_of(found, call.query)
    return CopyList(target=store.target.name, where=store.target.where, backups=shown, next=after)


ROUTES = (
    Route(
        method="GET",
        path="/copies/{target}",
        summary="The copies of backups that a copy target has, newest first",
        handle=_list,
        answer=CopyList,
        scope=Scope.READ,
        query=CopiesQuery,
        text=lambda found: copies_words(found.target, found.where, found.backups),
        errors=(404,),
    ),
)
