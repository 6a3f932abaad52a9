"""`vmkops completion`: a script that lets a shell complete the words of vmkops."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import OFFLINE
from vmkops.commands._parser import Parser

SUMMARY = "print a script that lets your shell complete the words of vmkops"
GROUP = OFFLINE

EXAMPLES = """\
bash:  vmkops completion bash > ~/.local/share/bash-completion/completions/vmkops
zsh:   vmkops completion zsh > ~/.zfunc/_vmkops      (~/.zfunc must be in fpath)
tcsh:  vmkops completion tcsh > ~/.vmkops.completion  (source it in ~/.tcshrc)"""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(
        prog="vmkops completion",
        description=SUMMARY,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("shell", choices=["bash", "zsh", "tcsh"], help="the shell")
    return made


def run(argv: Sequence[str]) -> int:
    """Print the script; returns 0."""
    import shtab

    from vmkops.manual import whole_parser

    print(shtab.complete(whole_parser(), parser().parse_args(argv).shell))
    return 0
