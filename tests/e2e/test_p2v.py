"""The P2V checklist over HTTP, and a run of it that a team works through."""

from __future__ import annotations

import signal
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.running_service import ANNA, BOB, OPERATORS, RunningService

CENTOS = "distribution=centos&version=4&disk=sda:39070080&disk=hdb&target_ip=10.4.1.3"


@pytest.fixture(scope="module")
def team_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service in which runs are begun."""
    with RunningService(tmp_path_factory.mktemp("team"), OPERATORS) as running:
        yield running


def get(service: RunningService, path: str, token: str = "", **headers: str) -> tuple[str, str]:
    """The content type and the text of an answer."""
    sent = headers | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(service.url + path, headers=sent)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def begin(service: RunningService, **source: object) -> dict[str, Any]:
    """Begin a run as Anna."""
    told = {"distribution": "centos", "version": "4", "disk": ["sda:39070080"], "target_ip": "10.4.1.3", **source}
    status, run = service.call_as(ANNA, "POST", "/p2v/runs", told)
    assert status == 201, run
    return dict(run)


def mark(service: RunningService, run: dict[str, Any], item: str, who: str, **deed: str) -> tuple[int, Any]:
    path = f"/p2v/runs/{run['id']}/items/{item}"
    return service.call_as(who, "PATCH", path, deed)


def steps(answer: dict[str, Any]) -> dict[str, Any]:
    """The steps of a checklist or a run by their ids."""
    return {item["id"]: item for phase in answer["phases"] for item in phase["items"]}


def commands(answer: dict[str, Any], item: str) -> list[str]:
    return [command["run"] for command in steps(answer)[item]["commands"]]


def test_checklist_has_the_exact_commands_for_each_disk(plain_service: RunningService) -> None:
    status, answer = plain_service.call("GET", f"/p2v/checklist?{CENTOS}", token="")

    assert status == 200
    assert answer["known"] is True
    assert [phase["id"] for phase in answer["phases"]] == [
        "tools", "preparation", "source", "target", "clone", "extras", "first-boot", "trouble", "loose-ends",
    ]  # fmt: skip
    assert commands(answer, "clone-sda") == ["nc -l -p 9001 | dd of=/dev/sda", "dd if=/dev/sda | nc 10.4.1.3 9001"]
    assert commands(answer, "clone-hdb") == ["nc -l -p 9002 | dd of=/dev/sdb", "dd if=/dev/hdb | nc 10.4.1.3 9002"]
    assert "mkinitrd -v -f --with=mptscsih" in commands(answer, "build-initrd")[-1]
    assert all(item["why"] and item["check"] and item["source"] for item in steps(answer).values())


def test_lvm_netcat_and_file_systems_change_the_steps(plain_service: RunningService) -> None:
    more = "&lvm=true&netcat=openbsd&port=7000&filesystem=/&filesystem=/var"
    _, answer = plain_service.call("GET", f"/p2v/checklist?{CENTOS}{more}", token="")

    assert {"rule-out-powerconvert", "deactivate-lvm", "zero-fill", "zero-fill-var"} <= set(steps(answer))
    assert commands(answer, "clone-sda") == ["nc -l 7000 | dd of=/dev/sda", "dd if=/dev/sda | nc -N 10.4.1.3 7000"]


def test_text_is_the_markdown_of_the_command_line(plain_service: RunningService) -> None:
    kind, text = get(plain_service, f"/p2v/checklist?{CENTOS}", Accept="text/plain")
    words = ["--distribution", "centos", "--version", "4", "--disk", "sda:39070080", "--disk", "hdb"]
    typed = plain_service.run("p2v", "checklist", *words, "--target-ip", "10.4.1.3")

    assert kind.startswith("text/plain")
    assert text.rstrip() == typed.stdout.rstrip()


def test_page_carries_every_command_for_copying(plain_service: RunningService) -> None:
    kind, page = get(plain_service, f"/p2v/checklist?{CENTOS}", Accept="text/html")
    _, answer = plain_service.call("GET", f"/p2v/checklist?{CENTOS}", token="")

    assert kind.startswith("text/html")
    assert 'name="viewport"' in page
    assert "<pre>dd if=/dev/sda | nc 10.4.1.3 9001</pre>" in page
    assert page.count('<div class="copy">') == sum(len(item["commands"]) for item in steps(answer).values())


def test_form_of_the_page_sends_empty_fields_and_is_understood(plain_service: RunningService) -> None:
    sent = "distribution=debian&version=&disk=&disk=&target_ip=&source_ip=&port=&lvm=&netcat=traditional"
    status, answer = plain_service.call("GET", f"/p2v/checklist?{sent}", token="")

    assert status == 200
    assert answer["source"]["disks"] == [{"name": "sda", "blocks": None}]
    assert plain_service.call("GET", "/p2v/estimate?size=36GB&rate=", token="")[1]["rate"] == 14.3


def test_unknown_distribution_gets_the_general_steps_and_is_told_so(plain_service: RunningService) -> None:
    status, answer = plain_service.call("GET", "/p2v/checklist?distribution=cemtos&version=4", token="")

    assert status == 200
    assert answer["known"] is False
    assert "cemtos is not known here" in answer["notes"][0]
    assert "centos" in answer["suggestions"]
    assert "build-initrd-general" in steps(answer)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({}, "distribution"),
        ({"distribution": "centos; rm -rf /"}, "distribution"),
        ({"distribution": "x" * 1000}, "distribution"),
        ({"distribution": "centos", "version": "4`id`"}, "version"),
        ({"distribution": "centos", "disk": "sda;reboot"}, "disk"),
        ({"distribution": "centos", "disk": "$(reboot)"}, "disk"),
        ({"distribution": "centos", "disk": "sda1"}, "disk"),
        ({"distribution": "centos", "disk": "sda:0"}, "disk"),
        ({"distribution": "centos", "target_ip": "10.4.1.3 | sh"}, "target_ip"),
        ({"distribution": "centos", "source_ip": "\n10.4.1.3\nreboot"}, "source_ip"),
        ({"distribution": "centos", "port": "99999"}, "port"),
        ({"distribution": "centos", "netcat": "nc -e /bin/sh"}, "netcat"),
        ({"distribution": "centos", "filesystem": "/usr/$(reboot)"}, "filesystem"),
    ],
)
def test_what_does_not_belong_into_a_command_is_refused_by_name(
    plain_service: RunningService, told: dict[str, str], field: str
) -> None:
    status, problem = plain_service.call("GET", f"/p2v/checklist?{urllib.parse.urlencode(told)}", token="")

    assert status == 400
    assert problem["detail"].startswith(field)


def test_estimate_takes_blocks_or_a_size(plain_service: RunningService) -> None:
    _, blocks = plain_service.call("GET", "/p2v/estimate?blocks=39070080", token="")
    _, size = plain_service.call("GET", "/p2v/estimate?size=36GB&rate=100", token="")

    assert (blocks["mb"], round(blocks["gb"], 3), blocks["rate"]) == (38154.375, 37.260, 14.3)
    assert blocks["duration"] == "44 min 28 s"
    assert (size["decimal_gb"], size["duration"]) == (36.0, "5 min 43 s")
    assert "44 min 28 s at 14.3 MB/s" in get(plain_service, "/p2v/estimate?blocks=39070080&format=text")[1]


@pytest.mark.parametrize(
    "asked", ["", "blocks=5&size=5GB", "size=large", "blocks=0", "size=1GB&rate=0", "size=&rate=nan"]
)
def test_estimate_of_nonsense_is_refused(plain_service: RunningService, asked: str) -> None:
    assert plain_service.call("GET", f"/p2v/estimate?{asked}", token="")[0] == 400


def test_tools_say_how_far_they_support_linux(plain_service: RunningService) -> None:
    _, answer = plain_service.call("GET", "/p2v/tools", token="")

    support = {tool["id"]: tool["linux"] for tool in answer["tools"]}
    assert (support["ezp2v"], support["powerconvert"], support["dd-netcat"]) == ("no", "partly", "full")
    assert "UltimateP2V" in get(plain_service, "/p2v/tools", Accept="text/html")[1]


def test_repeated_parameters_are_arrays_in_the_openapi_document(plain_service: RunningService) -> None:
    _, document = plain_service.call("GET", "/openapi.json", token="")

    asked = {each["name"]: each for each in document["paths"]["/p2v/checklist"]["get"]["parameters"]}
    assert asked["disk"]["schema"]["type"] == "array"
    assert asked["distribution"]["required"] is True


def test_run_tells_who_did_what_and_when(team_service: RunningService) -> None:
    run = begin(team_service)

    status, ticked = mark(team_service, run, "clone-sda", BOB, state="done", note="14 MB/s")
    mark(team_service, run, "weigh-liveview", ANNA, state="skipped", reason="the target is ESX")
    _, kept = team_service.call("GET", f"/p2v/runs/{run['id']}")

    assert run["started_by"] == ANNA
    assert (status, steps(ticked)["clone-sda"]["state"], ticked["revision"]) == (200, "done", 2)
    deed = steps(kept)["clone-sda"]["mark"]
    assert (deed["who"], deed["note"]) == (BOB, "14 MB/s")
    assert deed["when"].endswith("+00:00")
    assert steps(kept)["weigh-liveview"]["mark"]["note"] == "the target is ESX"
    assert (kept["progress"]["done"], kept["progress"]["skipped"]) == (1, 1)


def test_unticked_step_is_open_again_and_the_history_stays(team_service: RunningService) -> None:
    run = begin(team_service)
    mark(team_service, run, "clone-sda", BOB, state="done")

    _, opened = mark(team_service, run, "clone-sda", ANNA, state="open", note="fingerprint differs")

    assert steps(opened)["clone-sda"]["state"] == "open"
    assert [(deed["who"], deed["state"]) for deed in opened["history"]] == [(BOB, "done"), (ANNA, "open")]


def test_second_tick_leaves_the_first_name(team_service: RunningService) -> None:
    run = begin(team_service)
    mark(team_service, run, "clone-sda", BOB, state="done")

    status, again = mark(team_service, run, "clone-sda", ANNA, state="done")

    assert (status, steps(again)["clone-sda"]["mark"]["who"]) == (200, BOB)


def test_deeds_that_do_not_fit_are_refused_and_change_nothing(team_service: RunningService) -> None:
    run = begin(team_service)
    _, before = mark(team_service, run, "clone-sda", BOB, state="done")

    unknown = mark(team_service, run, "clone-sdz", BOB, state="done")
    refused = {
        "skipping what is done": mark(team_service, run, "clone-sda", BOB, state="skipped", reason="late")[0],
        "no reason": mark(team_service, run, "build-initrd", BOB, state="skipped")[0],
        "no such state": mark(team_service, run, "build-initrd", BOB, state="perhaps")[0],
        "endless note": mark(team_service, run, "build-initrd", BOB, state="done", note="x" * 5000)[0],
        "NUL": mark(team_service, run, "build-initrd", BOB, state="done", note="\0")[0],
        "no such run": mark(team_service, {"id": "0" * 16}, "build-initrd", BOB, state="done")[0],
    }

    assert unknown[0] == 404
    assert "clone-sda" in unknown[1]["suggestions"]
    assert refused == {
        "skipping what is done": 409,
        "no reason": 400,
        "no such state": 400,
        "endless note": 400,
        "NUL": 400,
        "no such run": 404,
    }
    assert team_service.call("GET", f"/p2v/runs/{run['id']}")[1] == before


def test_ticks_of_two_people_at_once_are_all_kept(team_service: RunningService) -> None:
    work_through(team_service, begin(team_service))


def work_through(service: RunningService, run: dict[str, Any]) -> None:
    """Let two people tick steps at once, and see that no tick is lost."""
    todo = list(steps(run))[:30]
    shares = {ANNA: todo[::2], BOB: todo[1::2]}

    def work(who: str) -> list[int]:
        return [mark(service, run, item, who, state="done")[0] for item in shares[who]]

    with ThreadPoolExecutor(len(shares)) as people:
        answers = [status for statuses in people.map(work, shares) for status in statuses]

    _, kept = service.call("GET", f"/p2v/runs/{run['id']}")
    assert set(answers) == {200}
    assert {deed["item"]: deed["who"] for deed in kept["history"]} == {
        item: who for who, share in shares.items() for item in share
    }
    assert kept["revision"] == 1 + len(todo)


def test_run_outlives_the_death_of_the_service(tmp_path: Path) -> None:
    with RunningService(tmp_path, OPERATORS) as service:
        run = begin(service)
        _, ticked = mark(service, run, "clone-sda", BOB, state="done")
        service.kill(signal.SIGKILL)
        service.start()

        assert service.call("GET", f"/p2v/runs/{run['id']}") == (200, ticked)
        assert mark(service, run, "watch-progress", ANNA, state="done")[1]["progress"]["done"] == 2


def test_run_is_exported_as_markdown(team_service: RunningService) -> None:
    run = begin(team_service)
    mark(team_service, run, "clone-sda", BOB, state="done", note="as *planned*")

    kind, text = get(team_service, f"/p2v/runs/{run['id']}/markdown", team_service.token)

    assert kind == "text/markdown; charset=utf-8"
    assert text.startswith("# Linux P2V: CentOS 4\n")
    assert "- [x] **Send /dev/sda" in text
    assert "done by slack:U0BOB via token bot" in text
    assert r"as \*planned\*" in text


def test_list_has_the_newest_first_and_links_to_the_run(team_service: RunningService) -> None:
    older, newer = begin(team_service), begin(team_service, distribution="debian", version="3.1")

    _, found = team_service.call("GET", "/p2v/runs?limit=2")
    _, page = get(team_service, "/p2v/runs", team_service.token, Accept="text/html")

    assert [run["id"] for run in found["runs"]] == [newer["id"], older["id"]]
    assert found["runs"][0]["distribution"] == "Debian"
    assert f'href="/p2v/runs/{newer["id"]}"' in page


def test_page_of_a_run_shows_what_was_done_and_escapes_notes(team_service: RunningService) -> None:
    run = begin(team_service)
    mark(team_service, run, "clone-sda", BOB, state="done", note="<script>alert(1)</script>")

    _, page = get(team_service, f"/p2v/runs/{run['id']}", team_service.token, Accept="text/html")

    assert "done by slack:U0BOB via token bot" in page
    assert "<script>alert" not in page


def test_unknown_word_in_a_body_is_refused_rather_than_forgotten(team_service: RunningService) -> None:
    status, problem = team_service.call("POST", "/p2v/runs", {"distribution": "centos", "dissk": ["sdb"]})

    assert status == 400
    assert "no field 'dissk'. Did you mean 'disk'?" in problem["detail"]


def test_runs_need_a_token_and_changes_one_that_may_operate(tmp_path: Path) -> None:
    with RunningService(tmp_path, OPERATORS) as service:
        run = begin(service)
        path = f"/p2v/runs/{run['id']}"
        reader = make_reader(service)

        assert service.call("GET", path, token="")[0] == 401
        assert service.call("GET", path, token=reader)[0] == 200
        assert service.call("POST", "/p2v/runs", {"distribution": "centos"}, token=reader)[0] == 403
        assert service.call("PATCH", f"{path}/items/clone-sda", {"state": "done"}, token=reader)[0] == 403


def make_reader(service: RunningService) -> str:
    """A token that may only read."""
    done = service.run("token", "create", "reader", "--scope", "read")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
