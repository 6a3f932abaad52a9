"""The ESX 3.5 driver map over HTTP: the lines for a device, and the script."""

from __future__ import annotations

import subprocess
import urllib.parse
import urllib.request
from typing import Any

import pytest

from tests.running_service import RunningService

DEVICE = {"device": "10de:037f", "driver": "sata_nv", "like": "037e", "name": "MCP55 SATA Controller"}


def ask(service: RunningService, path: str, **query: str) -> tuple[int, dict[str, Any]]:
    path = f"{path}?{urllib.parse.urlencode(query)}"
    return service.call("GET", path, token="", headers={"Accept": "application/json"})


def test_lines_are_the_documented_ones_and_each_correction_is_named(plain_service: RunningService) -> None:
    status, answer = ask(plain_service, "/drivermap", **DEVICE)

    assert status == 200
    simple_map = next(entry for entry in answer["entries"] if "simple.map" in entry["file"])
    assert simple_map["text"] == "10de:037f 0000:0000 sata_nv.o"
    assert {"pci.ids", "sata_nv.xml"} <= {entry["file"].rpartition("/")[2] for entry in answer["entries"]}
    assert any("if=/dev/zero" in correction["ours"] for correction in answer["corrections"])
    assert answer["mends"] == answer["corrections"]  # the name until the next release


@pytest.mark.parametrize("way", ["rescue", "automated"])
def test_script_is_plain_text_that_a_shell_takes(plain_service: RunningService, way: str) -> None:
    query = urllib.parse.urlencode({**DEVICE, "way": way})
    with urllib.request.urlopen(f"{plain_service.url}/drivermap/script?{query}", timeout=60) as answer:
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        script = answer.read().decode()

    assert script.startswith("#!/bin/bash\n")
    assert f"({way} way)" in script
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_script_is_json_for_who_prefers_it(plain_service: RunningService) -> None:
    _, answer = ask(plain_service, "/drivermap/script", **DEVICE)

    assert answer["way"] == "automated"
    assert answer["script"].startswith("#!/bin/bash\n")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"device": "10de"}, "vendor:device"),
        ({"device": "10de:zzzz"}, "four hex digits"),
        ({"driver": "sata_nv; rm -rf /"}, "module name"),
        ({"name": "$(reboot)"}, "name"),
        ({"kernel": "../../x"}, "kernel version"),
        ({"like": "037f"}, "device itself"),
        ({"like": "", "way": "rescue"}, "similar device"),
        ({"way": "sideways"}, "rescue"),
    ],
)
def test_values_that_cannot_stand_in_a_script_are_refused(
    plain_service: RunningService, wrong: dict[str, str], said: str
) -> None:
    status, problem = ask(plain_service, "/drivermap/script", **{**DEVICE, **wrong})

    assert status == 400
    assert said in problem["detail"]


def test_page_has_the_lines_to_copy(plain_service: RunningService) -> None:
    query = urllib.parse.urlencode({**DEVICE, "format": "html"})
    with urllib.request.urlopen(f"{plain_service.url}/drivermap?{query}", timeout=60) as answer:
        assert "10de:037f 0000:0000 sata_nv.o" in answer.read().decode()
