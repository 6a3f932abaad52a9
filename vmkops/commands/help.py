"""`vmkops help`: the pages of the manual, and the help of a command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from vmkops import commands
from vmkops.commands import OFFLINE
from vmkops.commands._parser import Parser

SUMMARY = "show a page of the manual, or the help of a command"
GROUP = OFFLINE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    from vmkops.manual import TOPICS

    made = Parser(prog="vmkops help", description=SUMMARY)
    made.add_argument("topic", nargs="*", metavar="TOPIC", help=f"a command, or one of: {', '.join(TOPICS)}")
    return made


def run(argv: Sequence[str]) -> int:
    """Print the page, or the topics; 1 when there is no such topic."""
    from vmkops.manual import DOCS, TOPICS

    topic, *rest = parser().parse_args(argv).topic or [""]
    if not topic:
        print("vmkops help TOPIC shows a page of the manual:\n")
        for name, file in TOPICS.items():
            print(f"  {name:<15} {_title(file.read_text('utf-8'))}")
        print("\nvmkops help COMMAND shows the help of a command. vmkops kb WORDS finds procedures.")
        return 0
    if topic in TOPICS:
        file = TOPICS[topic]
        if file.parent in (DOCS, DOCS.parent):
            from vmkops.commands._color import show_lines

            show_lines([file.read_text("utf-8").removesuffix("\n")])
            return 0
        from vmkops.commands.kb import run as run_kb

        return run_kb(["show", file.stem])
    if topic in commands.names():
        from vmkops.__main__ import main

        return main([topic, *rest, "--help"])
    from vmkops.commands._near import shown

    told = f"there is no topic and no command {shown(topic)}. {_near(topic)}"
    print(f"vmkops help: {told}\nThe names of commands are topics too; vmkops --help lists them.", file=sys.stderr)
    return 1


def _near(topic: str) -> str:
    """What to type instead of a topic that does not exist: a similar one, the help of an action, or one of a list."""
    from difflib import get_close_matches

    from knowledge.procedure_store.entry_points import action_names
    from vmkops.commands._near import nearest
    from vmkops.manual import TOPICS

    known = dict.fromkeys([*TOPICS, *commands.names()])
    if topic in action_names():
        return f"{topic} is a host action: vmkops help action {topic}"
    if near := nearest(topic, known):
        return f"Did you mean {near}?"
    if near := nearest(topic, action_names()):
        return f"{near} is a host action: vmkops help action {near}"
    return f"Try: {', '.join(get_close_matches(topic, known, 3, 0.5) or TOPICS)}"


def _title(page: str) -> str:
    """The title of a page: its first heading, or the title of its front matter."""
    lines = page.splitlines()
    found = (line for line in lines if line.startswith(("# ", "title: ")))
    return next(found, "").removeprefix("# ").removeprefix("title: ").strip('"')
