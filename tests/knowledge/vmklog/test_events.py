"""The events of ESXi hosts in log lines: what they mean, what they are about, and what to do next."""

from __future__ import annotations

from typing import get_args

import pytest

from knowledge.diagnosis import FaultClass, Where
from knowledge.vmklog import Finding, decode_line
from knowledge.vmklog.esx_events import all_events, event

VOBD = "2025-01-15T02:10:09.002Z In(14) vobd[2098532]:  "


def only(line: str) -> Finding:
    (found,) = [finding for finding in decode_line(line) if finding.kind == "event"]
    assert line[found.start : found.end] == found.text
    return found


@pytest.mark.parametrize(
    ("message", "about", "where", "class_", "procedure"),
    [
        ("[APDCorrelator] 9413898746us: [vob.storage.apd.start] Device or filesystem with identifier"
         " [naa.600140500000000000000000000000cc] has entered the All Paths Down state.",
         "for device naa.600140500000000000000000000000cc:", "path or fabric", "APD", "all-paths-down"),
        ("[APDCorrelator] 9414268686us: [esx.problem.storage.apd.start] Device or filesystem with identifier"
         " [8a5a1336-3d574c6d] has entered the All Paths Down state.",
         "for NFS datastore 8a5a1336-3d574c6d:", "network", "APD", "nfs-datastore-inaccessible"),
        ("[scsiCorrelator] 955us: [esx.problem.scsi.device.state.permanentloss] Device:"
         " naa.600140500000000000000000000000cd has been removed or is permanently inaccessible."
         ' Affected datastores (if any): "DS02".',
         "for device naa.600140500000000000000000000000cd, datastore DS02:", "LUN", "PDL", "permanent-device-loss"),
        ("[vmfsCorrelator] 956us: [esx.problem.vmfs.resource.corruptondisk]"
         " 5009333b-b7a2d1f8-fc26-e4115bb4a813 DS02",
         "for datastore DS02 (VMFS 5009333b-b7a2d1f8-fc26-e4115bb4a813):", "LUN", "software fault", "vmfs-damaged"),
        ("[vmfsCorrelator] 14807596740549us: [esx.problem.vmfs.heartbeat.timedout]"
         " 5009333b-b7a2d1f8-fc26-e4115bb4a813 DS01",
         "for datastore DS01 (VMFS 5009333b-b7a2d1f8-fc26-e4115bb4a813):", "path or fabric", "path loss",
         "lost-access-to-volume"),
        ("[vmfsCorrelator] 9521467867us: [esx.problem.vmfs.nfs.server.disconnect] 192.0.2.1/NFS-DS1"
         " 12345678-abcdef01-0000-000000000000 NFS DS1",
         "for datastore NFS DS1 (NFS 12345678-abcdef01-0000-000000000000):", "network", "path loss",
         "nfs-datastore-inaccessible"),
    ],
)  # fmt: skip
def test_an_event_names_what_it_is_about_and_what_helps(
    message: str, about: str, where: str, class_: str, procedure: str
) -> None:
    meaning = only(VOBD + message).meaning
    assert about in meaning.summary
    assert (meaning.where, meaning.class_, meaning.certainty) == (where, class_, "certain")
    assert procedure in meaning.procedures
    assert meaning.next


def test_a_network_event_names_the_adapter_and_the_virtual_switch() -> None:
    summary = only(
        '[esx.problem.net.redundancy.lost] Lost uplink redundancy on virtual switch "vSwitch0". Physical NIC vmnic6'
        ' is down. Affected port groups: "Management Network"'
    ).summary
    assert summary.startswith("esx.problem.net.redundancy.lost for virtual switch vSwitch0, vmnic6: ")


def test_apd_says_how_long_the_host_retries() -> None:
    assert "Misc.APDTimeout (140 s by default)" in only("[esx.problem.storage.apd.start]").summary


def test_apd_of_an_nfs_datastore_leads_to_its_mount_and_not_to_the_paths_of_a_device() -> None:
    message = "Device or filesystem with identifier [8a5a1336-3d574c6d] has entered the All Paths Down state."
    for line in (f"[esx.problem.storage.apd.start] {message}", message):
        meaning = next(found.meaning for found in decode_line(line) if found.kind in ("event", "phrase"))
        assert "esxcli storage nfs list" in meaning.next
        assert "HBA" not in meaning.next


def test_an_observation_without_a_row_gets_the_meaning_of_the_event_of_the_same_name() -> None:
    meaning = only("[vob.vmfs.heartbeat.recovered] Reclaimed heartbeat").meaning
    assert (meaning.certainty, meaning.class_) == ("likely", "transient")
    assert "esx.problem.vmfs.heartbeat.recovered" in meaning.reason


@pytest.mark.parametrize(
    ("id_", "family"),
    [
        ("esx.problem.vmfs.nfs.brandnew", "esx.problem.vmfs.nfs.* (NFS datastore)"),
        ("esx.problem.brandnew", "esx.problem.* (a problem that ESXi reports)"),
        ("vob.net.brandnew", "vob.net.* (host networking)"),
        ("vob.brandnew.thing", "vob.* (an observation of the VMkernel)"),
        ("esx.audit.brandnew", "esx.audit.* (a record of what was done on the host)"),
    ],
)
def test_an_unknown_event_is_open_and_names_its_family(id_: str, family: str) -> None:
    meaning = only(f"{VOBD}[{id_}] something").meaning
    assert (meaning.certainty, meaning.class_) == ("open", "")
    assert family in meaning.summary
    assert "no table has this identifier" in meaning.summary


@pytest.mark.parametrize(
    ("line", "id_"),
    [
        ("No correlator for vob.vmfs.nfs.server.disconnect", "vob.vmfs.nfs.server.disconnect"),
        ("see esx.problem.storage.apd.timeout.", "esx.problem.storage.apd.timeout"),
        ("[event.esx.problem.storage.apd.start.fullFormat]", "esx.problem.storage.apd.start"),
        (
            '[esx@4413 threadName="APDCorrelator"] 48us: [esx.clear.storage.apd.exit] Device',
            "esx.clear.storage.apd.exit",
        ),
        ("[esx.problem.3rdParty.error] x", "esx.problem.3rdParty.error"),
    ],
)
def test_an_identifier_is_found_in_each_form_of_logs(line: str, id_: str) -> None:
    assert only(line).text == id_


@pytest.mark.parametrize(
    "line", ["vob.id = 3", "foo.vob.a.b", "vob.get.it(3)", "esx.problem", "esx.problem/x", "my-vob.a.b"]
)
def test_other_dotted_names_are_not_events(line: str) -> None:
    assert decode_line(line) == []


def test_every_row_has_a_source_and_known_words() -> None:
    rows = all_events()
    assert len(rows) > 500
    for row in rows:
        assert row.source, row.key
        assert row.meaning.endswith("."), row.key
        assert row.where in get_args(Where), row.key
        assert row.class_ in ("", *get_args(FaultClass)), row.key


def test_problems_say_what_to_do_and_records_of_actions_do_not_look_like_faults() -> None:
    for row in all_events():
        if row.key.startswith("esx.problem.") and row.class_ not in ("", "transient"):
            assert row.next, row.key
    opened = event("esx.audit.ssh.session.opened")
    assert opened
    assert (opened.class_, opened.next) == ("", "")
