"""A pasted log decoded over HTTP."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

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
        {"state": "PDL", "at": "2025-01-15T02:12:29Z"},
        {"state": "recovered", "at": "2025-01-15T02:15:01Z"},
    ]
    assert disk["next"]
    assert disk["procedures"] == ["permanent-device-loss"]
    assert answer["incident"].startswith("Device naa.6001405fc65b3e55557495ba9c92bda3: PDL from 2025-01-15 02:12:29Z")


def test_the_schema_describes_the_subjects(plain_service: RunningService) -> None:
    _, document = plain_service.call("GET", "/openapi.json", token="")
    schema = document["components"]["schemas"]["LogSubject"]["properties"]
    assert {"subject", "kind", "first", "last", "count", "peak_per_minute", "class", "states", "next"} <= set(schema)
    assert schema["count"]["description"]
