"""`vmkops backup`: backs up one VM."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import SERVICE
from vmkops.commands._options import add_copy_options, add_job_options, length
from vmkops.commands._parser import Parser

SUMMARY = "back up a VM and follow the job"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(prog="vmkops backup", description=SUMMARY)
    made.add_argument("vm", metavar="VM", help="its name, or name:, ipaddr:, uuid: or moref: and the value")
    add_copy_options(made, verb="keep", fullvm="the disks and the descriptor", file="files of its file systems")
    made.add_argument(
        "--within", type=length, metavar="TIME", help="refuse a backup that cannot end within 90m, 6h or 2d"
    )
    made.add_argument(
        "--save",
        metavar="NAME",
        help="the save profile that gets the disks, or none for a folder of the service (`vmkops help save`)",
    )
    made.add_argument(
        "--copy-to",
        metavar="NAMES",
        help="the copy targets that get a copy afterwards, such as nas,offsite, or none (`vmkops help copies`)",
    )
    add_job_options(made)
    return made


def run(argv: Sequence[str]) -> int:
    """Start the backup and follow its job, or only check it; 0 when that went well, 1 otherwise."""
    options = parser().parse_args(argv)

    from vmkops.commands._console import carry_out

    if options.path and options.type != "file":
        parser().error("--path needs --type file: fullvm has whole disks")
    params = {"vm": options.vm, "quiesce": options.quiesce}
    if options.type == "file":
        params |= {"type": "file", "paths": ",".join(path.replace(",", r"\x2c") for path in options.path)}
    if options.within:
        params["within"] = options.within
    if options.save:
        params["save"] = options.save
    if options.copy_to:
        params["copy_to"] = options.copy_to
    return carry_out(options, "backup", None, params)
