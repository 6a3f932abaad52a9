"""The time and the host name at the beginning of a line, in each format that ESX has used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.loghistory.stamps import host_of, split, stamp_of


@pytest.mark.parametrize(
    ("line", "clock", "seconds", "text"),
    [
        ("1970-01-02T00:00:01.999Z cpu5:3343193)x", "calendar", 86401, "1970-01-02T00:00:01Z"),
        ("1970-01-02T02:00:01+02:00 esx01 vmkernel: x", "calendar", 86401, "1970-01-02T02:00:01+02:00"),
        ("1970-01-01 19:00:01,123-0500 x", "calendar", 86401, "1970-01-01T19:00:01-0500"),
        ("[1970-01-02 00:00:01.1 info 'Hostsvc'] x", "calendar", 86401, "1970-01-02T00:00:01"),
        ("<14>1 1970-01-02T00:00:01Z esx01 vmkernel - - - x", "calendar", 86401, "1970-01-02T00:00:01Z"),
        ("<166>Jan  2 00:00:01 esx01 vmkernel: x", "yearless", 86401, "Jan  2 00:00:01"),
        ("Mar 1 08:53:36 host.com vmkernel: 2:16:49:12.573 cpu3:4099)x", "yearless", 5216016, "Mar  1 08:53:36"),
        ("vmkernel: 2:16:49:12.573 cpu3:4099)x", "uptime", 233352, "2:16:49:12"),
        ("114:03:25:51.489 cpu0:4100)x", "uptime", 9861951, "114:03:25:51"),
    ],
)
def test_a_time_is_read_in_each_format(line: str, clock: str, seconds: int, text: str) -> None:
    assert stamp_of(line) == (clock, seconds, text)


@pytest.mark.parametrize("line", ["", "x 2025-01-15T02:10:09Z", "2025-13-15T02:10:09Z", "0000-01-01T00:00:00Z",
                                  "Foo 12 00:00:00 x", "Mar 32 00:00:00 x", "vmhba1:0:1:0 status = 0/2"])  # fmt: skip
def test_what_is_not_a_time_is_not_read(line: str) -> None:
    assert stamp_of(line) is None


@given(st.text(alphabet="0123456789-:TZ.,+ <>[]Jancpu", max_size=40))
def test_no_text_makes_it_fail(line: str) -> None:
    stamp_of(line)
    host_of(line)


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ("2025-01-15T02:10:09.001Z esx01.example.com vmkernel: cpu4:2098598)x", "esx01.example.com"),
        ("Mar  3 02:11:09 esx01 vmkernel: 2:16:49:12.573 cpu3:4099)x", "esx01"),
        ("<166>2025-01-15T02:10:09Z esx01 vobd[2098532]: x", "esx01"),
        ("2025-01-15T02:10:09.001Z In(182) vmkernel: cpu4:2098598)x", ""),
        ("2025-01-15T02:10:09.001Z cpu4:2098598)x", ""),
        ("2018-07-06T21:02:22.566Z info hostd[B381B70] [sub=x] y", ""),
        ("2018-07-06T21:02:22.566Z info hostd: x", ""),
        ("no time: x", ""),
    ],
)
def test_the_host_is_read_where_syslog_writes_it(line: str, host: str) -> None:
    assert host_of(line) == host


def test_a_time_is_split_into_day_and_time() -> None:
    assert split("2025-01-15T02:10:09Z") == ("2025-01-15", "02:10:09")
    assert split("Mar  3 02:11:09") == ("Mar  3", "02:11:09")
    assert split("2:16:49:12") == ("", "uptime 2:16:49:12")
    assert split("") == ("", "")
