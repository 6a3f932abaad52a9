"""The checks of connections that `vmkops doctor` and `vmkops init` make: each a marked line with what to do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from service.api.words import counted, printable_lines

if TYPE_CHECKING:
    from service.api.settings import Settings
    from service.api.vcenter import VCenter

Mark = Literal["ok", "warning", "failed", "-"]
"""`-` is what is not set up and need not be."""
Check = Callable[[], Awaitable[str]]
"""Returns what is good; raises NotNeeded, Doubtful, VmkopsError, ServiceError or OSError with what is not."""

LEAST_SPACE = 8 << 20
"""Bytes that the databases of a new service and its first log of changes need."""


class Line(NamedTuple):
    """One check: what was checked, how it went, and what to do when it is not good."""

    subject: str
    mark: Mark
    text: str

    def __str__(self) -> str:
        """The line as it is printed."""
        line = printable_lines(f"{self.subject:<10} {self.mark}: {self.text}")
        return line.replace("\n", f"\n{'':<11}")  # a value that ends a line begins no other check


class NotNeeded(Exception):
    """What a check looks for is not set up, and need not be; the text says what it is for."""


class Doubtful(Exception):
    """What a check looks for works, but not as it should; the text says why, and what to do."""


async def check(subject: str, examine: Check, told: Iterable[str] = ()) -> Line:
    """The line of one check; any failure that has a name is a line too. `told` are problems that are not repeated."""
    from service.api.client import ServiceError
    from service.errors import SettingError, VmkopsError

    try:
        return Line(subject, "ok", await examine())
    except NotNeeded as reason:
        return Line(subject, "-", str(reason))
    except Doubtful as reason:
        return Line(subject, "warning", str(reason))
    except SettingError as error:
        new = "; ".join(each for each in error.problems if each not in told)
        return Line(subject, "failed", new or "its settings are wrong, as said above.")
    except (VmkopsError, ServiceError, OSError) as error:
        return Line(subject, "failed", str(error))


async def check_connections(settings: Settings) -> AsyncIterator[Line]:
    """The data directory with its database, and each vCenter; changes nothing."""
    yield await check("data", partial(asyncio.to_thread, _data, settings))
    vcenters = settings.vcenters()
    if not vcenters:
        yield Line("vcenter", "-", "not set. Host actions and backups need VMKOPS_VCENTER_URL; lookups do not.")
    for each in vcenters:
        yield await check(f"vcenter {each.name}", partial(_vcenter, each))


def check_confinement() -> Line:
    """How this machine confines the processes that read disks of backups, if it has their libraries."""
    from service.files.readers import missing_libraries
    from service.workers.landlock import version

    if missing_libraries():
        words = "not installed; pip install 'vmkops[files]' adds what reads files in backups (`vmkops help files`)"
        return Line("files", "-", words)
    if version():
        return Line("files", "ok", "the processes that read disks of backups can open nothing else (Landlock)")
    return Line("files", "-", "no Landlock (Linux 5.13 or later) confines the processes that read disks of backups")


async def check_slack(told: Iterable[str]) -> Line:
    """Whether the settings of Slack fit together."""
    return await check("slack", _slack, told)


async def check_service(told: Iterable[str]) -> Line:
    """Whether the service answers and takes the token."""
    return await check("service", _service, told)


async def check_reports() -> Line | None:
    """Whether reports wait for a Slack bot that never comes; None when none does, or the service cannot be asked."""
    from service.api.client import ServiceError
    from service.api.schedules import ReportsWaiting
    from service.errors import SettingError
    from vmkops.commands._console import client

    try:
        async with client() as service:
            found = (await service.get("/reports/waiting"))["waiting"]
    except (SettingError, ServiceError):
        return None
    return Line("reports", "warning", ReportsWaiting.model_validate(found).words(None)) if found else None


def _data(settings: Settings) -> str:
    """Check the data directory and the database, and change neither."""
    from service.errors import SettingError
    from service.store.database import check_database

    folder = settings.data_dir.absolute()
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    _check_space(nearest, settings.data_dir)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise SettingError("VMKOPS_DATA_DIR", f"{settings.data_dir} cannot be written. Choose another folder.")
    there = f"{settings.data_dir} can be written" if folder.exists() else f"the service will create {settings.data_dir}"
    if settings.postgres_url is None and not (folder / "vmkops.sqlite").exists():
        return there
    check_database(settings)
    return f"{there}, and {'PostgreSQL' if settings.postgres_url else 'the database'} answers"


def _check_space(folder: Path, data_dir: Path) -> None:
    from service.errors import SettingError

    found = os.statvfs(folder)
    if found.f_flag & os.ST_RDONLY:
        words = (
            f"{data_dir} is on a file system that is mounted read-only. Choose another folder, or mount it writable."
        )
        raise SettingError("VMKOPS_DATA_DIR", words)
    if found.f_bavail * found.f_frsize < LEAST_SPACE or (found.f_files and not found.f_favail):
        words = f"{data_dir} is on a disk that is full. Free some space there, or choose another folder."
        raise SettingError("VMKOPS_DATA_DIR", words)


async def _vcenter(vcenter: VCenter) -> str:
    from service.vsphere.inventory import count_vms
    from service.vsphere.session import Session, signed_in_user

    session = Session(vcenter)
    try:
        user = await signed_in_user(session)
        return f"signed in to {vcenter.url} as {user}, {counted(await count_vms(session), 'VM')}"
    finally:
        await session.close()


async def _slack() -> str:
    from bot.settings import BotSettings

    settings = BotSettings.from_environment(os.environ)
    if settings is None:
        raise NotNeeded("not set, so the bot does not start. `vmkops kb show slack-setup` shows how to set it up.")
    ways = [("Socket Mode", settings.app_token), ("signed HTTP", settings.signing_secret)]
    return f"set up for {' and '.join(name for name, secret in ways if secret)}"


async def _service() -> str:
    from service.api.client import ServiceAway
    from service.api.settings_source import read_setting
    from service.api.units import when
    from vmkops.commands._console import client
    from vmkops.commands._general import SERVICE_SETTING

    named = read_setting("VMKOPS_SERVICE_URL") or read_setting(SERVICE_SETTING)
    async with client() as service:
        try:
            await service.get("/healthz")
        except ServiceAway as error:
            if named or not error.nothing_listens:
                raise
            start = "Start it with `vmkops serve` (`make serve`), or set VMKOPS_SERVICE_URL if it runs elsewhere."
            raise NotNeeded(f"no service answers at {service.url} yet. {start}") from error
        if not service.has_token:
            words = f"Commands that ask it need a token: run `vmkops login {service.url}`, or set VMKOPS_TOKEN."
            raise NotNeeded(f"answers at {service.url}. {words} `vmkops token create --help` shows how to get one.")
        token = await service.get("/tokens/current")
        until = f" until {when(token['expires_at'], None)}" if token["expires_at"] else ""
        return f"answers at {service.url}, and the token {token['name']!r} is good{until}{_bot_note(token)}"


def _bot_note(token: Mapping[str, Any]) -> str:
    """What is missing when the token, as `GET /tokens/current` describes it, is to be that of `vmkops bot`."""
    from bot.settings import BotSettings

    if token["delegate"] or BotSettings.from_environment(os.environ) is None:
        return ""
    return f"; for `vmkops bot`, it also needs: vmkops token change {token['name']} --delegate"
