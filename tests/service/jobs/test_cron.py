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
