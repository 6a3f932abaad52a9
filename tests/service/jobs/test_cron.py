"""Any text that is given as a cron expression is accepted, or refused with a reason."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.errors import InvalidParams
from service.jobs.cron import check_cron

FIELD = st.text(alphabet="0123456789*/,-#?LWRHrhMONabc@() ", max_size=12)


@given(st.one_of(st.text(max_size=60), st.lists(FIELD, min_size=4, max_size=7).map(" ".join)), st.text(max_size=40))
@example("*/0 * * * *", "UTC")
@example("* * * * *", "../etc/passwd")
@example("* * * * *", "America")
@example("@yearly", "Europe/Berlin")
def test_any_text_is_accepted_or_refused_with_a_reason(cron: str, timezone: str) -> None:
    with contextlib.suppress(InvalidParams):
        check_cron(cron, "UTC")
    with contextlib.suppress(InvalidParams):
        check_cron("* * * * *", timezone)


@pytest.mark.parametrize("cron", ["30 2 * * *", "*/15 8-18 * * mon-fri", "0 0 1 jan,mar *", "@daily", "0 0 L * *"])
def test_usual_expressions_are_accepted(cron: str) -> None:
    check_cron(cron, "Europe/Berlin")


@pytest.mark.parametrize("cron", ["R * * * *", "0 H(0-7) * * *", "h h * * *"])
def test_random_time_is_refused(cron: str) -> None:
    with pytest.raises(InvalidParams, match="another time in each process"):
        check_cron(cron, "UTC")


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 25 * * *", "the hour '25'. Write 0 to 23, *"),
        ("61 1 * * *", "the minute '61'. Write 0 to 59, *"),
        ("*/0 1 * * *", "the minute '*/0'. Write"),
        ("0 1 1-40 * *", "the day '1-40'. Write 1 to 31, *"),
        ("0 1 * jan-foo *", "the month 'jan-foo'. Write 1 to 12, jan to dec"),
        ("0 1 * * mox", "the weekday 'mox'. Write 0 to 7 (0 and 7 are Sunday), sun to sat"),
        ("70 0 1 * * *", "the second '70'. Write 0 to 59"),
        ("0 1 30 2 *", "there is no such date"),
        ("@dayly", "the words there are: @hourly, @daily"),
    ],
)
def test_field_that_is_wrong_is_named_with_what_it_may_be(cron: str, said: str) -> None:
    with pytest.raises(InvalidParams) as refused:
        check_cron(cron, "UTC")

    assert f"cron '{cron}' cannot be used: {said}" in refused.value.detail
    assert refused.value.detail.endswith("The fields are: minute hour day month weekday.")


@pytest.mark.parametrize(("cron", "has"), [("bad", "1 field"), ("30 2", "2 fields"), ("", "0 fields")])
def test_wrong_number_of_fields_is_told_with_what_is_needed_and_an_example(cron: str, has: str) -> None:
    with pytest.raises(InvalidParams) as refused:
        check_cron(cron, "UTC")

    needed = "and five are needed: minute hour day month weekday. Write '30 2 * * *' for each day at 02:30"
    assert refused.value.detail.startswith(f"cron {cron!r} has {has}, {needed}")
    check_cron("0 22 * * mon-fri", "UTC")
