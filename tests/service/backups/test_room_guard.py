"""A copy that was stopped for want of room says so, however it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service.background import JOB_CANCELLED
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


async def test_all_copies_stop_at_once_when_one_look_finds_too_little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    async def low_at_the_second_look(*_: Any, **__: Any) -> int:
        nonlocal looks
        looks += 1
        return looks

    async def nothing(*_: Any, **__: Any) -> None:
        pass

    monkeypatch.setattr(room_guard, "read_room", low_at_the_second_look)
    monkeypatch.setattr(room_guard, "snapshot_size", nothing)
    monkeypatch.setattr(room_guard, "too_little", lambda look, _: "LocalDS_0 is full." if look == 2 else "")
    monkeypatch.setattr(room_guard, "LOOK_SECONDS", 3600.0)  # the next look of the first copy comes too late
    session: Any = None
    guard = RoomGuard(session, "vm-1", 10, lambda _: None)

    async def copy() -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(60):
        ends = await asyncio.gather(*(guard.beside(copy(), "snapshot-1") for _ in range(2)), return_exceptions=True)

    assert [str(end).count("LocalDS_0 is full.") for end in ends] == [1, 1]


async def test_copy_that_fails_while_the_job_is_cancelled_leaves_it_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(room_guard, "read_room", for_ever)
    began = asyncio.Event()

    async def copy() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise CopyFailed("the lease could not be ended") from None

    session: Any = None
    backup = asyncio.ensure_future(RoomGuard(session, "vm-1", 10, lambda _: None).beside(copy(), "snapshot-1"))
    await began.wait()
    backup.cancel(JOB_CANCELLED)

    with pytest.raises(asyncio.CancelledError, match=JOB_CANCELLED):
        await backup
