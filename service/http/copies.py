"""The copies of backups that a copy target has, as that target says now."""

from __future__ import annotations

from pydantic import Field

from service.backups.catalogue import KeptBackup
from service.backups.text import copies_words
from service.backups.vm_choice import shown_vm
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
    copies = await call.services.copies.of(context.settings, context.signer, call.path("target"))
    vcenters = context.vcenters.names()
    found = [
        each.kept.model_copy(update={"title": shown_vm(each.kept, vcenters)})
        for each in copies
        if call.query.vm in ("", each.kept.vm.name)
    ]
    shown, after = page_of(found, call.query)
    target = context.settings.copy_targets()[call.path("target")]
    return CopyList(target=target.name, where=target.where, backups=shown, next=after)


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
        errors=(404, 502, 503, 504),
    ),
)
