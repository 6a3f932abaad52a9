"""How good a search is, and how long it takes among very many procedures: ``python -m benchmarks.search [PAGES]``.

First the built-in pages are searched for what people type: how often the right page comes first, and among three. Then
made-up pages (100,000 unless said otherwise) are written into a temporary folder, taken in, and searched the way
people do: with words, an unfinished word, a slip of the fingers, a whole question, a word that is everywhere, signs.
The vocabulary is that of the built-in pages and as many made-up words, used as unevenly as words are.
"""

from __future__ import annotations

import itertools
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from knowledge.procedure_store.folders import BUILT_IN
from knowledge.procedure_store.store import Store
from tests.knowledge.procedure_store.typed_queries import (
    FIFTH,
    FOURTH,
    HELD_OUT,
    SEVENTH,
    SIXTH,
    THIRD,
    TUNED,
    score,
    typed_queries,
)

GOAL_MS = 20.0
GOAL_FIRST = 0.9
GOAL_AMONG_THREE = 0.98
SEARCHES = 500
MADE_UP_WORDS = 60_000
SYLLABLES = [first + second for first in "bcdfghklmnprstvw" for second in "aeiou"]

PAGE = """---
title: {title}
summary: {summary}
subjects: [{subject}]
applies_to: [ESXi 7]
source: [made up]
aliases: [{alias}]
---

## When

{body}

## Before

{before}

## Steps

1. {steps}

## Check

{check}

## Undo

None.
"""


def main() -> int:
    """Build, measure, print; exit 1 when a goal is missed."""
    good = quality()
    pages = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    chance = random.Random(1)
    draw = vocabulary(chance)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "pages")
        folder.mkdir()
        for number in range(pages):
            (folder / f"page-{number}.md").write_text(page(draw))
        started = time.perf_counter()
        with Store.open(Path(scratch, "store.db"), folders=[BUILT_IN, folder]) as store:
            print(f"{pages:,} pages taken in: {time.perf_counter() - started:.1f} s; broken: {len(store.broken)}")
            started = time.perf_counter()
            store.refresh()
            print(f"refresh with nothing changed: {(time.perf_counter() - started) * 1e3:.0f} ms")
            return 0 if measure(store, chance, draw) <= GOAL_MS and good else 1


def quality() -> bool:
    """Print how many typed queries find the right built-in page, and return whether the goals are met."""
    good = True
    with Store.open() as store:
        for label, name in (
            ("tuned on", TUNED),
            ("held out", HELD_OUT),
            ("third", THIRD),
            ("fourth", FOURTH),
            ("fifth", FIFTH),
            ("sixth", SIXTH),
            ("seventh", SEVENTH),
        ):
            result = score(store, typed_queries(name))
            print(f"{label}: {result}")
            if name in (TUNED, HELD_OUT):
                good &= result.first >= GOAL_FIRST * result.queries
                good &= result.among_three >= GOAL_AMONG_THREE * result.queries
    return good


def vocabulary(chance: random.Random) -> Callable[[int], list[str]]:
    """A function that draws so many words, common ones far more often than rare ones."""
    text = " ".join(file.read_text() for file in BUILT_IN.glob("*.md"))
    real = sorted(set(re.findall(r"[a-z]{3,}", text.lower())))
    made_up = {"".join(chance.choices(SYLLABLES, k=chance.randint(2, 5))) for _ in range(MADE_UP_WORDS)}
    words = chance.sample(real, len(real)) + sorted(made_up, key=lambda _: chance.random())
    weights = list(itertools.accumulate(1 / (place + 8) for place in range(len(words))))
    return lambda count: chance.choices(words, cum_weights=weights, k=count)


def page(draw: Callable[[int], list[str]]) -> str:
    """One made-up page of some 150 words."""
    return PAGE.format(
        title=" ".join(draw(6)),
        summary=" ".join(draw(15)),
        subject=" ".join(draw(2)),
        alias=" ".join(draw(2)),
        body=" ".join(draw(40)),
        before=" ".join(draw(20)),
        steps=" ".join(draw(50)),
        check=" ".join(draw(20)),
    )


def measure(store: Store, chance: random.Random, draw: Callable[[int], list[str]]) -> float:
    """Search in every way, print a table, and return p99 of all searches in milliseconds."""
    kinds: dict[str, Callable[[], str]] = {
        "two words": lambda: " ".join(draw(2)),
        "four words": lambda: " ".join(draw(4)),
        "unfinished word": lambda: " ".join([*draw(1), draw(1)[0][: chance.randint(2, 4)]]),
        "mistyped words": lambda: " ".join(slip(word, chance) for word in draw(2)),
        "a question": lambda: f"how do I {draw(1)[0]} the {' of a '.join(draw(4))}?",
        "a word that is everywhere": lambda: chance.choice(["esxi", "none", "made up", "when before steps"]),
        "signs and quotes": lambda: f'"{draw(1)[0]}* NEAR({draw(1)[0]}, 5) AND title:^ -{draw(1)[0]}"',
    }
    print(f"{'search':28}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}")
    everything: list[float] = []
    for kind, make in kinds.items():
        times = [timed(store, make()) for _ in range(SEARCHES)]
        print_row(kind, times)
        everything += times
    return print_row("all", everything)


def timed(store: Store, words: str) -> float:
    """How many milliseconds one search takes."""
    started = time.perf_counter()
    store.search(words)
    return (time.perf_counter() - started) * 1e3


def print_row(kind: str, times: list[float]) -> float:
    """Print one line of the table and return its p99."""
    hundredths = statistics.quantiles(times, n=100)
    print(f"{kind:28}{hundredths[49]:9.2f}{hundredths[98]:9.2f}{max(times):9.2f}")
    return hundredths[98]


def slip(word: str, chance: random.Random) -> str:
    """The word with two letters swapped, or one left out."""
    if len(word) < 5:
        return word
    place = chance.randrange(1, len(word) - 1)
    swapped = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return chance.choice([swapped, word[:place] + word[place + 1 :]])


if __name__ == "__main__":
    sys.exit(main())
