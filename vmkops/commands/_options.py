"""Options that several commands have."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta

PATIENCE = 300
"""Seconds that a command waits for a service that has gone while it follows a job."""
_TIME = re.compile(r"([1-9][0-9]{0,4})([smhd])")
_LENGTH = re.compile(r"[0-9]{1,4}[mhd]")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def add_job_options(parser: argparse.ArgumentParser) -> None:
    """Add --dry-run, --no-wait and --json to a command that starts a job."""
    parser.add_argument("--dry-run", action="store_true", help="only check what would prevent it, and change nothing")
    parser.add_argument("--no-wait", action="store_true", help="print the id of the job and return")
    parser.add_argument("--json", action="store_true", help="print the job as JSON when it has ended")
    add_patience_option(parser)


def add_copy_options(parser: argparse.ArgumentParser, *, verb: str, fullvm: str, file: str) -> None:
    """Add --type, --path and --quiesce to a command that copies a VM or files of it, each with what its types are."""
    parser.add_argument(
        "--type",
        choices=["fullvm", "file"],
        default="fullvm",
        help=f"what to {verb}: fullvm, {fullvm}, or file, {file} (default %(default)s)",
    )
    parser.add_argument(
        "--path",
        action="append",
        default=[],
        metavar="PATH",
        help="with --type file, only this file or folder of the guest, such as /etc, C:/Users or disk0/p1:/etc; "
        "repeatable",
    )
    parser.add_argument(
        "--quiesce",
        choices=["prefer", "require", "none"],
        default="prefer",
        help="whether the guest flushes its file systems before the snapshot (default %(default)s)",
    )


def add_patience_option(parser: argparse.ArgumentParser) -> None:
    """Add --patience to a command that follows something."""
    parser.add_argument(
        "--patience",
        type=_seconds,
        default=float(PATIENCE),
        metavar="TIME",
        help="how long to wait for a service that no longer answers, such as 30s or 10m (5m without it); then the exit "
        "status is 3",
    )


def ago(text: str) -> str:
    """The time so long ago, such as 90m, 24h or 7d, as RFC 3339; for the type of an argument."""
    return (datetime.now(UTC) - _span(text)).isoformat(timespec="seconds")


def length(text: str) -> str:
    """A length of time in minutes, hours or days, as the service takes it; for the type of an argument."""
    if not text or not _LENGTH.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a length of time; write it like 90m, 6h or 2d")
    return text


def hours(text: str) -> str:
    """A number of hours, such as 72, or a length of time such as 12h or 3d; for the type of an argument."""
    if re.fullmatch(r"[1-9][0-9]{0,3}[hd]", text):
        return str(int(text[:-1]) * (24 if text.endswith("d") else 1))
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours; write it like 72, 12h or 3d")
    return text


def percent(text: str) -> str:
    """A whole number of percent, with or without the sign; for the type of an argument."""
    number = text.removesuffix("%").strip()
    if not re.fullmatch(r"[0-9]{1,3}", number):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a percentage; write a whole number from 0 to 100, such as 10"
        )
    return number


def _seconds(text: str) -> float:
    return _span(text).total_seconds()


def _span(text: str) -> timedelta:
    found = _TIME.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write it like 30s, 90m, 24h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def add_yes_option(parser: argparse.ArgumentParser) -> None:
    """Add --yes to a command that asks before an action that can do harm."""
    parser.add_argument(
        "--yes", action="store_true", help="start a disruptive or destructive action without asking first; for scripts"
    )


def add_address_options(parser: argparse.ArgumentParser, port: int) -> None:
    """Add --host and --port, with this default port, to a command that listens."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=port, help="TCP port to listen on; 0 takes a free one (default %(default)s)"
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; choose a number from 0 to 65535")
    return int(text)
