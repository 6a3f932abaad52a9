"""How fast files come out of a kept backup, over HTTP, beside 7-Zip that reads the same disks.

Run `python benchmarks/files.py [MB [FILES [ROUNDS]]]`. One disk of ext4 has a file of so many MiB that cannot be
compressed, once as a raw image in a tar archive of a save profile, and once as a stream-optimized VMDK; another one has
so many small files. Each round runs every way in turn, and the median counts; what is read ends in a file. Goal: half
the speed of 7-Zip for the raw image.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.kept_packages import keep_package
from tests.peers.fetch import obtain
from tests.running_service import RunningService

ROUNDS = 3
MB = 1 << 20


def main() -> None:
    """Measure and print one table."""
    numbers = [int(each) for each in sys.argv[1:]]
    megabytes, many, rounds = [*numbers, *(1024, 100_000, ROUNDS)[len(numbers) :]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw, packed, small = _disks(folder, megabytes, many)
        data = folder / "data"
        for backup, disk in (("packed", packed), ("small", folder / "small.vmdk")):
            keep_package(data / "backups", backup, datetime.now(UTC), vm=backup, content=disk.read_bytes())
        member = "uuid-of-raw/disk-0.raw"
        with tarfile.open(folder / "raw-disk-0.tar", "w") as archive:
            archive.add(raw, member)
        disk = {"file": "raw-disk-0.vmdk", "archive": "raw-disk-0.tar", "path": member, "size": 0, "sha256": "0" * 64}
        saved = {"profile": "kept", "kind": "tar", "disks": [disk | {"size": raw.stat().st_size}]}
        keep_package(data / "backups", "raw", datetime.now(UTC), vm="raw", saved=saved)
        (folder / "vmkops.toml").write_text(f'[save.kept]\nkind = "tar"\nrepository = "{folder}"\n')
        seven = str(obtain("7z"))
        with RunningService(data, {"VMKOPS_CONFIG": str(folder / "vmkops.toml")}) as service:
            ways = {
                f"raw image, {megabytes} MiB: vmkops": _get(service, folder, "raw"),
                f"raw image, {megabytes} MiB: 7z": _seven(seven, folder, raw),
                f"VMDK, {megabytes} MiB: vmkops": _get(service, folder, "packed"),
                f"VMDK, {megabytes} MiB: 7z": _seven_packed(seven, folder, packed),
                f"list of {many} files: vmkops": _list(service, "small"),
                f"list of {many} files: 7z": lambda: _run([seven, "l", str(small)]),
            }
            took: dict[str, list[float]] = {way: [] for way in ways}
            peak: dict[str, int] = dict.fromkeys(ways, 0)
            for _ in range(rounds):
                for way, do in ways.items():
                    with Watch(service.pid) as watch:
                        began = time.monotonic()
                        do()
                        took[way].append(time.monotonic() - began)
                    peak[way] = max(peak[way], watch.peak)
    print(f"{'':36}{'seconds':>9}{'MiB/s':>8}{'of 7z':>8}{'memory of the reader':>24}")
    for way, times in took.items():
        seconds = statistics.median(times)
        rate = "" if way.startswith("list") else f"{megabytes / seconds:.0f}"
        beside = statistics.median(took[way.replace("vmkops", "7z")]) / seconds
        share, memory = ("", "") if way.endswith("7z") else (f"{beside:.2f}", f"{peak[way] / MB:.0f} MiB")
        print(f"{way:36}{seconds:9.2f}{rate:>8}{share:>8}{memory:>24}")
    print(f"rounds {rounds}, processors {os.cpu_count()}, load {' '.join(f'{each:.1f}' for each in os.getloadavg())}")


def _disks(folder: Path, megabytes: int, many: int) -> tuple[Path, Path, Path]:
    big, small = folder / "big", folder / "small"
    big.mkdir()
    with (big / "file").open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(MB))
    for number in range(many):
        below = small / f"{number % 100:02}"
        below.mkdir(parents=True, exist_ok=True)
        (below / f"file-{number:06}.conf").write_text(f"{number}\n")
    raw, little = folder / "raw.img", folder / "little.img"
    _ext4(raw, big, megabytes * 5 // 4 + 64, 1000)
    _ext4(little, small, many // 100 + 256, many + 1000)
    convert = [str(obtain("qemu-img")), "convert", "-O", "vmdk", "-o", "subformat=streamOptimized"]
    packed = folder / "packed.vmdk"
    _run([*convert, str(raw), str(packed)])
    _run([*convert, str(little), str(folder / "small.vmdk")])
    return raw, packed, little


def _ext4(image: Path, tree: Path, megabytes: int, inodes: int) -> None:
    with image.open("wb") as file:
        file.truncate(megabytes * MB)
    _run([str(obtain("mke2fs")), "-q", "-t", "ext4", "-N", str(inodes), "-d", str(tree), str(image)])


def _get(service: RunningService, folder: Path, backup: str) -> Callable[[], None]:
    def get() -> None:
        (folder / "got").unlink(missing_ok=True)
        url = f"{service.url}/backups/{backup}/files/content?path=/file"
        _run(
            [
                str(obtain("curl")),
                "-sSf",
                "-H",
                f"Authorization: Bearer {service.token}",
                "-o",
                str(folder / "got"),
                url,
            ]
        )
        assert (folder / "got").stat().st_size == (folder / "big/file").stat().st_size

    return get


def _seven(seven: str, folder: Path, disk: Path) -> Callable[[], None]:
    return lambda: _run([seven, "x", "-y", f"-o{folder / 'out'}", str(disk), "file"])


def _seven_packed(seven: str, folder: Path, disk: Path) -> Callable[[], None]:
    """p7zip 16 does not open a VMDK of this form, so qemu-img makes a raw image of it first."""

    def both() -> None:
        image = folder / "unpacked.img"
        _run([str(obtain("qemu-img")), "convert", "-O", "raw", str(disk), str(image)])
        _run([seven, "x", "-y", f"-o{folder / 'out'}", str(image), "file"])

    return both


def _list(service: RunningService, backup: str) -> Callable[[], None]:
    url = f"{service.url}/backups/{backup}/files?path=/&depth=0"
    return lambda: _run([str(obtain("curl")), "-sSf", "-H", f"Authorization: Bearer {service.token}", url])


def _run(words: list[str]) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


class Watch:
    """The most memory, in bytes, that a process which reads disks for the service has while the block runs."""

    def __init__(self, service: int) -> None:
        self._service = service
        self.peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.1):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    if b"service.files.child" in (process / "cmdline").read_bytes():
                        status = (process / "status").read_text()
                        lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
                        if int(lines["PPid"]) == self._service:
                            self.peak = max(self.peak, int(lines["VmHWM"].split()[0]) << 10)
                except (OSError, KeyError):
                    continue


if __name__ == "__main__":
    main()
