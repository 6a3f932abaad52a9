"""`vmkops backups adopt`: take the packages of another installation or program among the kept backups."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vmkops.commands import EXIT_DONE, EXIT_FAILED
from vmkops.commands._own_service import own_settings
from vmkops.commands._parser import Parser
from vmkops.commands._private import local_user, write_privately

if TYPE_CHECKING:
    from service.api.settings import Settings
    from service.backups.adopt import Adoption, Found

ADOPT = "adopt"
MOST_NAMED = 10
"""How many commands that verify a package are printed."""
SUMMARY = "copy the packages below a folder among the kept backups of the service on this machine"
MORE = """\
It takes the backups of another installation of vmkops, and OVF folders and OVA files of ovftool, of the vSphere Client
or of any other program. The originals stay as they are. A package that is kept already is left out, so you can run
the command again. It works without a running service, on the data directory of the service (VMKOPS_DATA_DIR).

A backup of another installation counts only with a signature that is known here: put the signing/public.pem of its
data directory into signing/trusted/ of this one, or add --sign."""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(
        prog=f"vmkops backups {ADOPT}",
        description=SUMMARY,
        epilog=MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("path", metavar="DIR", help="a folder with packages, at any depth, or one .ovf or .ova file")
    made.add_argument("--dry-run", action="store_true", help="only say what would be copied, and what prevents it")
    made.add_argument(
        "--sign",
        action="store_true",
        help="sign backups whose signature is missing or not known here with the key of this installation; only for a "
        "folder that nobody else could write to",
    )
    made.add_argument(
        "--vcenter", metavar="NAME", default="", help="the vCenter of the VMs here, when its name differs from theirs"
    )
    made.add_argument("--json", action="store_true", help="print the packages as JSON")
    return made


def run(argv: Sequence[str]) -> int:
    """Adopt what can be adopted; 1 when a package is refused, or none is found. Raises StartError and VmkopsError."""
    from service.errors import NotFound

    made = parser()
    options = made.parse_args(argv)
    path = Path(options.path)
    if not path.exists():
        raise NotFound(f"There is no {path}. Give a folder with packages, or one .ovf or .ova file.")
    if path.is_file() and path.suffix.lower() not in (".ovf", ".ova"):
        made.error(f"{path} is neither a folder nor an .ovf or .ova file")
    write_privately()
    settings = own_settings()
    adoption = _adoption(settings, sign=options.sign, vcenter=options.vcenter)
    found = adoption.look(path.absolute())
    if not options.dry_run:
        with adoption.alone():
            found = _adopted(settings, adoption, found)
    if options.json:
        print(json.dumps({"packages": [each.model_dump() for each in found], "next": None}))
    else:
        _print(found, path, dry_run=options.dry_run)
    return EXIT_DONE if found and all(each.state != "refused" for each in found) else EXIT_FAILED


def _adoption(settings: Settings, *, sign: bool, vcenter: str) -> Adoption:
    from service.backups.adopt import Adoption
    from service.errors import InvalidParams
    from service.store.signing import open_signer

    names = [each.name for each in settings.vcenters()]
    if vcenter and vcenter not in names:
        have = f"It has {', '.join(names)}" if names else "It has none yet"
        raise InvalidParams(f"This service has no vCenter {vcenter!r}. {have}.")
    return Adoption(settings, open_signer(settings), local_user(), sign, vcenter, names)


def _adopted(settings: Settings, adoption: Adoption, found: Sequence[Found]) -> list[Found]:
    """The same packages after those that are new are copied; each copy is in the audit."""
    from service.store.audit import Audit, Event
    from service.store.database import open_database

    engine = open_database(settings, make_dir=False)
    audit, after = Audit(engine), list(found)
    try:
        for place, each in enumerate(found):
            if each.state != "new":
                continue
            with _progress(each) as copied:
                after[place] = adoption.adopt(each, copied)
            if after[place].state == "adopted":
                audit.record(Event.BACKUP_ADOPTED, person=local_user(), backup=each.id, vm=each.vm, path=each.path)
    finally:
        engine.dispose()
    return after


@contextmanager
def _progress(found: Found) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        from service.api.words import printable

        task = bar.add_task(printable(found.vm), total=found.size)
        yield lambda size: bar.advance(task, size)


def _print(found: Sequence[Found], path: Path, *, dry_run: bool) -> None:
    from service.api.units import amount
    from service.api.words import counted, printable
    from vmkops.commands._table import lines_of

    columns: dict[str, Callable[..., str]] = {
        "state": lambda each: "to adopt" if each["state"] == "new" else each["state"],
        "id": lambda each: each["id"],
        "vm": lambda each: each["vm"],
        "size": lambda each: amount(each["size"]),
        "package": lambda each: each["path"],
    }
    for line in lines_of([each.model_dump() for each in found], columns):
        print(line)
    for each in found:
        for words in filter(None, [each.reason, *each.warnings]):
            print(f"{printable(each.path)}: {printable(words)}", file=sys.stderr)
    if not found:
        print(f"There is no package in {printable(str(path))} or below it.", file=sys.stderr)
    elif not dry_run and (taken := [each for each in found if each.state == "adopted"]):
        them = "it" if len(taken) == 1 else "each of them"
        print(f"{counted(len(taken), 'package')} adopted. Verify {them} before you rely on it:", file=sys.stderr)
        for adopted in taken[:MOST_NAMED]:
            print(f"  vmkops action verify-backup {adopted.id}", file=sys.stderr)
        if (more := len(taken) - MOST_NAMED) > 0:
            print(f"  and {counted(more, 'more package', 'more packages')}, by the ids above", file=sys.stderr)
