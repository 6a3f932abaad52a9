"""The entries of the driver map for a device, and the command that prints them."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.drivermap.device import DEFAULT_KERNEL, InvalidDevice, described
from knowledge.drivermap.entries import corrections, entries, xml_element
from vmkops.commands.drivermap import run

DOCUMENTED = ["--device", "10de:037f", "--like", "037e", "--driver", "sata_nv", "--name", "MCP55 SATA Controller"]


def test_documented_device_gives_the_documented_lines() -> None:
    device = described(device="10de:037f", like="037e", driver="sata_nv", name="MCP55 SATA Controller")
    by_file = {entry.file: entry.text for entry in entries(device)}
    assert (
        by_file[f"/etc/vmware/simple.map inside /boot/initrd-{DEFAULT_KERNEL}.img"] == "10de:037f 0000:0000 sata_nv.o"
    )
    assert by_file["/etc/vmware/pci.ids"] == "\t037f  MCP55 SATA Controller"
    element = ET.fromstring(by_file["/etc/vmware/pciid/sata_nv.xml"])
    assert (element.tag, element.get("id")) == ("device", "037f")
    assert [child.tag for child in element] == ["vmware", "name"]
    assert element.find("vmware").get("label") == "scsi"  # type: ignore[union-attr]
    assert element.findtext("vmware/driver") == "sata_nv"
    assert element.findtext("name") == "MCP55 SATA Controller"
    assert by_file["/etc/vmware/pci.xml.merged"] == by_file["/etc/vmware/pciid/sata_nv.xml"]


def test_each_entry_states_whether_it_is_documented_or_reconstructed() -> None:
    certainties = [entry.certainty for entry in entries(described(device="10de:037f", driver="sata_nv"))]
    assert certainties[0].startswith("documented word for word")
    assert all(certainty.startswith("reconstructed") for certainty in certainties[2:])


def test_name_with_ampersand_is_escaped_in_xml_only() -> None:
    device = described(device="10de:037f", driver="sata_nv", name="R&D [SATA]")
    assert ET.fromstring(xml_element(device)).findtext("name") == "R&D [SATA]"
    assert entries(device)[1].text == "\t037f  R&D [SATA]"


@pytest.mark.parametrize("text", ["10DE:037F", "0x10de:0x037f", " 10de:037f "])
def test_ids_are_accepted_as_tools_print_them(text: str) -> None:
    device = described(device=text, like="10de:037e", driver="sata_nv.o")
    assert (device.vendor, device.device, device.like, device.driver) == ("10de", "037f", "037e", "sata_nv")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"device": "10de"}, "device"),
        ({"device": "10de:37f"}, "device"),
        ({"device": "10de:037g"}, "device"),
        ({"device": "ffff:037f"}, "device"),
        ({"like": "037f"}, "like"),
        ({"like": "1022:037e"}, "like"),
        ({"driver": "sata nv"}, "driver"),
        ({"driver": "../sata_nv"}, "driver"),
        ({"name": "a\nb`id`"}, "name"),
        ({"name": "$(reboot)"}, "name"),
        ({"name": "</name>"}, "name"),
        ({"kernel": "../../etc/passwd"}, "kernel"),
        ({"kernel": ""}, "kernel"),
    ],
)
def test_wrong_value_is_refused_with_the_name_of_its_field(values: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidDevice) as refused:
        described(**{"device": "10de:037f", "driver": "sata_nv", "name": "x", **values})
    assert refused.value.field == field
    assert len(str(refused.value)) < 200


@given(st.text(max_size=200), st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_a_device_or_is_refused(device: str, like: str, driver: str) -> None:
    with suppress(InvalidDevice):
        made = described(device=device, like=like, driver=driver)
        assert re.fullmatch(r"[0-9a-f]{8}(?:[0-9a-f]{4})? \S+", f"{made.vendor}{made.device}{made.like} {made.driver}")


def test_every_slip_of_the_document_is_named() -> None:
    ids = [correction.id for correction in corrections()]
    assert len(ids) == len(set(ids))
    assert {
        "dd-input", "bare-header-lines", "curly-quotes", "gzip-en-dash", "gzip-single-dash", "tar-en-dash",
        "two-boot-paths", "initrd-names", "mkdir-parents", "three-tables", "last-two-lines", "xml-tags-lost",
        "removal-after-umount", "short-way-up", "typing-errors",
    } <= set(ids)  # fmt: skip
    assert {correction.way for correction in corrections()} == {"rescue", "automated", "both"}


def test_command_prints_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(DOCUMENTED) == 0
    printed = capsys.readouterr().out
    assert "\n10de:037f 0000:0000 sata_nv.o\n" in printed
    assert "\n\t037f  MCP55 SATA Controller\n" in printed
    assert "kolmann.at" in printed


def test_command_answers_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*DOCUMENTED, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["entries"][0]["text"] == "10de:037f 0000:0000 sata_nv.o"
    assert answer["corrections"][0]["id"] == "dd-input"
    assert answer["mends"] == answer["corrections"]


@pytest.mark.parametrize("way", ["rescue", "automated"])
def test_script_from_the_command_line_passes_bash(way: str) -> None:
    call = "import sys; from vmkops.commands.drivermap import run; sys.exit(run(sys.argv[1:]))"
    made = subprocess.run(
        [sys.executable, "-c", call, *DOCUMENTED, "--script", way, "--kernel", "2.4.21-57.ELvmnix"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout.startswith("#!/bin/bash\n")
    assert made.stdout.count("#!/bin/bash") <= 2  # the second one begins the script for the next boot
    assert "KERNEL='2.4.21-57.ELvmnix'\n" in made.stdout
    assert subprocess.run(["bash", "-n"], input=made.stdout, text=True, check=False).returncode == 0


def test_script_is_in_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*DOCUMENTED, "--script", "automated", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["script"].startswith("#!/bin/bash\n")


@pytest.mark.parametrize("switch", ["--corrections", "--mends"])
def test_command_lists_the_corrections(switch: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([switch]) == 0
    printed = capsys.readouterr().out
    assert "dd if=dev/zero" in printed
    assert run([switch, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(corrections())


def test_help_offers_only_the_new_switch(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "--corrections" in (printed := capsys.readouterr().out)
    assert "--mends" not in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--device and --driver"),
        (["--device", "10de:037f"], "--device and --driver"),
        (["--device", "zz:037f", "--driver", "sata_nv"], "four hex digits"),
        (["--device", "10de:037f", "--driver", "sata_nv", "--script", "rescue"], "similar device"),
        (
            ["--device", "10de:037f", "--driver", "sata_nv", "--script", "other"],
            "other is not possible. Choose one of: rescue, automated.",
        ),
    ],
)
def test_wrong_use_is_answered_with_what_to_give(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert message in capsys.readouterr().err
