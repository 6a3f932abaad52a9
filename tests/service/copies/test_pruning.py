"""A target that several installations share: each prunes only the copies that it has signed itself."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service.api.copy_settings import CopyTable, CopyTarget
from service.api.settings import read_settings
from service.copies.pruning import prune
from service.copies.store import CopyStore
from service.store.signing import FOLDER, PUBLIC, TRUSTED, open_signer
from tests.signed_packages import keep_signed


async def test_copies_of_another_installation_stay_though_its_key_is_trusted(tmp_path: Path) -> None:
    target, now = tmp_path / "target", datetime.now(UTC)
    target.mkdir()
    for data in ("mine", "theirs"):
        for age in (1, 2, 3):
            package = keep_signed(tmp_path / data, f"{data}-{age}", now - timedelta(days=age))
            shutil.copytree(package, target / f"{data}-{age}")
    signer = open_signer(read_settings({"VMKOPS_DATA_DIR": str(tmp_path / "mine")}))
    shutil.copy(tmp_path / "theirs" / FOLDER / PUBLIC, tmp_path / "mine" / FOLDER / TRUSTED / "theirs.pem")
    store = CopyStore(CopyTarget("nas", CopyTable(kind="directory", path=target, keep="1")))

    pruned = await prune(store, signer, tmp_path / "mine" / "backups")

    assert sorted(pruned.removed) == ["mine-2", "mine-3"]
    assert sorted(each.name for each in target.iterdir()) == ["mine-1", "theirs-1", "theirs-2", "theirs-3"]
