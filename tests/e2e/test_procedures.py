"""The procedures from outside: found, read, edited over HTTP, added to by a team without a restart."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_lookup import get
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

PAGE = """---
title: Ring the bell
summary: What to do when the bell of rack nine rings.
subjects:
  - bells
applies_to:
  - ESXi 7.0
source:
  - our own notes
aliases:
  - BellRings
---

## When

The bell rings.

## Before

Nothing.

## Steps

1. Walk to rack nine.

## Check

It is quiet.

## Undo

Nothing to undo.
"""


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The team's own folder of pages."""
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, team: Path) -> Iterator[RunningService]:
    """A service with that folder."""
    with RunningService(tmp_path_factory.mktemp("data"), {"VMKOPS_PROCEDURES_DIR": str(team)}) as running:
        yield running


def found(service: RunningService, words: str) -> list[str]:
    _, answer = service.call("GET", f"/procedures?q={urllib.parse.quote(words)}", token="")
    return [hit["slug"] for hit in answer["results"]]


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("reservation conflict", "scsi-reservation-conflict"),
        ("serial pipe", "serial-pipe-between-vms"),
        ("vcbMounter", "vcb-to-vmkops"),
        ("sendtargets", "iscsi-discovery"),
        ("resrvation conflct", "scsi-reservation-conflict"),
        ("initr", "esx35-initrd-driver"),
    ],
)
def test_words_find_the_page_also_unfinished_or_mistyped(kept: RunningService, words: str, slug: str) -> None:
    assert slug in found(kept, words)[:3]


@pytest.mark.parametrize("words", ['"', "***", "a AND", "NEAR(", "title:", "(((", "'; DROP", "-", "^x", "\0"])
def test_no_words_are_a_query_error(kept: RunningService, words: str) -> None:
    assert kept.call("GET", f"/procedures?q={urllib.parse.quote(words)}", token="")[0] == 200


def test_nothing_found_shows_what_was_searched_and_how_to_write_a_page(kept: RunningService) -> None:
    _, answer = kept.call("GET", "/procedures?q=qqqqzzzz", token="")
    _, text = get(kept.url + "/procedures?q=qqqqzzzz", Accept="text/plain")
    _, html = get(kept.url + "/procedures?q=qqqqzzzz", Accept="text/html")

    assert answer["results"] == []
    assert answer["searched"]["pages"] > 0
    assert answer["searched"]["folders"] == ["built-in", "team"]
    for shown in (text, html):
        assert f"Searched {answer['searched']['pages']} pages in " in shown
        assert "VMKOPS_PROCEDURES_DIR" in shown


def test_weak_match_is_called_one_in_every_form(kept: RunningService) -> None:
    path = "/procedures?q=kubernetes+pod+crash+loop"
    _, answer = kept.call("GET", path, token="")
    _, text = get(kept.url + path, Accept="text/plain")
    _, html = get(kept.url + path, Accept="text/html")

    assert answer["results"]
    assert all(hit["weak"] for hit in answer["results"])
    assert "(weak match)" in text
    assert "No procedure fits these words well." in html
    assert "<span>weak match</span>" in html


@pytest.mark.parametrize("words", ["x", '*"*', "", "word " * 700])
def test_any_words_are_answered(kept: RunningService, words: str) -> None:
    status, answer = kept.call("GET", f"/procedures?q={urllib.parse.quote(words)}", token="")

    assert status == 200
    assert answer["searched"]["pages"] > 0


def test_too_many_words_are_refused_with_the_limit(kept: RunningService) -> None:
    status, problem = kept.call("GET", f"/procedures?q={urllib.parse.quote('word ' * 900)}", token="")

    assert status == 400
    assert "4000" in problem["detail"]


def test_ten_thousand_words_are_refused(kept: RunningService) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(kept.url + "/procedures?q=" + urllib.parse.quote("word " * 10_000))

    with refused.value as answer:
        assert answer.code == 400


