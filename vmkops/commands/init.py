"""`vmkops init`: writes vmkops.toml from answers or options, and tries the connections that it names."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from knowledge.atomic_file import replace_file
from service.api.settings_source import CONFIG, DEFAULT_CONFIG, DEFAULT_DATA_DIR
from vmkops.commands import SERVICE
from vmkops.commands._parser import Parser

if TYPE_CHECKING:
    from service.api.settings import Settings

SUMMARY = "write vmkops.toml from your answers or from options, and try the connections"
GROUP = SERVICE
PRIVATE = 0o600
WRONG_USAGE = 2


class Question(NamedTuple):
    """One setting that the command asks for, and the option for it."""

    option: str
    name: str
    words: str
    comment: str


QUESTIONS = (
    Question("data_dir", "VMKOPS_DATA_DIR", "Folder for databases and backups", "Databases, backups and exports."),
    Question(
        "vcenter_url",
        "VMKOPS_VCENTER_URL",
        "Address of the vCenter or host, such as https://vcenter.example.com; empty for lookups alone",
        "The vCenter, or a stand-alone host. Lookups need none.",
    ),
    Question("vcenter_user", "VMKOPS_VCENTER_USER", "Account that vmkops signs in with", "Its account for vmkops."),
    Question(
        "password_file",
        "VMKOPS_VCENTER_PASSWORD_FILE",
        "File with its password on one line; empty to type the password",
        "The file with its password, which only the user of vmkops can read.",
    ),
    Question(
        "ca_file",
        "VMKOPS_VCENTER_CA_FILE",
        "PEM file with the CA of its certificate; empty if this machine trusts it",
        "The CA of its certificate.",
    ),
)
OF_VCENTER = ("vcenter_user", "password_file", "ca_file")
"""The options that make no sense without the address of a vCenter."""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(
        prog="vmkops init",
        description=f"{SUMMARY}. What no option gives is asked for in a terminal, and left out without one.",
    )
    made.add_argument("--data-dir", metavar="DIR", help="folder of databases, backups and exports (default data)")
    made.add_argument("--vcenter-url", metavar="URL", help="address of the vCenter or stand-alone host")
    made.add_argument("--vcenter-user", metavar="USER", help="account that vmkops signs in with")
    made.add_argument("--password-file", metavar="FILE", help="file with the password of the account, on one line")
    made.add_argument("--ca-file", metavar="FILE", help="PEM file with the CA of the certificate of the vCenter")
    made.add_argument("--insecure", action="store_true", help="do not check that certificate; for a lab")
    made.add_argument("--file", metavar="FILE", help=f"file to write (default: {CONFIG}, or {DEFAULT_CONFIG})")
    made.add_argument("--force", action="store_true", help="replace the file if it is there, without asking")
    made.add_argument("--no-check", action="store_true", help="only write the file; try no connection")
    return made


def run(argv: Sequence[str]) -> int:
    """Write the file and try its connections: 0 when all is good, 1 when a setting or a connection is not.

    2 for wrong usage and for a file that is there and may not be replaced.
    """
    from vmkops.commands._ask import stopped_before

    made = parser()
    options = made.parse_args(argv)
    path = Path(options.file or os.environ.get(CONFIG, "").strip() or DEFAULT_CONFIG)
    asks = sys.stdin.isatty()
    with stopped_before(f"Nothing was written to {path}."):
        if path.exists() and not options.force and not (asks and _yes(f"{path} exists. Replace it?")):
            print(f"vmkops init: {path} exists and is left as it is. Add --force to replace it.", file=sys.stderr)
            return WRONG_USAGE
        given = {each.option: _answer(each, options, asks=asks) for each in QUESTIONS}
        if not given["vcenter_url"] and (extra := [each for each in OF_VCENTER if given[each]]):
            made.error(f"--{extra[0].replace('_', '-')} needs --vcenter-url")
        password = ""
        if asks and given["vcenter_url"] and not given["password_file"]:
            password = getpass.getpass(f"Password of {given['vcenter_user']}, kept in {path}: ")
    content = _content(given, password, insecure=options.insecure)
    settings = None if options.no_check else _read(path, content)
    _write(path, content)
    print(f"{path} is written; only you can read it.")
    return asyncio.run(_connect(settings)) if settings else 0


def _answer(question: Question, options: argparse.Namespace, *, asks: bool) -> str:
    """What an option gives, or the answer in a terminal; empty for neither."""
    value = getattr(options, question.option)
    if value is None and asks and (question.option not in OF_VCENTER or options.vcenter_url):
        value = input(f"{question.words}: ").strip()
        setattr(options, question.option, value)
    return value or ""


def _yes(question: str) -> bool:
    return input(f"{question} Type yes: ").strip().lower() == "yes"


def _content(given: dict[str, str], password: str, *, insecure: bool) -> str:
    """The file: each setting below a line that says what it is, and a comment for those without a value."""
    lines = [
        "# The settings of vmkops. `vmkops help settings` explains all of them, `vmkops config check` checks them.",
        "# The same name in the environment goes before it.",
    ]
    defaults = {"data_dir": DEFAULT_DATA_DIR}
    for question in QUESTIONS:
        value = given[question.option] or defaults.get(question.option, "")
        if question.option == "password_file" and password:
            lines += ["", "# Its password.", f"VMKOPS_VCENTER_PASSWORD = {_quoted(password)}"]
            continue
        lines += ["", f"# {question.comment}", f"{'' if value else '# '}{question.name} = {_quoted(value)}"]
    if insecure:
        lines += ["", "# Its certificate is not checked: for a lab only.", "VMKOPS_VCENTER_INSECURE = true"]
    lines += [
        "",
        "# The Slack bot starts when its tokens are set: `vmkops kb show slack-setup`.",
        "# [slack]",
        '# bot_token_file = "/run/secrets/slack-bot"',
        '# app_token_file = "/run/secrets/slack-app"',
        "",
        "# More vCenters and hosts, each with a name of your choice.",
        "# [vcenters.lab]",
        '# url = "https://vcenter.lab.example.com"',
        '# user = "vmkops@vsphere.local"',
        '# password_file = "/run/secrets/lab"',
    ]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    """The value as a TOML string: TOML has the escapes of JSON."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(path: Path, content: str) -> None:
    """Write the file in one step, so that a file that is there is replaced as a whole or not at all."""
    from service.errors import StartError

    try:
        replace_file(path, content.encode(), mode=PRIVATE)
    except OSError as error:
        words = f"{path} cannot be written ({error.strerror}). Choose another --file, or correct the permissions there."
        raise StartError(words) from error


