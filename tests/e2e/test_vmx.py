"""VMX snippets, lint and merge over HTTP."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.running_service import RunningService

PIPE = "/vmfs/volumes/datastore1/fileserver/console-pipe"
VMX = """.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "4"
guestOS = "other"
displayName = "web-01"
tools.syncTime = "FALSE"
floppy0.present = "FALSE"
"""


def text(service: RunningService, path: str, accept: str = "text/plain") -> str:
    request = urllib.request.Request(service.url + path, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(answer.read().decode())


def test_catalogue_lists_every_snippet_with_what_its_parameters_may_be(plain_service: RunningService) -> None:
    status, answer = plain_service.call("GET", "/vmx/snippets", token="")

    assert status == 200
    catalogue = {snippet["name"]: snippet for snippet in answer["snippets"]}
    assert {"serial-pipe", "tools-timesync", "scsi-controller", "nic", "cdrom-iso", "boot-order"} <= catalogue.keys()
    required = [each["name"] for each in catalogue["serial-pipe"]["parameters"] if each["required"]]
    assert required == ["path"]


def test_every_snippet_answers_its_own_example(plain_service: RunningService) -> None:
    _, catalogue = plain_service.call("GET", "/vmx/snippets", token="")

    for snippet in catalogue["snippets"]:
        query = urllib.parse.urlencode(snippet["example"])
        status, answer = plain_service.call("GET", f"/vmx/snippets/{snippet['name']}?{query}", token="")
        assert status == 200, answer
        assert " = " in answer["text"]


def test_pipe_between_two_vms_has_both_ends(plain_service: RunningService) -> None:
    _, answer = plain_service.call("GET", f"/vmx/snippets/serial-pipe?path={PIPE}", token="")

    assert set(answer["texts"]) == {"server", "client"}
    assert all(part in answer["text"] for part in answer["texts"].values())
    assert 'serial0.pipe.endPoint = "client"' in answer["texts"]["client"]
    assert any("tryNoRxLoss" in note for note in answer["notes"])


def test_text_form_is_the_snippet_alone(plain_service: RunningService) -> None:
    shown = text(plain_service, f"/vmx/snippets/serial-file?path={PIPE}")

    assert all(" = " in line for line in shown.splitlines())


def test_empty_fields_of_a_form_count_as_not_told(plain_service: RunningService) -> None:
    told = text(plain_service, f"/vmx/snippets/serial-pipe?path={PIPE}")
    from_a_form = text(plain_service, f"/vmx/snippets/serial-pipe?path={PIPE}&far_end=&form=&index=&format=text")

    assert told == from_a_form


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "path"),
        ("path=a&colour=red", "no parameter"),
        ("path=a&index=99", "0, 1, 2 to 31"),
        ("path=a%0Ascsi0.present%20=%20%22FALSE%22", "line break"),
        ("path=%E2%80%9Ca%E2%80%9D", "curly quotes"),
        ("path=" + "a" * 5000, "at most 4096"),
    ],
)
def test_wrong_parameters_are_refused_with_what_is_allowed(
    plain_service: RunningService, query: str, said: str
) -> None:
    status, problem = plain_service.call("GET", f"/vmx/snippets/serial-pipe?{query}", token="")

    assert status == 400
    assert said in problem["detail"]


def test_unknown_snippet_suggests_near_names(plain_service: RunningService) -> None:
    status, problem = plain_service.call("GET", "/vmx/snippets/serial-pip", token="")

    assert status == 404
    assert "serial-pipe" in problem["suggestions"]


@pytest.mark.parametrize("media", ["text/plain", "application/octet-stream", "application/x-www-form-urlencoded"])
def test_vmx_is_linted_however_it_is_sent(plain_service: RunningService, media: str) -> None:
    status, answer = plain_service.send("/vmx/lint", VMX.encode() + "ide0:0.present = “TRUE”\n".encode(), media)

    assert (status, answer["valid"]) == (200, False)
    curly = next(finding for finding in answer["findings"] if finding["rule"] == "curly-quotes")
    assert curly["severity"] == "error"
    assert curly["where"].startswith("line 8")
    assert curly["fix"] == 'ide0:0.present = "TRUE"'


def test_an_ovf_descriptor_is_named_with_the_call_that_checks_it(plain_service: RunningService) -> None:
    descriptor = b'<?xml version="1.0"?>\n<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"/>\n'
    for answer in (
        plain_service.send("/vmx/lint", descriptor, "text/plain")[1],
        plain_service.call("POST", "/vmx/lint", {"text": descriptor.decode()}, token="")[1],
    ):
        (finding,) = answer["findings"]
        assert (finding["rule"], answer["valid"]) == ("not-a-vmx", False)
        assert "POST /ovf/lint" in finding["fix"]


def test_text_in_json_is_linted_too_and_a_sound_vmx_is_valid(plain_service: RunningService) -> None:
    assert plain_service.call("POST", "/vmx/lint", {"text": VMX}, token="") == (200, {"valid": True, "findings": []})


def test_encoding_line_is_followed(plain_service: RunningService) -> None:
    vmx = VMX.replace("UTF-8", "windows-1252").replace("web-01", "Büro").encode("cp1252")

    assert plain_service.send("/vmx/lint", vmx, "text/plain") == (200, {"valid": True, "findings": []})


@pytest.mark.parametrize("junk", [b"", b"\0" * 1000, b"\xff\xfe", b"=" * 100_000, b"a\n" * 100_000])
def test_junk_is_answered_with_findings(plain_service: RunningService, junk: bytes) -> None:
    status, answer = plain_service.send("/vmx/lint", junk, "text/plain")

    assert (status, answer["valid"]) == (200, False)
    assert len(answer["findings"]) < 250


def test_missing_file_is_asked_for(plain_service: RunningService) -> None:
    request = urllib.request.Request(plain_service.url + "/vmx/lint", method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=60)

    with refused.value as error:
        assert error.code == 400
        assert "Send the file" in error.read().decode()


def test_wrong_method_is_told_the_right_one(plain_service: RunningService) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(plain_service.url + "/vmx/lint", timeout=60)

    with refused.value as error:
        assert (error.code, error.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("keys", [1_000_000, 10_000_000])
def test_vmx_with_a_million_keys_is_too_large(plain_service: RunningService, keys: int) -> None:
    status, problem = plain_service.send("/vmx/lint", b"a = 1\n" * keys, "text/plain")

    assert status == 413
    assert "larger" in problem["detail"]


def test_merge_shows_what_changes_and_leaves_the_rest(plain_service: RunningService) -> None:
    body = {"text": VMX, "snippet": "tools-timesync", "params": {"enabled": True, "documented_key": "no"}}
    status, answer = plain_service.call("POST", "/vmx/merge", body, token="")

    assert status == 200
    assert answer["text"] == VMX.replace('syncTime = "FALSE"', 'syncTime = "TRUE"')
    assert answer["replaced"] == [{"key": "tools.syncTime", "line": 6, "old": "FALSE", "new": "TRUE"}]
    assert '+tools.syncTime = "TRUE"' in answer["diff"].splitlines()
    assert (answer["added"], answer["end"]) == ([], "vm")


def test_merge_takes_the_next_free_port_and_the_end_that_is_asked_for(plain_service: RunningService) -> None:
    body = {"text": VMX + 'serial0.present = "TRUE"\n', "snippet": "serial-pipe", "params": {"path": PIPE}}
    _, first = plain_service.call("POST", "/vmx/merge", body, token="")
    _, other = plain_service.call("POST", "/vmx/merge", {**body, "end": "client"}, token="")

    assert first["end"] == "server"
    assert 'serial1.pipe.endPoint = "server"' in first["text"]
    assert 'serial1.pipe.endPoint = "client"' in other["text"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"snippet": "nothing"}, 404),
        ({"params": {"index": 99}}, 400),
        ({"end": "client"}, 400),
        ({"text": "".join(f'serial{port}.present = "TRUE"\n' for port in range(32))}, 400),
        ({"text": VMX + "\ufffe\udcff"}, 400),
        ({"text": "a" * 2_000_000}, 413),
    ],
)
def test_merge_that_is_not_possible_says_why(
    plain_service: RunningService, change: dict[str, object], status: int
) -> None:
    body = {"text": VMX, "snippet": "serial-file", "params": {"path": "console.log"}, **change}
    answered, problem = plain_service.call("POST", "/vmx/merge", body, token="")

    assert answered == status
    assert problem["detail"]


def test_pages_have_a_form_for_each_snippet_and_the_text_to_copy(plain_service: RunningService) -> None:
    catalogue = text(plain_service, "/vmx/snippets", "text/html")
    snippet = text(plain_service, f"/vmx/snippets/serial-pipe?path={PIPE}", "text/html")

    assert 'action="/vmx/snippets/serial-pipe"' in catalogue
    assert snippet.count('<div class="copy">') == 2


def test_document_of_the_api_says_that_a_snippet_takes_free_parameters(plain_service: RunningService) -> None:
    _, document = plain_service.call("GET", "/openapi.json", token="")

    parameters = document["paths"]["/vmx/snippets/{name}"]["get"]["parameters"]
    free = next(each for each in parameters if each["name"] == "parameters")
    assert free["schema"] == {"type": "object", "additionalProperties": {"type": "string"}}
    lint = document["paths"]["/vmx/lint"]["post"]["requestBody"]["content"]
    assert set(lint) == {"application/json", "text/plain", "application/octet-stream"}
