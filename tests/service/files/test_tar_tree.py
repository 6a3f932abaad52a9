"""The archives of a backup of files are read as the volumes that they come from, and hostile ones do no harm."""

from __future__ import annotations

import asyncio
import io
import tarfile
from pathlib import Path

import pytest

from service.errors import DiskUnreadable, NotFound
from service.files.names import DEEPEST
from service.files.readers import DiskPlaces, FileReaders, PackageFiles
from service.files.values import Volume

MEMBERS = {"etc/deep/hosts": b"hosts\n", "etc/Big": bytes(range(256)) * 9000}


def archive(path: Path, members: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    """A tar archive with these files and links."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as made:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.uid = len(content), 0o4751, 1234
            made.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            made.addfile(info)
    return path


def opened(path: Path, kind: str = "ext4") -> PackageFiles:
    """The files of a backup whose root volume is in the archive, and whose other volume is not there."""
    root, other = Volume(name="disk0/p1", type=kind, used_as="/"), Volume(name="disk0/p2", used_as="/srv")
    return FileReaders().open(DiskPlaces(path.parent, [], archives=[(root, path.name), (other, "")]))


def read(files: PackageFiles, path: str, offset: int = 0, size: int | None = None) -> bytes:
    """The bytes of a file."""

    async def collect() -> bytes:
        return b"".join([each async for each in files.pieces(path, offset=offset, size=size)])

    return asyncio.run(collect())


def listed(files: PackageFiles, path: str, depth: int = 0) -> list[str]:
    """The paths below a folder."""

    async def collect() -> list[str]:
        return [each.path async for batch in files.entries(path, depth=depth) for each in batch]

    return asyncio.run(collect())


def test_files_of_an_archive_are_read_like_those_of_a_disk(tmp_path: Path) -> None:
    files = opened(archive(tmp_path / "a.tar", MEMBERS, {"etc/link": "/etc/deep"}))

    assert read(files, "/etc/deep/hosts") == read(files, "/etc/link/hosts") == b"hosts\n"
    assert read(files, "disk0/p1:/etc/Big", offset=1_500_001, size=70_000) == MEMBERS["etc/Big"][1_500_001:1_570_001]
    assert listed(files, "/") == ["/etc", "/etc/Big", "/etc/deep", "/etc/deep/hosts", "/etc/link"]
    entry = asyncio.run(files.stat("/etc/Big"))
    assert (entry.mode, entry.uid, entry.size) == (0o4751, 1234, len(MEMBERS["etc/Big"]))
    with pytest.raises(NotFound, match="This backup has no files of it"):
        read(files, "/srv/www")


def test_case_counts_as_in_the_file_system_that_was_there(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar", MEMBERS)

    assert read(opened(path, "ntfs"), "/ETC/DEEP/HOSTS") == b"hosts\n"
    with pytest.raises(NotFound):
        read(opened(path, "ext4"), "/ETC/DEEP/HOSTS")


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "etc//passwd", "etc/./passwd", "a/" * (2 * DEEPEST + 2) + "b"]
)
def test_name_that_no_backup_gives_is_refused(tmp_path: Path, name: str) -> None:
    files = opened(archive(tmp_path / "a.tar", {name: b"x"}))

    with pytest.raises(DiskUnreadable, match="is damaged"):
        listed(files, "disk0/p1:/")


def test_file_with_something_below_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiskUnreadable, match="is damaged"):
        listed(opened(archive(tmp_path / "a.tar", {"a": b"x", "a/b": b"y"})), "disk0/p1:/")


def test_archive_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar", MEMBERS)
    with path.open("r+b") as file:
        file.truncate(100_000)

    with pytest.raises(DiskUnreadable, match="is damaged"):
        listed(opened(path), "/etc")


def test_archive_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "b.tar").symlink_to(archive(tmp_path / "a.tar", MEMBERS))

    with pytest.raises(NotFound, match="cannot be opened"):
        listed(opened(tmp_path / "b.tar"), "disk0/p1:/etc")


@pytest.mark.parametrize("block", [b"\0" * 512, b"\xff" * 512], ids=["zeros", "damaged"])
def test_archive_whose_middle_is_damaged_is_not_taken_for_a_shorter_one(tmp_path: Path, block: bytes) -> None:
    content = archive(tmp_path / "a.tar", {"first": b"1", "second": b"2", "third": b"3"}).read_bytes()
    (tmp_path / "a.tar").write_bytes(content[:1024] + block + content[1536:])

    with pytest.raises(DiskUnreadable, match="does not end as an archive does"):
        listed(opened(tmp_path / "a.tar"), "/")


def test_folders_as_deep_as_can_be_chosen_are_read_and_deeper_ones_are_told(tmp_path: Path) -> None:
    deep = "/".join(["d"] * (DEEPEST + 1))
    files = opened(archive(tmp_path / "a.tar", {f"{deep}/file": b"", "etc/hosts": b"hosts\n"}))

    assert read(files, "/etc/hosts") == b"hosts\n"
    with pytest.raises(DiskUnreadable, match=f"more than {DEEPEST} deep"):
        listed(files, "/")
    assert listed(files, "/d")[-1] == f"/{deep}/file"
