"""A procedure that a team works through: over HTTP and in the shell, with every tick kept, exported to the incident."""

from __future__ import annotations

import getpass
import json
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_p2v import get, make_reader
from tests.e2e.test_procedures import PAGE
from tests.running_service import ANNA, BOB, OPERATORS, RunningService

STEPS = """1. Look at the bell:

   ```vmkops
   vmkops vm {vm}
   ```

2. Stop the bell.

   > [!CAUTION]
   > Affects everyone who listens to it.

   ```sh
   bellctl stop
   ```

3. Write it down.
"""
BELL = PAGE.replace("1. Walk to rack nine.\n", STEPS)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with a page about a bell."""
    pages = tmp_path_factory.mktemp("pages")
    (pages / "ring-the-bell.md").write_text(BELL)
    with RunningService(tmp_path_factory.mktemp("data"), OPERATORS | {"VMKOPS_PROCEDURES_DIR": str(pages)}) as service:
        yield service


def start(service: RunningService, **about: str) -> dict[str, Any]:
    """Start a run of the page as Anna."""
    status, run = service.call_as(ANNA, "POST", "/procedures/ring-the-bell/runs", about)
    assert status == 201, run
    return dict(run)


def mark(service: RunningService, run: dict[str, Any], item: str, who: str, **change: str) -> tuple[int, Any]:
    path = f"/runs/{run['id']}/items/{item}"
    return service.call_as(who, "PATCH", path, change)


def items(run: dict[str, Any]) -> dict[str, Any]:
    return {item["id"]: item for item in run["items"]}


def test_run_has_the_steps_with_their_boxes_and_the_targets_filled_in(team: RunningService) -> None:
    run = start(team, vm="gone-01", incident="INC-7")

    assert list(items(run)) == ["step-1", "step-2", "step-3", "check-1"]
    assert "vmkops vm gone-01" in items(run)["step-1"]["text"]
    assert items(run)["step-2"]["boxes"] == [{"kind": "CAUTION", "text": "Affects everyone who listens to it."}]
    assert (run["title"], run["targets"], run["incident"]) == ("Ring the bell", {"vm": "gone-01"}, "INC-7")
    assert (run["started_by"], run["progress"]["next"]) == (ANNA, "step-1")


def test_run_shows_who_did_what_and_when(team: RunningService) -> None:
    run = start(team)

    mark(team, run, "step-1", BOB, state="done", note="it rings")
    mark(team, run, "step-2", ANNA, state="skipped", reason="already quiet")
    mark(team, run, "step-2", BOB, note="the switch is broken")
    _, kept = team.call("GET", f"/runs/{run['id']}")

    ticked, skipped = items(kept)["step-1"]["mark"], items(kept)["step-2"]["mark"]
    assert (ticked["state"], ticked["who"], ticked["note"]) == ("done", BOB, "it rings")
    assert ticked["when"].endswith("+00:00")
    assert (skipped["state"], skipped["who"], skipped["note"]) == ("skipped", ANNA, "already quiet")
    assert [note["note"] for note in items(kept)["step-2"]["notes"]] == ["the switch is broken"]
    assert (kept["progress"]["done"], kept["progress"]["skipped"], kept["progress"]["open"]) == (1, 1, 2)
    assert (kept["revision"], len(kept["history"])) == (4, 3)


def test_later_edits_of_the_page_do_not_change_a_run_in_progress(team: RunningService) -> None:
    run = start(team)
    shorter = BELL.replace("3. Write it down.\n", "").replace("Stop the bell", "Buy a bell")
    assert team.call("PUT", "/procedures/ring-the-bell", {"text": shorter})[0] == 200

    _, ticked = mark(team, run, "step-3", BOB, state="done")
    newer = start(team)
    assert team.call("PUT", "/procedures/ring-the-bell", {"text": BELL})[0] == 200

    assert items(ticked)["step-2"]["title"] == "Stop the bell."
    assert items(ticked)["step-3"]["state"] == "done"
    assert "step-3" not in items(newer)


def test_marks_that_do_not_fit_are_refused_and_change_nothing(team: RunningService) -> None:
    run = start(team)
    _, before = mark(team, run, "step-1", BOB, state="done")

    unknown = mark(team, run, "step-11", BOB, state="done")
    refused = {
        "skipping what is done": mark(team, run, "step-1", BOB, state="skipped", reason="late")[0],
        "no reason": mark(team, run, "step-2", BOB, state="skipped")[0],
        "no such state": mark(team, run, "step-2", BOB, state="perhaps")[0],
        "neither state nor note": mark(team, run, "step-2", BOB)[0],
        "misspelt field": mark(team, run, "step-2", BOB, stat="done")[0],
        "endless note": mark(team, run, "step-2", BOB, state="done", note="x" * 5000)[0],
        "NUL": mark(team, run, "step-2", BOB, state="done", note="\0")[0],
        "no such run": mark(team, {"id": "0" * 16}, "step-2", BOB, state="done")[0],
        "no id of a run": mark(team, {"id": "..%2F..%2Fetc"}, "step-2", BOB, state="done")[0],
    }

    assert unknown[0] == 404
    assert "step-1" in unknown[1]["suggestions"]
    assert refused == {
        "skipping what is done": 409,
        "no reason": 400,
        "no such state": 400,
        "neither state nor note": 400,
        "misspelt field": 400,
        "endless note": 400,
        "NUL": 400,
        "no such run": 404,
        "no id of a run": 404,
    }
    assert team.call("GET", f"/runs/{run['id']}")[1] == before


def test_run_of_an_unknown_page_and_about_nonsense_is_refused(team: RunningService) -> None:
    status, problem = team.call("POST", "/procedures/iscsi-name/runs", {})

    assert status == 404
    assert "iscsi-names" in problem["suggestions"]
    assert team.call("POST", "/procedures/ring-the-bell/runs", {"vn": "web-01"})[0] == 400
    assert team.call("POST", "/procedures/ring-the-bell/runs", {"vm": "x" * 300})[0] == 400
    assert team.call("POST", "/procedures/ring-the-bell/runs", {"incident": "a\0b"})[0] == 400


def test_ticks_at_the_same_time_are_all_kept(team: RunningService) -> None:
    run = start(team)
    everyone = [f"slack:U0P{number}" for number in range(8)]

    def work(who: str) -> list[int]:
        return [mark(team, run, item, who, state="done", note=f"by {who}")[0] for item in items(run)]

    with ThreadPoolExecutor(len(everyone)) as people:
        answers = [status for statuses in people.map(work, everyone) for status in statuses]

    _, kept = team.call("GET", f"/runs/{run['id']}")
    assert set(answers) == {200}
    assert kept["progress"]["finished"]
    assert {(each["item"], each["who"]) for each in kept["history"]} == {
        (item, who) for item in items(run) for who in everyone
    }
    assert kept["revision"] == 1 + len(everyone) * len(items(run))


def test_run_outlives_the_death_of_the_service(tmp_path: Path) -> None:
    with RunningService(tmp_path, OPERATORS) as service:
        _, run = service.call("POST", "/procedures/linux-p2v/runs", {"vm": "web-01"})
        _, ticked = mark(service, run, "step-1", BOB, state="done")
        service.kill(signal.SIGKILL)
        service.start()

        assert service.call("GET", f"/runs/{run['id']}") == (200, ticked)
        assert mark(service, run, "step-2", ANNA, state="done")[1]["progress"]["done"] == 2


def test_run_is_exported_as_markdown(team: RunningService) -> None:
    run = start(team, vm="web-01", incident="INC-7")
    mark(team, run, "step-1", BOB, state="done", note="as *planned*")

    kind, text = get(team, f"/runs/{run['id']}/markdown", team.token)

    assert kind == "text/markdown; charset=utf-8"
    assert text.startswith("# Ring the bell\n\n- Procedure: `ring-the-bell`\n- Incident: INC-7\n- About: VM web-01\n")
    assert (
        "- [x] `step-1` Look at the bell:\n\n  ```vmkops\n  vmkops vm web-01\n  ```\n\n  done by slack:U0BOB via"
        in text
    )
    assert r"as \*planned\*" in text
    assert "- [ ] `step-2` Stop the bell." in text


def test_list_has_the_newest_first_by_page_and_by_incident(team: RunningService) -> None:
    older, newer = start(team, incident="INC-8"), start(team, incident="INC-9")
    _, other = team.call("POST", "/procedures/linux-p2v/runs", {"incident": "INC-9"})

    def ids(query: str) -> list[str]:
        return [run["id"] for run in team.call("GET", f"/runs?{query}")[1]["runs"]]

    assert ids("limit=3") == [other["id"], newer["id"], older["id"]]
    assert ids("incident=INC-9") == [other["id"], newer["id"]]
    assert ids("incident=INC-9&procedure=ring-the-bell") == [newer["id"]]
    assert ids("procedure=nothing") == []


def test_list_has_p2v_runs_too_and_goes_on_at_a_cursor(tmp_path: Path) -> None:
    with RunningService(tmp_path) as service:
        made = [
            service.call("POST", "/procedures/linux-p2v/runs", {"vm": f"web-{number}"})[1]["id"] for number in range(3)
        ]
        _, p2v = service.call("POST", "/p2v/runs", {"distribution": "centos", "version": "4"})
        made.append(p2v["id"])
        made.append(service.call("POST", "/procedures/snapshot-left-behind/runs", {"incident": "INC-1"})[1]["id"])

        _, first = service.call("GET", "/runs?limit=2")
        _, second = service.call("GET", f"/runs?limit=2&cursor={first['next']}")
        _, third = service.call("GET", f"/runs?limit=2&cursor={second['next']}")
        pages = [first, second, third]

        assert [run["id"] for page in pages for run in page["runs"]] == made[::-1]
        assert third["next"] is None
        assert first["runs"][1]["path"] == f"/p2v/runs/{p2v['id']}"
        assert service.call("GET", first["runs"][1]["path"])[0] == 200
        assert len(service.call("GET", "/runs?procedure=linux-p2v")[1]["runs"]) == 4
        assert len(service.call("GET", "/runs?incident=INC-1")[1]["runs"]) == 1
        for cursor in ("x", "%00", "AAAA", "eCB5", "A" * 201):
            assert service.call("GET", f"/runs?cursor={cursor}")[0] == 400
        for name in ("procedure", "incident"):
            assert service.call("GET", f"/runs?{name}=a%00b")[0] == 400


def test_pages_show_the_run_with_boxes_and_escape_notes(team: RunningService) -> None:
    run = start(team, vm="web-01")
    mark(team, run, "step-1", BOB, state="done", note="<script>alert(1)</script>")

    _, page = get(team, f"/runs/{run['id']}", team.token, Accept="text/html")
    _, listed = get(team, "/runs", team.token, Accept="text/html")

    assert "done by slack:U0BOB via token bot" in page
    assert "<script>alert" not in page
    assert 'class="box caution"' in page
    assert f'href="/runs/{run["id"]}"' in listed


def test_runs_need_a_token_and_changes_one_that_may_operate(team: RunningService) -> None:
    run = start(team)
    reader = make_reader(team)

    assert team.call("GET", f"/runs/{run['id']}", token="")[0] == 401
    assert team.call("GET", "/runs", token="")[0] == 401
    assert team.call("GET", f"/runs/{run['id']}", token=reader)[0] == 200
    assert team.call("POST", "/procedures/ring-the-bell/runs", {}, token=reader)[0] == 403
    assert team.call("PATCH", f"/runs/{run['id']}/items/step-1", {"state": "done"}, token=reader)[0] == 403


def test_shell_starts_ticks_skips_notes_and_exports(team: RunningService) -> None:
    started = team.run("runs", "start", "ring-the-bell", "--vm", "web-01", "--incident", "INC-10", "--json")
    run = json.loads(started.stdout)["id"]

    ticked = team.run("runs", "tick", run, "step-1", "--note", "it rings")
    skipped = team.run("runs", "skip", run, "step-2", "already quiet")
    noted = team.run("runs", "note", run, "step-3", "in the book")
    listed = team.run("runs", "list", "--incident", "INC-10")
    exported = team.run("runs", "export", run)
    reopened = team.run("runs", "untick", run, "step-1")

    assert [done.returncode for done in (started, ticked, skipped, noted, listed, exported, reopened)] == [0] * 7
    assert f"[x] step-1  Look at the bell:\n      done by {getpass.getuser()} (token test), 20" in ticked.stdout
    assert "> CAUTION:" in ticked.stdout
    assert "already quiet" in skipped.stdout
    assert "[ ] step-3  Write it down.\n      note by" in noted.stdout
    assert listed.stdout.startswith(f"{run}  ring-the-bell web-01 INC-10: 1 done, 1 skipped, 2 open of 4; next: step-3")
    assert exported.stdout.startswith("# Ring the bell\n")
    assert "[ ] step-1" in reopened.stdout


def test_shell_prints_the_ticked_step_the_next_one_and_the_progress(team: RunningService) -> None:
    run = start(team)["id"]

    ticked = team.run("runs", "tick", run, "step-1", "--by", "Anna")
    whole = team.run("runs", "tick", run, "step-2", "--all")
    later = team.run("runs", "note", run, "check-1", "soon", "--by", "")

    assert re.match(r"\[x\] step-1 .*\n +done by Anna \(token test\), .*\n\n\[ \] step-2\n", ticked.stdout)
    assert "step-3" not in ticked.stdout
    assert ticked.stdout.endswith(f"1 of 4 done (all steps: vmkops runs show {run})\n")
    assert all(f" {item}" in whole.stdout for item in ("step-1", "step-2", "step-3", "check-1"))
    assert re.match(r"\[ \] check-1 .*\n +note by token:test, .*\n\n\[ \] step-3 ", later.stdout)


def test_shell_suggests_the_step_for_its_number_or_words_of_its_title(team: RunningService) -> None:
    run = start(team)["id"]

    number, words = team.run("runs", "tick", run, "2"), team.run("runs", "tick", run, "look at")

    assert (number.returncode, words.returncode) == (1, 1)
    assert "did you mean step-2?" in number.stderr
    assert "did you mean step-1?" in words.stderr


def test_shell_shows_refusals_with_what_to_do(team: RunningService) -> None:
    run = start(team)["id"]

    unknown = team.run("runs", "tick", run, "step-11")
    unreasoned = team.run("runs", "skip", run, "step-1", " ")
    nothing = team.run("runs", "show", "0" * 16)
    wrong = team.run("runs", "skip", run, "step-1")

    assert (unknown.returncode, unreasoned.returncode, nothing.returncode, wrong.returncode) == (1, 2, 1, 2)
    assert "step-1" in unknown.stderr
    assert "the reason is missing" in unreasoned.stderr
    assert "The list of runs (vmkops runs list) has their ids." in nothing.stderr
    assert "REASON" in wrong.stderr
