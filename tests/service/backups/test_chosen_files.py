"""Files that are taken out of disks have a place of their own, and leave nothing half-written that looks whole."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from service.api.settings import read_settings
from service.backups.catalogue import KeptFile, KeptVolume, read_catalogue
from service.backups.chosen_files import choose, folder_names
from service.backups.kept_files import FilesKept, FilesPackage, keep_files
from service.backups.staged_files import write_files
from service.errors import DiskFull, InvalidParams
from service.files.readers import DiskPlaces, FileReaders, PackageFiles
from service.files.values import Volume
from service.jobs.action import JobControl
from service.store.signing import Signer, open_signer
from tests.peers import file_systems as make
from tests.peers.fetch import require
from tests.peers.loop_mount import small_disk

TWINS = (("a-b", "c"), ("a", "b-c"))
"""A group and a volume each, whose names are one when a `-` stands for the `/`."""


class Quiet:
    """What a job does not need to tell here."""

    def say(self, detail: str) -> None:
        pass

    def report(self, done: int, total: int | None) -> None:
        pass


JOB = cast("JobControl", Quiet())


def disks(folder: Path, trees: Sequence[Path]) -> PackageFiles:
    """The files on a disk for each tree, with a logical volume."""
    for program in ("mke2fs",):
        require(program)
    names = []
    for number, (tree, (group, name)) in enumerate(zip(trees, TWINS, strict=False)):
        inner = make.ext("ext4")(folder / f"inner-{number}.img", tree)
        names.append(make.logical_volume(folder / f"disk-{number}.img", inner, group=group, name=name).name)
    return FileReaders().open(DiskPlaces(folder, names))


@pytest.fixture
def twins(tmp_path: Path) -> PackageFiles:
    """Two disks with a volume each, whose plain folder names are the same."""
    trees = [tmp_path / "first", tmp_path / "second"]
    for tree in trees:
        tree.mkdir()
        (tree / "name").write_text(tree.name)
    return disks(tmp_path, trees)


async def test_thing_that_is_neither_file_nor_folder_is_refused_in_words(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    os.mkfifo(tree / "pipe")
    package = disks(tmp_path, [tree])
    (volume,) = [each for each in (await package.volumes()).volumes if each.readable]

    with pytest.raises(InvalidParams, match="pipe is a special file, such as a pipe or a socket, and only files"):
        await choose(package, [volume], [f"{volume.name}:/pipe"], all_of_them=True)


def test_volumes_whose_names_become_one_have_a_folder_each() -> None:
    names = ["a-b/c", "a/b-c", "disk0/p1", f"{'v' * 127}/{'x' * 120}", f"{'v' * 127}/{'x' * 121}"]

    found = folder_names([Volume(name=name) for name in names])

    assert [found[name] for name in names[:3]] == ["a-b-c", "a-b-c~2", "disk0-p1"]
    assert len({*found.values()}) == len(names)
    assert max(map(len, found.values())) < 250


@pytest.mark.parametrize("paths", [[], ["a-b/c:/name", "a/b-c:/name"]])
def test_mounted_volumes_whose_names_become_one_are_both_there(
    twins: PackageFiles, tmp_path: Path, paths: list[str]
) -> None:
    dest = tmp_path / "dest"
    dest.mkdir()

    written = asyncio.run(write_files(twins, paths, dest, keep=0, root=tmp_path, job=JOB))

    assert written.names == ["a-b-c/", "a-b-c~2/", "volumes.json"]
    found = json.loads((dest / "volumes.json").read_text())["volumes"]
    read = {each["name"]: (dest / each["folder"] / "name").read_text() for each in found if each["folder"]}
    assert read == {"a-b/c": "first", "a/b-c": "second"}


def test_kept_volumes_whose_names_become_one_have_an_archive_each(twins: PackageFiles, tmp_path: Path) -> None:
    kept = asyncio.run(keep_files(twins, [], tmp_path, keep=0, job=JOB))

    read = {}
    for each in kept.volumes:
        if each.archive:
            with tarfile.open(tmp_path / each.archive.file) as archive:
                member = archive.extractfile("name")
                assert member is not None
                read[each.name] = member.read().decode()
    assert read == {"a-b/c": "first", "a/b-c": "second"}


@pytest.mark.parametrize("kept", [True, False])
def test_full_disk_is_reported_as_such(tmp_path: Path, kept: bool) -> None:
    """The disk is full before the free space is looked at again."""
    require("tmpfs-mount")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "large").write_bytes(os.urandom(8 << 20))
    package = disks(tmp_path, [tree])

    with small_disk(tmp_path / "small", "4m") as small:
        if kept:
            work = keep_files(package, [], small, keep=0, job=JOB)
        else:
            work = write_files(package, [], small, keep=0, root=tmp_path, job=JOB)
        with pytest.raises(DiskFull, match="is full"):
            asyncio.run(work)


def package_with_files(backups: Path, signer: Signer) -> tuple[FilesPackage, FilesKept]:
    """An incomplete package with a disk, the record of the disks and an archive."""
    package = FilesPackage(backups, "web", "a1")
    folder = package.open()
    (folder / "web-disk-0.vmdk").write_bytes(b"a disk")
    (folder / "disk0.tar").write_bytes(b"an archive")
    record = {"job": "a1", "vm": {"name": "web"}, "created_at": datetime.now(UTC).isoformat(), "disks": []}
    package.finish("", [], record, signer)
    archive = KeptFile(file="disk0.tar", size=10, sha256="ab" * 32)
    return package, FilesKept(volumes=[KeptVolume(name="disk0", archive=archive)], files=1, size=3)


class Cut:
    """Lets the call of this number fail, of those that change a folder, as if the process had died there."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int) -> None:
        self.left = number
        for name in ("rename", "replace", "unlink"):
            patch.setattr(Path, name, self.cut(getattr(Path, name)))

    def cut(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Path, *words: Any, **more: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise OSError(errno.EIO, "cut")
            return real(path, *words, **more)

        return call


def test_end_of_a_backup_of_files_may_be_cut_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next attempt completes it."""
    signer = open_signer(read_settings({"VMKOPS_DATA_DIR": str(tmp_path)}))
    cut = 0
    for number in range(1, 100):
        shutil.rmtree(tmp_path / "backups", ignore_errors=True)
        package, kept = package_with_files(tmp_path / "backups", signer)
        with monkeypatch.context() as patch, contextlib.suppress(OSError):
            Cut(patch, number)
            package.keep(kept, ["/etc"], signer)
            break
        cut += 1
        assert [each.type for each in read_catalogue(tmp_path / "backups")] in ([], ["file"])

        names = package.keep(kept, ["/etc"], signer)

        assert names == ["backup.json", "backup.json.sig", "disk0.tar", "web.mf", "web.mf.sig"]
        (found,) = read_catalogue(tmp_path / "backups")
        assert (found.state, found.type, found.paths) == ("unverified", "file", ["/etc"])
    assert cut >= 4
