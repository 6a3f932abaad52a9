"""`vmkops worker`: runs jobs in a process of its own, without HTTP."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vmkops.commands import SERVICE
from vmkops.commands._parser import Parser
from vmkops.commands._private import write_privately
from vmkops.commands._settings import log_misspelt

if TYPE_CHECKING:
    from service.api.settings import Settings

SUMMARY = "run jobs for a service on another machine; both need the same PostgreSQL"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return Parser(prog="vmkops worker", description=SUMMARY)


def run(argv: Sequence[str]) -> int:
    """Run jobs until the process is stopped; raises StartError."""
    parser().parse_args(argv)

    from service.api.settings import read_settings
    from service.bootstrap import run_process, set_up_logging
    from service.errors import SettingError

    settings = read_settings()
    if settings.postgres_url is None:
        raise SettingError(
            "VMKOPS_DATABASE_URL",
            "is missing. Set it to the postgresql:// address of the database that the processes share. With SQLite, "
            "`vmkops serve` runs the jobs itself.",
        )
    set_up_logging(settings)
    log_misspelt()
    write_privately()
    return run_process(_work(settings))


async def _work(settings: Settings) -> None:
    from service.bootstrap import run_service, stop_requested

    async with run_service(settings):
        with stop_requested() as stop:
            print("vmkops worker runs jobs", flush=True)
            await stop.wait()
