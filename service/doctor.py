"""Checks every setting and connection and says, for each, whether it is well or what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from service.api.settings import Settings, read_settings
from service.api.vcenter import VCenter
from service.errors import SettingMissing, VmkopsError
from service.store.database import open_database
from service.vsphere.inventory import count_vms
from service.vsphere.session import Session
from service.watching import client


async def examine(environ: Mapping[str, str]) -> int:
    """Print a line for each check; 0 when all is well, 1 otherwise."""
    try:
        settings = read_settings(environ)
    except SettingMissing as error:
        print(f"settings   {error}")
        return 1
    checks: dict[str, Callable[[], Awaitable[str]]] = {
        "settings": _settings,
        "data": lambda: asyncio.to_thread(_data, settings),
        **{f"vcenter {each.name}": partial(_vcenter, each) for each in settings.vcenters()},
        "service": lambda: _service(environ),
    }
    well = True
    for name, check in checks.items():
        try:
            print(f"{name:<10} ok: {await check()}", flush=True)
        except (VmkopsError, OSError) as error:
            print(f"{name:<10} {error}", flush=True)
            well = False
    return 0 if well else 1


async def _settings() -> str:
    return "every setting can be read"


def _data(settings: Settings) -> str:
    open_database(settings).dispose()
    return f"{settings.data_dir} can be written" if settings.postgres_url is None else "PostgreSQL answers"


async def _vcenter(vcenter: VCenter) -> str:
    session = Session(vcenter)
    try:
        return f"signed in to {vcenter.url}, {await count_vms(session)} VMs"
    finally:
        await session.close()


async def _service(environ: Mapping[str, str]) -> str:
    from service.api.client import ServiceError

    async with client(environ) as service:
        try:
            await service.get("/healthz")
            await service.jobs(limit=1)
        except ServiceError as error:
            raise OSError(error.problem.detail) from error
        return f"answers at {service.url}, and the token is good"