def _read(path: Path, content: str) -> Settings:
    """The settings of the file to be, read as the service reads them; raises StartError, and writes nothing there."""
    from service.errors import SettingError, StartError
    from vmkops.commands._settings import print_misspelt, service_settings

    with tempfile.TemporaryDirectory(prefix="vmkops-init-") as folder:
        trial = Path(folder) / path.name
        _write(trial, content)
        environ = {**os.environ, CONFIG: str(trial)}
        for name in _also_set(trial):
            print(f"warning: {name} is also set in the environment, which goes before {path}.", file=sys.stderr)
        print_misspelt(environ)
        try:
            settings, _ = service_settings(environ)
        except SettingError as error:
            text = str(error).replace(str(trial), str(path))
            state = f"{path} is left as it was." if path.exists() else f"Nothing was written to {path}."
            raise StartError(f"{text}\n{state}") from None
    return settings


async def _connect(settings: Settings) -> int:
    from vmkops.commands._checks import check_connections

    good, said = True, ""
    async for line in check_connections(settings):
        print(line, flush=True)
        good = good and line.mark != "failed"
        said += line.text
    if good:
        print("Start the service with `vmkops serve`.")
        return 0
    if "VMKOPS_VCENTER_INSECURE" in said:
        print("For a lab, `vmkops init --insecure` with the other options, and --force, writes that setting.")
    print("Correct what failed, then run `vmkops doctor`.")
    return 1


def _also_set(path: Path) -> list[str]:
    from service.api.config_file import read_file

    return sorted(name for name in read_file({CONFIG: str(path)}).values if os.environ.get(name, "").strip())
