"""A pasted log decoded over HTTP."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import zstandard

from tests.knowledge.loginput.archives import BUNDLE, tar
from tests.running_service import RunningService

LOG = (
    "2014-11-08T03:11:10.313Z cpu5:3343193)WARNING: Migrate: 269: 14154162 S: Failed: IO was aborted (0xbad00e0)\n"
    "nothing here\n"
    'ScsiDeviceIO: 2962: Cmd(0x4395) 0x1a, CmdSN 0x1300 to dev "naa.6001405fc65b3e55557495ba9c92bda3" failed '
    "H:0x0 D:0x2 P:0x0 Valid sense data: 0x2 0x8 0x0.\n"
)


def test_findings_stand_where_their_text_stands(plain_service: RunningService) -> None:
    status, answer = plain_service.call("POST", "/decode", {"text": LOG}, token="")

    assert status == 200
    lines = LOG.split("\n")
    assert {finding["line"] for finding in answer["findings"]} == {1, 3}
    for finding in answer["findings"]:
        assert lines[finding["line"] - 1][finding["start"] : finding["end"]] == finding["text"]
    kinds = {finding["kind"] for finding in answer["findings"]}
    assert {"vmkernel", "scsi-status", "scsi-sense", "naa"} <= kinds
    assert sum(answer["summary"].values()) == len(answer["findings"])


def test_text_beside_a_number_settles_the_release(plain_service: RunningService) -> None:
    _, answer = plain_service.call("POST", "/decode", {"text": LOG}, token="")

    code = next(finding for finding in answer["findings"] if finding["kind"] == "vmkernel")
    assert [match["name"] for match in code["matches"]] == ["VMK_ABORTED"]
    assert code["settled_by"] == "text"


@pytest.mark.parametrize("body", [LOG.encode(), b"\xff\xfe\x00bad" * 1000, b""])
def test_plain_text_is_taken_as_it_comes(plain_service: RunningService, body: bytes) -> None:
    request = urllib.request.Request(
        plain_service.url + "/decode", data=body, headers={"Content-Type": "text/plain"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        decoded: dict[str, Any] = json.load(answer)

    assert (len(decoded["findings"]) > 0) == (body == LOG.encode())


def sent(service: RunningService, body: bytes, media: str, **headers: str) -> dict[str, Any]:
    """The answer, or the problem, to a file that is sent as it is."""
    request = urllib.request.Request(
        service.url + "/decode", data=body, headers={"Content-Type": media, **headers}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            decoded: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        decoded = json.load(error)
    return decoded


@pytest.mark.parametrize(
    ("body", "compression", "encoding"),
    [
        (gzip.compress(LOG.encode()), "gzip", "UTF-8"),
        (lzma.compress(LOG.encode()), "xz", "UTF-8"),
        (bz2.compress(LOG.encode()), "bzip2", "UTF-8"),
        (zstandard.compress(LOG.encode()), "zstd", "UTF-8"),
        (LOG.encode("utf-16"), "", "UTF-16LE"),
        (gzip.compress(LOG.encode("utf-16-be")), "gzip", "UTF-16BE"),
    ],
)
@pytest.mark.parametrize("media", ["text/plain", "application/octet-stream", "application/gzip"])
def test_a_packed_log_is_decoded_as_it_is(
    plain_service: RunningService, body: bytes, compression: str, encoding: str, media: str
) -> None:
    _, plain = plain_service.call("POST", "/decode", {"text": LOG}, token="")
    decoded = sent(plain_service, body, media)

    assert decoded["findings"] == plain["findings"]
    looked_at = decoded["looked_at"]
    assert (looked_at["compression"], looked_at["encoding"], looked_at["lines"]) == (compression, encoding, 3)
    assert looked_at["formats"] == ["vmkernel log of ESXi 5.0 and later"]


def test_a_body_that_http_itself_compressed_is_decoded(plain_service: RunningService) -> None:
    decoded = sent(plain_service, gzip.compress(LOG.encode()), "text/plain", **{"Content-Encoding": "gzip"})
    assert len(decoded["findings"]) >= 4


@pytest.mark.parametrize(("pack", "media"), [(gzip.compress, "application/gzip"), (bytes, "application/octet-stream")])
def test_a_support_bundle_is_decoded_with_its_release(plain_service: RunningService, pack: Any, media: str) -> None:
    decoded = sent(plain_service, pack(tar(BUNDLE)), media)

    files = [finding["file"] for finding in decoded["findings"]]
    assert [file.rpartition("/")[2] for file in files] == ["vmkernel.log", "hostd.log", "vmware-3.log"]
    assert {match["name"] for finding in decoded["findings"] for match in finding["matches"]} == {"VMK_OF_THIS_HOST"}
    assert (decoded["looked_at"]["archive"], decoded["looked_at"]["files"]) == ("tar", 3)


def test_the_release_of_a_file_is_a_parameter(plain_service: RunningService) -> None:
    _, decoded = plain_service.call("POST", "/decode?release=3.5", {"text": "0xbad0022"}, token="")
    assert decoded["findings"][0]["matches"][0]["description"] == "SCSI reservation conflict"


def test_nothing_found_says_what_was_looked_at(plain_service: RunningService) -> None:
    request = urllib.request.Request(
        plain_service.url + "/decode?format=text", data=gzip.compress(b"boring\n"), method="POST",
        headers={"Content-Type": "text/plain"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read().decode()
    assert text.startswith("Nothing found:")
    assert "1 line, 27 bytes, gzip, UTF-8" in text


@pytest.mark.parametrize("body", [b"\x7fELF" + bytes(100), bytes(range(256)) * 10, b"%PDF-1.7\n"])
def test_what_is_no_text_is_a_problem_and_never_an_all_clear(plain_service: RunningService, body: bytes) -> None:
    problem = sent(plain_service, body, "application/octet-stream")
    assert problem["status"] == 400
    assert problem["detail"].startswith("This is not text")


def test_a_bomb_is_stopped(plain_service: RunningService) -> None:
    decoded = sent(plain_service, gzip.compress(b"0xbad0006\n" + bytes(400 << 20)), "application/gzip")
    assert [finding["text"] for finding in decoded["findings"]] == ["0xbad0006"]
    assert len(decoded["looked_at"]["problems"]) == 1


def test_a_body_over_the_limit_is_refused_with_the_way_out(plain_service: RunningService) -> None:
    problem = sent(plain_service, b"x" * (17 << 20), "text/plain")
    assert problem["status"] == 413
    assert "16.8 MB" in problem["detail"]
    assert "vmkops decode FILE" in problem["detail"]


def test_unknown_release_and_a_body_of_100_mb_are_refused(plain_service: RunningService) -> None:
    assert plain_service.call("POST", "/decode", {"text": "", "release": "windows"}, token="")[0] == 400
    assert plain_service.call("POST", "/decode", {"text": "a" * 100_000_000}, token="")[0] == 413


def test_many_findings_are_counted_all_and_listed_in_part(plain_service: RunningService) -> None:
    _, answer = plain_service.call("POST", "/decode", {"text": "0xbad0006\n" * 6000}, token="")

    assert answer["truncated"] is True
    assert len(answer["findings"]) == 5000
    assert sum(answer["summary"].values()) == 6000


def test_the_answer_has_what_happened_to_each_subject_and_a_paragraph_for_the_incident(
    plain_service: RunningService,
) -> None:
    log = (
        "2025-01-15T02:12:29.000Z In(14) vobd[209]:  [esx.problem.scsi.device.state.permanentloss] Device: "
        "naa.6001405fc65b3e55557495ba9c92bda3 is gone.\n"
        "2025-01-15T02:15:01.000Z In(14) vobd[209]:  [esx.clear.scsi.device.state.permanentloss.deviceonline] Device "
        "naa.6001405fc65b3e55557495ba9c92bda3 is online.\n"
    )
    _, answer = plain_service.call("POST", "/decode", {"text": log}, token="")

    (disk,) = answer["subjects"]
    assert (disk["kind"], disk["subject"]) == ("device", "naa.6001405fc65b3e55557495ba9c92bda3")
    assert (disk["class"], disk["count"], disk["peak_per_minute"]) == ("PDL", 2, 1)
    assert (disk["first"], disk["last"]) == ("2025-01-15T02:12:29Z", "2025-01-15T02:15:01Z")
    assert disk["states"] == [
        {"state": "PDL", "at": "2025-01-15T02:12:29Z", "file": "", "line": 1},
        {"state": "recovered", "at": "2025-01-15T02:15:01Z", "file": "", "line": 2},
    ]
    assert [(lines["class"], lines["count"]) for lines in disk["classes"]] == [("PDL", 1), ("transient", 1)]
    assert disk["next"]
    assert disk["procedures"] == ["permanent-device-loss"]
    assert answer["incident"].startswith("Device naa.6001405fc65b3e55557495ba9c92bda3: PDL at 2025-01-15 02:12:29 UTC")


def test_the_schema_describes_the_subjects(plain_service: RunningService) -> None:
    _, document = plain_service.call("GET", "/openapi.json", token="")
    schema = document["components"]["schemas"]["LogSubject"]["properties"]
    assert {"subject", "kind", "first", "last", "count", "peak_per_minute", "class", "states", "next"} <= set(schema)
    assert schema["count"]["description"]


BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"


def send_form(service: RunningService, fields: dict[str, tuple[str, bytes]], accept: str) -> tuple[int, str, str]:
    """Send a form as a browser does; each field has a file name (or none) and its content."""
    parts = []
    for name, (file, content) in fields.items():
        named = f'; filename="{file}"\r\nContent-Type: application/octet-stream' if file or name == "file" else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Accept": accept}
    request = urllib.request.Request(service.url + "/decode", data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
EMPTY = ("", b"")


def test_a_browser_gets_a_form_and_sends_it_without_a_script(plain_service: RunningService) -> None:
    with urllib.request.urlopen(plain_service.url + "/decode", timeout=60) as answer:
        form = answer.read().decode()
    assert '<form class="paste" action="/decode" method="post" enctype="multipart/form-data">' in form
    assert all(f'name="{name}"' in form for name in ("text", "file", "release"))
    with urllib.request.urlopen(plain_service.url + "/", timeout=60) as answer:
        assert 'href="/decode"' in answer.read().decode()


@pytest.mark.parametrize("field", ["text", "file"])
def test_a_form_is_answered_with_the_page_of_the_log(plain_service: RunningService, field: str) -> None:
    file = "a.log" if field == "file" else ""
    fields = {"text": EMPTY, "file": EMPTY, "release": EMPTY, field: (file, LOG.encode())}
    status, media, page = send_form(plain_service, fields, BROWSER)

    assert (status, media) == (200, "text/html; charset=utf-8")
    assert "0xbad00e0 IO was aborted (VMK_ABORTED)" in page
    assert 'href="/static/decode.css"' in page
    assert "<script" not in page


def test_a_form_takes_a_release_and_is_answered_as_its_caller_prefers(
    plain_service: RunningService,
) -> None:
    fields = {"text": ("", b"0xbad0022"), "file": EMPTY, "release": ("", b"3.5")}
    _, media, answer = send_form(plain_service, fields, "application/json")
    assert media == "application/json"
    assert json.loads(answer)["findings"][0]["summary"].startswith("0xbad0022 SCSI reservation conflict")

    status, media, page = send_form(plain_service, fields | {"release": ("", b"windows")}, BROWSER)
    assert (status, media) == (400, "text/html; charset=utf-8")
    assert "windows" in page


def test_a_form_with_a_file_and_pasted_text_is_refused_with_what_to_do(plain_service: RunningService) -> None:
    fields = {"text": ("", b"0xbad0022"), "file": ("a.log", LOG.encode()), "release": EMPTY}
    status, media, page = send_form(plain_service, fields, BROWSER)
    assert (status, media) == (400, "text/html; charset=utf-8")
    assert "both a file and pasted text" in page
    assert "clear the text, or leave the file out" in page

    status, _, page = send_form(plain_service, fields | {"text": ("", b" \r\n")}, BROWSER)
    assert status == 200
    assert "0xbad00e0 IO was aborted (VMK_ABORTED)" in page


@pytest.mark.parametrize("body", [b"", b"--x", b"x" * 100, f"--{BOUNDARY}\r\nno colon\r\n\r\n".encode()])
def test_a_malformed_form_is_refused(plain_service: RunningService, body: bytes) -> None:
    for boundary in ("", f"; boundary={BOUNDARY}"):
        headers = {"Content-Type": f"multipart/form-data{boundary}"}
        request = urllib.request.Request(plain_service.url + "/decode", data=body, headers=headers, method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        with refused.value as error:
            assert error.code == 400


def form_of(*parts: tuple[str, str]) -> bytes:
    """A form whose parts have these headers after the name, and these contents."""
    return b"".join(
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n".encode()
        for head, content in parts
    ) + (f"--{BOUNDARY}--\r\n".encode())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (form_of(('name="log"; filename="a.log"', LOG)), "The form has no log in it."),
        (form_of(('name="file"; filename="a.log"', LOG), ('name="file"; filename="b.log"', "")), "several fields"),
        (form_of(('name="text"\r\nContent-Type: text/plain; charset=rot13', LOG)), "malformed"),
    ],
    ids=["another field", "two files", "an unknown charset"],
)
def test_a_form_whose_log_would_be_missed_is_refused(plain_service: RunningService, body: bytes, reason: str) -> None:
    problem = sent(plain_service, body, f"multipart/form-data; boundary={BOUNDARY}")

    assert problem["status"] == 400
    assert reason in problem["detail"]


@pytest.mark.parametrize("body", [LOG.encode(), gzip.compress(LOG.encode()) + b"more"], ids=["not gzip", "more"])
def test_a_body_that_is_not_encoded_as_its_header_states_is_refused(plain_service: RunningService, body: bytes) -> None:
    problem = sent(plain_service, body, "text/plain", **{"Content-Encoding": "gzip"})

    assert problem["status"] == 400
    assert "gzip" in problem["detail"]


def test_logs_are_decoded_at_the_same_time(plain_service: RunningService) -> None:
    log = LOG.encode() * 1000
    with ThreadPoolExecutor(6) as callers:
        answers = list(callers.map(lambda _: sent(plain_service, log, "text/plain"), range(6)))

    assert [answer for answer in answers if "summary" not in answer] == []
    assert {sum(answer["summary"].values()) for answer in answers} == {5000}


def test_a_form_of_more_than_the_limit_is_refused(plain_service: RunningService) -> None:
    status, media, _ = send_form(plain_service, {"text": EMPTY, "file": ("a.log", b"x" * (17 << 20))}, BROWSER)
    assert (status, media) == (413, "text/html; charset=utf-8")


def test_plain_text_has_each_name_once_and_each_next_step_once(plain_service: RunningService) -> None:
    line = "naa.600140500000000000000000000000bb failed H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x25 0x0.\n"
    request = urllib.request.Request(
        plain_service.url + "/decode?format=text", data=(line * 2).encode(), headers={"Content-Type": "text/plain"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        lines = answer.read().decode().splitlines()

    assert lines[0].startswith("1:1: naa.600140500000000000000000000000bb: An NAA identifier")
    assert [each for each in lines if each.startswith("  next: ")] == [lines[3]]
