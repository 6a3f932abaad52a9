"""Options that several commands have."""

from __future__ import annotations

import argparse


def add_job_options(parser: argparse.ArgumentParser) -> None:
    """Add --dry-run, --no-wait and --json to a command that starts a job."""
    parser.add_argument("--dry-run", action="store_true", help="only check what would prevent it, and change nothing")
    parser.add_argument("--no-wait", action="store_true", help="print the id of the job and return")
    parser.add_argument("--json", action="store_true", help="print the job as JSON when it has ended")


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
