"""A team's own pages: their history, a git work tree, links that stop working, and broken or very many pages."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_lookup import get
from tests.e2e.test_procedures import PAGE, found
from tests.peers.waiting import wait_for
from tests.running_service import ANNA, BOB, CAROL, OPERATORS, RunningService

SLUG = "ring-the-bell"
PATH = f"/procedures/{SLUG}"


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """The team's own folder of pages."""
    folder = tmp_path / "pages"
    folder.mkdir()
    return folder


@pytest.fixture
def team(tmp_path: Path, pages: Path) -> Iterator[RunningService]:
    """A service with that folder."""
    with RunningService(tmp_path / "data", OPERATORS | {"VMKOPS_PROCEDURES_DIR": str(pages)}) as service:
        yield service


def put(service: RunningService, text: str, who: str = "") -> tuple[int, Any]:
    body = {"text": text}
    return service.call_as(who, "PUT", PATH, body) if who else service.call("PUT", PATH, body)


def history(service: RunningService) -> list[dict[str, Any]]:
    status, answer = service.call("GET", f"{PATH}/history")
    assert status == 200, answer
    return list(answer["versions"])


def test_history_has_who_changed_what_and_when(team: RunningService) -> None:
    put(team, PAGE, ANNA)
    put(team, PAGE.replace("rack nine", "rack ten"), BOB)
    put(team, PAGE.replace("rack nine", "rack ten"), CAROL)  # changes nothing
    assert team.delete(PATH) == 204

    versions = history(team)

    assert [(each["revision"], each["change"], each["person"]) for each in versions] == [
        (3, "deleted", ""),
        (2, "changed", BOB),
        (1, "created", ANNA),
    ]
    assert [each["token"] for each in versions] == ["test", "bot", "bot"]
    assert all(each["saved_at"].endswith("+00:00") for each in versions)
    assert team.call("GET", f"{PATH}/history/1")[1]["text"] == PAGE


def test_edit_of_a_version_that_somebody_else_replaced_is_refused(team: RunningService) -> None:
    def edit(text: str, tag: str, method: str = "PUT", path: str = PATH) -> int:
        return team.call(method, path, {"text": text} if method == "PUT" else None, headers={"If-Match": tag})[0]

    def tag() -> str:
        with urllib.request.urlopen(team.url + PATH) as answer:
            return str(answer.headers["ETag"])

    ours, theirs = PAGE.replace("rack nine", "rack ten"), PAGE.replace("rack nine", "rack eleven")
    assert edit(PAGE, "*") == 412
    put(team, PAGE)
    read = tag()

    assert edit(theirs, f'"other", {read}') == 200
    assert edit(ours, read) == 412
    assert edit("", read, "DELETE") == 412
    assert edit("", read, "POST", f"{PATH}/history/1/restore") == 412
    assert [each["change"] for each in history(team)] == ["changed", "created"]
    assert tag() != read
    assert edit(ours, tag()) == 200
    assert edit(theirs, "*") == 200
    assert team.call("GET", "/procedures/a%00b/history")[0] == 400


def test_older_version_is_restored(team: RunningService, pages: Path) -> None:
    put(team, PAGE)
    put(team, PAGE.replace("rack nine", "rack ten"))

    status, restored = team.call_as(ANNA, "POST", f"{PATH}/history/1/restore")

    assert status == 200
    assert restored["text"] == PAGE == (pages / f"{SLUG}.md").read_text()
    assert [(each["change"], each["restored_from"], each["person"]) for each in history(team)[:2]] == [
        ("restored", 1, ANNA),
        ("changed", None, ""),
    ]


def test_deleted_page_is_restored_but_not_its_deletion(team: RunningService) -> None:
    put(team, PAGE)
    team.delete(PATH)

    assert team.call("POST", f"{PATH}/history/2/restore")[0] == 404
    assert team.call("POST", f"{PATH}/history/1/restore")[0] == 200
    assert found(team, "bell rack") == [SLUG]


