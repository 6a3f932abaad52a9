"""Draws what a terminal showed as an SVG that moves: one frame for each screen, and the last one where nothing moves.

Lines are kept once and used by each frame that has them. Bars are drawn as shapes, so that no font leaves gaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple

import pyte
from pyte.screens import Char

COLUMNS, ROWS = 132, 42
FRAME_SECONDS = 0.25
LAST_SECONDS = 5.0
"""How long the end is shown before it begins again."""
WIDTH, HEIGHT = 8.4, 18
"""Pixels of a letter."""
MARGIN, BAR = 16, 34
"""Pixels around the screen, and of the bar above it."""
BACKGROUND, FOREGROUND = "#1b1f24", "#d6dce3"
COLORS = {
    "default": FOREGROUND,
    "black": "#5b6672",
    "red": "#ff7b72",
    "green": "#56d364",
    "brown": "#e3b341",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#56d4dd",
    "white": "#f0f6fc",
}
SHAPES = {"━": (0.0, 1.0), "╸": (0.0, 0.5), "╺": (0.5, 1.0)}
"""Pieces of a bar: where they begin and end in their cell."""


class Event(NamedTuple):
    """What was printed, and when, in seconds from the start."""

    at: float
    text: str


class Frame(NamedTuple):
    """A screen as the drawings of its lines, and when it appears."""

    at: float
    lines: tuple[str, ...]


def picture(events: Sequence[Event]) -> str:
    """The SVG of a session."""
    shown = list(frames(events))
    end = shown[-1].at + LAST_SECONDS
    lines = dict.fromkeys(line for frame in shown for line in frame.lines if line)
    ids = {line: f"l{number}" for number, line in enumerate(lines)}
    width, height = round(COLUMNS * WIDTH) + 2 * MARGIN, ROWS * HEIGHT + MARGIN + BAR
    stops = [f"{100 * each.at / end:.2f}%{{transform:translateX({-n * width}px)}}" for n, each in enumerate(shown)]
    style = (
        "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}"
        f"#film{{transform:translateX({-(len(shown) - 1) * width}px)}}"
        f"@media (prefers-reduced-motion:no-preference){{#film{{animation:film {end:.1f}s step-end infinite}}}}"
        f"@keyframes film{{{''.join(stops)}}}"
    )
    size = f'width="{width}" height="{height}"'
    lights = enumerate(COLORS[color] for color in ("red", "brown", "green"))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {size}>',
            f"<style>{style}</style>",
            "<defs>",
            *(f'<g id="{id_}">{line}</g>' for line, id_ in ids.items()),
            f'<clipPath id="screen"><rect {size}/></clipPath>',
            "</defs>",
            f'<rect {size} rx="8" fill="{BACKGROUND}"/>',
            *(f'<circle cx="{20 + 20 * number}" cy="18" r="6" fill="{color}"/>' for number, color in lights),
            '<g clip-path="url(#screen)"><g id="film">',
            *(_placed(frame, ids, number * width) for number, frame in enumerate(shown)),
            "</g></g>",
            "</svg>\n",
        ]
    )


def frames(events: Sequence[Event]) -> Iterator[Frame]:
    """Each screen that differs from the one before, at most one in `FRAME_SECONDS`."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    last: tuple[str, ...] | None = None
    for number, each in enumerate(events):
        stream.feed(each.text)
        following = events[number + 1].at if number + 1 < len(events) else float("inf")
        slot = each.at // FRAME_SECONDS
        if following // FRAME_SECONDS == slot:
            continue
        lines = tuple(_line(screen, row) for row in range(ROWS))
        if lines != last:
            yield Frame(slot * FRAME_SECONDS if last is not None else 0.0, lines)
        last = lines


def _line(screen: pyte.Screen, row: int) -> str:
    """One line of a screen as SVG, with the cursor where it is seen."""
    line = drawn(screen.buffer[row][column] for column in range(COLUMNS))
    if screen.cursor.y != row or screen.cursor.hidden:
        return line
    return f'{line}<rect x="{screen.cursor.x * WIDTH:.1f}" y="2" width="8" height="15" fill="{COLORS["black"]}"/>'


def drawn(cells: Iterable[Char]) -> str:
    """One line of a screen as SVG; empty for a blank one."""
    parts = []
    for start, run in _runs(list(cells)):
        color = _color(run[0].fg)
        text = "".join(each.data for each in run)
        if text[0] in SHAPES:
            begin, end = start + SHAPES[text[0]][0], start + len(run) - 1 + SHAPES[text[-1]][1]
            x, wide = begin * WIDTH, (end - begin) * WIDTH
            parts.append(f'<rect x="{x:.1f}" y="7" width="{wide:.1f}" height="5" rx="1" fill="{color}"/>')
        elif text.strip():
            bold = ' font-weight="bold"' if run[0].bold else ""
            fill = "" if color == FOREGROUND else f' fill="{color}"'
            kept = text.rstrip()
            place = f'x="{start * WIDTH:.1f}" y="14" textLength="{len(kept) * WIDTH:.1f}"'
            parts.append(f"<text {place}{fill}{bold}>{escape(kept, quote=False)}</text>")
    return "".join(parts)


def _runs(cells: list[Char]) -> Iterator[tuple[int, list[Char]]]:
    """The pieces of a line that have one look, each with its column."""
    start = 0
    for column in range(1, len(cells) + 1):
        if column == len(cells) or _look(cells[column]) != _look(cells[start]):
            yield start, cells[start:column]
            start = column


def _look(cell: Char) -> tuple[str, bool, bool]:
    return cell.fg, cell.bold, cell.data in SHAPES


def _color(name: str) -> str:
    return COLORS.get(name.removeprefix("bright"), f"#{name}" if len(name) == 6 else FOREGROUND)


def _placed(frame: Frame, ids: dict[str, str], left: int) -> str:
    lines = (f'<use href="#{ids[line]}" y="{row * HEIGHT}"/>' for row, line in enumerate(frame.lines) if line)
    return f'<g transform="translate({left + MARGIN} {BAR})" fill="{FOREGROUND}">{"".join(lines)}</g>'
