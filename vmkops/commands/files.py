"""`vmkops files`: files out of a kept backup, without a restore."""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vmkops.commands import EXIT_DONE, EXIT_FAILED, SERVICE
from vmkops.commands._errors import WrongUsage
from vmkops.commands._parser import Parser

SUMMARY = "list, find and get the files in a kept backup"
GROUP = SERVICE

KINDS = {
    "file": stat.S_IFREG,
    "folder": stat.S_IFDIR,
    "link": stat.S_IFLNK,
    "device": stat.S_IFCHR,
    "other": stat.S_IFIFO,
}
VERBS = ("ls", "find", "get", "cat")
COMING = "urn:vmkops:disks-coming"
PAUSE_SECONDS = 3
COLUMNS = ("name", "type", "size", "label", "used_as", "note")


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(
        prog="vmkops files",
        description=SUMMARY,
        epilog="Without a PATH, `ls` lists the disks, partitions and volumes. PATH is one of the guest, such as "
        "/etc/hosts or C:/Windows, or a volume and a path on it, such as disk0/p1:/etc/hosts. The token needs the "
        "scope operate.",
    )
    made.add_argument(
        "backup", metavar="BACKUP", help="its id or the beginning of it, or newest:NAME for the newest one"
    )
    made.add_argument(
        "what", metavar="COMMAND", choices=VERBS, nargs="?", default="ls", help=f"what to do: {', '.join(VERBS)}"
    )
    made.add_argument("path", metavar="PATH", nargs="?", default="", help="a file or a folder, as `ls` shows it")
    made.add_argument("--name", metavar="PATTERN", default="", help="find: only names that fit, such as '*.conf'")
    made.add_argument("--to", metavar="PATH", type=Path, help="get: write it under this name; it must not exist")
    form = made.add_mutually_exclusive_group()
    form.add_argument("--tar", action="store_true", help="get: write a tar archive to standard output")
    form.add_argument("--zip", action="store_true", help="get: write a ZIP archive to standard output")
    made.add_argument("--json", action="store_true", help="ls, find: print a line of JSON for each")
    return made


def run(argv: Sequence[str]) -> int:
    """Do what was typed; 1 when it is not there or cannot be read."""
    if argv[:1] and argv[0] in VERBS and (len(argv) == 1 or argv[1] not in VERBS):
        raise WrongUsage(
            f"the backup comes first: vmkops files BACKUP {shlex.join(argv)}. `vmkops backups` lists them."
        )
    options = parser().parse_args(argv)
    if options.what in ("get", "cat") and not options.path:
        raise WrongUsage(f"{options.what} needs the path of a file or a folder")
    if options.what == "ls" and not options.path:
        do = _volumes
    elif options.what in ("ls", "find"):
        do = _list
    elif options.what == "cat" or options.tar or options.zip:
        do = _to_output
    else:
        do = _get
    return asyncio.run(_when_there(do, options))


async def _when_there(do: Callable[[argparse.Namespace], Awaitable[int]], options: argparse.Namespace) -> int:
    """Do it; while the service still reads the disks from a store, say so and try again."""
    from service.api.client import ServiceUnavailable
    from service.api.words import printable

    said = ""
    while True:
        try:
            return await do(options)
        except ServiceUnavailable as error:
            if error.problem.type != COMING:
                raise
            if str(error) != said:
                said = str(error)
                print(f"vmkops files: {printable(said)}", file=sys.stderr)
        await asyncio.sleep(PAUSE_SECONDS)


def _call(options: argparse.Namespace, rest: str) -> str:
    return f"/backups/{quote(options.backup, safe='')}/{rest}"


async def _volumes(options: argparse.Namespace) -> int:
    from service.api.units import amount
    from service.api.words import printable
    from vmkops.commands._console import client

    async with client() as service:
        found = (await service.get(_call(options, "volumes")))["volumes"]
    if options.json:
        print("\n".join(map(json.dumps, found)))
        return EXIT_DONE
    rows = [COLUMNS, *([str(amount(each[key]) if key == "size" else each[key]) for key in COLUMNS] for each in found)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS) - 1)]
    for row in rows if sys.stdout.isatty() else rows[1:]:
        cells = [cell.replace("_", " ").ljust(width) for cell, width in zip(row, widths, strict=False)]
        print(printable("  ".join([*cells, row[-1]]).rstrip()))
    return EXIT_DONE


async def _list(options: argparse.Namespace) -> int:
    from service.api.words import printable
    from vmkops.commands._console import client

    deep, name = options.what == "find", options.name if options.what == "find" else ""
    path, depth = options.path or "/", "0" if deep else "1"
    async with client() as service:
        async for line in _lines(service.stream(_call(options, "files"), path=path, depth=depth, name=name)):
            if "error" in line:
                print(f"vmkops files: {printable(line['error'])}", file=sys.stderr)
                return EXIT_FAILED
            if "end" in line:
                return EXIT_DONE
            print(json.dumps(line) if options.json else printable(_row(line, whole=deep)))
    print("vmkops files: the list is incomplete: the answer broke off.", file=sys.stderr)
    return EXIT_FAILED


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield json.loads(line)


def _row(entry: Mapping[str, Any], *, whole: bool) -> str:
    """An entry as `ls -l` shows it; `whole`: with its path."""
    from datetime import UTC, datetime

    from service.api.units import when

    try:
        at = when(datetime.fromtimestamp(entry["mtime"], UTC), None)
    except (OverflowError, ValueError, OSError):
        at = "?"
    name = entry["path"] if whole else entry["name"] or entry["path"]
    leads = f" -> {entry['target']}" if entry["kind"] == "link" else ""
    mode = stat.filemode(KINDS[entry["kind"]] | entry["mode"])
    return f"{mode} {entry['uid']:>5} {entry['gid']:>5} {entry['size']:>12} {at:23} {name}{leads}"


async def _to_output(options: argparse.Namespace) -> int:
    from vmkops.commands._console import client

    archive = "tar" if options.tar else "zip" if options.zip else ""
    checked = not sys.stdout.isatty()
    if archive and not checked:
        raise WrongUsage("an archive does not belong on a terminal: add > FILE")
    async with client() as service:
        async for piece in service.stream(_call(options, "files/content"), path=options.path, archive=archive):
            if not checked and not _is_text(piece):
                print("vmkops files: this is no text, so it is not shown on a terminal: add > FILE", file=sys.stderr)
                return EXIT_FAILED
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    return EXIT_DONE


def _is_text(piece: bytes) -> bool:
    """Whether bytes do no harm to a terminal."""
    text = piece.decode("utf-8", "replace")
    return all(each.isprintable() or each in "\n\t\r" for each in text) and "\ufffd" not in text[:-4]


async def _get(options: argparse.Namespace) -> int:
    from service.api.units import amount
    from service.api.words import counted, printable
    from vmkops.commands._console import client
    from vmkops.commands._files_written import write_tree

    name = options.path.replace("\\", "/").rstrip("/:").rpartition("/")[2].rpartition(":")[2]
    top = options.to or Path(name or "files")
    async with client() as service:
        pieces = service.stream(_call(options, "files/content"), path=options.path, archive="tar")
        done = await write_tree(pieces, top)
    left = f"; {counted(done.left_out, 'link')} left out, which --tar keeps" if done.left_out else ""
    what = f"{counted(done.files, 'file')}, {counted(done.folders, 'folder')}, {amount(done.bytes)}{left}"
    print(printable(f"{top}: {what}"), file=sys.stderr)
    return EXIT_DONE
