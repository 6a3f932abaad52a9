"""A pool of real parser processes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from knowledge.errors import NotFound, Unreadable
from knowledge.finding import Finding
from service.api.lookups import Decoded, MergeAnswer
from service.errors import LimitReached, PackageRefused
from service.packages.contents import Contents
from service.workers import pool
from service.workers.functions import FUNCTIONS
from service.workers.pool import Workers, parser_processes
from service.workers.process import Limits
from tests.peers.waiting import wait_for

LOG = b"0xbad0022 H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x24 0x0 naa.600508b1001c1234567890abcdef1234\n" * 160_000


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[Workers]:
    async with parser_processes(1, Limits(seconds=300, memory=1 << 30), tmp_path) as started:
        yield started


async def decoded(workers: Workers, log: bytes = b"0xbad0022") -> Decoded:
    return await workers.run("decode", Decoded, file=log, release=None, data_dir="data", advice="Do it in the shell.")


async def test_answer_is_the_value_of_the_function(workers: Workers) -> None:
    assert [each.text for each in (await decoded(workers)).findings] == ["0xbad0022"]
    findings = await workers.run("ovf_lint", list[Finding], file=b"<a/>")
    assert [each.severity for each in findings] == ["error"]
    merged = await workers.run(
        "vmx_merge", MergeAnswer, text='a = "b"\n', snippet="tools-timesync", parameters={}, end=None
    )
    assert merged.diff


async def test_errors_of_the_function_are_raised_here(workers: Workers, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="release"):
        await workers.run("decode", Decoded, file=b"", release="nonsense", data_dir="data")
    with pytest.raises(NotFound):
        await workers.run("vmx_merge", MergeAnswer, text="", snippet="nonsense", parameters={}, end=None)
    (tmp_path / "x.ova").write_bytes(b"no archive")
    with pytest.raises(PackageRefused, match="not a tar archive"):
        await workers.run("read_contents", Contents, root=str(tmp_path), path="x.ova")
    with pytest.raises(RuntimeError, match="TypeError"):
        await workers.run("ovf_lint", list[Finding], nonsense=1)


async def test_value_of_another_type_is_not_accepted(workers: Workers) -> None:
    with pytest.raises(RuntimeError, match="something else"):
        await workers.run("render_markdown", int, text="x")


async def test_work_that_needs_too_much_memory_is_refused_and_the_next_request_is_answered(tmp_path: Path) -> None:
    async with parser_processes(1, Limits(seconds=600, memory=160 << 20), tmp_path) as workers:
        await decoded(workers)
        # Where the memory ends decides whether the process can still say so.
        with pytest.raises(LimitReached, match=r"167\.8 MB of memory|more memory or time than it may have") as caught:
            await workers.run("render_markdown", str, text="a\n\n" * 300_000, advice="Send less.")
        assert str(caught.value).endswith("Send less.")
        await decoded(workers)


async def test_work_that_takes_too_long_is_refused_and_its_process_is_replaced(tmp_path: Path) -> None:
    async with parser_processes(1, Limits(seconds=1, memory=1 << 30), tmp_path) as workers:
        with pytest.raises(LimitReached, match=r"more than 1 second to read.*Do it in the shell\."):
            await decoded(workers, LOG)
        assert (await decoded(workers, b"0xbad0022")).findings


async def test_work_that_is_cancelled_does_not_hold_up_the_next(workers: Workers) -> None:
    await decoded(workers)
    (process,) = workers._all
    work = asyncio.create_task(decoded(workers, LOG))
    await asyncio.to_thread(wait_for, workers._idle.empty, what="the request to be taken")
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await decoded(workers)
    assert process not in workers._all  # it would have read the whole log first


async def test_process_that_was_killed_is_replaced(workers: Workers) -> None:
    await decoded(workers)
    (process,) = workers._all
    os.kill(process.pid, signal.SIGKILL)
    await process._process.wait()
    await decoded(workers)
    assert process not in workers._all


async def test_request_whose_process_is_killed_by_somebody_else_is_tried_once_more(workers: Workers) -> None:
    await decoded(workers)
    (process,) = workers._all
    os.kill(process.pid, signal.SIGSTOP)  # so that it does not answer before it is killed
    work = asyncio.create_task(decoded(workers))
    await asyncio.to_thread(wait_for, workers._idle.empty, what="the request to be taken")
    os.kill(process.pid, signal.SIGKILL)
    assert (await work).findings


async def test_request_that_is_cancelled_while_its_process_ends_leaves_the_process_replaced(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await decoded(workers)
    (process,) = workers._all
    looking = asyncio.Event()

    async def was_killed() -> bool:
        looking.set()
        return await asyncio.Event().wait()

    monkeypatch.setattr(process, "was_killed", was_killed)
    monkeypatch.setattr(pool, "LARGEST_ANSWER", 10)
    work = asyncio.create_task(decoded(workers))
    await looking.wait()
    monkeypatch.undo()

    work.cancel()

    with pytest.raises(asyncio.CancelledError):
        await work
    assert (await decoded(workers)).findings
    assert process not in workers._all


def test_each_function_exists_and_declares_its_value() -> None:
    from service.workers.functions import _loaded

    for name in FUNCTIONS:
        _loaded(name)


async def test_process_is_started_when_a_request_needs_it(tmp_path: Path) -> None:
    async with parser_processes(3, Limits(seconds=30, memory=1 << 30), tmp_path) as workers:
        assert children() == set()
        await decoded(workers)
        await decoded(workers)
        assert len(children()) == 1
        await asyncio.gather(*(decoded(workers) for _ in range(3)))
        assert len(children()) > 1


async def test_one_process_is_started_although_no_request_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "WARM_SECONDS", 0)
    async with parser_processes(3, Limits(seconds=30, memory=1 << 30), tmp_path):
        await asyncio.to_thread(wait_for, children, timeout=120, what="the first process")
        assert len(children()) == 1


def children() -> set[str]:
    """The process ids of the children of this process that run the parsers."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                words = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if parent == str(os.getpid()) and b"service.workers.child" in words:
                found.add(folder.name)
    return found
