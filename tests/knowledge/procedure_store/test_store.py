"""The store shows at once what teams add, change, break and delete in their folders, and keeps everything else."""

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.procedure_store.folders import BUILT_IN
from knowledge.procedure_store.index import VERSION
from knowledge.procedure_store.procedure import BrokenPageError
from knowledge.procedure_store.store import NotEditableError, Store, StoreError
from knowledge.procedure_store.symptoms import fingerprint


def page(title: str, words: str = "Words.") -> str:
    facts = f"title: {title}\nsummary: A page.\nsubjects: [x]\napplies_to: [any]\nsource: [ours]\n"
    return f"---\n{facts}---\n## When\n{words}\n## Before\nx\n## Steps\nx\n## Check\nx\n## Undo\nx\n"


@pytest.fixture
def team(tmp_path: Path) -> Path:
    folder = tmp_path / "team"
    folder.mkdir()
    return folder


@pytest.fixture
def store(team: Path) -> Iterator[Store]:
    with Store.open(folders=[BUILT_IN, team]) as opened:
        yield opened


def test_built_in_pages_need_no_folder_of_the_team() -> None:
    with Store.open() as store:
        linux = store.get("linux-p2v")
        assert linux is not None
        assert linux.origin == "built-in"
        assert store.broken == []
        assert len(store.pages()) == len([*BUILT_IN.glob("*.md")]) - 1  # the template is not a page


def test_a_refresh_finds_added_changed_and_removed_pages(store: Store, team: Path) -> None:
    (team / "fan.md").write_text(page("Fan failed", "turbine"))
    assert store.refresh() == 1
    assert [hit.slug for hit in store.search("turbine")] == ["fan"]
    (team / "fan.md").write_text(page("Fan failed", "propeller"))
    assert store.refresh() == 1
    assert store.search("turbine") == []
    assert [hit.slug for hit in store.search("propeller")] == ["fan"]
    (team / "fan.md").unlink()
    assert store.refresh() == 1
    assert store.search("propeller") == []
    assert store.get("fan") is None


def test_a_refresh_with_nothing_changed_reads_nothing(store: Store) -> None:
    assert store.refresh() == 0


def test_a_refresh_finds_a_change_that_keeps_size_and_time(store: Store, team: Path) -> None:
    file = team / "fan.md"
    file.write_text(page("Fan failed"))
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    store.refresh()
    (team / "aside").write_text(page("Jet failed"))
    os.utime(team / "aside", ns=times)
    (team / "aside").replace(file)
    assert store.refresh() == 1
    assert [hit.title for hit in store.search("jet")] == ["Jet failed"]


def test_a_team_page_replaces_the_built_in_one_and_is_marked_as_such(store: Store, team: Path) -> None:
    (team / "linux-p2v.md").write_text(page("Our way to move Linux"))
    store.refresh()
    ours = store.get("linux-p2v")
    assert ours is not None
    assert (ours.title, ours.origin, ours.overrides) == ("Our way to move Linux", "team", True)
    assert len([hit for hit in store.pages() if hit.slug == "linux-p2v"]) == 1
    (team / "linux-p2v.md").unlink()
    store.refresh()
    theirs = store.get("linux-p2v")
    assert theirs is not None
    assert (theirs.origin, theirs.overrides) == ("built-in", False)


def test_a_broken_page_is_reported_by_file_and_line_and_the_others_remain(store: Store, team: Path) -> None:
    (team / "fan.md").write_text(page("Fan failed"))
    (team / "pump.md").write_text(page("Pump failed").replace("summary", "sumary"))
    (team / "My Page.md").write_text(page("Mine"))
    (team / "linux-p2v.md").write_bytes(b"\xff")
    store.refresh()
    broken = {(Path(one.file).name, one.line) for one in store.broken}
    assert broken == {("pump.md", 3), ("pump.md", 1), ("My Page.md", 1), ("linux-p2v.md", 1)}
    assert store.get("fan") is not None
    assert store.get("pump") is None
    built_in = store.get("linux-p2v")
    assert built_in is not None, "a broken page of the team must not hide the built-in one"
    assert built_in.origin == "built-in"
    for name in ("pump.md", "My Page.md", "linux-p2v.md"):
        (team / name).unlink()
    store.refresh()
    assert store.broken == []


def test_anything_but_a_readable_file_is_reported_and_does_not_block(store: Store, team: Path) -> None:
    os.mkfifo(team / "pipe.md")
    (team / "folder.md").mkdir()
    (team / "nowhere.md").symlink_to(team / "missing")
    (team / "large.md").write_bytes(b"x" * 10_000_000)
    (team / "README.md").write_text("not a page")
    (team / ".hidden.md").write_text("not a page")
    (team / "notes.txt").write_text("not a page")
    Path(os.fsdecode(os.fsencode(team) + b"/\xff.md")).write_text("a name that is not text")
    store.refresh()
    names = {Path(one.file).name for one in store.broken}
    assert names == {"pipe.md", "folder.md", "nowhere.md", "large.md", "\\xff.md"}
    assert store.refresh() == 0


