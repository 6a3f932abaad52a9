"""`vmkops token`: the tokens for the HTTP API, in the database of this installation."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vmkops.commands import SERVICE
from vmkops.commands._parser import Parser
from vmkops.commands._private import local_user, write_privately

if TYPE_CHECKING:
    from pathlib import Path

    from service.store.audit import Audit
    from service.store.tokens import TokenInfo, Tokens

SUMMARY = "create, list, change and revoke API tokens"
GROUP = SERVICE

DELEGATE = "it may act for people and reply in their Slack threads: only for `vmkops bot`"


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(prog="vmkops token", description=SUMMARY)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, does: Callable[[argparse.Namespace], None], summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(run=does)
        return command

    create = add("create", _create, "create a token and print it; it cannot be shown again")
    create.add_argument("name", metavar="NAME", help="the program or person that uses it")
    create.add_argument(
        "--scope", required=True, help="read, operate (also starts and cancels actions) or admin (also reads the audit)"
    )
    words = "make the data directory for a service that is not started yet; not needed where VMKOPS_DATA_DIR is set"
    create.add_argument("--init", action="store_true", help=words)
    create.add_argument("--delegate", action="store_true", help=DELEGATE)
    create.add_argument("--expires", metavar="TIME", help="when it ends, in days or hours from now, such as 90d or 12h")
    listed = add("list", _list, "list the tokens with their rights, last use and end; never the tokens themselves")
    listed.add_argument("--json", action="store_true", help="print all fields")
    change = add("change", _change, "change the rights or the end of a token; the token itself stays the same")
    change.add_argument("name", metavar="NAME", help="the name of the token")
    change.add_argument("--delegate", action=argparse.BooleanOptionalAction, help=DELEGATE)
    change.add_argument("--expires", metavar="TIME", help="when it ends, such as 90d or 12h from now, or never")
    revoke = add("revoke", _revoke, "end a token at once, also for a service that runs; this cannot be undone")
    revoke.add_argument("name", metavar="NAME", help="the name of the token")
    return made


def run(argv: Sequence[str]) -> int:
    """Run one of the commands; raises VmkopsError. `create` prints the token and nothing else."""
    options = parser().parse_args(argv)
    write_privately()
    options.run(options)
    return 0


def _create(options: argparse.Namespace) -> None:
    from service.api.settings import read_settings
    from service.api.settings_source import read_setting
    from service.errors import StartError
    from service.store.audit import Event
    from service.store.database import has_database
    from service.store.tokens import lifetime

    settings = read_settings()
    expires = lifetime(options.expires) if options.expires is not None else None
    is_new = not has_database(settings)
    # Without the setting, the folder is below the one that the person is in, where perhaps no service ever runs.
    if is_new and not options.init and not read_setting("VMKOPS_DATA_DIR"):
        raise StartError(_explain(settings.data_dir, options))
    with _store(init=is_new) as (tokens, audit):
        token = tokens.create(options.name, options.scope, delegate=options.delegate, expires=expires)
        rights = {"scope": options.scope, "delegate": str(options.delegate), "expires": options.expires or "never"}
        audit.record(Event.TOKEN_CREATED, person=local_user(), name=options.name, **rights)
    print(token)
    if settings.postgres_url is None:
        where = f"the data directory {settings.data_dir.absolute()}"
        print(f"This token is only for the service on {where}. Another service does not know it.", file=sys.stderr)
        if is_new:
            print("No service has used this directory yet: it was made now, for its first start.", file=sys.stderr)


def _list(options: argparse.Namespace) -> None:
    print_tokens(stored_tokens(), as_json=options.json)


def stored_tokens() -> list[TokenInfo]:
    """The tokens of this installation, by name; raises StartError when there is no database of vmkops."""
    with _store() as (tokens, _):
        return tokens.all()


def print_tokens(found: Sequence[TokenInfo], *, as_json: bool) -> None:
    """Print tokens with their rights, last use and end, or the one form of JSON of all lists."""
    from datetime import UTC, datetime

    from service.api.units import when
    from vmkops.commands._shown import for_people

    if as_json:
        print(json.dumps({"tokens": [asdict(each) for each in found], "next": None}))
        return
    for each in found:
        ended = each.refusal(datetime.now(UTC))
        rights = f"{each.scope}{', may act for people' if each.delegate else ''}"
        used = f"last used {when(each.last_used_at, None)}" if each.last_used_at else "never used"
        until = for_people(ended) or (
            f"expires {when(each.expires_at, None)}" if each.expires_at else "does not expire"
        )
        print(f"{each.name}  {rights}; created {when(each.created_at, None)}, {used}; {until}")
    if not found:
        print("No tokens. Create one with: vmkops token create NAME --scope operate", file=sys.stderr)


def _change(options: argparse.Namespace) -> None:
    from service.errors import InvalidParams
    from service.store.audit import Event
    from service.store.tokens import lifetime

    if options.delegate is None and options.expires is None:
        raise InvalidParams("Give what to change: --delegate, --no-delegate or --expires.")
    given = options.expires is not None
    expires = lifetime(options.expires) if given and options.expires != "never" else None
    with _store() as (tokens, audit):
        if options.delegate is not None:
            tokens.allow_delegation(options.name, options.delegate)
        if given:
            tokens.set_expiry(options.name, expires)
        changed = {"delegate": "" if options.delegate is None else str(options.delegate)}
        changed["expires"] = options.expires or ""
        audit.record(Event.TOKEN_CHANGED, person=local_user(), name=options.name, **changed)
    print(f"The token {options.name!r} is changed.")


def _revoke(options: argparse.Namespace) -> None:
    from service.store.audit import Event

    with _store() as (tokens, audit):
        tokens.revoke(options.name)
        audit.record(Event.TOKEN_REVOKED, person=local_user(), name=options.name)
    print(f"The token {options.name!r} is revoked. Schedules that it made are paused.")


@contextmanager
def _store(*, init: bool = False) -> Iterator[tuple[Tokens, Audit]]:
    """The tokens and the audit of this installation."""
    from service.api.settings import read_settings
    from service.errors import StartError
    from service.store.audit import Audit
    from service.store.database import has_database, open_database
    from service.store.tokens import Tokens

    settings = read_settings()
    if not init and not has_database(settings):
        raise StartError(_explain(settings.data_dir))
    engine = open_database(settings, make_dir=init)
    try:
        yield Tokens(engine, frozenset()), Audit(engine)
    finally:
        engine.dispose()


def _explain(data_dir: Path, create: argparse.Namespace | None = None) -> str:
    """Why the tokens of this data directory are not those of a service, and what to type; `create` makes one."""
    from service.api.redaction import redact
    from vmkops.commands._lookup import service_is_named
    from vmkops.commands._service import chosen

    where = data_dir.absolute()
    what = "has no database of vmkops" if where.exists() else "does not exist"
    words = ["NAME", "--scope", "operate"]
    if create is not None:
        words = [create.name, "--scope", create.scope]
        words += ["--delegate"] if create.delegate else []
        words += ["--expires", create.expires] if create.expires else []
    url = chosen().url if service_is_named() else ""
    if url and urlsplit(url).hostname not in ("localhost", "127.0.0.1", "::1"):
        return (
            f"the tokens of {redact(url)} are kept on its own computer, and no call lists or makes them.\n"
            "  Run this command there, in the folder of the service or with its VMKOPS_DATA_DIR, or have its "
            f"administrator run: {shlex.join(['vmkops', 'token', 'create', *words])}\n"
            f"  Here, the data directory {where} {what}."
        )
    return (
        f"the data directory {where} {what}, so no service knows its tokens.\n"
        "  If a service runs elsewhere, run this command in its folder or with its VMKOPS_DATA_DIR.\n"
        "  If no service has run here yet, start it first, or make the directory now: "
        f"{shlex.join(['vmkops', 'token', 'create', *words, '--init'])}"
    )
