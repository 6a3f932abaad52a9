"""The picture of a drill replaces what stands in its place, and writes nowhere else."""

from __future__ import annotations

from pathlib import Path

from service.packages.picture import PICTURE, PNG, _replace


def test_planted_links_are_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"kept")
    folder = tmp_path / "backup"
    folder.mkdir()
    for name in (PICTURE, f"{PICTURE}.partial"):
        (folder / name).symlink_to(victim)

    _replace(folder / PICTURE, PNG)

    assert victim.read_bytes() == b"kept"
    assert not (folder / PICTURE).is_symlink()
    assert (folder / PICTURE).read_bytes() == PNG
    assert {each.name for each in folder.iterdir()} == {PICTURE, f"{PICTURE}.partial"}
