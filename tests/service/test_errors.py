"""Errors of the service keep the names and types that jobs and callers rely on."""

from __future__ import annotations

import pytest

from service.errors import RecordUnreadable, SettingMissing, VmkopsError
from service.jobs.recorded_errors import CLASSES


@pytest.mark.parametrize("kind", CLASSES.values(), ids=lambda kind: kind.__name__)
def test_each_error_explains_itself(kind: type[VmkopsError]) -> None:
    assert (kind.__doc__ or "").strip()
    assert kind.code


def test_former_name_of_an_error_is_kept_for_jobs_recorded_under_it() -> None:
    assert SettingMissing("No vCenter is set.").problem().type == "urn:vmkops:setting-missing"


def test_problem_of_a_record_that_cannot_be_read_has_a_type_of_its_own() -> None:
    problem = RecordUnreadable().problem()

    assert (problem.type, problem.title) == ("urn:vmkops:record-unreadable", "Record unreadable")
