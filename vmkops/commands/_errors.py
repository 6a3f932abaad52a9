"""How a command that failed ends: a message for people, and the exit status."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from vmkops.commands import EXIT_AWAY, EXIT_FAILED, EXIT_WRONG_USAGE

if TYPE_CHECKING:
    from service.api.client import ServiceError


class WrongUsage(Exception):
    """What was typed is not possible; the command ends with this message and the exit status of wrong usage."""


def report(command: str, error: Exception) -> int:
    """Print why the command failed and what to do, and return its exit status; any other error is raised again."""
    if isinstance(error, WrongUsage):
        _print(command, str(error), [])
        return EXIT_WRONG_USAGE
    from service.errors import InvalidParams, SettingError, StartError, VmkopsError

    if isinstance(error, SettingError):
        from vmkops.commands._settings import print_misspelt

        print_misspelt()  # what is missing may be there under a misspelt name
    from vmkops.commands._disk_errors import disk_problem

    if on_disk := disk_problem(error):
        _print(command, on_disk, [])
        return EXIT_WRONG_USAGE
    if isinstance(error, VmkopsError):
        _print(command, str(error), error.suggestions)
        return EXIT_WRONG_USAGE if isinstance(error, (StartError, InvalidParams)) else EXIT_FAILED
    from service.api.client import ServiceAway, ServiceError

    if isinstance(error, ServiceError):
        problem = error.problem
        if problem.status == 401:
            _print(command, _why_not_signed_in(problem.detail, command), _how_to_sign_in(command))
        else:
            _print(command, problem.detail or problem.title, _suggestions(error))
        if problem.status == HTTPStatus.BAD_REQUEST:
            return EXIT_WRONG_USAGE
        return EXIT_AWAY if isinstance(error, ServiceAway) else EXIT_FAILED
    raise error


def _why_not_signed_in(detail: str, command: str) -> str:
    """The service's reason without the way out over HTTP, such as `The token 'x' was revoked on 2026-11-26.`"""
    if detail.startswith("The token "):
        return f"{detail.partition('. ')[0].rstrip('.')}."
    if command == "login":
        return "The service does not know this token."
    from vmkops.commands._service import chosen

    return "The service does not know this token." if chosen().token else "This needs a token."


def _suggestions(error: ServiceError) -> Sequence[str]:
    """What the error suggests; of a service that does not answer, with the option that chose it."""
    from service.api.client import ServiceAway
    from vmkops.commands._general import SERVICE_SETTING, asked_by

    option = asked_by(SERVICE_SETTING)
    if isinstance(error, ServiceAway) and option != SERVICE_SETTING:
        return [f"Is it running? {option} has the address of the service."]
    return error.problem.suggestions


def _how_to_sign_in(command: str) -> Sequence[str]:
    """How to sign in; where a token is kept for another address of the same machine, that address first."""
    from vmkops.commands._logins import same_machine
    from vmkops.commands._service import chosen

    url = chosen().url
    other = "" if command == "login" else same_machine(url)
    if not other:
        return (
            "Make a token where the service runs, in its folder or with its VMKOPS_DATA_DIR: "
            "vmkops token create NAME --scope operate",
            f"Then sign in with it: vmkops login {url}. In a script, set VMKOPS_TOKEN or VMKOPS_TOKEN_FILE instead.",
        )
    return (
        f"You are signed in to {other}, and asked {url}. A token is kept for one address alone.",
        f"Ask that address, with --service {other} or in VMKOPS_SERVICE_URL, or sign in to this one: "
        f"vmkops login {url}",
    )


def _print(command: str, message: str, suggestions: Sequence[str]) -> None:
    from vmkops.commands._shown import for_people  # the message may be a stranger's

    more = [each for each in suggestions if not re.search(rf"(?<!\S){re.escape(each)}[.,?](?!\S)", message)]
    told = _with_commands(message)
    lines = [f"vmkops {command}: {told}{_where_listed(told)}", *(f"  {each}" for each in more)]
    print(for_people("\n".join(lines)), file=sys.stderr)


_NO_SUCH = re.compile(r"\b[Nn]o ((?:good )?[a-zA-Z]+) (?:[a-z]+ )*?'|\bNo (vCenter) is named")
"""What a message says does not exist, such as the VM in `There is no VM with the name 'nosuch'`."""
_LISTS = {
    **{noun: f"{noun}s" for noun in ("host", "datastore", "snapshot", "job", "backup", "schedule", "token", "action")},
    **{"VM": "vms", "vCenter": "vcenters", "procedure": "kb list", "run": "runs list"},
}
"""The command that lists things of each kind."""


def _where_listed(message: str) -> str:
    """` vmkops vms lists the VMs.` for a message that only says that a VM does not exist; empty where it says more."""
    found = _NO_SUCH.search(message) if ". " not in message else None
    noun = (found[1] or found[2]) if found else ""
    listed = _LISTS.get(noun)
    return f" `vmkops {listed}` lists the {noun}s." if listed and f"vmkops {listed}" not in message else ""


LISTED_BY = {"procedures": "kb list", "runs": "runs list"}
"""The commands that list things, where the name of the things is not the command."""


def _with_commands(message: str) -> str:
    """A message of the service with the command for each list in it, such as `The list of jobs (vmkops jobs) ...`."""

    def named(found: re.Match[str]) -> str:
        return f"{found[0]} (vmkops {LISTED_BY.get(found[1], found[1])})"

    return re.sub(r"\b[Tt]he list of (actions|backups|jobs|procedures|runs|schedules|snapshots)\b", named, message)
