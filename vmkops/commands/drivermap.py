"""`vmkops drivermap`: make ESX 3.5 use a driver for one more PCI device: the lines, or the whole script."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from knowledge.drivermap.device import DEFAULT_KERNEL, Device, InvalidDevice, described
from knowledge.drivermap.entries import corrections, entries
from knowledge.drivermap.script import Way, script
from vmkops.commands import OFFLINE
from vmkops.commands._parser import Parser

SUMMARY = "add a PCI device to the driver map in the initrd of ESX 3.5"
GROUP = OFFLINE

_EXAMPLES = """\
examples:
  vmkops drivermap --device 10de:037f --like 037e --driver sata_nv --name "MCP55 SATA Controller"
  vmkops drivermap --device 10de:037f --like 037e --driver sata_nv --script rescue > add-037f.sh
  vmkops drivermap --device 10de:037f --driver sata_nv --script automated > add-037f.sh
  vmkops drivermap --corrections

Exit status: 0 answered, 2 wrong usage.
"""


def run(argv: list[str]) -> int:
    """Print the lines, the script or the corrections; returns 0 for an answer, 2 for wrong usage."""
    try:
        options = parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    if options.corrections:
        return _corrections(as_json=options.json)
    if not options.device or not options.driver:
        print("vmkops drivermap: give --device and --driver, such as 10de:037f and sata_nv", file=sys.stderr)
        return 2
    try:
        device = described(
            device=options.device,
            driver=options.driver,
            like=options.like,
            name=options.name,
            kernel=options.kernel,
        )
        text = script(device, Way(options.script)) if options.script else ""
    except InvalidDevice as error:
        print(f"vmkops drivermap: {error}", file=sys.stderr)
        return 2
    if options.script:
        print(json.dumps({"way": options.script, "script": text}) if options.json else text.removesuffix("\n"))
        return 0
    return _entries(device, as_json=options.json)


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(
        prog="vmkops drivermap",
        description=SUMMARY,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--device", default="", help="vendor:device as lspci -n prints it, such as 10de:037f")
    made.add_argument("--like", default="", help="a device of that vendor that the driver supports, such as 037e")
    made.add_argument("--driver", default="", help="the kernel module, such as sata_nv")
    made.add_argument("--name", default="", help="a name of the device for people")
    made.add_argument("--kernel", default=DEFAULT_KERNEL, help="kernel of the service console (default %(default)s)")
    made.add_argument("--script", choices=[str(way) for way in Way], help="print the whole script for that way")
    made.add_argument("--corrections", action="store_true", help="list what vmkops corrects in the source document")
    made.add_argument("--mends", action="store_true", dest="corrections", help=argparse.SUPPRESS)  # the old name
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def _entries(device: Device, *, as_json: bool) -> int:
    answer = entries(device)
    if as_json:
        corrected = [asdict(correction) for correction in corrections()]
        values = {
            "device": asdict(device),
            "entries": [asdict(entry) for entry in answer],
            "corrections": corrected,
            "mends": corrected,  # the name until the next release
        }
        print(json.dumps(values, indent=2))
        return 0
    for entry in answer:
        print(f"# {entry.file}\n# where: {entry.where}\n# {entry.certainty}\n{entry.text}\n")
    print("# the whole script: --script rescue or --script automated; what vmkops corrects: --corrections")
    return 0


def _corrections(*, as_json: bool) -> int:
    if as_json:
        print(json.dumps([asdict(correction) for correction in corrections()], indent=2, ensure_ascii=False))
        return 0
    for each in corrections():
        print(f"{each.id} ({each.way})\n  the document: {each.document}\n  here: {each.ours}\n  why: {each.why}")
    return 0
