"""How long the first load of a large inventory takes, beside a plain loop of RetrievePropertiesEx, and then a look-up.

Run `make bench`, or `python benchmarks/inventory.py [VMS]`. The inventory is that of VMware's simulator on this
machine, which itself takes minutes to make ten thousand VMs. Both loads read the same properties, in turn, three
times; look-ups are of random VMs by name, in this process. Goal: a look-up in less than a millisecond.

The first load takes longer than the loop: each property of an update has one element more to parse (`op`), and unset
properties are in it too. Nearly all of the CPU goes into pyVmomi's parser. On a busy machine, compare the CPU seconds.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from service.api.vcenter import VCenter
from service.bootstrap import KINDS
from service.vsphere.inventory import VMS, find_vm
from service.vsphere.session import Session, read_all
from service.vsphere.vcenters import VCenters
from tests.peers.vcsim import Vcsim

ROUNDS = 3
LOOKUPS = 10_000


def main() -> None:
    """Measure and print one table."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with Vcsim(("-vm", str(wanted // 2))) as vcsim:  # so many on a host, and as many in a cluster
        vcenter = VCenter.model_validate(
            {"url": vcsim.url, "user": vcsim.user, "password": vcsim.password, "ca_file": vcsim.ca_file}
        )
        loops, loads = [], []
        for _ in range(ROUNDS):
            loops.append(timed(lambda: asyncio.run(plain(vcenter))))
            loads.append(timed(lambda: asyncio.run(first_load(vcenter))))
        found, seconds = asyncio.run(lookups(vcenter))
    print(f"{found} VMs, median of {ROUNDS}                         seconds   of CPU here")
    for name, taken in (("plain RetrievePropertiesEx loop", loops), ("first load of the live inventory", loads)):
        wall, cpu = (statistics.median(each) for each in zip(*taken, strict=True))
        print(f"{name:<40} {wall:>10.2f} {cpu:>13.2f}")
    milliseconds = [each * 1000 for each in seconds]
    print(f"a look-up by name, later                  median {statistics.median(milliseconds):.4f} ms, ", end="")
    print(f"99 of 100 below {statistics.quantiles(milliseconds, n=100)[98]:.4f} ms, longest {max(milliseconds):.3f} ms")


async def plain(vcenter: VCenter) -> None:
    """Sign in and read the same properties of the same things in pages."""
    session = Session(vcenter)
    for kind in KINDS:
        await session.call(lambda instance, kind=kind: read_all(instance, kind.type, kind.properties))  # type: ignore[misc]
    await session.close()


async def first_load(vcenter: VCenter) -> None:
    """Sign in and follow until everything is known."""
    vcenters = VCenters([vcenter], KINDS)
    async with vcenters.following():
        await loaded(vcenters)


async def lookups(vcenter: VCenter) -> tuple[int, list[float]]:
    """How many VMs there are, and what each look-up took."""
    vcenters = VCenters([vcenter], KINDS)
    async with vcenters.following():
        await loaded(vcenters)
        names = [vm.name for vm in await vcenters.all(VMS)]
        seconds = []
        for name in random.Random(1).choices(names, k=LOOKUPS):
            began = time.perf_counter()
            await find_vm(vcenters, name)
            seconds.append(time.perf_counter() - began)
        return len(names), seconds


async def loaded(vcenters: VCenters) -> None:
    """Wait for the first load, however long it takes."""
    while not vcenters.freshness()[0].connected:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def timed(do: Callable[[], None]) -> tuple[float, float]:
    """Seconds that it took, and seconds of CPU that this process took for it."""
    began, worked = time.perf_counter(), time.process_time()
    do()
    return time.perf_counter() - began, time.process_time() - worked


if __name__ == "__main__":
    main()
