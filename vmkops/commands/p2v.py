"""`vmkops p2v`: the Linux P2V checklist for a source, size and transfer time, and which tools support Linux."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from knowledge.errors import Unreadable
from knowledge.p2v import facts
from knowledge.p2v.checklist import checklist
from knowledge.p2v.estimate import MEASURED_RATE, Estimate, estimate
from knowledge.p2v.markdown import checklist_markdown
from knowledge.p2v.size import in_words, parse_blocks
from knowledge.p2v.source import DEFAULT_PORT, InvalidSource, described
from vmkops.commands import OFFLINE
from vmkops.commands._subcommands import Subcommands

SUMMARY = "convert a physical Linux system: checklist, estimate and tools"
GROUP = OFFLINE

_EXAMPLES = """\
examples:
  vmkops p2v checklist --distribution centos --version 4 --disk sda:39070080 --target-ip 10.4.1.3
  vmkops p2v checklist --distribution rhel --version 3 --disk hda:36GB --disk hdb --lvm --port 9001
  vmkops p2v estimate --blocks 39070080 --rate 14.3
  vmkops p2v estimate --size 36GB
  vmkops p2v tools

Exit status: 0 answered (also with the general steps for an unknown distribution), 2 wrong usage.
"""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return _commands().parser


def run(argv: list[str]) -> int:
    """Run one `vmkops p2v` command; returns 0 for an answer, 2 for wrong usage."""
    try:
        return _commands().run(argv)
    except Unreadable as error:
        print(f"vmkops p2v {argv[0]}: {error}", file=sys.stderr)
        return 2


def _commands() -> Subcommands:
    commands = Subcommands("p2v", SUMMARY, _EXAMPLES)
    made = commands.add("checklist", _checklist, "print the steps for one source as Markdown, with the exact commands")
    made.add_argument("--distribution", required=True, help="Linux distribution, such as centos or rhel")
    made.add_argument("--version", default="", help="its version, such as 4 or 22.04")
    made.add_argument(
        "--disk", action="append", default=[], help="sda or sda:SIZE (sfdisk -s blocks, or 36GB); repeatable"
    )
    made.add_argument("--lvm", action="store_true", help="the source uses LVM")
    made.add_argument("--target-ip", default="", help="address of the VM while it receives")
    made.add_argument("--source-ip", default="", help="address of the source while it sends")
    made.add_argument("--port", default=DEFAULT_PORT, help="TCP port of the first disk (default 9001)")
    made.add_argument("--netcat", default="traditional", help="traditional (default), openbsd or ncat")
    made.add_argument("--filesystem", action="append", default=[], help="mount point to fill with zeros; repeatable")

    planned = commands.add("estimate", _estimate, "print sizes, and the time to send them")
    size = planned.add_mutually_exclusive_group(required=True)
    size.add_argument("--blocks", help="number of 1 KiB blocks, as sfdisk -s prints it")
    size.add_argument("--size", help="36GB (decimal) or 36GiB (binary)")
    planned.add_argument("--rate", type=float, default=MEASURED_RATE, help="MB/s (default 14.3, the documented rate)")

    commands.add("tools", _tools, "list which tools support Linux")
    return commands


def _checklist(options: argparse.Namespace) -> int:
    source = described(
        distribution=options.distribution,
        version=options.version,
        disks=options.disk,
        lvm=options.lvm,
        target_ip=options.target_ip,
        source_ip=options.source_ip,
        port=options.port,
        netcat=options.netcat,
        filesystems=options.filesystem,
    )
    answer = checklist(source)
    if options.json:
        values = asdict(answer)
        print(_json(values | {"mends": values["corrections"]}))  # the name until the next release
        return 0
    print(checklist_markdown(answer))
    return 0


def _estimate(options: argparse.Namespace) -> int:
    if options.blocks is not None and not options.blocks.strip().isdecimal():
        raise InvalidSource("blocks", f"{options.blocks[:40]!r} is not a number of blocks; for 36GB use --size")
    answer = estimate(parse_blocks(options.blocks or options.size), options.rate)
    print(_json(asdict(answer)) if options.json else _estimate_text(answer))
    return 0


def _estimate_text(answer: Estimate) -> str:
    return "\n".join(
        [
            f"{in_words(answer.blocks)} ({answer.decimal_gb:.3f} GB of 10^9 bytes)",
            f"{answer.duration} at {answer.rate:g} MB/s",
            *(f"note: {note}" for note in answer.notes),
        ]
    )


def _tools(options: argparse.Namespace) -> int:
    rows = facts.tools()
    if options.json:
        print(_json([asdict(row) for row in rows]))
        return 0
    for row in rows:
        where = "" if row.documented else " (added, not in the page)"
        print(f"{row.linux:<7} {row.name}{where}\n        {row.caveat}\n        today: {row.today}")
    return 0


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