def test_symbolic_links_are_followed_as_in_a_mounted_configuration(store: Store, team: Path) -> None:
    for version, title in (("one", "Fan one"), ("two", "Fan two")):
        (team / version).mkdir()
        (team / version / "fan.md").write_text(page(title))
    (team / "..data").symlink_to("one")
    (team / "fan.md").symlink_to("..data/fan.md")
    store.refresh()
    assert [hit.title for hit in store.search("fan")] == ["Fan one"]
    (team / "..new").symlink_to("two")
    (team / "..new").replace(team / "..data")
    store.refresh()
    assert [hit.title for hit in store.search("fan")] == ["Fan two"]


def test_a_folder_that_disappears_is_reported_and_its_pages_remain(store: Store, team: Path) -> None:
    (team / "fan.md").write_text(page("Fan failed"))
    store.refresh()
    shutil.move(team, team.with_name("gone"))
    store.refresh()
    assert [str(one) for one in store.broken] == [
        f"{team}:1: cannot be listed (No such file or directory); pages read from it before are still shown"
    ]
    assert store.get("fan") is not None
    shutil.move(team.with_name("gone"), team)
    store.refresh()
    assert store.broken == []


def test_a_folder_that_never_existed_is_reported_and_the_built_in_pages_remain(tmp_path: Path) -> None:
    with Store.open(folders=[BUILT_IN, tmp_path / "missing"]) as store:
        assert store.get("linux-p2v") is not None
        assert [one.file for one in store.broken] == [str(tmp_path / "missing")]


def test_the_built_in_folder_is_read_once_when_it_is_also_the_teams_folder() -> None:
    with Store.open(folders=[BUILT_IN, BUILT_IN]) as store:
        assert store.broken == []
        with pytest.raises(NotEditableError):
            store.save("fan", page("Fan failed"))


def test_saved_pages_are_in_the_teams_folder_and_found_at_once(store: Store, team: Path) -> None:
    text = page("Fan failed", "turbine ‑ Größe")
    saved = store.save("fan", text)
    assert (saved.title, saved.origin) == ("Fan failed", "team")
    assert (team / "fan.md").read_text(encoding="utf-8") == text
    assert [file.name for file in team.iterdir()] == ["fan.md"]
    assert [hit.slug for hit in store.search("turbine")] == ["fan"]


def test_a_wrong_page_is_not_saved_and_the_old_one_remains(store: Store, team: Path) -> None:
    store.save("fan", page("Fan failed"))
    with pytest.raises(BrokenPageError) as caught:
        store.save("fan", page("Fan failed").replace("## Undo", "## Back"))
    assert str(caught.value).startswith("fan.md:")
    assert (team / "fan.md").read_text() == page("Fan failed")


@pytest.mark.parametrize("slug", ["../fan", "/etc/fan", "fan/../../x", "Fan", "", "fan\0", "TEMPLATE", ".fan"])
def test_no_name_points_outside_the_teams_folder(store: Store, team: Path, slug: str) -> None:
    with pytest.raises(BrokenPageError, match="cannot be the name of a page"):
        store.save(slug, page("Fan"))
    with pytest.raises(NotEditableError):
        store.delete(slug)
    assert store.get(slug) is None
    assert [*team.iterdir()] == []


def test_half_a_character_is_refused_like_any_other_wrong_page(store: Store) -> None:
    with pytest.raises(BrokenPageError, match="not UTF-8"):
        store.save("fan", page("Fan \ud800"))


def test_deleting_a_team_page_brings_back_the_built_in_one(store: Store, team: Path) -> None:
    store.save("linux-p2v", page("Our way"))
    store.delete("linux-p2v")
    again = store.get("linux-p2v")
    assert again is not None
    assert again.origin == "built-in"
    with pytest.raises(NotEditableError, match="A built-in page cannot be deleted"):
        store.delete("linux-p2v")


def test_without_a_folder_of_the_team_the_error_names_the_setting() -> None:
    with Store.open() as store, pytest.raises(NotEditableError, match="VMKOPS_PROCEDURES_DIR"):
        store.save("fan", page("Fan"))


def test_a_folder_that_cannot_be_written_is_reported_with_the_reason(store: Store, team: Path) -> None:
    team.rmdir()
    with pytest.raises(NotEditableError, match="cannot be written: No such file or directory"):
        store.save("fan", page("Fan"))


def test_a_stored_index_reads_only_what_changed_since_its_last_use(team: Path, tmp_path: Path) -> None:
    (team / "fan.md").write_text(page("Fan failed"))
    with Store.open(tmp_path / "store.db", folders=[team]) as store:
        assert store.get("fan") is not None
    (team / "pump.md").write_text(page("Pump failed"))
    with Store.open(tmp_path / "store.db", folders=[team]) as store:
        assert [hit.slug for hit in store.pages()] == ["fan", "pump"]
        assert store.refresh() == 0


