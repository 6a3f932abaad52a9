"""How a command that failed ends: a message for people, and the exit status."""

from __future__ import annotations

import sys

FAILED = 1
CANNOT_START = 2


def report(command: str, error: Exception) -> int:
    """Print why the command failed and what to do, and return its exit status; any other error is raised again."""
    from service.errors import SettingError, StartError, VmkopsError

    if isinstance(error, SettingError):
        from vmkops.commands._settings import print_misspelt

        print_misspelt()  # what is missing may be there under a misspelt name
    from vmkops.commands._disk_errors import disk_problem

    if problem := disk_problem(error):
        _print(command, problem, [])
        return CANNOT_START
    if isinstance(error, VmkopsError):
        _print(command, str(error), error.suggestions)
        return CANNOT_START if isinstance(error, StartError) else FAILED
    from service.api.client import ServiceError

    if isinstance(error, ServiceError):
        _print(command, error.problem.detail or error.problem.title, error.problem.suggestions)
        return FAILED
    raise error


def _print(command: str, message: str, suggestions: list[str]) -> None:
    print("\n".join([f"vmkops {command}: {message}", *(f"  {each}" for each in suggestions)]), file=sys.stderr)
