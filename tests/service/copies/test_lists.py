"""Callers who list the copies of a target share one reading, and no reading lasts or multiplies without a limit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.api.settings import Settings, read_settings
from service.copies import directory, lists
from service.copies.lists import MOST, CopyLists
from service.errors import NotFound, TargetFailed, TargetSlow, WorkersBusy
from service.store.signing import Signer, open_signer
from tests.signed_packages import keep_signed

NAMES = [f"t{number}" for number in range(MOST + 1)]


class Gate:
    """Targets whose program notes each start and waits at a pipe for its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pipe = folder / "pipe"
        os.mkfifo(self._pipe)
        program = folder / "program"
        program.write_text(f"#!/bin/sh\necho x >> {folder}/starts\nread _ < {self._pipe}\necho []\n")
        program.chmod(0o700)
        (folder / "rclone.conf").touch()
        (folder / "starts").touch()
        tables = "".join(
            f'[copy.{name}]\nkind = "rclone"\nremote = "r:"\nconfig_file = "{folder}/rclone.conf"\n'
            f'program = "{program}"\n'
            for name in NAMES
        )
        (folder / "vmkops.toml").write_text(tables)

    @property
    def settings(self) -> Settings:
        """With these targets."""
        return read_settings({"VMKOPS_CONFIG": str(self.folder / "vmkops.toml"), "VMKOPS_DATA_DIR": str(self.folder)})

    async def started(self, number: int) -> None:
        """Wait until so many programs have started."""
        async with asyncio.timeout(60):
            while len((self.folder / "starts").read_text()) < 2 * number:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    def open(self) -> None:
        """Let those that wait end."""
        handle = os.open(self._pipe, os.O_RDWR)
        os.write(handle, b"\n" * 100)
        self._held = handle

    def close(self) -> None:
        with contextlib.suppress(AttributeError):
            os.close(self._held)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    made = Gate(tmp_path)
    yield made
    made.close()


@pytest.fixture
def signer(gate: Gate) -> Signer:
    return open_signer(gate.settings)


async def test_callers_of_a_target_share_one_reading(gate: Gate, signer: Signer) -> None:
    copies = CopyLists()
    calls = [asyncio.create_task(copies.of(gate.settings, signer, "t0")) for _ in range(20)]
    await gate.started(1)
    calls[0].cancel()
    gate.open()

    assert await asyncio.gather(*calls[1:]) == [[]] * 19
    assert (gate.folder / "starts").read_text() == "x\n"
    await copies.of(gate.settings, signer, "t0")
    assert (gate.folder / "starts").read_text() == "x\nx\n", "the next one reads again"


async def test_only_so_many_targets_are_read_at_a_time(gate: Gate, signer: Signer) -> None:
    copies = CopyLists()
    calls = [asyncio.create_task(copies.of(gate.settings, signer, name)) for name in NAMES[:MOST]]
    await gate.started(MOST)

    with pytest.raises(WorkersBusy, match=r"t0, t1, t2, t3\. Try again in a minute"):
        await copies.of(gate.settings, signer, NAMES[MOST])

    gate.open()
    await asyncio.gather(*calls)
    assert await copies.of(gate.settings, signer, NAMES[MOST]) == []


async def test_reading_that_takes_too_long_is_stopped(
    gate: Gate, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "READ_SECONDS", 1.0)
    copies = CopyLists()

    with pytest.raises(TargetSlow, match="t0 has not listed its copies within 1 seconds") as slow:
        await copies.of(gate.settings, signer, "t0")

    assert (slow.value.status, slow.value.retryable) == (504, True)
    gate.open()
    assert await copies.of(gate.settings, signer, "t0") == [], "its turn is given back"


async def test_caller_who_waits_too_long_can_ask_again_for_the_same_reading(
    gate: Gate, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = CopyLists()
    with monkeypatch.context() as patched:
        patched.setattr(lists, "WAIT_SECONDS", 0.1)
        with pytest.raises(TargetSlow, match="It is still being read: ask again in a minute"):
            await copies.of(gate.settings, signer, "t0")
    await gate.started(1)
    gate.open()

    assert await copies.of(gate.settings, signer, "t0") == []
    assert (gate.folder / "starts").read_text() == "x\n"


async def test_stop_ends_a_reading(gate: Gate, signer: Signer) -> None:
    copies = CopyLists()
    call = asyncio.create_task(copies.of(gate.settings, signer, "t0"))
    await gate.started(1)

    await copies.stop()

    with pytest.raises(asyncio.CancelledError):
        await call


async def test_unknown_target_is_told(gate: Gate, signer: Signer) -> None:
    with pytest.raises(NotFound, match="There is no copy target"):
        await CopyLists().of(gate.settings, signer, "nowhere")


@pytest.fixture
def nas(tmp_path: Path) -> Settings:
    """A directory target with a copy."""
    data = tmp_path / "data"
    package = keep_signed(data, "0123456789abcdef", datetime.now(UTC))
    (tmp_path / "nas").mkdir()
    package.rename(tmp_path / "nas" / package.name)
    config = tmp_path / "vmkops.toml"
    config.write_text(f'[copy.nas]\nkind = "directory"\npath = "{tmp_path / "nas"}"\n')
    return read_settings({"VMKOPS_CONFIG": str(config), "VMKOPS_DATA_DIR": str(data)})


async def test_signatures_are_verified_in_a_thread(nas: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    signer, threads = open_signer(nas), []
    accepts = Signer.accepts

    def noted(self: Signer, content: bytes, signature: bytes) -> bool:
        threads.append(threading.current_thread())
        return accepts(self, content, signature)

    monkeypatch.setattr(Signer, "accepts", noted)

    (found,) = await CopyLists().of(nas, signer, "nas")

    assert found.kept.state == "verified"
    assert threads
    assert threading.main_thread() not in threads


@pytest.fixture
def small_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program of a directory target reads 100 bytes of records at most."""
    script = Path(directory.__file__).read_text().replace("MOST = 1 << 30", "MOST = 100")
    (tmp_path / "directory.py").write_text(script)
    monkeypatch.setattr("service.copies.kinds.SCRIPT", tmp_path / "directory.py")


@pytest.mark.usefixtures("small_limit")
async def test_records_of_a_directory_have_a_limit_together(nas: Settings) -> None:
    with pytest.raises(TargetFailed, match="the records of the copies have more than"):
        await CopyLists().of(nas, open_signer(nas), "nas")
