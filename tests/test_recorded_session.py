"""The terminal session of README.md is well-formed, current, and shows nothing of the computer that recorded it."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import pytest

from service.actions.backup import ACTION
from service.api.models import JobState
from tests.recorded_session import CAST, DOCS, SVG, read_cast
from tests.terminal_picture import COLUMNS, ROWS, Event, frames, picture

AGAIN = "run make recording"
LARGEST = 150_000
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def shown() -> str:
    """Everything that the session printed, without the signs that move the cursor and color it."""
    return CONTROL.sub("", "".join(each.text for each in read_cast(CAST.read_text("utf-8"))))


def test_recording_is_of_asciinema_and_its_times_go_forward() -> None:
    head, *rest = (json.loads(line) for line in CAST.read_text("utf-8").splitlines())
    assert (head["version"], head["width"], head["height"]) == (2, COLUMNS, ROWS)
    times = [at for at, kind, _ in rest if kind == "o"]
    assert len(times) == len(rest) > 50
    assert times == sorted(times)
    assert 5 < times[-1] < 60


def test_picture_is_that_of_the_recording_and_small() -> None:
    assert SVG.read_text("utf-8") == picture(read_cast(CAST.read_text("utf-8"))), AGAIN
    assert SVG.stat().st_size < LARGEST
    root = ElementTree.fromstring(SVG.read_text("utf-8"))
    ids = {f"#{each.get('id')}" for each in root.iter()}
    assert {each.get("href") for each in root.iter("{http://www.w3.org/2000/svg}use")} <= ids
    words = "".join(root.itertext())
    assert all(each in words for each in ("vmkops backup web-01", " left", "the job goes on", "--watch", "succeeded"))


def test_commands_and_words_of_the_session_are_those_of_today(shown: str) -> None:
    typed = re.findall(r"^\$ vmkops (.+?)\r?$", shown, re.MULTILINE)
    assert [line.split()[0] for line in typed] == ["backup", "jobs"]
    for line in typed:
        command, *words = line.split()
        import_module(f"vmkops.commands.{command}").parser().parse_args(words)
    source = (DOCS.parent / "vmkops" / "commands" / "_follow.py").read_text("utf-8")
    for words in (
        "You no longer follow the ",
        ", and the job goes on.",
        "--watch    follows it again",
        "--cancel   stops",
    ):
        assert words in shown
        assert words in source, AGAIN
    assert f"{ACTION.name} of web-01: {JobState.SUCCEEDED.value}" in shown
    assert re.search(r"\d MB/s, \d+ s left", shown)


def test_nothing_of_the_computer_is_in_it() -> None:
    text = CAST.read_text("utf-8") + SVG.read_text("utf-8")
    named = ("/tmp/", "/home/", "/root", "127.0.0.1", "localhost", "vmkops_")
    assert [each for each in named if each in text] == []


def test_frames_keep_the_screen_at_the_end_of_each_moment() -> None:
    events = [Event(0, "one"), Event(0.1, "\r\x1b[31mtwo\x1b[0m <&"), Event(0.9, "\r\n━━╸ 50 %")]

    first, last = frames(events)

    assert (first.at, last.at) == (0, 0.75)
    assert ">two</text>" in first.lines[0]
    assert "&lt;&amp;" in first.lines[0]
    assert "one" not in first.lines[0]
    assert 'width="21.0"' in last.lines[1]  # two and a half cells of 8.4 pixels
    ElementTree.fromstring(picture(events))


def test_readme_shows_it() -> None:
    assert "(docs/backup.svg)" in Path(DOCS.parent, "README.md").read_text("utf-8")