def test_code_in_the_words_leads_to_its_lookup(kept: RunningService) -> None:
    _, answer = kept.call("GET", "/procedures?q=vmotion+fails+195887371", token="")
    _, text = get(kept.url + "/procedures?q=0xbad0014", Accept="text/plain")
    _, html = get(kept.url + "/procedures?q=0xbad0014", Accept="text/html")

    assert answer["results"][0]["slug"] == "vmotion-failed"
    assert [(each["command"], each["query"]) for each in answer["lookups"]] == [("vmkerr", "195887371")]
    assert "VMK_VMOTION_CONNECT_FAILED" in answer["lookups"][0]["meaning"]
    assert "GET /vmkerr/0xbad0014" in text
    assert "Out of memory" in text
    assert '<a href="/vmkerr/0xbad0014">0xbad0014</a>' in html


def test_matched_words_of_an_excerpt_are_marked_in_html(kept: RunningService) -> None:
    _, html = get(kept.url + "/procedures?q=reservation+holder+registers", Accept="text/html")
    assert "<mark>" in html
    assert "&lt;mark&gt;" not in html


def test_page_is_markdown_in_json_and_rendered_in_html(kept: RunningService) -> None:
    _, page = kept.call("GET", "/procedures/vmkernel-status-codes", token="")
    _, html = get(kept.url + "/procedures/vmkernel-status-codes", Accept="text/html")

    assert "## Steps" in page["body"]
    assert page["source"]
    assert "<h2>Steps</h2>" in html
    assert '.md"' not in html


def test_unknown_page_is_404_with_near_ones(kept: RunningService) -> None:
    status, problem = kept.call("GET", "/procedures/iscsi-name", token="")

    assert status == 404
    assert "iscsi-names" in problem["suggestions"]


def test_runbook_of_a_code_tells_its_meanings_apart_by_release(kept: RunningService) -> None:
    _, found = kept.call("GET", "/runbook/VmkernelError0xbad0022", token="")
    _, searched = kept.call("GET", "/procedures?q=VmkernelError0xbad0022", token="")
    _, host = kept.call("GET", "/runbook/HostDown", token="")

    assert found["procedure"]["slug"] == "vmkernel-status-codes"
    assert "- esx-3.5: VMK_RESERVATION_CONFLICT" in found["advice"]
    assert "- esxi-5.0, esxi-5.1, esxi-6.0, ddk-2024: VMK_READ_ONLY" in found["advice"]
    assert searched["lookups"][0]["query"] == "0xbad0022"
    assert host["procedure"]["slug"] == "host-not-responding"


def test_runbook_is_never_404(kept: RunningService) -> None:
    _, known = kept.call("GET", "/runbook/ScsiReservationConflict", token="")
    status, unknown = kept.call("GET", "/runbook/CoffeeMachineEmpty", token="")

    assert known["procedure"]["slug"] == "scsi-reservation-conflict"
    assert status == 200
    assert unknown["procedure"] is None
    assert 'No procedure fits the alert "CoffeeMachineEmpty" yet.' in unknown["advice"]
    assert "Pages with some of its words: [" in unknown["advice"]
    assert "Pages with some" not in kept.call("GET", "/runbook/Xyzzy", token="")[1]["advice"]


def test_page_put_over_http_is_found_at_once_and_can_be_removed(kept: RunningService, team: Path) -> None:
    assert kept.call("PUT", "/procedures/ring-the-bell", {"text": PAGE}, token="")[0] == 401

    status, page = kept.call("PUT", "/procedures/ring-the-bell", {"text": PAGE})

    assert status == 200
    assert page["origin"] == "team"
    assert (team / "ring-the-bell.md").read_text() == PAGE
    assert found(kept, "bell rack")[0] == "ring-the-bell"
    assert kept.call("GET", "/runbook/BellRings", token="")[1]["procedure"]["slug"] == "ring-the-bell"
    assert kept.delete("/procedures/ring-the-bell") == 204
    assert "ring-the-bell" not in found(kept, "bell rack")


