"""iSCSI names and addresses judged over HTTP."""

from __future__ import annotations

import urllib.parse
import urllib.request
from typing import Any

import pytest

from tests.running_service import RunningService


def ask(service: RunningService, path: str, **query: str) -> tuple[int, dict[str, Any]]:
    return service.call("GET", f"{path}?{urllib.parse.urlencode(query)}", token="")


def rules(answer: dict[str, Any]) -> set[str]:
    return {problem["rule"] for problem in answer["problems"]}


def test_valid_name_is_normalized_and_taken_apart(plain_service: RunningService) -> None:
    status, answer = ask(plain_service, "/iscsi/validate", name="iqn.2001-04.com.example:Storage.Disk1")

    assert status == 200
    assert (answer["valid"], answer["type"]) == (True, "iqn")
    assert answer["normalized"] == "iqn.2001-04.com.example:storage.disk1"
    assert answer["parts"]["naming_authority"] == "example.com"
    assert answer["explanation"]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("iqn.2001-13.com.example:disk", "iqn-month"),
        ("iqn.2001-04.com.example:under_score", "prohibited-character"),
        ("iqn.2001-04.com.example:../../etc", "path-traversal"),
        ("eui.02004567A425678G", "eui-digits"),
        ("iqn.2001-04.com.example:" + "a" * 200, "length"),
        ("a" * 5000, "length"),
        ("", "type"),
        ("\0", "type"),
        ("🔥", "type"),
    ],
)
def test_invalid_name_is_an_answer_with_the_rule_it_breaks(plain_service: RunningService, name: str, rule: str) -> None:
    status, answer = ask(plain_service, "/iscsi/validate", name=name)

    assert (status, answer["valid"]) == (200, False)
    assert rule in rules(answer)


def test_valid_name_that_the_documented_rule_refuses_says_who_and_why(plain_service: RunningService) -> None:
    _, answer = ask(plain_service, "/iscsi/validate", name="iqn.2001-04.cloud.example:disk")

    assert answer["valid"] is True
    assert "documented-top-level-domain" in rules(answer)


def test_name_that_others_take_or_refuse_says_so(plain_service: RunningService) -> None:
    _, refused = ask(plain_service, "/iscsi/validate", name="naa.52004567BA64678D")
    _, taken = ask(plain_service, "/iscsi/validate", name="iqn.2001-04.com.example:under_score")

    assert any("Kubernetes" in verdict["who"] for verdict in refused["refused_by"])
    assert any("Kubernetes" in verdict["who"] for verdict in taken["accepted_by"])
    assert taken["suggestion"] == "iqn.2001-04.com.example:under-score"


@pytest.mark.parametrize(
    ("address", "host", "port", "name"),
    [
        ("192.0.2.10:3261,iqn.2001-04.com.example:disk", "192.0.2.10", 3261, "iqn.2001-04.com.example:disk"),
        (
            "storage.example.com,iqn.2001-04.com.example:Disk",
            "storage.example.com",
            3260,
            "iqn.2001-04.com.example:disk",
        ),
        ("[2001:db8::10]:860,eui.02004567A425678D", "2001:db8::10", 860, "eui.02004567a425678d"),
    ],
)
def test_address_is_read_into_its_parts(
    plain_service: RunningService, address: str, host: str, port: int, name: str
) -> None:
    status, answer = ask(plain_service, "/iscsi/address", address=address)

    assert status == 200
    assert (answer["host"], answer["port"], answer["name"]) == (host, port, name)


def test_name_is_built_from_parts_and_refused_parts_say_why(plain_service: RunningService) -> None:
    _, built = ask(
        plain_service, "/iscsi/build", type="iqn", domain="storage.example.com", date="2001-04", string="Disk"
    )
    status, problem = ask(plain_service, "/iscsi/build", type="iqn", domain="example.com", date="2001-13")

    assert built["normalized"] == "iqn.2001-04.com.example.storage:disk"
    assert status == 400
    assert "Month 13" in problem["detail"]


@pytest.mark.parametrize(("length", "valid"), [(0, True), (255, True), (256, False)])
def test_alias_has_up_to_255_characters(plain_service: RunningService, length: int, valid: bool) -> None:
    _, answer = ask(plain_service, "/iscsi/alias", alias="a" * length)

    assert (answer["valid"], answer["characters"]) == (valid, length)


def test_discovery_has_three_mechanisms_and_what_esx_3_supported(plain_service: RunningService) -> None:
    _, answer = ask(plain_service, "/iscsi/discovery")

    esx_3 = {
        mechanism["slug"]: next(each["supported"] for each in mechanism["support"] if each["release"] == "esx-3")
        for mechanism in answer["mechanisms"]
    }
    assert esx_3 == {"static": True, "sendtargets": True, "zero-configuration": False}


def test_missing_parameter_is_named(plain_service: RunningService) -> None:
    status, problem = ask(plain_service, "/iscsi/validate")

    assert status == 400
    assert "name" in problem["detail"]


@pytest.mark.parametrize("path", ["/iscsi/validate?name=iqn.2001-04.com.example:a_b", "/iscsi/discovery"])
def test_pages_for_a_browser_have_a_field_to_ask_again(plain_service: RunningService, path: str) -> None:
    request = urllib.request.Request(plain_service.url + path, headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        page = answer.read().decode()

    assert '<form class="ask" action="/iscsi/validate">' in page


def test_markup_in_a_name_is_shown_as_text(plain_service: RunningService) -> None:
    url = f"{plain_service.url}/iscsi/validate?format=html&name={urllib.parse.quote('<script>alert(1)</script>')}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert "<script>" not in answer.read().decode()


def test_pasted_line_of_iscsiadm_suggests_its_name_and_its_address(plain_service: RunningService) -> None:
    line = "tcp: [1] 192.0.2.42:3260,1 iqn.2003-01.com.example:disk1 (non-flash)"
    _, name = ask(plain_service, "/iscsi/validate", name=line)
    _, address = ask(plain_service, "/iscsi/address", address=line)

    assert (name["valid"], name["suggestions"]) == (False, ["iqn.2003-01.com.example:disk1"])
    assert (address["valid"], address["suggestions"]) == (False, ["192.0.2.42:3260,iqn.2003-01.com.example:disk1"])
    assert "pasted-line" in rules(name) & rules(address)
