"""The words that replace ``{...}`` in the steps: device names, ports, sizes, drivers and netcat lines of one source."""

from __future__ import annotations

from knowledge.p2v import facts
from knowledge.p2v.distributions import Distribution, Era
from knowledge.p2v.estimate import MEASURED_RATE, estimate
from knowledge.p2v.size import KIB, in_words
from knowledge.p2v.source import Disk, Source

Words = dict[str, str]
"""The text for each ``{word}`` in ``p2v_checklist.toml``, by its name."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def disk_words(source: Source) -> list[Words]:
    """Return the words of each disk: its device on source and target, its port and netcat lines, and its sizes."""
    return [_disk(source, number, disk) for number, disk in enumerate(source.disks)]


def file_system_words(source: Source) -> list[Words]:
    """Return the words of each file system to fill with zeros; ``/`` has an empty slug."""
    return [
        {
            "slug": point.strip("/").replace("/", "--"),
            "mount_point": point,
            "big_file": f"{point.rstrip('/')}/bigfile",
        }
        for point in source.filesystems
    ]


def source_words(source: Source, distribution: Distribution) -> Words:
    """Return the words of the source as a whole; they apply to every step."""
    disks = disk_words(source)
    return (
        _era(distribution.era)
        | _netcat(source, source.port)
        | {
            "label": distribution.label,
            "version": source.version or "(unknown version)",
            "target_ip": source.target_ip or "TARGET-IP",
            "source_ip": source.source_ip or "SOURCE-IP",
            "source_devices": ", ".join(disk["source_device"] for disk in disks),
            "target_devices": ", ".join(disk["target_device"] for disk in disks),
            "disk_table": ", ".join(disk["source_device"] for disk in disks),
            "size_table": "; ".join(f"{disk['source_device']} {disk['size']}" for disk in disks),
            "disk_count": f"{len(disks)} disk{'s' if len(disks) > 1 else ''}",
            "first_source": disks[0]["source_device"],
            "first_target": disks[0]["target_device"],
            "first_partition": f"{disks[0]['target_device']}1",
            "port_words": f"TCP port {source.port}" + (f" to {disks[-1]['port']}" if len(disks) > 1 else ""),
            "transfer_time": _transfer_time(source),
            "netcat_table": _netcat_table(),
            "renames": ", ".join(
                f"{disk['source_device']} becomes {disk['target_device']}" for disk in _renamed(disks)
            ),
            "rename_script": _rename_script(_renamed(disks)),
        }
    )


def _disk(source: Source, number: int, disk: Disk) -> Words:
    """Return the words of disk ``number`` (from 0); in the VM the disks are SCSI disks in the same order."""
    port = source.port + number
    target = f"/dev/sd{_letters(number)}"
    words = {
        "slug": disk.name.replace("/", "-"),
        "source_device": f"/dev/{disk.name}",
        "target_device": target,
        "size": "(unknown size)",
        "target_size": "slightly larger than the source's disk",
        "byte_count": "LENGTH",
        "bytes_words": "",
        "byte_hint": "; replace LENGTH with it",
    }
    if disk.blocks is not None:
        length = disk.blocks * KIB
        words |= {
            "size": in_words(disk.blocks),
            "target_size": f"{disk.blocks // KIB // KIB + 1} GB, slightly larger than {disk.blocks / KIB / KIB:.3f} GB",
            "byte_count": str(length),
            "bytes_words": f", {length}",
            "byte_hint": f" ({length}; if the disk has an odd number of sectors, it is 512 more: use that number)",
        }
    return words | _netcat(source, port)


def _letters(number: int) -> str:
    """Return the letters of SCSI disk ``number``: a to z, then aa, ab..."""
    first, last = divmod(number, len(LETTERS))
    return (LETTERS[first - 1] if first else "") + LETTERS[last]


def _netcat(source: Source, port: int) -> Words:
    row = next(row for row in facts.table("checklist")["netcat"] if row["id"] == source.netcat)
    values = {"port": str(port), "target_ip": source.target_ip or "TARGET-IP"}
    return {
        "port": str(port),
        "listen": row["listen"].format(**values),
        "send": row["send"].format(**values),
        "netcat_label": row["label"],
        "netcat_ending": row["ending"],
    }


def _netcat_table() -> str:
    rows = facts.table("checklist")["netcat"]
    values = {"port": "PORT", "target_ip": "IP"}
    return (
        " ".join(
            f"{row['label']}: `{row['listen'].format(**values)}`, `{row['send'].format(**values)}`." for row in rows
        )
        + " OpenBSD netcat refuses -l together with -p."
    )


def _era(era: Era | None) -> Words:
    """Return the words of the distribution's era; for an unknown one, they are empty and not used by any step."""
    drivers = era.drivers if era else ()
    image = era.image if era else ""
    return {
        "drivers": " ".join(drivers),
        "driver_words": " and ".join((", ".join(drivers[:-1]), drivers[-1]) if len(drivers) > 1 else drivers),
        "driver_pattern": "|".join(drivers),
        "with_drivers": " ".join(f"--with={driver}" for driver in drivers),
        "image": image.replace("KERNEL", "$(uname -r)"),
        "rescue_image": image,
        "module_config": era.module_config if era else "",
        "alias_lines": "\n".join(era.aliases) if era else "",
        "era_note": era.note if era else "",
        "controller": era.controller if era else "LSI Logic (BusLogic for 2.4 kernels)",
        "first_nic": "vmxnet3, or e1000 if the kernel does not support it"
        if era and era.age == "modern"
        else "vlance, if available",
    }


def _transfer_time(source: Source) -> str:
    sizes = [disk.blocks for disk in source.disks if disk.blocks is not None]
    if len(sizes) < len(source.disks):
        return f"give the size of every disk to get a time; the page measured {MEASURED_RATE} MB/s"
    planned = estimate(sum(sizes))
    return f"about {planned.duration} for {planned.gb:.3f} GB at the documented {MEASURED_RATE} MB/s"


def _renamed(disks: list[Words]) -> list[Words]:
    return [disk for disk in disks if disk["source_device"] != disk["target_device"]]


def _rename_script(renamed: list[Words]) -> str:
    """Return sed expressions that rename all disks, by way of placeholders, so that none is renamed twice.

    For names such as ``cciss/c0d0p1``, they remove the p before the partition number.
    """
    to_placeholders, to_names = [], []
    for number, disk in enumerate(renamed):
        name = disk["source_device"]
        if name[-1].isdigit():
            to_placeholders.append(f"-e 's#{name}p#@P2V{number}@#g'")
        to_placeholders.append(f"-e 's#{name}#@P2V{number}@#g'")
        to_names.append(f"-e 's#@P2V{number}@#{disk['target_device']}#g'")
    return " ".join(to_placeholders + to_names)
