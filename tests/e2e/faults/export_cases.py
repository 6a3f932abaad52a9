"""The rows of an export of a VM that is powered off."""

from __future__ import annotations

from tests.e2e.faults.cases import Row

EXPORT = [
    Row(
        action="export-ovf",
        step="open the lease",
        call="ExportVm",
        open_lease=("answer lost", "time-out", "late", "kill -9"),
    ),
    Row(
        action="export-ovf",
        step="open the lease",
        call="WaitForUpdatesEx",
        since="ExportVm",
        open_lease=("kill -9",),
    ),
    Row(action="export-ovf", step="copy the disks", call="HttpNfcLeaseGetManifest", ends={"refused": "succeeded"}),
    Row(action="export-ovf", step="describe", call="CreateDescriptor"),
    Row(action="export-ovf", step="close the lease", call="HttpNfcLeaseComplete", ends={"refused": "succeeded"}),
]