def test_version_edited_in_the_folder_is_kept_before_it_is_replaced(team: RunningService, pages: Path) -> None:
    put(team, PAGE, ANNA)
    (pages / f"{SLUG}.md").write_text("half a page")
    put(team, PAGE.replace("rack nine", "rack ten"), BOB)

    assert [(each["change"], each["person"]) for each in history(team)] == [
        ("changed", BOB),
        ("found", ""),
        ("created", ANNA),
    ]
    assert team.call("GET", f"{PATH}/history/2")[1]["text"] == "half a page"


def test_history_survives_a_restart_needs_a_token_and_has_a_page(team: RunningService) -> None:
    put(team, PAGE, ANNA)
    team.kill()
    team.start()

    _, html = get(f"{team.url}{PATH}/history", Accept="text/html", Authorization=f"Bearer {team.token}")

    assert [each["person"] for each in history(team)] == [ANNA]
    assert ANNA in html
    assert team.call("GET", f"{PATH}/history", token="")[0] == 401
    assert team.call("POST", f"{PATH}/history/1/restore", token="")[0] == 401


@pytest.mark.parametrize("revision", ["0", "7", "-1", "x", "1.0", "9" * 30, "%C2%B2"])
def test_unknown_revision_is_not_found(team: RunningService, revision: str) -> None:
    put(team, PAGE)

    assert team.call("GET", f"{PATH}/history/{revision}")[0] == 404
    assert team.call("POST", f"{PATH}/history/{revision}/restore")[0] == 404
    assert team.call("GET", "/procedures/nothing-here/history")[0] == 404


def test_pages_of_a_git_work_tree_are_read_and_changed_only_there(tmp_path: Path) -> None:
    repository = tmp_path / "operations"
    pages = repository / "runbooks"
    pages.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    (pages / f"{SLUG}.md").write_text(PAGE)
    with RunningService(tmp_path / "data", OPERATORS | {"VMKOPS_PROCEDURES_DIR": str(pages)}) as service:
        written = put(service, PAGE.replace("rack nine", "rack ten"))
        deleted = service.call("DELETE", PATH)[0]
        (pages / f"{SLUG}.md").write_text(PAGE.replace("rack nine", "rack eleven"))  # as `git pull` does

        wait_for(lambda: found(service, "eleven") == [SLUG], what="the pulled page")

    assert (written[0], deleted) == (409, 409)
    assert f"git work tree {repository}" in written[1]["detail"]
    assert "git pull" in written[1]["detail"]


def test_link_that_stops_working_is_reported_and_logged_once(team: RunningService, pages: Path) -> None:
    linked = PAGE.replace("Walk to rack nine.", "Walk to [rack nine](rack-nine.md).")
    (pages / "rack-nine.md").write_text(PAGE.replace("Ring the bell", "Rack nine"))
    (pages / f"{SLUG}.md").write_text(linked)
    wait_for(lambda: found(team, "Rack nine")[:1] == ["rack-nine"], what="the pages")
    assert team.call("GET", "/procedures", token="")[1]["broken"] == []

    (pages / "rack-nine.md").unlink()

    def broken() -> list[str]:
        return list(team.call("GET", "/procedures?q=bell", token="")[1]["broken"])

    wait_for(broken, what="the report of the link")
    assert broken() == [f"{SLUG}.md:24: links to rack-nine.md, which does not exist; the page is shown"]
    assert found(team, "bell rings") == [SLUG]
    wait_for(lambda: "links to rack-nine.md" in team.log(), what="the log")
    for name in ("second", "third"):  # two more looks at the folder
        (pages / f"{name}-bell.md").write_text(PAGE.replace("Ring the bell", f"The {name} bell"))
        wait_for(lambda name=name: f"{name}-bell" in found(team, f"{name} bell"), what=f"the {name} bell")
    assert team.log().count("links to rack-nine.md") == 1


