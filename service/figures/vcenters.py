"""vCenters: whether each answers, how old its inventory is, and what vSphere itself reports of its VMs."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Metric

from service.figures.part import Part, gauge
from service.vsphere.inventory import VMS
from service.vsphere.vcenters import VCenters

LABEL = ("vcenter",)


class VCenterFigures(Part):
    """The vCenters as the live inventory of this process has them; vCenter itself is never asked."""

    name = "vcenters"

    def __init__(self, vcenters: VCenters) -> None:
        super().__init__()
        self._vcenters = vcenters
        self._unmerged: dict[tuple[str, ...], float] = {}

    async def look(self) -> None:
        """Count the VMs of each inventory that was loaded."""
        loaded = [each.vcenter for each in self._vcenters.freshness() if each.as_of is not None]
        links = [self._vcenters.link(name) for name in loaded]
        self._unmerged = {
            (link.name,): sum(vm.consolidation_needed for vm in link.inventory.all(VMS)) for link in links
        }

    def metrics(self, *, vm_names: bool) -> Iterable[Metric]:  # noqa: ARG002
        """The state of each vCenter now."""
        states = self._vcenters.freshness()
        yield gauge(
            "vmkops_vcenter_connected",
            "1 when the vCenter answers and its inventory is current, 0 otherwise.",
            {(each.vcenter,): each.connected for each in states},
            LABEL,
        )
        yield gauge(
            "vmkops_vcenter_age_seconds",
            "How long ago the vCenter last answered.",
            {(each.vcenter,): each.age_seconds for each in states if each.age_seconds is not None},
            LABEL,
        )
        yield gauge(
            "vmkops_consolidation_needed", "VMs whose disks vSphere asks to consolidate.", self._unmerged, LABEL
        )
