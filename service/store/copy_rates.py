"""How fast disks were copied from each host and datastore: what finished copies measured."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from service.store.database import copy_rates

LEAST_BYTES = 1 << 20
"""Copies of less say nothing about the rate."""
COUNTED = 20
"""How many of the latest copies count."""
KEPT = timedelta(days=90)
"""How long a measurement is kept: hosts, networks and storage change."""


class Rate(NamedTuple):
    """Bytes per second of one disk, from so many copies, of the host and the datastores or of one of both."""

    bytes_per_second: float
    copies: int
    of: str
    """`host and datastore`, `datastore` or `host`."""


class CopyRates:
    """The measurements, shared by all processes. Hosts and datastores are morefs in a vCenter."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    async def record(self, vcenter: str, host: str, datastores: Sequence[str], size: int, seconds: float) -> None:
        """Keep that one disk of `size` bytes took so many seconds; a small disk is not counted."""
        if size >= LEAST_BYTES and seconds > 0:
            await asyncio.to_thread(self._record, vcenter, host, _key(datastores), size, seconds)

    async def rate(self, vcenter: str, host: str, datastores: Sequence[str]) -> Rate | None:
        """The rate of this host and these datastores; else of these datastores, else of the host; None when unknown."""
        return await asyncio.to_thread(self._rate, vcenter, host, _key(datastores))

    def _record(self, vcenter: str, host: str, datastores: str, size: int, seconds: float) -> None:
        now = datetime.now(UTC)
        values = {"vcenter": vcenter, "host": host, "datastores": datastores, "size": size, "seconds": seconds}
        with self._engine.begin() as connection:
            connection.execute(copy_rates.insert().values(at=now.isoformat(), **values))
            connection.execute(copy_rates.delete().where(copy_rates.c.at < (now - KEPT).isoformat()))

    def _rate(self, vcenter: str, host: str, datastores: str) -> Rate | None:
        here = copy_rates.c.vcenter == vcenter
        of_host, of_datastores = copy_rates.c.host == host, copy_rates.c.datastores == datastores
        with self._engine.connect() as connection:
            for of, condition in (
                ("host and datastore", of_host & of_datastores),
                ("datastore", of_datastores),
                ("host", of_host),
            ):
                latest = (
                    sa.select(copy_rates.c.size, copy_rates.c.seconds)
                    .where(here & condition)
                    .order_by(copy_rates.c.id.desc())
                    .limit(COUNTED)
                )
                if rows := connection.execute(latest).all():
                    total = sum(row.seconds for row in rows)
                    return Rate(sum(row.size for row in rows) / total, len(rows), of)
        return None


def _key(datastores: Sequence[str]) -> str:
    return " ".join(sorted(datastores))
