"""A code looked up over HTTP, as a monitor and a browser do."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running_service import RunningService, make_token

LISTING = "Name Dec Hex errno equiv Description\nVMK_OURS 195887138 0xbad0022 EIO Our own meaning\n"


@pytest.fixture(scope="module")
def plain_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with no configuration at all."""
    with RunningService(tmp_path_factory.mktemp("data")) as running:
        yield running


def get(url: str, **headers: str) -> tuple[str, str]:
    """The content type and the text of an answer."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def test_code_answers_with_both_readings_and_no_token(plain_service: RunningService) -> None:
    status, answer = plain_service.call("GET", "/vmkerr/0xbad0022", token="")

    assert status == 200
    assert answer["differs"] is True
    assert {match["description"]: match["releases"] for match in answer["matches"]} == {
        "SCSI reservation conflict": ["esx-3.5"],
        "Read only": ["esxi-5.0", "esxi-5.1", "esxi-6.0", "ddk-2024"],
    }


def test_answer_has_the_first_steps_and_the_procedures(plain_service: RunningService) -> None:
    _, answer = plain_service.call("GET", "/vmkerr/0xbad0022?release=3.5", token="")

    [advice] = answer["advice"]
    assert list(advice) == ["name", "releases", "where", "class", "usually", "steps", "procedures", "source"]
    assert (advice["name"], advice["releases"]) == ("VMK_RESERVATION_CONFLICT", "esx-3.5")
    assert (advice["where"], advice["class"]) == ("LUN", "reservation")
    assert "VMware KB 1004771" in advice["source"]
    assert answer["procedures"][0] == "scsi-reservation-conflict"


def test_linked_procedures_exist(plain_service: RunningService) -> None:
    for query in ("0xbad0022", "0xbad010b", "VMK_NO_SPACE", "VMK_PERM_DEV_LOSS"):
        _, answer = plain_service.call("GET", f"/vmkerr/{query}", token="")
        for slug in answer["procedures"]:
            assert plain_service.call("GET", f"/procedures/{slug}", token="")[0] == 200


def test_text_and_page_show_the_first_steps(plain_service: RunningService) -> None:
    url = plain_service.url + "/vmkerr/0xbad010b"

    _, text = get(url + "?format=text")
    _, page = get(url, Accept="text/html")

    assert "\n\nVMK_VMOTION_CONNECT_FAILED (network, configuration): " in text
    assert "  4. Check the port in both directions: `nc -z ADDRESS 8000`.\n" in text
    assert "Where: network · Kind: configuration" in page
    assert "<li><p>Check the port in both directions: <code>nc -z ADDRESS 8000</code>.</p>" in page


def test_long_list_shows_the_advice_of_its_first_matches(plain_service: RunningService) -> None:
    _, answer = plain_service.call("GET", "/vmkerr/EIO", token="")
    _, text = get(plain_service.url + "/vmkerr/EIO?format=text")

    assert len(answer["advice"]) > 3
    assert text.count("  Source: ") <= 3


def test_release_narrows(plain_service: RunningService) -> None:
    _, answer = plain_service.call("GET", "/vmkerr/0xbad0022?release=3.5", token="")

    assert [match["name"] for match in answer["matches"]] == ["VMK_RESERVATION_CONFLICT"]


@pytest.mark.parametrize("query", ["0xzz", "😀", "9" * 40, "a" * 10_000])
def test_unreadable_queries_are_400_with_what_to_type(plain_service: RunningService, query: str) -> None:
    status, problem = plain_service.call("GET", f"/vmkerr/{urllib.parse.quote(query, safe='%')}", token="")

    assert status == 400
    assert "Type a code" in problem["detail"]


def test_unknown_word_is_404_with_a_suggestion(plain_service: RunningService) -> None:
    status, problem = plain_service.call("GET", "/vmkerr/VMK_RESERVATION_CONFLIT", token="")

    assert status == 404
    assert "VMK_RESERVATION_CONFLICT" in problem["suggestions"]


def test_accept_header_chooses_the_form_and_format_overrides(plain_service: RunningService) -> None:
    url = plain_service.url + "/vmkerr/0xbad0022"

    html = get(url, Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    text = get(url, Accept="text/plain")
    overridden = get(url + "?format=json", Accept="text/html")

    assert html[0].startswith("text/html")
    assert "Releases disagree" in html[1]
    assert text[0].startswith("text/plain")
    assert "VMK_RESERVATION_CONFLICT" in text[1]
    assert overridden[0] == "application/json"


def test_whole_table_as_text_has_the_columns_of_the_host_command(plain_service: RunningService) -> None:
    _, text = get(plain_service.url + "/vmkerr?release=esx-3.5&format=text")

    assert "VMK_RESERVATION_CONFLICT" in text
    assert text.count("0xbad") == 240


def test_imported_listing_is_answered_from_without_a_restart(plain_service: RunningService, tmp_path: Path) -> None:
    plain_service.call("GET", "/vmkerr/0xbad0022", token="")
    listing = tmp_path / "vmkerrcode_-l.txt"
    listing.write_text(LISTING)

    done = plain_service.run("vmkerr", "import", str(listing), "--release", "lab-host")

    assert done.returncode == 0, done.stderr
    _, answer = plain_service.call("GET", "/vmkerr/0xbad0022?release=lab-host", token="")
    assert [match["description"] for match in answer["matches"]] == ["Our own meaning"]


@pytest.mark.parametrize("path", ["/", "/docs", "/vmkerr", "/vmkerr/0xbad0022", "/vmkerr/EAGAIN"])
def test_pages_are_html_for_a_browser(plain_service: RunningService, path: str) -> None:
    kind, page = get(plain_service.url + path, Accept="text/html")

    assert kind.startswith("text/html")
    assert page.rstrip().endswith("</html>")


def test_errors_are_pages_for_a_browser_too(plain_service: RunningService) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(plain_service.url + "/vmkerr/0xzz", Accept="text/html")

    with caught.value as error:
        assert error.code == 400
        assert error.headers["Content-Type"].startswith("text/html")


def test_health_metrics_and_openapi(plain_service: RunningService) -> None:
    assert plain_service.call("GET", "/healthz", token="")[1]["status"] == "ok"
    assert plain_service.call("GET", "/readyz", token="")[0] == 200
    assert "vmkops_http_request_seconds" in get(plain_service.url + "/metrics")[1]
    _, document = plain_service.call("GET", "/openapi.json", token="")
    assert document["openapi"].startswith("3.1")
    assert "/vmkerr/{query}" in document["paths"]
    assert document["paths"]["/actions/{name}"]["post"]["security"] == [{"token": ["operate"]}]


def test_lookups_can_be_closed(tmp_path: Path) -> None:
    with RunningService(tmp_path, {"VMKOPS_LOOKUPS_PUBLIC": "false"}) as service:
        assert service.call("GET", "/vmkerr/0xbad0022", token="")[0] == 401
        assert service.call("GET", "/vmkerr/0xbad0022")[0] == 200
        assert service.call("GET", "/healthz", token="")[0] == 200


def test_page_that_needs_a_token_tells_in_a_browser_what_to_do_instead(tmp_path: Path) -> None:
    with RunningService(tmp_path) as service:
        request = urllib.request.Request(f"{service.url}/jobs", headers={"Accept": "text/html"})
        with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(request):
            pass
        page = refused.value.read().decode()

    assert refused.value.code == 401
    assert "`" not in page
    assert "<code>vmkops token create NAME --scope read</code>" in page
    assert "There is no page to sign in" in page
    assert "vmkops login" in page


def test_listing_of_a_host_is_imported_over_http_and_counts_at_once(tmp_path: Path) -> None:
    listing = b"VMK_OURS 195887999 0xbad037f EINVAL Ours\n"
    with RunningService(tmp_path) as service:
        reader = make_token(service.environment, "read", "reader")
        assert service.call("GET", "/vmkerr/0xbad037f")[0] == 404
        assert service.call("PUT", "/releases/esxi-9.9", {"text": listing.decode()}, token="")[0] == 401
        assert service.call("PUT", "/releases/esxi-9.9", {"text": listing.decode()}, token=reader)[0] == 403

        status, answer = service.call("PUT", "/releases/ESXi-9.9", {"text": "heading\n" + listing.decode()})
        assert (status, answer) == (200, {"release": "esxi-9.9", "codes": 1, "skipped": [1]})
        assert service.call("GET", "/vmkerr/0xbad037f")[1]["matches"][0]["releases"] == ["esxi-9.9"]
        assert service.call("PUT", "/releases/esxi-9.9", {"text": "no codes"})[0] == 400
        assert service.call("PUT", "/releases/..%2Fup", {"text": listing.decode()})[0] == 400
