"""The commands that need the service or its data: worker, backup, backups, action, actions, jobs, token, doctor."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Callable, Sequence

from service.errors import SettingMissing, VmkopsError


def main(argv: Sequence[str]) -> int:
    """Run `vmkops COMMAND ...` for the commands named above. Exit 0 done, 1 refused or failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="vmkops")
    commands = parser.add_subparsers(dest="command", required=True)
    token = commands.add_parser("token", help="make an API token").add_subparsers(dest="verb", required=True)
    create = token.add_parser("create", help="make a token and print it, the only time it is seen")
    create.add_argument("name", help="which program or person will use it")
    create.add_argument("--scope", required=True, help="read, operate, approve or admin")
    create.set_defaults(run=_create_token)
    worker = commands.add_parser("worker", help="carry out jobs without serving HTTP (several processes, PostgreSQL)")
    worker.set_defaults(run=_worker)
    doctor = commands.add_parser("doctor", help="check every setting and connection, and say what to do")
    doctor.set_defaults(run=_doctor)
    backup = commands.add_parser("backup", help="back a VM up, and watch it")
    backup.add_argument("vm", help="its name, or name:, ipaddr:, uuid: or moref: and the value")
    backup.add_argument("--quiesce", choices=["prefer", "require", "none"], default="prefer")
    _job_options(backup)
    backup.set_defaults(run=_backup)
    backups = commands.add_parser(
        "backups", help="list the kept backups, show one, or name the VMs that lack a fresh one"
    )
    which = backups.add_mutually_exclusive_group()
    which.add_argument("id", nargs="?", help="one backup; newest:NAME is the newest good one of that VM")
    which.add_argument("--vm", metavar="NAME", default="", help="only those of the VM with this name")
    which.add_argument(
        "--stale",
        metavar="AGE",
        nargs="?",
        const="24h",
        type=_age,
        help="the VMs whose last good backup is older, such as 90m, 24h (the default), 7d; exit 1 when there is one",
    )
    backups.add_argument("--json", action="store_true")
    backups.set_defaults(run=_backups)
    action = commands.add_parser("action", help="start any host action, and watch it; `vmkops actions` lists them")
    action.add_argument("name", help="the action, such as power-on")
    action.add_argument("words", nargs="*", metavar="TARGET key=value", help="what it acts on, and its parameters")
    _job_options(action)
    action.set_defaults(run=_action)
    actions = commands.add_parser("actions", help="list the host actions and their parameters")
    actions.add_argument("--json", action="store_true")
    actions.set_defaults(run=_actions)
    jobs = commands.add_parser("jobs", help="list jobs, show or watch one, or cancel it")
    jobs.add_argument("id", nargs="?", help="one job")
    jobs.add_argument("--cancel", action="store_true", help="ask the job to stop and clean up")
    jobs.add_argument("--watch", action="store_true", help="follow the job until it has ended")
    jobs.add_argument("--json", action="store_true")
    jobs.set_defaults(run=_jobs)
    arguments = parser.parse_args(list(argv))
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except SettingMissing as error:
        print(f"vmkops: {error}", file=sys.stderr)
        return 2
    except VmkopsError as error:
        print("\n".join([f"vmkops: {error}", *(f"  {each}" for each in error.suggestions)]), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _job_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only check: say what speaks against it, touch nothing")
    parser.add_argument("--no-wait", action="store_true", help="print the job and return")
    parser.add_argument("--json", action="store_true", help="print the job as JSON when it has ended")


def _age(text: str) -> str:
    from service.backups.freshness import AGE

    if not re.fullmatch(AGE, text):
        raise argparse.ArgumentTypeError(f"{text!r} is not minutes, hours or days, such as 90m, 24h, 7d")
    return text


def _create_token(arguments: argparse.Namespace) -> int:
    from service.api.settings import read_settings
    from service.store.database import open_database
    from service.store.tokens import Tokens

    engine = open_database(read_settings())
    print(Tokens(engine, frozenset()).create(arguments.name, arguments.scope))
    engine.dispose()
    return 0


def _worker(_: argparse.Namespace) -> int:
    from service.api.settings import read_settings
    from service.bootstrap import exit_process, run_service, set_up_logging, stop_requested

    settings = read_settings()
    if settings.postgres_url is None:
        raise SettingMissing(
            "A worker shares the jobs of other processes, and that needs VMKOPS_DATABASE_URL=postgresql://... "
            "With SQLite, `vmkops serve` carries out the jobs itself."
        )
    set_up_logging()

    async def work() -> None:
        async with run_service(settings):
            with stop_requested() as told:
                print("vmkops worker carries out jobs", flush=True)
                await told.wait()

    asyncio.run(work())
    return exit_process()


def _doctor(_: argparse.Namespace) -> int:
    from service.doctor import examine

    return asyncio.run(examine(os.environ))


def _backup(arguments: argparse.Namespace) -> int:
    return _carry_out(arguments, "backup", None, {"vm": arguments.vm, "quiesce": arguments.quiesce})


def _backups(arguments: argparse.Namespace) -> int:
    from service.kept import show_backup, show_backups, show_stale

    if arguments.stale:
        return asyncio.run(show_stale(arguments.stale, as_json=arguments.json))
    if arguments.id:
        return asyncio.run(show_backup(arguments.id, as_json=arguments.json))
    return asyncio.run(show_backups(arguments.vm, as_json=arguments.json))


def _action(arguments: argparse.Namespace) -> int:
    target, values = None, list(arguments.words)
    if values and "=" not in values[0]:
        target = values.pop(0)
    params = dict(word.partition("=")[::2] for word in values)
    wrong = next((word for word in values if not word.partition("=")[1] or not word.partition("=")[0]), None)
    if wrong is not None or len(params) < len(values):
        why = f"{wrong!r} is not key=value" if wrong is not None else "a parameter is given twice"
        print(f"vmkops action: {why}: vmkops action {arguments.name} TARGET key=value ...", file=sys.stderr)
        return 2
    return _carry_out(arguments, arguments.name, target, params)


def _carry_out(arguments: argparse.Namespace, action: str, target: str | None, params: dict[str, str]) -> int:
    from service.watching import check_only, start_and_watch

    if arguments.dry_run:
        return asyncio.run(check_only(action, target, params, as_json=arguments.json))
    wait = not arguments.no_wait
    return asyncio.run(start_and_watch(action, target, params, wait=wait, as_json=arguments.json))


def _actions(arguments: argparse.Namespace) -> int:
    from service.watching import show_actions

    return asyncio.run(show_actions(as_json=arguments.json))


def _jobs(arguments: argparse.Namespace) -> int:
    from service.watching import show_jobs

    if arguments.id is None and (arguments.cancel or arguments.watch):
        print("vmkops jobs: name the job: vmkops jobs ID --cancel", file=sys.stderr)
        return 2
    return asyncio.run(show_jobs(arguments.id, cancel=arguments.cancel, watch=arguments.watch, as_json=arguments.json))
