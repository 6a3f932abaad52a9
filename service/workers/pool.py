"""The parser processes of one service: a few that wait for requests, each replaced when it had to be killed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

import knowledge.errors
from knowledge.for_people import amount
from service.api.adapter import adapter
from service.api.words import counted
from service.errors import InvalidParams, LimitReached, NotFound, PackageRefused, VmkopsError, WorkersBusy
from service.workers import frames
from service.workers.process import Limits, NoAnswerError, ParserProcess

log = logging.getLogger(__name__)

A = TypeVar("A")

LARGEST_ANSWER = 32 << 20
"""Bytes of an answer as JSON; a process that answers more is killed."""
GRACE_SECONDS = 1.0
"""How long a process may go on with a request that was cancelled before it is killed: starting another costs more."""
RESTART_SECONDS = 1.0
"""Pause before the next attempt to start a process."""
START_SECONDS = 120
"""How long a process may take to import the parsers; a second or two on an idle machine."""
WAIT_SECONDS = 50
"""How long a request waits for a process, which may be starting; a start of the service waits for none."""
WARM_SECONDS = 30
"""When one process is started if no request needed one until then: the start of the service goes first."""

ERRORS: dict[str, type[VmkopsError]] = {each.__name__: each for each in (InvalidParams, NotFound, PackageRefused)}
"""The errors of `service.errors` that a function raises."""


class Workers:
    """Runs functions of `service.workers.functions` in parser processes."""

    def __init__(self, processes: int, limits: Limits, data_dir: Path) -> None:
        self._size = processes
        self._limits = limits
        self._data_dir = str(data_dir)
        self._begun = 0
        """How many processes there are, with those that are being started."""
        self._idle: asyncio.LifoQueue[ParserProcess] = asyncio.LifoQueue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._all: set[ParserProcess] = set()
        self._loop = asyncio.get_running_loop()

    async def run(self, function: str, answer: type[A], *, file: bytes = b"", advice: str = "", **arguments: Any) -> A:
        """Run a function on a file and JSON arguments; the result is checked to be an `answer`.

        Raises what the function raises, LimitReached when it needs more time or memory than it may have, and
        WorkersBusy when no process was free for WAIT_SECONDS. A cancellation ends the work. `advice` is a sentence:
        what to do when a limit is reached.
        """
        work = self._run(function, answer, file, advice, arguments)
        if asyncio.get_running_loop() is self._loop:
            return await work
        # Jobs run in an event loop of their own, and the pipes belong to this one.
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def _run(
        self,
        function: str,
        answer: type[A],
        file: bytes,
        advice: str,
        arguments: dict[str, Any],
        *,
        again: bool = False,
    ) -> A:
        """See `run`; a request whose process somebody else killed is tried once `again`."""
        seconds = self._limits.seconds
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                process = await self._free()
        except TimeoutError:
            raise WorkersBusy from None
        header = {"function": function, "arguments": arguments, "cpu_seconds": seconds}
        asking = asyncio.ensure_future(process.ask(header, file, LARGEST_ANSWER))
        try:
            async with asyncio.timeout(seconds):
                found, value = await asyncio.shield(asking)
        except asyncio.CancelledError:
            self._later(self._finish(process, asking))
            raise
        except TimeoutError:
            asking.cancel()
            self._later(self._replace(process))
            raise self._limit(f"takes more than {counted(seconds, 'second')} to read", advice) from None
        except NoAnswerError:
            try:
                killed = await process.was_killed()
            finally:  # also for a request that is cancelled meanwhile
                self._later(self._replace(process))
            if killed and not again:
                return await self._run(function, answer, file, advice, arguments, again=True)
            raise self._limit(
                "needs more memory or time than it may have, or its result is too large", advice
            ) from None
        if found.get("retire"):
            self._later(self._replace(process))
        else:
            self._idle.put_nowait(process)
        return self._result(found, value, answer, advice)

    async def _free(self) -> ParserProcess:
        if self._idle.empty():
            self._begin()
        while (process := await self._idle.get()).has_ended:
            self._later(self._replace(process))
        return process

    def _result(self, found: dict[str, Any], value: bytes, answer: type[A], advice: str) -> A:
        detail, suggestions = str(found.get("detail", "")), [str(each) for each in found.get("suggestions", ())]
        match found.get("error"):
            case None:
                try:
                    return adapter(answer).validate_json(value)
                except ValidationError as error:
                    raise RuntimeError(f"a parser process answered with something else: {error}") from error
            case frames.UNREADABLE:
                raise knowledge.errors.Unreadable(detail, suggestions)
            case frames.NOT_FOUND:
                raise knowledge.errors.NotFound(detail, suggestions)
            case frames.SERVICE:
                raise ERRORS.get(str(found.get("name")), VmkopsError)(detail, suggestions)
            case frames.MEMORY:
                raise self._limit(f"needs more than {amount(self._limits.memory)} of memory to read", advice)
            case frames.DEPTH:
                raise self._limit("is nested too deeply to read", advice)
        raise RuntimeError(f"a parser process failed:\n{detail}")

    @staticmethod
    def _limit(what: str, advice: str) -> LimitReached:
        return LimitReached(f"This {what}, so it was not read to its end. {advice}".rstrip())

    async def _finish(self, process: ParserProcess, asking: asyncio.Future[Any]) -> None:
        """Give a process whose request was cancelled a moment to end it, so that it need not be replaced."""
        done, _ = await asyncio.wait([asking], timeout=GRACE_SECONDS)
        if done and asking.exception() is None and not asking.result()[0].get("retire"):
            self._idle.put_nowait(process)
            return
        asking.cancel()
        await self._replace(process)

    async def _replace(self, process: ParserProcess) -> None:
        self._all.discard(process)
        await process.kill()
        await self._start_one()

    async def _start_one(self) -> None:
        while True:
            try:
                process = await ParserProcess.start(self._limits, self._data_dir)
            except OSError as error:
                log.error("a parser process cannot be started: %s", error)
                await asyncio.sleep(RESTART_SECONDS)
                continue
            self._all.add(process)
            try:
                async with asyncio.timeout(START_SECONDS):
                    await process.ready()
            except (NoAnswerError, TimeoutError):
                log.error("a parser process did not start; its own message is above")
                self._all.discard(process)
                await process.kill()
                await asyncio.sleep(RESTART_SECONDS)
                continue
            self._idle.put_nowait(process)
            return

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _begin(self) -> None:
        """Start one more process, unless all are there."""
        if self._begun < self._size:
            self._begun += 1
            self._later(self._start_one())

    async def _warm_up(self) -> None:
        """Have one process ready after WARM_SECONDS; each takes a second of CPU for its imports, and 60 MB."""
        await asyncio.sleep(WARM_SECONDS)
        if not self._begun:
            self._begin()

    def start(self) -> None:
        """Have the processes started: each when a request needs it, and the first one soon in any case."""
        self._later(self._warm_up())

    async def stop(self) -> None:
        """Kill all processes."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for process in tuple(self._all):
            await process.kill()


@contextlib.asynccontextmanager
async def parser_processes(processes: int, limits: Limits, data_dir: Path) -> AsyncIterator[Workers]:
    """Parser processes that exist for as long as the block runs."""
    workers = Workers(processes, limits, data_dir)
    try:
        workers.start()
        yield workers
    finally:
        await workers.stop()
