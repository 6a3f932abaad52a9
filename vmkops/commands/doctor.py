"""`vmkops doctor`: whether every setting and connection is good, and what to do about those that are not."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.api.words import counted
from vmkops.commands import SERVICE

if TYPE_CHECKING:
    from service.api.settings import Settings
    from service.api.vcenter import VCenter

SUMMARY = "check every setting and connection, and show what to do"
GROUP = SERVICE

Check = Callable[[], Awaitable[str]]
"""Returns what is good; raises VmkopsError, ServiceError or OSError with what is not."""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = argparse.ArgumentParser(prog="vmkops doctor", description=SUMMARY)
    made.add_argument(
        "--vcenter",
        metavar="NAME",
        help="examine only this vCenter or host of the settings, such as default: names, ports, certificates, clock, "
        "licence, DRS and what the account may do",
    )
    return made


def run(argv: Sequence[str]) -> int:
    """Print a line for each check, `ok`, `warning` or `failed`; 0 when none failed, 1 otherwise."""
    options = parser().parse_args(argv)
    return asyncio.run(_examine_vcenter(options.vcenter) if options.vcenter else _examine())


async def _examine_vcenter(name: str) -> int:
    from service.api.settings import read_settings
    from service.vsphere.examine import examine
    from service.vsphere.selectors import no_vcenter
    from service.vsphere.session import Session

    known = {each.name: each for each in read_settings().vcenters()}
    if name not in known:
        raise no_vcenter(name, list(known))
    session = Session(known[name])
    try:
        found = await examine(session)
    finally:
        await session.close()
    for each in found:
        _print(each.subject, each.mark, f"{each.check}: {each.text}")
    return 1 if any(each.mark == "failed" for each in found) else 0


async def _examine() -> int:
    from service.api.client import ServiceError
    from service.api.config_file import misspelt
    from service.api.python_release import python_weaknesses
    from service.api.settings import read_settings
    from service.errors import SettingError, VmkopsError

    checks: dict[str, Check] = {}
    settings = None
    good = True
    try:
        settings = read_settings()
        vcenters = settings.vcenters()
        _print("settings", "ok", "every setting of the service can be read")
        checks["data"] = partial(asyncio.to_thread, _data, settings)
        if not vcenters:
            _print("vcenter", "ok", "not set; host actions need VMKOPS_VCENTER_URL")
        checks |= {f"vcenter {each.name}": partial(_vcenter, each) for each in vcenters}
    except SettingError as error:
        _print("settings", "failed", str(error))
        good = False
    for weakness in python_weaknesses():
        _print("python", "warning", weakness)
    for warning in misspelt():
        _print("settings", "warning", warning)
    for name, warning in _exposed(settings) if settings else ():
        _print(name, "warning", warning)
    checks |= {"slack": _slack, "service": _service}
    for name, check in checks.items():
        try:
            _print(name, "ok", await check())
        except (VmkopsError, ServiceError, OSError) as error:
            _print(name, "failed", str(error))
            good = False
    return 0 if good else 1


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


def _print(name: str, mark: str, text: str) -> None:
    print(f"{name:<10} {mark}: {text}", flush=True)


def _data(settings: Settings) -> str:
    """Check the data directory and the database, and change neither."""
    from service.errors import SettingError
    from service.store.database import check_database

    folder = settings.data_dir.absolute()
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise SettingError("VMKOPS_DATA_DIR", f"{settings.data_dir} cannot be written. Choose another folder.")
    there = f"{settings.data_dir} can be written" if folder.exists() else f"the service will create {settings.data_dir}"
    if settings.postgres_url is None and not (folder / "vmkops.sqlite").exists():
        return there
    check_database(settings)
    return f"{there}, and {'PostgreSQL' if settings.postgres_url else 'the database'} answers"


async def _vcenter(vcenter: VCenter) -> str:
    from service.vsphere.inventory import count_vms
    from service.vsphere.session import Session

    session = Session(vcenter)
    try:
        return f"signed in to {vcenter.url}, {counted(await count_vms(session), 'VM')}"
    finally:
        await session.close()


async def _slack() -> str:
    from bot.settings import BotSettings

    settings = BotSettings.from_environment(os.environ)
    if settings is None:
        return "not set, so the bot does not start"
    ways = [("Socket Mode", settings.app_token), ("signed HTTP", settings.signing_secret)]
    return f"set up for {' and '.join(name for name, secret in ways if secret)}"


async def _service() -> str:
    from vmkops.commands._console import client

    async with client() as service:
        await service.get("/healthz")
        token = await service.get("/tokens/current")
        until = f" until {token['expires_at'][:10]}" if token["expires_at"] else ""
        return f"answers at {service.url}, and the token {token['name']!r} is good{until}{_bot_note(token)}"


def _bot_note(token: Mapping[str, Any]) -> str:
    """What is missing when the token, as `GET /tokens/current` describes it, is to be that of `vmkops bot`."""
    from bot.settings import BotSettings

    if token["delegate"] or BotSettings.from_environment(os.environ) is None:
        return ""
    return f"; for `vmkops bot`, it also needs: vmkops token change {token['name']} --delegate"
