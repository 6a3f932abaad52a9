"""A state file that is damaged, or made to do harm, is refused with a reason, and nothing of it is imported."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.errors import StateRefused
from service.state.form import FORMAT, LONGEST_LINE
from service.state.importing import import_state
from service.store import database
from tests.service.state.test_state import HASH, WHAT, Installation, fill, save

AT = "2026-11-01T03:00:00+00:00"
TOKEN = {"name": "x", "hash": HASH, "scope": "read", "created_at": AT}
SCHEDULE = {"name": "nightly", "cron": "0 3 * * *", "timezone": "UTC", "paused": False, "what": WHAT}
JOB: dict[str, Any] = {"id": "j1", "kind": "job", "status": "SUCCESS", "created_at": 1, "updated_at": 1, "steps": []}
STEP = {"number": 1, "name": "s", "started_at": 1, "completed_at": 2, "detail": "", "error": None}
PAGE = {"slug": "a", "revision": 1, "saved_at": AT, "change": "created", "token": "", "person": "", "text": ""}


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


def pack(path: Path, *rows: tuple[str, Any], header: dict[str, Any] | None = None, after: bytes = b"") -> Path:
    """A file with these rows and the right digest."""
    parts: dict[str, int] = {}
    for part, _ in rows:
        parts[part] = parts.get(part, 0) + 1
    first = {"vmkops-state": FORMAT, "product": "9.9", "created_at": AT, "installation": "x", "database": "sqlite"}
    lines = [first | {"parts": parts} | (header or {}), *({"part": part, "row": row} for part, row in rows)]
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    end = {"end": {"sha256": hashlib.sha256(text).hexdigest(), "signature": ""}}
    path.write_bytes(gzip.compress(text + json.dumps(end).encode() + b"\n" + after))
    return path


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("here"))


def refused(here: Installation, path: Path) -> str:
    """Why the file is refused."""
    with pytest.raises(StateRefused) as caught:
        import_state(here.settings, path, unsigned=True)
    assert here.rows(database.tokens) == here.rows(database.page_versions) == []
    message = str(caught.value)
    assert message.isprintable()
    return message


@pytest.mark.parametrize(
    ("part", "row", "why"),
    [
        ("tokens", TOKEN | {"is_root": True}, "a column that this version does not know: is_root"),
        ("tokens", TOKEN | {"x\x1b[31m": 1}, "does not know: x"),
        ("tokens", TOKEN | {"scope": "root"}, "not a token of this version"),
        ("tokens", TOKEN | {"hash": "x"}, "not a token of this version"),
        ("tokens", TOKEN | {"name": "a\x1b]0;x"}, "name has a control character"),
        ("tokens", TOKEN | {"name": "a\ud800"}, "name is not a text that can be stored"),
        ("tokens", TOKEN | {"name": 7}, "name is not a text"),
        ("tokens", TOKEN | {"delegate": 1}, "delegate is not true or false"),
        ("tokens", TOKEN | {"expires_at": "tomorrow"}, "expires_at is not a time"),
        ("tokens", TOKEN | {"expires_at": "2026-11-01T03:00:00"}, "expires_at is not a time with its zone"),
        ("tokens", {"name": "x"}, "it has no hash"),
        ("page_versions", PAGE | {"text": "a\x00b"}, "text is not a text that can be stored"),
        ("page_versions", PAGE | {"revision": 1 << 31}, "revision is not a whole number"),
        ("page_versions", PAGE | {"revision": True}, "revision is not a whole number"),
        ("vmkops_executors", {"id": "x"}, "a part 'vmkops_executors' that this version does not know"),
        (
            "p2v_runs",
            {"id": "x", "created_at": AT, "updated_at": AT, "revision": 1, "run": {}},
            "not what this version",
        ),
        ("schedules", SCHEDULE | {"cron": "99 99 * * *"}, "not one that this version knows"),
        ("schedules", SCHEDULE | {"timezone": "../../etc/passwd"}, "not one that this version knows"),
        ("schedules", SCHEDULE | {"name": "other"}, "does not say what it starts"),
        ("schedules", SCHEDULE | {"what": WHAT | {"params": deep(200)}}, "nested too deep"),
        ("live_jobs", {"id": "a\n", "action": "", "target": "", "vcenter": ""}, "a control character"),
        ("jobs", JOB | {"status": "PENDING"}, "not a job that has ended"),
        ("jobs", JOB | {"kind": "os.system"}, "not a job that has ended"),
        ("jobs", JOB | {"completed_at": 1 << 70}, "completed_at is not a time"),
        ("jobs", JOB | {"attributes": ["x"]}, "no job can be shown"),
        ("jobs", JOB | {"attributes": {"params": "x"}}, "no job can be shown"),
        ("jobs", JOB | {"output": {"state": "root"}}, "no job can be shown"),
        ("jobs", JOB | {"error": {"$pickle": "gASVAAAA"}}, "no job can be shown"),
        ("jobs", JOB | {"steps": [STEP | {"output": "gASV"}]}, "a step has other fields"),
        ("jobs", JOB | {"steps": [STEP | {"error": {"$error": 1}}]}, "no job can be shown"),
        ("jobs", JOB | {"progress": {"done": "x"}}, "no job can be shown"),
    ],
)
def test_row_that_does_not_fit_is_named(here: Installation, tmp_path: Path, part: str, row: Any, why: str) -> None:
    file = pack(tmp_path / "x.state", (part, row))

    assert why in refused(here, file)


def whole(tmp_path: Path) -> bytes:
    old = Installation(tmp_path / "old")
    fill(old)
    return save(old, tmp_path / "whole.state").read_bytes()


def changed(content: bytes) -> bytes:
    text = gzip.decompress(content)
    return gzip.compress(text.replace(b'"scope":"operate"', b'"scope":"admin"', 1))


def extra_row(content: bytes) -> bytes:
    lines = gzip.decompress(content).splitlines(keepends=True)
    return gzip.compress(b"".join([*lines[:2], *lines[1:]]))


def missing_row(content: bytes) -> bytes:
    lines = gzip.decompress(content).splitlines(keepends=True)
    return gzip.compress(b"".join([*lines[:-2], lines[-1]]))


def newer(content: bytes) -> bytes:
    return gzip.compress(gzip.decompress(content).replace(b'"vmkops-state":1', b'"vmkops-state":2', 1))


def not_json(content: bytes) -> bytes:
    lines = gzip.decompress(content).splitlines(keepends=True)
    return gzip.compress(lines[0] + b'{"part": NaN}\n')


def too_deep(content: bytes) -> bytes:
    lines = gzip.decompress(content).splitlines(keepends=True)
    return gzip.compress(lines[0] + b'{"part":"schedules","row":' + b"[" * 99_000 + b"]" * 99_000 + b"}\n")


def bomb(content: bytes) -> bytes:
    first = gzip.decompress(content).splitlines(keepends=True)[0]
    return gzip.compress(first) + gzip.compress(b'{"part":"tokens","row":"' + b" " * (20 * LONGEST_LINE))


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda _: b"", "it is empty"),
        (lambda _: b"PK\x03\x04 not gzip", "not packed with gzip"),
        (lambda content: content[: len(content) // 2], "it was cut off"),
        (lambda content: content[:-8], "it was cut off"),
        (lambda content: content[:-200] + b"\xff" * 30 + content[-170:], "x.state is refused"),
        (lambda _: gzip.compress(b"[1]\n"), "line 1 is not a JSON object"),
        (lambda _: gzip.compress(b'{"a":1}\n'), "not that of a state file"),
        (lambda content: gzip.compress(gzip.decompress(content).rpartition(b'{"end"')[0]), "its last line is missing"),
        (lambda content: content + gzip.compress(b'{"part":"tokens","row":{}}\n'), "something follows its last line"),
        (changed, "its SHA-256 does not fit"),
        (extra_row, "more rows than its first line says: schedules"),
        (missing_row, "fewer rows than its first line says: 1 of jobs missing"),
        (newer, "has format 2, and this version of vmkops reads up to 1"),
        (not_json, "line 2 is not JSON"),
        (too_deep, "line 2 is not JSON"),
        (bomb, "larger than vmkops reads"),
    ],
)
def test_damaged_file_is_refused(here: Installation, tmp_path: Path, harm: Callable[[bytes], bytes], why: str) -> None:
    file = tmp_path / "x.state"
    file.write_bytes(harm(whole(tmp_path)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert why in refused(here, file)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10  # kibibytes


def test_pipe_and_folder_are_refused_at_once(here: Installation, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert "not a regular file" in refused(here, tmp_path / "pipe")
    assert "not a regular file" in refused(here, tmp_path)


def test_rows_that_fit_are_taken_and_text_of_strangers_stays_harmless(here: Installation, tmp_path: Path) -> None:
    """The same rows as above without the mistakes; this is why each of those was refused."""
    other = Installation(tmp_path / "other")
    rows = [("tokens", TOKEN), ("page_versions", PAGE), ("schedules", SCHEDULE), ("jobs", JOB | {"steps": [STEP]})]

    done = import_state(other.settings, pack(tmp_path / "x.state", *rows), unsigned=True)

    assert {each.name: sum(each.counts.values()) for each in done.parts if any(each.counts.values())} == {
        "tokens": 1,
        "page_versions": 1,
        "schedules": 1,
        "jobs": 1,
    }
    assert here.rows(database.tokens) == []
