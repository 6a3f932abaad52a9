"""`vmkops state`: what the service keeps in its databases, to a file and back."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vmkops.commands import EXIT_DONE, SERVICE
from vmkops.commands._own_service import own_settings
from vmkops.commands._private import local_user, write_privately
from vmkops.commands._subcommands import Subcommands

if TYPE_CHECKING:
    from service.api.settings import Settings
    from service.state.importing import Imported
    from service.store.audit import Event

SUMMARY = "write what the service keeps in its databases to a file, and put it back"
GROUP = SERVICE

EXAMPLES = """\
examples:
  vmkops state export /backup/vmkops-2026-11-27.state
  vmkops state import /backup/vmkops-2026-11-27.state --dry-run

The commands run on the machine of the service, on its database (VMKOPS_DATA_DIR or VMKOPS_DATABASE_URL). The file has
schedules, tokens (as hashes), runs, versions of pages, the audit, the ledgers, and the jobs that have ended. It has no
backups and no keys. `vmkops help state` explains what to copy beside it."""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return _subcommands().parser


def run(argv: Sequence[str]) -> int:
    """Export or import; raises StartError and VmkopsError."""
    write_privately()
    return _subcommands().run(argv)


def _subcommands() -> Subcommands:
    made = Subcommands("state", SUMMARY, EXAMPLES)
    export = made.add("export", _export, "write the state to a new file that only you can open; the service may run")
    export.add_argument("file", metavar="FILE", help="the new file; one that exists is not overwritten")
    imported = made.add("import", _import, "add what is new in the file to the databases; stop the service first")
    imported.add_argument("file", metavar="FILE", help="a file of `vmkops state export`")
    imported.add_argument(
        "--dry-run",
        action="store_true",
        help="only say what would be added, what is here already, and what differs; the service may run",
    )
    imported.add_argument(
        "--resume-schedules",
        action="store_true",
        help="let the schedules fire here; without it they are paused, because the other installation may still run "
        "them",
    )
    imported.add_argument(
        "--take-over",
        action="store_true",
        help="the other installation has ended for good: also remove the snapshots that its ended jobs left, and post "
        "its reports that wait",
    )
    imported.add_argument(
        "--unsigned",
        action="store_true",
        help="import a file whose signature is missing or not known here; only for a file that nobody else could write "
        "to, because it brings tokens and schedules",
    )
    imported.add_argument(
        "--init", action="store_true", help="make the data directory for a service that is not started yet"
    )
    return made


def _export(options: argparse.Namespace) -> int:
    from service.api.units import amount
    from service.api.words import counted, printable
    from service.state.export import export_state
    from service.store.audit import Event

    settings = own_settings()
    path = Path(options.file).absolute()
    with _progress("writing") as bar:
        done = export_state(settings, path, bar.expected, bar.done)
    _record(settings, Event.STATE_EXPORTED, file=str(path), rows=str(done.header.rows))
    if options.json:
        about = {"file": str(path), "bytes": done.bytes, "created_at": done.header.created_at}
        more = {"installation": done.header.installation, "parts": dict(done.header.parts)}
        print(json.dumps(about | more | {"live_jobs": list(done.live_jobs)}))
        return EXIT_DONE
    print(f"{printable(str(path))}: {counted(done.header.rows, 'row')}, {amount(done.bytes)}")
    if done.live_jobs:
        running = counted(len(done.live_jobs), "job")
        print(
            f"{running} under way: not in the file, except for the name. Wait until they end if you move.",
            file=sys.stderr,
        )
        _print_names(done.live_jobs)
    print("Keep the file private: it has the hashes of tokens, and what schedules start.", file=sys.stderr)
    return EXIT_DONE


def _import(options: argparse.Namespace) -> int:
    from service.errors import NotFound
    from service.state.importing import import_state
    from service.store.audit import Event

    path = Path(options.file)
    if not path.exists():
        raise NotFound(f"There is no {path}. Name a file of `vmkops state export`.")
    hint = " Or make it now: add --init."
    settings = own_settings(may_be_new=options.init and not options.dry_run, hint="" if options.dry_run else hint)
    with _progress("reading") as bar:
        done = import_state(
            settings,
            path,
            dry_run=options.dry_run,
            unsigned=options.unsigned,
            take_over=options.take_over,
            resume_schedules=options.resume_schedules,
            expected=bar.expected,
            read=bar.done,
        )
    if not options.dry_run:
        from service.state.part import Fate

        about = {"file": str(path.absolute()), "installation": done.header.installation}
        _record(settings, Event.STATE_IMPORTED, rows=str(done.total(Fate.ADDED)), **about)
    if options.json:
        print(json.dumps(_as_json(done)))
    else:
        _print(done, dry_run=options.dry_run, take_over=options.take_over, resumed=options.resume_schedules)
    return EXIT_DONE


def _record(settings: Settings, event: Event, **about: str) -> None:
    from service.store.audit import Audit
    from service.store.database import open_database

    engine = open_database(settings, make_dir=False)
    try:
        Audit(engine).record(event, person=local_user(), **about)
    finally:
        engine.dispose()


class _Bar(NamedTuple):
    expected: Callable[[int], None]
    done: Callable[[int], None]


@contextmanager
def _progress(what: str) -> Iterator[_Bar]:
    """A bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield _Bar(lambda _: None, lambda _: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield _Bar(lambda total: bar.update(task, total=total), lambda count: bar.advance(task, count))


def _as_json(done: Imported) -> dict[str, object]:
    """The header of the file, and for each part the counts by fate and the rows that differ or are left out."""
    header = done.header
    about = {"product": header.product, "created_at": header.created_at, "installation": header.installation}
    parts = {each.name: {**each.counts, "named": dict(each.named)} for each in done.parts}
    return {"file": about, "parts": parts}


def _print(done: Imported, *, dry_run: bool, take_over: bool, resumed: bool) -> None:
    from service.api.words import counted
    from service.state.part import Fate
    from vmkops.commands._table import lines_of

    columns: dict[str, Callable[..., str]] = {"part": lambda each: each["name"].replace("_", " ")}
    titles = {
        Fate.ADDED: "to add" if dry_run else "added",
        Fate.SAME: "here already",
        Fate.DIFFERS: "differs",
        Fate.LEFT: "left out",
    }
    for fate, title in titles.items():
        columns[title] = lambda each, fate=fate: f"{each[fate]} {titles[fate]}" if each[fate] else ""
    listed = [{"name": each.name, **each.counts} for each in done.parts if any(each.counts.values())]
    for line in lines_of(listed, columns):
        print(line)
    by_name = {each.name: each for each in done.parts}
    for each in done.parts:
        if names := each.named[Fate.DIFFERS]:
            print(f"{each.name.replace('_', ' ')} that differ, and stay as they are here:", file=sys.stderr)
            _print_names(names)
    if jobs := by_name["live_jobs"].named[Fate.LEFT]:
        print(
            "Jobs that were under way, and do not go on here. vmkops does not know what became of them: look for their "
            "snapshots and unfinished VMs in vCenter.",
            file=sys.stderr,
        )
        _print_names(jobs)
    waiting = sum(by_name[name].counts[Fate.LEFT] for name in ("snapshots", "disk_files", "reports"))
    if waiting and not take_over:
        print(
            f"{counted(waiting, 'row')} left out that the other installation may still work with (snapshots, disk "
            "files, reports). When it has ended for good, import the file again with --take-over.",
            file=sys.stderr,
        )
    if not resumed and by_name["schedules"].counts[Fate.ADDED]:
        print(
            "The schedules are paused, so that two installations do not start the same. When the other one has ended: "
            "vmkops schedules resume NAME",
            file=sys.stderr,
        )
    if by_name["tokens"].counts[Fate.ADDED]:
        print(
            f"The tokens are as they were at {done.header.created_at}: one that was revoked later works again. Look at "
            "them: vmkops token list",
            file=sys.stderr,
        )
    print("Nothing was changed: this was a dry run." if dry_run else "The state is imported.", file=sys.stderr)


def _print_names(names: Sequence[str], most: int = 10) -> None:
    from service.api.words import printable

    for name in names[:most]:
        print(f"  {printable(name)[:200]}", file=sys.stderr)
    if len(names) > most:
        print(f"  and {len(names) - most} more: --json has their names", file=sys.stderr)