def test_ten_thousand_pages_are_taken_in_and_found(team: Path, tmp_path: Path) -> None:
    for number in range(10_000):
        (team / f"fan-{number}.md").write_text(page(f"Fan {number} failed"))
    (team / "pump.md").write_text(page("Pump failed", "turbine"))
    with Store.open(tmp_path / "store.db", folders=[team]) as store:
        assert store.broken == []
        assert store.searched.pages == 10_001
        assert [hit.slug for hit in store.search("fan failed 9876", 1)] == ["fan-9876"]
        assert [hit.slug for hit in store.search("turbine")] == ["pump"]
        assert len(store.search("fan", 100)) == 100
    with Store.open(tmp_path / "store.db", folders=[team]) as store:
        assert store.searched.pages == 10_001
        assert store.refresh() == 0, "an unchanged folder must not be read again"


def test_a_page_that_is_too_large_is_named_with_its_limit(store: Store, team: Path) -> None:
    (team / "large.md").write_text(page("Large", "x" * 5_000_000))
    store.refresh()
    (problem,) = store.broken
    assert (problem.file, problem.line) == (str(team / "large.md"), 1)
    assert "more than 262,144 bytes, the most that is read: split it" in problem.message
    with pytest.raises(BrokenPageError, match="more than 262,144 bytes"):
        store.save("large", page("Large", "x" * 5_000_000))


def test_changed_symptoms_or_synonyms_make_the_index_again(team: Path, tmp_path: Path) -> None:
    Store.open(tmp_path / "store.db", folders=[team]).close()
    with sqlite3.connect(tmp_path / "store.db") as old:
        version = old.execute("PRAGMA user_version").fetchone()[0]
    assert version == (fingerprint() + VERSION) & 0x7FFFFFFF


def test_two_processes_can_share_one_index(team: Path, tmp_path: Path) -> None:
    with (
        Store.open(tmp_path / "store.db", folders=[team]) as one,
        Store.open(tmp_path / "store.db", folders=[team]) as other,
    ):
        one.save("fan", page("Fan failed"))
        assert other.get("fan") is not None
        other.delete("fan")
        assert one.refresh() == 0
        assert one.get("fan") is None


def test_an_index_of_another_version_is_created_again(team: Path, tmp_path: Path) -> None:
    (team / "fan.md").write_text(page("Fan failed"))
    Store.open(tmp_path / "store.db", folders=[team]).close()
    old = sqlite3.connect(tmp_path / "store.db")
    old.executescript("DROP TABLE pages; CREATE TABLE pages (x); PRAGMA user_version = 999")
    old.close()
    with Store.open(tmp_path / "store.db", folders=[team]) as store:
        assert [hit.slug for hit in store.search("fan")] == ["fan"]


def test_a_file_that_is_not_an_index_is_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(StoreError, match="Delete the file or choose another one"):
        Store.open(tmp_path / "store.db")
    with pytest.raises(StoreError, match="unable to open"):
        Store.open(tmp_path / "missing" / "store.db")


def test_threads_search_while_pages_are_written(store: Store) -> None:
    failures: list[BaseException] = []
    done = threading.Event()

    def search() -> None:
        try:
            while not done.is_set():
                assert store.search("snapshot")
                assert store.get("linux-p2v")
                store.refresh()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(20):
        store.save("fan", page(f"Fan {number} failed"))
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [hit.title for hit in store.search("fan")] == ["Fan 19 failed"]


def linking(slug: str) -> str:
    return page("Fan failed", f"See [it]({slug}.md).")


def test_links_of_the_team_that_stop_working_are_listed_until_they_work_again(store: Store, team: Path) -> None:
    (team / "fan.md").write_text(linking("pump"))
    (team / "pump.md").write_text(page("Pump failed"))
    store.refresh()
    assert store.broken_links == []

    (team / "pump.md").unlink()
    store.refresh()
    assert [str(one) for one in store.broken_links] == [f"{team}/fan.md:9: links to pump.md, which does not exist"]

    (team / "fan.md").write_text(linking("pump") + "\n[it](pump.md) again\n")
    store.refresh()
    assert [one.line for one in store.broken_links] == [9]

    (team / "fan.md").write_text(linking("linux-p2v"))
    store.refresh()
    assert store.broken_links == []


def test_store_of_a_version_without_the_table_of_links_gets_it(team: Path, tmp_path: Path) -> None:
    (team / "fan.md").write_text(linking("pump"))
    with Store.open(tmp_path / "store.db", folders=[team]):
        pass
    with sqlite3.connect(tmp_path / "store.db") as database:
        database.execute("DROP TABLE page_links")

    with Store.open(tmp_path / "store.db", folders=[team]) as store:
        assert len(store.broken_links) == 1
