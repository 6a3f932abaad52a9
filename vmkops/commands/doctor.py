"""`vmkops doctor`: whether every setting and connection is good, and what to do about those that are not."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vmkops.commands import SERVICE
from vmkops.commands._checks import (
    Line,
    check_confinement,
    check_connections,
    check_reports,
    check_service,
    check_slack,
)
from vmkops.commands._parser import Parser
from vmkops.commands._stores import check_stores

if TYPE_CHECKING:
    from service.api.settings import Settings

SUMMARY = "check every setting and connection, and show what to do"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(
        prog="vmkops doctor",
        description=SUMMARY,
        epilog="Each line has a mark: ok; warning; failed, with which the command exits with 1; and - for what is not "
        "set up and need not be. The command changes nothing.",
    )
    made.add_argument(
        "--vcenter",
        metavar="NAME",
        help="examine only this vCenter or host of the settings, such as default: names, ports, certificates, clock, "
        "licence, DRS and what the account may do",
    )
    made.add_argument("--json", action="store_true", help="print one object with all checks")
    return made


def run(argv: Sequence[str]) -> int:
    """Print a line for each check with its mark; 0 when none failed, 1 otherwise."""
    options = parser().parse_args(argv)
    lines = _examine_vcenter(options.vcenter) if options.vcenter else _examine()
    return asyncio.run(_print(lines, as_json=options.json))


async def _print(lines: AsyncIterator[Line], *, as_json: bool) -> int:
    found = []
    async for line in lines:
        found.append(line)
        if not as_json:
            print(line, flush=True)
    failed = any(each.mark == "failed" for each in found)
    if as_json:
        print(json.dumps({"ok": not failed, "checks": [each._asdict() for each in found]}))
    return 1 if failed else 0


async def _examine_vcenter(name: str) -> AsyncIterator[Line]:
    from service.api.settings import read_settings
    from service.vsphere.examine import examine
    from service.vsphere.selectors import no_vcenter
    from service.vsphere.session import Session

    known = {each.name: each for each in read_settings().vcenters()}
    if name not in known:
        raise no_vcenter(name, list(known))
    session = Session(known[name])
    try:
        for each in await examine(session):
            yield Line(each.subject, each.mark, f"{each.check}: {each.text}")
    finally:
        await session.close()


async def _examine() -> AsyncIterator[Line]:
    from service.api.python_release import python_weaknesses
    from service.api.settings import read_settings
    from service.errors import SettingError
    from vmkops.commands._settings import all_problems, untold

    problems = all_problems()
    for problem in problems:
        yield Line("settings", "failed", problem)
    if not problems:
        yield Line("settings", "ok", "every setting can be read")
    for warning in untold():
        yield Line("settings", "warning", warning)
    for weakness in python_weaknesses():
        yield Line("python", "warning", weakness)
    with contextlib.suppress(SettingError):
        settings = read_settings()
        for name, warning in _exposed(settings):
            yield Line(name, "warning", warning)
        async for line in check_connections(settings):
            yield line
        async for line in check_stores(settings):
            yield line
        yield check_confinement()
    yield await check_slack(problems)
    yield await check_service(problems)
    if reports := await check_reports():
        yield reports


def _exposed(settings: Settings) -> Iterator[tuple[str, str]]:
    """What other users of the machine or of the network can open, each with the name of its check and what to do."""
    from service.api.config_file import files_with_secrets
    from service.store.postgres_tls import weakness
    from service.store.private_files import DATABASES, exposed

    folder = settings.data_dir
    for name, file in files_with_secrets().items():
        if others := exposed(Path(file)):
            yield "settings", f"{name}: other users can {others} {file}. Run chmod 600 {file}."
    if others := exposed(folder):
        yield "data", f"VMKOPS_DATA_DIR: other users can {others} {folder}. Run chmod 700 {folder}."
    for path in (folder / each for each in DATABASES):
        if others := exposed(path):
            yield "data", f"VMKOPS_DATA_DIR: other users can {others} {path}. Run chmod 600 {path}."
    if settings.postgres_url and (weak := weakness(settings.postgres_url)):
        yield "data", weak