def test_broken_page_is_explained_where_it_is_missing(team: RunningService, pages: Path) -> None:
    (pages / f"{SLUG}.md").write_text(PAGE.replace("summary: ", "summary: [a, {b: "))
    wait_for(lambda: team.call("GET", "/procedures", token="")[1]["broken"], what="the broken page")

    page = team.call("GET", PATH, token="")
    run = team.call("POST", f"{PATH}/runs", {})

    for status, problem in (page, run):
        assert status == 404
        assert f"{SLUG}.md:3: " in problem["detail"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x" * 1_000_000, "text"),
        ("é" * 200_000, "more than 262,144 bytes"),
        ("---\ntitle: x\n", "not closed"),
        (PAGE.replace("title:", "titel:"), "titel"),
        (PAGE.replace("- bells", "- {a: b}"), "double quotes"),
        ("\ud800", ""),
        (PAGE + "\0", "U+0000"),
    ],
)
def test_page_that_cannot_be_saved_is_refused_and_leaves_no_version(
    team: RunningService, text: str, words: str
) -> None:
    status, problem = put(team, text)

    assert status == 400
    assert words in problem["detail"]
    assert len(problem["detail"]) < 2000
    assert team.call("GET", f"{PATH}/history")[0] == 404


def test_live_block_and_run_about_a_vm_that_is_gone_are_answered(team: RunningService) -> None:
    put(team, PAGE.replace("1. Walk to rack nine.", "1. Look:\n\n   ```vmkops\n   vmkops vm {vm}\n   ```\n"))

    status, live = team.call("GET", f"{PATH}/live?vm=gone-01")
    started, run = team.call("POST", f"{PATH}/runs", {"vm": "gone-01"})

    assert status == 200
    assert live["blocks"][0]["problem"]
    assert started == 201
    assert "vmkops vm gone-01" in run["items"][0]["text"]


def test_ten_thousand_pages_many_of_them_broken_are_answered_within_bounds(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    for number in range(10_000):
        text = PAGE.replace("Ring the bell", f"Bell {number}").replace("BellRings", f"Bell{number}Rings")
        (pages / f"bell-{number}.md").write_text(text if number % 2 else "broken")
    with RunningService(tmp_path / "data", OPERATORS | {"VMKOPS_PROCEDURES_DIR": str(pages)}) as service:
        _, searched = service.call("GET", "/procedures?q=bell+4711", token="")
        status, listed = service.call("GET", "/procedures", token="")
        _, saved = service.call("PUT", "/procedures/bell-0", {"text": PAGE})
        log = service.log()

    assert searched["results"][0]["slug"] == "bell-4711"
    assert len(searched["broken"]) == 101
    assert searched["broken"][-1] == "4900 more; `vmkops kb check` shows all"
    assert status == 200
    assert len(listed["results"]) > 5_000
    assert saved["slug"] == "bell-0"
    assert log.count("was left out") <= 100


def test_imported_runbooks_are_pages_of_the_service(team: RunningService, pages: Path, tmp_path: Path) -> None:
    runbooks = tmp_path / "runbooks"
    runbooks.mkdir()
    (runbooks / "BellSilent.md").write_text(
        "# BellSilent\n\nThe bell does not ring any more.\n\n## Resolution\n\n1. Run `reboot`.\n"
    )

    done = team.run("kb", "import", str(runbooks), "--json")
    wait_for(lambda: "bell-silent" in found(team, "silent bell"), what="the imported page")

    assert done.returncode == 0, done.stderr
    assert [each["slug"] for each in json.loads(done.stdout)["imported"]] == ["bell-silent"]
    assert team.call("GET", "/runbook/BellSilent", token="")[1]["procedure"]["slug"] == "bell-silent"
    _, run = team.call("POST", "/procedures/bell-silent/runs", {})
    assert run["items"][0]["boxes"][0]["kind"] == "CAUTION"
    assert team.run("kb", "check").returncode == 0
