"""The release of a line shows in its format, whatever a log collector wrote before it."""

from __future__ import annotations

import pytest

from knowledge.vmklog.origin import inferred_origin

STAMP = "2024-05-07T16:29:50.697Z"
BSD = "May  7 16:29:50"
BARE = "cpu2:2097713)WARNING: NVMEIO:2099 failed <0xbad0022>"
SINCE_5, SINCE_8, ESX_3, ESX_4 = "ESXi 5.0 and later", "ESXi 8.0 and later", "ESX 3.x", "ESX 4.x"
OLD = "0:02:09:11.075 cpu0:1035)StorageMonitor: 196: vmhba1:0:1:0 status = 0/2 0x0 0x0 0x0"
FOUR = "2:16:49:12.573 cpu3:4099)ScsiDeviceIO: 1672: x"

LINES = [
    # as hosts write them
    (f"{STAMP} {BARE}", SINCE_5),
    (f"{STAMP} cpu2:2097713 opID=a9f5cca4)SunRPC: 1096: x", SINCE_5),
    (f"{STAMP} In(182) vmkernel: {BARE}", SINCE_8),
    (f"{STAMP} In(05) vmx - MKSXlib failed", SINCE_8),
    (f"{STAMP} Er(11)[+] hostd more of the same", SINCE_8),
    (f"{STAMP} In(166) Hostd[2101270]: [Originator@6876 sub=Vimsvc] x", SINCE_8),
    (f"{STAMP} info hostd[2101270] [Originator@6876 sub=Vimsvc] x", SINCE_5),
    (f"{STAMP}| vmx| I125: x", SINCE_5),
    (f"{STAMP}: [APDCorrelator] 1us: [esx.problem.storage.apd.start] x", SINCE_5),
    (f"  {STAMP} {BARE}", SINCE_5),
    # RFC 5424, RFC 3164, and what rsyslog and syslog-ng write
    (f"<166>1 {STAMP} esx01 vmkernel - - - {BARE}", SINCE_5),
    (f"<166>{STAMP} esx01.example.com vmkernel: {BARE}", SINCE_5),
    (f"{STAMP} esx01.example.com vmkwarning: {BARE}", SINCE_5),
    (f"2024-05-07T16:29:50.697123+02:00 esx01 vmkernel: {BARE}", SINCE_5),
    (f"{BSD} esx01 {STAMP} esx01 vmkernel: {BARE}", SINCE_5),
    (f"{BSD} esx01 vmkernel: {BARE}", SINCE_5),
    (f"<14>{BSD} esx01 Hostd: [Originator@6876 sub=Vimsvc] x", SINCE_5),
    (f"{BSD} esx01 Hostd: {STAMP} info hostd[2A] [Originator@6876 sub=x] y", SINCE_5),
    (f"{BSD} esx vmkernel: {OLD}", ESX_3),
    (f"<5>{BSD} esx vmkernel: {FOUR}", ESX_4),
    # a collector's own timestamp is no sign of the host's release when the host prints its uptime
    (f"{STAMP} esx vmkernel: {OLD.replace('0:02:', '3:02:')}", ESX_3),
    (f"{STAMP} esx vmkernel: {FOUR}", ESX_4),
    (f"{STAMP} esx vmkernel: 0:00:00:05.123 cpu0:4096)Boot: 1: x", ""),
    # Loki, kubectl, stern, Splunk and containers write labels before a line
    (f'2024-05-07T16:29:51+02:00 {{host="esx01", job="vmware"}} {STAMP} {BARE}', SINCE_5),
    (f'{{host="esx01", job="vmware"}} {STAMP} {BARE}', SINCE_5),
    (f"syslog-0 collector {STAMP} esx01 vmkernel: {BARE}", SINCE_5),
    (f"collector-7f9 | <180>1 {STAMP} esx01 vmkernel - - - {BARE}", SINCE_5),
    # no sign of a release
    (BARE, ""),
    ("esx01: 0xbad0022", ""),
    (f"the article of {STAMP} mentions 0xbad0022", ""),
    (f"{BARE} since {STAMP}", ""),
]  # fmt: skip


@pytest.mark.parametrize(("line", "release"), LINES, ids=[line[:60] for line, _ in LINES])
def test_the_release_of_a_line(line: str, release: str) -> None:
    origin = inferred_origin(line)
    assert origin.release == release
    assert bool(origin.reason) == bool(release)
