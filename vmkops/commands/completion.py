"""`vmkops completion`: a script that lets a shell complete the words of vmkops.

The scripts call `vmkops completion words SHELL LINE CURRENT`, which prints the words that may come next, one a line:
LINE is the command line up to the cursor, and CURRENT the part of it that the shell replaces. zsh and fish get a tab
and a description after each word. `vmkops completion renew KIND FILE` runs in the background.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence

from vmkops.commands import OFFLINE
from vmkops.commands._parser import Parser

SUMMARY = "print a script that lets your shell complete the words of vmkops"
GROUP = OFFLINE

EXAMPLES = """\
bash:  vmkops completion bash > ~/.local/share/bash-completion/completions/vmkops
zsh:   vmkops completion zsh > ~/.zfunc/_vmkops      (~/.zfunc must be in fpath)
fish:  vmkops completion fish > ~/.config/fish/completions/vmkops.fish

It completes commands, options, actions with their parameters, and the names of VMs, hosts, datastores, jobs, backups
and schedules, which it keeps for half a minute in ~/.cache/vmkops. When the service does not answer in time, it offers
the last names that it knew."""

BASH = """\
_vmkops() {
    local current="${COMP_WORDS[COMP_CWORD]}"
    [[ $current == [=:] ]] && current=
    mapfile -t COMPREPLY < <(vmkops completion words bash "${COMP_LINE:0:COMP_POINT}" "$current" 2>/dev/null)
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -F _vmkops vmkops
"""
ZSH = """\
#compdef vmkops
_vmkops() {
    local line
    local -a found shown
    while IFS= read -r line; do
        found+=("${line%%$'\\t'*}")
        shown+=("${line//$'\\t'/  }")
    done < <(vmkops completion words zsh "${(j: :)words[1,CURRENT-1]} ${(Q)PREFIX}" "${(Q)PREFIX}" 2>/dev/null)
    local -a with=(${(M)found:#*=})
    if (( ${#with} == ${#found} )); then
        compadd -S '' -d shown -a found
    else
        compadd -d shown -a found
    fi
}
if [[ $funcstack[1] == _vmkops ]]; then
    _vmkops "$@"
else
    compdef _vmkops vmkops
fi
"""
FISH = """\
complete -c vmkops -f \\
    -a '(vmkops completion words fish (commandline -cp) (commandline -ct) 2>/dev/null)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
_QUOTES = "\"'"


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(
        prog="vmkops completion",
        description=SUMMARY,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("shell", choices=list(SCRIPTS), help="the shell")
    return made


def run(argv: Sequence[str]) -> int:
    """Print the script, or the words that may come next; returns 0."""
    match list(argv):
        case ["words", shell, line, current]:
            # Also the last word ends its line: zsh reads lines, and leaves out what has no end.
            sys.stdout.writelines(f"{word}\n" for word in _words(shell, line, current))
        case ["renew", kind, path]:
            from vmkops.commands._names_renewed import renew

            renew(kind, path)
        case _:
            print(SCRIPTS[parser().parse_args(argv).shell], end="")
    return 0


def _words(shell: str, line: str, current: str) -> list[str]:
    """What may stand in place of `current`, each as the shell takes it."""
    from vmkops.commands._complete import complete

    words, quoted = _split(line)
    found = sorted(complete(words[1:] if len(words) > 1 else [""]))
    if shell != "bash":
        return [f"{word}\t{what}" if what else word for word, what in found]
    # bash splits words at = and :, and replaces only what is after them.
    kept = len(words[-1]) - len(_split(current)[0][-1])
    if quoted:  # readline ends the quotes by itself
        return [word[kept:] for word, _ in found if re.fullmatch(r"[\w ./:=@%+,-]*", word)]
    return [re.sub(r"([^\w./:=@%+,-])", r"\\\1", word[kept:]) for word, _ in found]


def _split(line: str) -> tuple[list[str], bool]:
    """The words of a command line as the shell reads them, the last perhaps empty, and whether quotes are open."""
    words, word, quote, started = [], "", "", False
    letters = iter(line)
    for letter in letters:
        if letter == quote:
            quote = ""
        elif letter == "\\" and quote != "'":
            word, started = word + next(letters, ""), True
        elif quote:
            word += letter
        elif letter in _QUOTES:
            quote, started = letter, True
        elif letter.isspace():
            words += [word] if started else []
            word, started = "", False
        else:
            word, started = word + letter, True
    return [*words, word], bool(quote)