@pytest.mark.parametrize("media", ["text/markdown", "text/plain", "application/octet-stream", ""])
def test_page_is_put_as_the_markdown_that_it_is(kept: RunningService, media: str) -> None:
    headers = {"Authorization": f"Bearer {kept.token}", "Content-Type": media}
    url = f"{kept.url}/procedures/ring-the-bell"
    request = urllib.request.Request(url, data=PAGE.encode(), method="PUT", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer)["title"] == "Ring the bell"
    assert kept.delete("/procedures/ring-the-bell") == 204

    as_json = urllib.request.Request(
        url, data=PAGE.encode(), method="PUT", headers={**headers, "Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(as_json, timeout=60):
        pass
    assert json.load(refused.value)["detail"] == (
        'The body must be a JSON object, such as {"text": ...}, or the text itself with Content-Type: text/plain.'
    )


def test_page_put_over_http_is_answered_with_what_a_check_finds(kept: RunningService) -> None:
    same = PAGE.replace("BellRings", "iscsi-names").replace("Ring the bell\n", "VMFS is damaged\n", 1)
    dead = same.replace("The bell rings.", "See [the rack](rack-nine.md).")

    assert kept.call("PUT", "/procedures/ring-the-bell", {"text": PAGE})[1]["warnings"] == []
    warnings = kept.call("PUT", "/procedures/ring-the-bell", {"text": dead})[1]["warnings"]
    replaced = kept.call("PUT", "/procedures/iscsi-names", {"text": PAGE})[1]["warnings"]

    assert any("'iscsi-names' is also a name of the page iscsi-names" in each for each in warnings), warnings
    assert any("rack-nine" in each for each in warnings), warnings
    assert "line 1: this page replaces the page iscsi-names that comes with vmkops" in replaced
    assert kept.delete("/procedures/iscsi-names") == kept.delete("/procedures/ring-the-bell") == 204


@pytest.mark.parametrize("slug", ["..%2F..%2Fetc", "UPPER", "a" * 300, "x.md"])
def test_page_with_a_slug_that_is_no_file_name_is_refused(kept: RunningService, slug: str) -> None:
    assert kept.call("PUT", f"/procedures/{slug}", {"text": PAGE})[0] == 400


def test_broken_page_is_refused_over_http_with_file_and_line(kept: RunningService) -> None:
    status, problem = kept.call("PUT", "/procedures/half", {"text": PAGE.replace("## Check", "## Chek")})

    assert status == 400
    assert "half.md:" in problem["suggestions"][0]


def test_pages_in_the_folder_are_picked_up_and_a_broken_one_harms_no_other(kept: RunningService, team: Path) -> None:
    (team / "broken.md").write_text("no front matter")
    (team / "second-bell.md").write_text(PAGE.replace("Ring the bell", "Second bell"))

    wait_for(lambda: "second-bell" in found(kept, "second bell"), what="the new page")

    _, listed = kept.call("GET", "/procedures", token="")
    assert any(each.startswith("broken.md:") for each in listed["broken"])
    (team / "broken.md").unlink()
    (team / "second-bell.md").unlink()
    wait_for(lambda: found(kept, "second bell") != ["second-bell"], what="the removal")


def test_code_names_its_procedure(kept: RunningService) -> None:
    _, answer = kept.call("GET", "/vmkerr/0xbad0022", token="")

    assert "scsi-reservation-conflict" in answer["procedures"]


def test_without_a_team_folder_editing_says_which_setting_lacks(tmp_path: Path) -> None:
    with RunningService(tmp_path) as service:
        status, problem = service.call("PUT", "/procedures/ring-the-bell", {"text": PAGE})

    assert status == 409
    assert "VMKOPS_PROCEDURES_DIR" in problem["detail"]
