"""Batches of pages come in order, whoever reads them."""

import os
import signal
from pathlib import Path

import pytest

from knowledge.procedure_store import batch
from knowledge.procedure_store.folders import find_pages
from tests.knowledge.procedure_store.test_store import page
from tests.peers.waiting import wait_for


@pytest.fixture
def parts(tmp_path: Path) -> list[batch.Candidates]:
    for number in range(12):
        (tmp_path / f"fan-{number:02}.md").write_text(page(f"Fan {number} failed"))
    (tmp_path / "fan-07.md").write_text("no page")
    return [[(found.slug, [found])] for found in find_pages(tmp_path)]


def slugs(batches: list[batch.Batch]) -> list[str]:
    return [slug for each in batches for slug in each.slugs]


def readers() -> set[int]:
    """The process ids of the children of this process that read pages."""
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if parent == os.getpid() and b"spawn_main" in words:
            found.add(int(folder.name))
    return found


def test_processes_read_what_a_thread_reads(parts: list[batch.Candidates], monkeypatch: pytest.MonkeyPatch) -> None:
    here = list(batch.read_batches(parts))
    monkeypatch.setattr(batch, "MANY_PAGES", 1)
    batches = batch.read_batches(parts)
    elsewhere = [next(batches)]
    assert readers()
    elsewhere += batches

    assert elsewhere == here
    assert slugs(here) == [f"fan-{number:02}" for number in range(12)]
    assert [slug for each in here for slug, _ in each.broken] == ["fan-07"] * len(here[7].broken)
    assert not readers()


def test_pages_of_a_reader_that_was_killed_are_read(
    parts: list[batch.Candidates], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "MANY_PAGES", 1)
    batches = batch.read_batches(parts)
    read = [next(batches)]
    killed = readers()
    for reader in killed:
        os.kill(reader, signal.SIGKILL)
    wait_for(lambda: not killed & readers(), what="the end of the readers")
    read += batches

    assert slugs(read) == [f"fan-{number:02}" for number in range(12)]
