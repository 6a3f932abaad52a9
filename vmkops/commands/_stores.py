"""The checks of `vmkops doctor` that look at save profiles and copy targets, and change nothing there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

from vmkops.commands._checks import Doubtful, Line, NotNeeded, check

if TYPE_CHECKING:
    from service.api.copy_settings import CopyTarget
    from service.api.save_settings import SaveProfile
    from service.api.settings import Settings

LOOK_SECONDS = 60.0
"""How long a store may take to answer."""


async def check_stores(settings: Settings) -> AsyncIterator[Line]:
    """Each save profile and each copy target: its program, the version of that, and whether it can be read."""
    for name, profile in settings.save_profiles().items():
        yield await check(f"save {name}", partial(_profile, settings, profile))
    for name, target in settings.copy_targets().items():
        yield await check(f"copy {name}", partial(_target, settings, target))


async def _profile(settings: Settings, profile: SaveProfile) -> str:
    from service.errors import SaveFailed
    from service.saving.store import Store

    store = Store(profile, settings.backups_dir)
    if missing := store.missing_program():
        raise SaveFailed(f"{missing} is not installed. Install it, or set program in [save.{profile.name}].")
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            version = await store.look()
    except TimeoutError as error:
        raise SaveFailed(f"{profile.where} has not answered in {LOOK_SECONDS:.0f} seconds.") from error
    if not version:
        raise NotNeeded("a command of your own, which can be tried with a backup only.")
    return f"{profile.where} can be read ({version})"


async def _target(settings: Settings, target: CopyTarget) -> str:
    from service.copies.store import CopyStore
    from service.errors import TargetFailed

    store = CopyStore(target)
    found = await store.checks(settings.data_dir if settings.data_dir.exists() else settings.data_dir.absolute().parent)
    if refused := [each.message for each in found if each.severity == "refuse"]:
        raise TargetFailed(refused[0])
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            version = await store.version()
            there = await store.look()
    except TimeoutError as error:
        raise TargetFailed(f"{target.where} has not answered in {LOOK_SECONDS:.0f} seconds.") from error
    state = "can be read" if there else "has nothing yet"
    words = f"{target.where} {state}{f' ({version})' if version else ''}."
    if found:
        raise Doubtful(" ".join([words, *(each.message for each in found)]))
    return words
