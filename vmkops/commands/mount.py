"""`vmkops mount`: stages a VM as an OVF package, or its files, in a folder, for another backup product to save."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import SERVICE
from vmkops.commands._options import add_copy_options, add_job_options, length
from vmkops.commands._parser import Parser

SUMMARY = "stage a VM in a folder, for another backup product to save"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(
        prog="vmkops mount",
        description=SUMMARY,
        epilog="The folder is on the host where the service runs. `vmkops unmount DIR` removes it, and `vmkops mounts` "
        "lists what is mounted. Exit status: 0 the whole VM is staged; 1 nothing is staged; 2 wrong usage; 3 the "
        "service does not answer; 130 stopped with Ctrl-C, and the job goes on.",
    )
    made.add_argument("vm", metavar="VM", help="its name, or name:, ipaddr:, uuid: or moref: and the value")
    made.add_argument(
        "--dest",
        metavar="DIR",
        help="the folder to make, directly in VMKOPS_MOUNT_DIR of the service: its name or its full path; by default "
        "the name of the VM",
    )
    add_copy_options(made, verb="stage", fullvm="the disks and the descriptor", file="the files of its file systems")
    made.add_argument(
        "--lease",
        type=length,
        metavar="TIME",
        help="how long the folder stays if nobody unmounts it, such as 90m, 6h or 2d; by default "
        "VMKOPS_MOUNT_LEASE_HOURS of the service",
    )
    made.add_argument(
        "--within", type=length, metavar="TIME", help="refuse a mount that cannot end within 90m, 6h or 2d"
    )
    add_job_options(made)
    return made


def run(argv: Sequence[str]) -> int:
    """Start the mount and follow its job, or only check it; 0 when that went well, 1 otherwise."""
    options = parser().parse_args(argv)

    from vmkops.commands._console import carry_out

    if options.path and options.type != "file":
        parser().error("--path needs --type file: fullvm has whole disks")
    chosen = {name: getattr(options, name) for name in ("type", "dest", "lease", "quiesce", "within")}
    chosen["paths"] = ",".join(path.replace(",", r"\x2c") for path in options.path)
    return carry_out(options, "mount", None, {"vm": options.vm, **{key: each for key, each in chosen.items() if each}})
