"""A copy that was stopped for want of room says so, however it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service.backups import room_guard
from service.backups.room_guard import RoomGuard
from service.errors import CopyFailed, DatastoreLow


async def test_copy_that_fails_while_it_is_stopped_hides_no_lack_of_room(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        pass

    monkeypatch.setattr(room_guard, "read_room", nothing)
    monkeypatch.setattr(room_guard, "snapshot_size", nothing)
    monkeypatch.setattr(room_guard, "too_little", lambda *_: "LocalDS_0 has 1 byte left.")
    caplog.set_level("INFO")

    async def copy() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise CopyFailed("the lease could not be ended") from None

    session: Any = None
    with pytest.raises(DatastoreLow, match="LocalDS_0 has 1 byte left"):
        await RoomGuard(session, "vm-1", 10, lambda _: None).beside(copy(), "snapshot-1")
    assert "the lease could not be ended" in caplog.text
