"""Tables of an earlier version get their missing columns at the start, and keep their rows."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from service.api.settings import read_settings
from service.store.database import open_database
from service.store.snapshot_ledger import SnapshotLedger


async def test_ledger_of_an_earlier_version_keeps_its_rows_and_gets_the_column_for_vcenters(tmp_path: Path) -> None:
    settings = read_settings({"VMKOPS_DATA_DIR": str(tmp_path)})
    with sqlite3.connect(tmp_path / "vmkops.sqlite") as old:
        old.execute(
            "CREATE TABLE vmkops_snapshots (job VARCHAR PRIMARY KEY, vm VARCHAR NOT NULL, vm_name VARCHAR NOT NULL, "
            "nonce VARCHAR NOT NULL, moref VARCHAR NOT NULL, created_at VARCHAR NOT NULL, removed_at VARCHAR, "
            "trouble VARCHAR NOT NULL)"
        )
        old.execute("INSERT INTO vmkops_snapshots VALUES ('j1', 'vm-1', 'web-01', 'n', '', '2026-01-01', NULL, '')")
    old.close()

    for _ in range(2):  # a second start finds nothing to do
        engine = open_database(settings)
        rows = await SnapshotLedger(engine).open_rows()
        engine.dispose()

    assert [(row.job, row.vcenter, row.vm_name) for row in rows] == [("j1", "default", "web-01")]
