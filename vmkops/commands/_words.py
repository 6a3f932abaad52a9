"""Reads the words after a command without argparse, for the commands that start faster than argparse does."""

from __future__ import annotations

from collections.abc import Sequence


def read_words(
    argv: Sequence[str], switches: Sequence[str], *, numbers: bool = False
) -> tuple[list[str], str, set[str], str]:
    """Return the plain words, the value of --release, the given switches (of `switches`, and --help) and a mistake.

    With `numbers` a negative number is a plain word. After `--` all words are plain. The mistake is a message or empty.
    """
    plain: list[str] = []
    release = ""
    given: set[str] = set()
    words = iter(argv)
    for word in words:
        option, _, value = word.partition("=")
        if option == "--release":
            release = value or next(words, "")
            if not release:
                return plain, release, given, "--release needs a release, such as 6.7"
        elif word in ("-h", "--help"):
            given.add("--help")
        elif word in switches:
            given.add(word)
        elif word == "--":
            plain.extend(words)
        elif word.startswith("-") and word != "-" and not (numbers and word[1:].isdecimal()):
            from vmkops.commands._near import did_you_mean, shown

            near = did_you_mean(option, ["--release", "--help", *switches])
            return plain, release, given, f"there is no option {shown(word)}.{near}"
        else:
            plain.append(word)
    return plain, release, given, ""
