"""Files come out of the disks of a package byte by byte, and hostile disks do no harm."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from service.errors import Conflict, DiskUnreadable, InvalidParams, NotFound, VmkopsError
from service.files.extract import extract
from service.files.readers import MOST, DiskPlaces, FileReaders, PackageFiles
from service.files.stored import Disks, Stored
from service.files.values import Entry, Extent
from service.workers import landlock
from tests.peers import file_systems as make
from tests.peers.fetch import require

BIG = random.Random(4).randbytes(3_000_000)
HOSTILE = (b"new\nline", b"bad\xff\xfename", b"\x1b[31mred", b"a" * 255, b"back\\slash", "ümläut".encode())
PROGRAMS = ("qemu-img", "mke2fs", "mkfs.xfs", "mkfs.vfat", "mcopy", "mkntfs", "ntfscp", "sfdisk")


@pytest.fixture(scope="session")
def disks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an image of each file system, `plain-TYPE.img`, and what some tests make of them."""
    for program in PROGRAMS:
        require(program)
    folder = tmp_path_factory.mktemp("disks")
    tree = folder / "tree"
    (tree / "etc/deep").mkdir(parents=True)
    (tree / "usr").mkdir()
    (tree / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (tree / "etc/fstab").write_text(
        "/dev/mapper/vg--0-root / ext4 defaults 0 1\nLABEL=on-xfs /srv/data xfs defaults 0 2\n"
    )
    (tree / "etc/deep/note.conf").write_text("deep\n")
    (tree / "big.bin").write_bytes(BIG)
    (tree / "big.bin").chmod(0o640)
    os.utime(tree / "big.bin", (1_700_000_000, 1_700_000_000))
    (tree / "empty").touch()
    (tree / "shadow").symlink_to("/etc/hosts")
    made: dict[str, Callable[[Path, Path], Path]] = {
        "ext2": make.ext("ext2"),
        "ext3": make.ext("ext3"),
        "ext4": make.ext("ext4"),
        "xfs": make.xfs,
        "fat": make.fat,
        "ntfs": make.ntfs,
    }
    for kind, maker in made.items():
        maker(folder / f"plain-{kind}.img", tree)
    return folder


@pytest.fixture(scope="session")
def hostile(disks: Path) -> Path:
    """An ext4 image with strange names and things that are no files."""
    tree = disks / "hostile"
    tree.mkdir()
    for name in HOSTILE:
        Path(os.fsdecode(os.fsencode(tree) + b"/" + name)).write_bytes(name)
    (tree / "out").symlink_to("../../../../../../etc/passwd")
    (tree / "loop").symlink_to("loop")
    os.mkfifo(tree / "pipe")
    with (tree / "sparse").open("wb") as file:
        file.truncate(10 << 40)
    return make.ext("ext4")(disks / "hostile.img", tree)


def files_of(folder: Path, *names: str) -> PackageFiles:
    return FileReaders().open(DiskPlaces(folder, list(names)))


async def listed(files: PackageFiles, path: str, **how: object) -> list[Entry]:
    return [entry async for batch in files.entries(path, **how) for entry in batch]  # type: ignore[arg-type]


def within(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def content(files: PackageFiles, path: str, **part: int) -> bytes:
    return b"".join([piece async for piece in files.pieces(path, **part)])


@pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4", "xfs", "fat", "ntfs"])
async def test_each_file_system_gives_the_bytes_that_went_in(disks: Path, kind: str) -> None:
    files = files_of(disks, f"plain-{kind}.img")

    (volume,) = (await files.volumes()).volumes
    names = {entry.name: entry for entry in await listed(files, "/", depth=1)}

    assert (volume.name, volume.type, volume.readable) == ("disk0", kind, True)
    assert await content(files, "/big.bin") == BIG
    assert await content(files, "/big.bin", offset=1_000_001, size=70_000) == BIG[1_000_001:1_070_001]
    assert names["big.bin"].size == len(BIG)
    assert names["big.bin"].kind == "file"
    assert names["empty"].size == 0
    assert await content(files, "/empty") == b""
    if kind != "ntfs":  # ntfscp makes no folders
        assert await content(files, "/etc/hosts") == b"127.0.0.1 localhost\n"
        found = await listed(files, "/", pattern="*.CONF")
        assert [entry.path for entry in found] == ["/etc/deep/note.conf"]
    if kind.startswith("ext"):
        assert (names["big.bin"].mode, names["big.bin"].mtime) == (0o640, 1_700_000_000)
    if kind in ("ext4", "xfs"):
        assert (names["shadow"].kind, names["shadow"].target) == ("link", "/etc/hosts")
        assert await content(files, "/shadow") == b"127.0.0.1 localhost\n"
        assert volume.label == f"on-{kind}"


@pytest.mark.parametrize("form", ["streamOptimized", "monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse"])
async def test_each_form_of_a_vmdk_is_read(disks: Path, form: str) -> None:
    disk = make.vmdk(disks / "plain-ext4.img", form)

    assert await content(files_of(disks, disk.name), "/big.bin") == BIG


@pytest.mark.parametrize("table", ["dos", "gpt"])
async def test_partitions_and_logical_volumes_are_found_and_mounted_as_the_guest_does(disks: Path, table: str) -> None:
    pv = make.logical_volume(disks / f"pv-{table}.img", disks / "plain-ext4.img", group="vg-0")
    parts = [disks / "plain-fat.img", disks / "plain-ntfs.img", pv, disks / "plain-xfs.img"]
    disk = make.partitioned(disks / f"parts-{table}.img", parts, table)
    files = files_of(disks, disk.name)

    volumes = {each.name: each for each in (await files.volumes()).volumes}

    last = ("p5", "p6") if table == "dos" else ("p3", "p4")  # logical partitions are counted from 5
    kinds = {name: each.type for name, each in volumes.items()}
    assert kinds == {
        "disk0": "partitions",
        "disk0/p1": "fat",
        "disk0/p2": "ntfs",
        f"disk0/{last[0]}": "lvm2",
        f"disk0/{last[1]}": "xfs",
        "vg-0/root": "ext4",
    }
    assert volumes["vg-0/root"].used_as == "/"
    assert volumes[f"disk0/{last[1]}"].used_as == "/srv/data"
    assert await content(files, "/big.bin") == BIG
    assert await content(files, "/srv/data/etc/hosts") == b"127.0.0.1 localhost\n"
    assert await content(files, "disk0/p2:/BIG.bin") == BIG  # NTFS has no case
    assert (await files.stat("/srv/data/etc")).path == "/srv/data/etc"


MAGICS = {
    "bitlocker": (3, b"-FVE-FS-"),
    "refs": (3, b"ReFS\0\0\0\0"),
    "mdraid": (4096, b"\xfc\x4e\x2b\xa9"),
    "zfs": (132 << 10, b"\x0c\xb1\xba\0\0\0\0\0".ljust(1024, b"\0") * 3),
}
"""Where each of these has its mark; see `service.files.signatures`. Their tools need root, or are not in Debian."""


@pytest.mark.parametrize("kind", ["btrfs", "luks", "swap", *MAGICS])
async def test_what_cannot_be_read_is_named_with_what_to_do(disks: Path, tmp_path: Path, kind: str) -> None:
    if kind in MAGICS:
        at, magic = MAGICS[kind]
        (tmp_path / "disk.img").write_bytes((bytes(at) + magic).ljust(1 << 20, b"\0"))
    elif kind == "btrfs":
        require("mkfs.btrfs")
        make.btrfs(tmp_path / "disk.img", disks / "tree")
    else:
        require("cryptsetup" if kind == "luks" else "mkswap")
        (make.luks if kind == "luks" else make.swap)(tmp_path / "disk.img")
    files = files_of(tmp_path, "disk.img")

    (volume,) = (await files.volumes()).volumes

    assert (volume.type, volume.readable) == (kind, False)
    says = "no files" if kind == "swap" else "vmkops action restore"
    assert says in volume.note
    for path in ("disk0:/", "/etc/hosts"):
        with pytest.raises(NotFound, match=says):
            await listed(files, path)
    if kind in ("btrfs", "luks"):
        assert len(volume.uuid) == 36


async def test_strange_names_are_escaped_and_can_be_asked_for(hostile: Path) -> None:
    files = files_of(hostile.parent, hostile.name)

    found = {entry.name: entry for entry in await listed(files, "/", depth=1)}

    assert {r"new\x0aline", r"bad\xff\xfename", r"\x1b[31mred", r"back\\slash", "ümläut", "a" * 255} <= set(found)
    assert all(name.isprintable() for name in found)
    for name, raw in ((r"bad\xff\xfename", b"bad\xff\xfename"), (r"back\\slash", b"back\\slash")):
        assert await content(files, f"/{name}") == raw
    assert found["sparse"].size == 10 << 40
    assert await content(files, "/sparse", offset=5 << 40, size=100) == bytes(100)


async def test_extraction_stays_in_its_folder_and_makes_files_and_folders_only(hostile: Path, tmp_path: Path) -> None:
    files = files_of(hostile.parent, hostile.name)
    with pytest.raises(NotFound, match="no etc"):  # the link leads to the top of the volume, not of this machine
        await content(files, "/out")
    with pytest.raises(NotFound, match="symbolic links"):
        await content(files, "/loop")
    with pytest.raises(InvalidParams, match="regular file"):
        await content(files, "/pipe")
    with pytest.raises(InvalidParams, match=r"\.\."):
        await content(files, "/../etc/passwd")

    await extract(files, [r"/bad\xff\xfename"], tmp_path)

    assert [os.fsencode(path.name) for path in within(tmp_path)] == [b"bad\xff\xfename"]
    with pytest.raises(Conflict, match="exists already"):
        await extract(files, [r"/bad\xff\xfename"], tmp_path)


async def test_folder_is_extracted_whole_with_modes_and_times(disks: Path, tmp_path: Path) -> None:
    done = await extract(files_of(disks, "plain-ext4.img"), ["/etc", "disk0:/"], tmp_path)

    assert [path.name for path in within(tmp_path)] == ["disk0", "etc"]
    assert (tmp_path / "etc/deep/note.conf").read_text() == "deep\n"
    big = tmp_path / "disk0/big.bin"
    assert big.read_bytes() == BIG
    assert (big.stat().st_mode & 0o777, int(big.stat().st_mtime)) == (0o640, 1_700_000_000)
    assert done.left_out == ["disk0/shadow"]
    assert not (tmp_path / "disk0/shadow").is_symlink()


async def test_vmdk_opens_no_file_outside_of_its_package(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret" * 1000)
    package = tmp_path / "package"
    package.mkdir()
    (package / "disk.vmdk").write_text(
        "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
        'createType="monolithicFlat"\n\n# Extent description\nRW 11 FLAT "../secret" 0\n\n'
        "# The Disk Data Base\n#DDB\n\n"
    )
    (package / "secret").symlink_to(tmp_path / "secret")

    (volume,) = (await files_of(package, "disk.vmdk").volumes()).volumes

    assert not volume.readable
    assert "symbolic link" in volume.note


def lying(image: Path, entries: list[tuple[int, int, int]]) -> None:
    """A disk with a partition table of these types, starts and lengths, in sectors."""
    table = b"".join(struct.pack("<B3sB3sII", 0, b"", kind, b"", start, size) for kind, start, size in entries)
    image.write_bytes((bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa").ljust(4 << 20, b"\0"))


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([(0x83, 2048, 4096), (0x83, 3000, 100)], "overlaps"),
        ([(0x83, 2048, 1 << 30)], "beyond the end"),
        ([(0x83, 1 << 30, 8)], ""),
        ([(0x05, 0, 8192)], ""),  # an extended partition that leads to itself
    ],
)
async def test_partition_table_that_lies_is_contained(
    tmp_path: Path, entries: list[tuple[int, int, int]], says: str
) -> None:
    lying(tmp_path / "disk.img", entries)

    volumes = (await files_of(tmp_path, "disk.img").volumes()).volumes

    assert says in volumes[0].note
    assert all(each.offset + each.size <= 4 << 20 for each in volumes)
    with pytest.raises(NotFound):
        await listed(files_of(tmp_path, "disk.img"), "/")


@pytest.mark.parametrize("kind", ["ext4", "xfs", "fat", "ntfs"])
async def test_damaged_file_system_ends_in_words(disks: Path, tmp_path: Path, kind: str) -> None:
    """Bytes all over the disk are changed; whatever happens is an answer or an error of ours."""
    dice = random.Random(kind)
    whole = bytearray((disks / f"plain-{kind}.img").read_bytes()[: 24 << 20])
    said: list[str] = []
    for attempt in range(4):
        harmed = bytearray(whole)
        for _ in range(10 ** (attempt + 1)):
            harmed[dice.randrange(600, 2 << 20)] = dice.randrange(256)
        (tmp_path / "disk.img").write_bytes(harmed)
        files = files_of(tmp_path, "disk.img")
        try:
            for entry in await listed(files, "/"):
                assert entry.name.isprintable()
            await content(files, "/big.bin")
        except VmkopsError as error:
            said.append(str(error))
    assert all(map(str.isprintable, said))


async def test_disk_cut_off_is_reported(disks: Path, tmp_path: Path) -> None:
    whole = make.vmdk(disks / "plain-ext3.img", "streamOptimized").read_bytes()
    (tmp_path / "disk.vmdk").write_bytes(whole[: len(whole) // 2])
    files = files_of(tmp_path, "disk.vmdk")

    with pytest.raises((DiskUnreadable, NotFound)):
        await content(files, "/big.bin")


async def test_file_that_only_begins_like_a_vmdk_is_named_without_the_words_of_a_library(tmp_path: Path) -> None:
    for number, data in enumerate((b"KDMV" + bytes(4096), b"# Disk DescriptorFile\nversion=1\n")):
        (tmp_path / f"disk{number}.vmdk").write_bytes(data)
        with pytest.raises(NotFound) as refused:
            await content(files_of(tmp_path, f"disk{number}.vmdk"), "/x")
        reason = "it is cut off or damaged, or has a form that vmkops does not know."
        assert str(refused.value).endswith(f" disk{number}.vmdk is not a VMDK that can be read: {reason}")


async def test_reader_whose_answer_nobody_takes_any_more_gives_its_turn_back(hostile: Path) -> None:
    files = files_of(hostile.parent, hostile.name)

    for _ in range(MOST + 1):
        pieces = files.pieces("/sparse")
        await anext(pieces)
        await asyncio.sleep(0.5)  # more comes than the pipe and the buffer hold, so asyncio stops to read
        async with asyncio.timeout(60):
            await pieces.aclose()

    assert (await files.stat("/sparse")).size == 10 << 40


def test_process_that_reads_disks_imports_no_framework() -> None:
    # It starts for each request: pydantic alone takes longer to import than most requests to answer.
    modules = "import service.files.child, service.files.reader, service.files.trees, sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-P", "-c", modules], capture_output=True, text=True, check=True)
    assert not {"pydantic", "asyncio", "aiohttp", "knowledge"} & set(ran.stdout.split())


def holed(folder: Path, kind: str) -> bytes:
    """Put `big.bin` of 6 MB with holes, and with space that is kept for it and not written, on a dirty image."""
    tree = folder / "tree"
    (tree / "etc").mkdir(parents=True)
    with (tree / "big.bin").open("wb") as file:
        file.write(BIG)
        file.seek(4_000_000)
        file.write(BIG[:1_000_001])
        file.truncate(6_000_000)
    image = folder / "disk.img"
    image.write_bytes(b"\xab" * (24 << 20))
    words = [str(require("mke2fs")), "-q", "-F", "-t", kind, "-d", str(tree), str(image)]
    subprocess.run(words, check=True)
    if kind == "ext4":
        asked = b"write /dev/null kept\nfallocate kept 0 500\nsif kept size 2000000\n"
        subprocess.run([str(require("debugfs")), "-w", "-f", "-", str(image)], input=asked, check=True)
    return (tree / "big.bin").read_bytes()


@pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4"])
async def test_holes_and_space_not_written_are_zeros_whatever_the_disk_has_there(tmp_path: Path, kind: str) -> None:
    expected = holed(tmp_path, kind)
    files = files_of(tmp_path, "disk.img")

    assert await content(files, "/big.bin") == expected
    assert await content(files, "/big.bin", offset=2_999_999, size=1_500_000) == expected[2_999_999:4_499_999]
    if kind == "ext4":
        assert await content(files, "/kept") == bytes(2_000_000)


async def test_large_file_of_a_raw_disk_comes_from_the_disk_itself(disks: Path) -> None:
    async with contextlib.aclosing(files_of(disks, "plain-ext4.img").file("/big.bin", start=1000)) as answers:
        found = [each async for each in answers if isinstance(each, Stored)]
        assert sum(each.size for each in found) == len(BIG) - 1000


@pytest.mark.parametrize(
    "extent", [Extent("other.img", 0, 10), Extent("../disk.img", 0, 10), Extent("disk.img", 90, 11), Extent("", 0, -1)]
)
def test_reader_that_was_taken_over_gets_no_bytes_outside_of_its_disks(tmp_path: Path, extent: Extent) -> None:
    for name in ("disk.img", "other.img"):
        (tmp_path / name).write_bytes(bytes(100))
    with Disks(tmp_path, ["disk.img"]) as disks, pytest.raises(DiskUnreadable):
        list(disks.stored([extent]))


TAKEN_OVER = """
import os, socket

class Root:
    inode_number = 1
    def __init__(self, done): self.done = done
    number_of_sub_file_entries = property(lambda self: len(self.done))
    def get_sub_file_entry(self, number):
        return type("Own", (), {"name": self.done[number], "inode_number": 2, "file_mode": 0o100600, "size": 0,
            "owner_identifier": 0, "group_identifier": 0, "get_modification_time_as_integer": lambda self: 0})()

class volume:
    def open_file_object(self, source): pass
    def get_root_directory(self):
        tried = {
            "its own disk": lambda: open(TOP + "/package/plain-xfs.img", "rb").close(),
            "another file": lambda: open(TOP + "/secret", "rb").close(),
            "a new file": lambda: open(TOP + "/package/new", "wb").close(),
            "another program": lambda: os.execv("/bin/true", ["true"]),
            "a connection": lambda: socket.create_connection(("127.0.0.1", PORT), 60).close(),
        }
        done = []
        for name, attempt in tried.items():
            try:
                attempt()
                done.append(name)
            except OSError:
                pass
        return Root(done)
"""


async def test_library_that_a_disk_took_over_reads_the_disk_and_nothing_else(
    disks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("package", "libraries"):
        (tmp_path / folder).mkdir()
    (tmp_path / "secret").write_text("secret")
    os.link(disks / "plain-xfs.img", tmp_path / "package/plain-xfs.img")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "libraries"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        own = f"TOP, PORT = {str(tmp_path)!r}, {server.getsockname()[1]}\n"
        (tmp_path / "libraries/pyfsxfs.py").write_text(own + TAKEN_OVER)
        answer = listed(files_of(tmp_path / "package", "plain-xfs.img"), "disk0:/")
        if landlock.version() < 4:  # this kernel cannot keep it from the network, and may not keep it from anything
            with pytest.raises(VmkopsError):  # another program has taken the place of the reader
                await answer
            return
        found = await answer

    assert [each.name for each in found] == ["its own disk"]
