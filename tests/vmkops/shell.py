"""Shells in which somebody presses the tab key after `vmkops ...`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.peers.fetch import require
from tests.pseudo_terminal import PseudoTerminal
from tests.vmkops.terminal import PLAIN
from vmkops.commands.completion import BASH, SCRIPTS

ASK = """
COMP_LINE=$TYPED COMP_POINT=${#TYPED}
COMP_WORDS=() COMP_CWORD=$WORD
COMP_WORDS[COMP_CWORD]=$CURRENT
_vmkops
for each in "${COMPREPLY[@]}"; do printf '%s\\n' "$each"; done
"""


def completed(typed: str, folder: Path, environment: Mapping[str, str]) -> tuple[list[str], str]:
    """What bash offers after these words, and what is printed on standard error.

    Readline itself needs a terminal: its part, the word around the cursor, is done here as it does it.
    """
    current = "" if typed.endswith((" ", "=", ":")) else typed.replace("=", " ").replace(":", " ").split(" ")[-1]
    path = f"{Path(sys.executable).parent}:{PLAIN['PATH']}"
    asked = {"TYPED": typed, "CURRENT": current, "WORD": str(typed.count(" "))}
    script = folder / "tab.bash"
    script.write_text(f"{BASH}{ASK}")
    done = subprocess.run(
        ["bash", str(script)],
        cwd=folder,
        env={**PLAIN, "PATH": path, **asked, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.splitlines(), done.stderr


PATIENCE_SECONDS = 60
READY, LINE = "READY>", "LINE=["
RC = {
    "bash": f"""
PS1='{READY} '
bind 'set enable-bracketed-paste off'
show() {{ printf '\\n%s%s]\\n' '{LINE}' "$READLINE_LINE"; }}
bind -x '"\\C-t": show'
""",
    "zsh": f"""
PS1='{READY} '
zstyle ':completion:*' list-prompt ''
show() {{ print -r -- $'\\n'"{LINE}$BUFFER]" }}
zle -N show
bindkey '^T' show
""",
}
"""What each shell reads at its start: a prompt to wait for, and Ctrl-T, which prints the line that is being typed."""


def line_after_tab(shell: str, typed: str, folder: Path, environment: Mapping[str, str]) -> str:
    """The command line after a tab key in this shell (bash or zsh) on a terminal, with our script for it."""
    start = folder / f"start-{shell}"
    start.mkdir(exist_ok=True)
    if shell == "zsh":
        words = [str(require("zsh")), "-i"]
        (start / "_vmkops").write_text(SCRIPTS["zsh"])
        loading = f"fpath=({start} $fpath)\nautoload -U compinit\ncompinit -u -D\n"
        (start / ".zshrc").write_text(f"{loading}{RC['zsh']}")
    else:
        (start / "rc").write_text(f"{SCRIPTS['bash']}{RC['bash']}")
        words = ["bash", "--noprofile", "--rcfile", str(start / "rc"), "-i"]
    path = f"{Path(sys.executable).parent}:{PLAIN['PATH']}"
    own = {"PATH": path, "TERM": "dumb", "ZDOTDIR": str(start), "COLUMNS": "500", "HISTFILE": "/dev/null"}
    with PseudoTerminal(words, {**PLAIN, **own, **environment}, folder=folder) as terminal:
        terminal.read_until(READY, PATIENCE_SECONDS)
        terminal.write(f"{typed}\t\x14")
        shown = terminal.read_until(LINE, PATIENCE_SECONDS)
        while "]" not in shown.partition(LINE)[2]:
            shown += terminal.read_until("]", PATIENCE_SECONDS)
        return shown.partition(LINE)[2].partition("]")[0]


def offered_by_fish(typed: str, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """What fish offers after these words, with our script for it; each without its description."""
    script = folder / "vmkops.fish"
    script.write_text(SCRIPTS["fish"])
    path = f"{Path(sys.executable).parent}:{PLAIN['PATH']}"
    done = subprocess.run(
        [str(require("fish")), "--no-config", "-c", f"source {script}; complete -C $argv[1]", typed],
        cwd=folder,
        env={**PLAIN, "PATH": path, "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stderr == ""
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]
