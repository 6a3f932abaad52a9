"""A fetch that fails at its very end leaves either a whole kept backup, and says so, or nothing."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from service.actions.fetch_backup import give_up
from service.copies import fetched as module
from service.copies.fetched import Fetched


@pytest.fixture
def fetched(tmp_path: Path) -> Fetched:
    """The folder of a backup whose files are all there."""
    made = Fetched(tmp_path, "job", "0123")
    made.open()
    (made.folder / "backup.json").touch()
    return made


def names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


async def test_backup_whose_name_is_not_on_the_disk_is_not_kept(
    fetched: Fetched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(module, "sync", fails)
    with pytest.raises(OSError, match="Input/output"):
        fetched.publish("web")

    assert (await give_up(fetched)).detail == "nothing of it is left"
    assert names(tmp_path) == []


async def test_backup_that_is_kept_already_is_not_said_to_be_gone(fetched: Fetched) -> None:
    to = fetched.publish("web")

    said = (await give_up(fetched)).detail

    assert said == f"the backup is among the kept backups all the same, as a whole one: {to}"
    assert names(to) == ["backup.json"]
