"""`vmkops login`: keeps the token for a service, after trying it."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vmkops.commands import EXIT_DONE, EXIT_WRONG_USAGE, SERVICE
from vmkops.commands._general import SERVICE_SETTING, choose
from vmkops.commands._parser import Parser

if TYPE_CHECKING:
    from vmkops.commands._service import Chosen

SUMMARY = "sign in to a service: try a token, and keep it for this service"
GROUP = SERVICE
EPILOG = (
    "The token is read from the terminal, or from standard input: vmkops login < FILE. It is kept in a file that only "
    "you can read. Without SERVICE, VMKOPS_PROFILE or VMKOPS_SERVICE_URL chooses it. VMKOPS_TOKEN, "
    "VMKOPS_TOKEN_FILE and the token of a table [services.NAME] take precedence over it."
)


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(prog="vmkops login", description=SUMMARY, epilog=EPILOG)
    made.add_argument("service", nargs="?", metavar="SERVICE", help="its URL, or the name of its table in vmkops.toml")
    return made


def run(argv: Sequence[str]) -> int:
    """Ask for the token, try it and keep it; raises ServiceError when the service refuses it or does not answer."""
    options = parser().parse_args(argv)
    before = os.environ.get(SERVICE_SETTING, "")
    if options.service:
        choose(options.service)
    from service.api.units import when
    from service.api.words import printable
    from vmkops.commands._ask import stopped_before
    from vmkops.commands._logins import keep_login
    from vmkops.commands._service import chosen

    service = chosen()
    if is_open(service.url):
        print(f"warning: the token goes to {service.url} unencrypted, as it begins with http://.", file=sys.stderr)
    with stopped_before("No token was kept."):
        token = _token(service.url)
    if not token or len(token.split()) > 1 or not (token.isascii() and token.isprintable()):
        wrong = "there is no token" if not token else "this is not a token"
        print(f"vmkops login: {wrong}. `vmkops token create NAME --scope operate` makes one.", file=sys.stderr)
        return EXIT_WRONG_USAGE
    rights = asyncio.run(_rights(service, token))
    path = keep_login(service.url, token)
    until = f", until {when(rights['expires_at'], None)}" if rights.get("expires_at") else ""
    name, scopes = printable(str(rights["name"])), printable(", ".join(rights["scopes"]))
    print(f"You are signed in to {service.url} with the token {name} ({scopes}{until}). It is kept in {path}.")
    if options.service:
        print(_how_to_ask(options.service, service, before), end="")
    if service.own_token:
        where = (
            "VMKOPS_TOKEN"
            if service.own_token == os.environ.get("VMKOPS_TOKEN", "").strip()
            else "a token in the settings"
        )
        print(f"warning: {where} takes precedence over it. `vmkops config show` shows where it is.", file=sys.stderr)
    return EXIT_DONE


def _how_to_ask(typed: str, service: Chosen, before: str) -> str:
    """How other commands ask this service, as a line, when they ask another one without it; empty otherwise.

    `before` is the service that the environment chose, or `--service` before the command.
    """
    from service.errors import SettingError
    from vmkops.commands._service import chosen

    try:
        other = chosen({**os.environ, SERVICE_SETTING: before}).url.rstrip("/")
    except SettingError:
        other = ""
    if other == service.url.rstrip("/"):
        return ""
    asks = f"Other commands ask {other}. " if other else ""
    setting = f"{SERVICE_SETTING}={typed}" if service.profile == typed else f"VMKOPS_SERVICE_URL={service.url}"
    return f"{asks}To ask this service, add --service {typed} to a command, or set {setting}.\n"


def is_open(url: str) -> bool:
    """Whether what is sent to this URL can be read on its way: it has no TLS, and leaves this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return parts.scheme == "http" and not local


def _token(url: str) -> str:
    """The token, from the terminal without showing it, or the first line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass(f"Token for {url}: ").strip()
    return sys.stdin.readline(1000).strip()


async def _rights(service: Chosen, token: str) -> dict[str, Any]:
    from service.api.client import ServiceClient

    async with ServiceClient(service.url, token, ca_file=service.ca_file) as client:
        return await client.get("/tokens/current")
