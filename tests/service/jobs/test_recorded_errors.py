"""Each error of the service can be recorded and read."""

from __future__ import annotations

import pytest

from service.errors import NotConfigured, SettingError, VmkopsError
from service.jobs.recorded_errors import CLASSES, known_error, name_of, text_of


class Unprintable(Exception):
    """An error whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_each_error_comes_back_as_it_was(name: str) -> None:
    kind = CLASSES[name]
    error = kind("VMKOPS_TOKEN", "is missing.") if kind is SettingError else kind("It is busy.", ["Wait."])

    found = known_error(name_of(error), [text_of(error)], error.suggestions)

    assert type(found) is kind
    assert vars(found) == vars(error)
    assert str(found) == str(error)


def test_former_name_of_a_class_is_known() -> None:
    error = known_error("SettingMissing", ["No vCenter is set."])

    assert isinstance(error, NotConfigured)
    assert (error.detail, error.problem().type) == ("No vCenter is set.", "urn:vmkops:setting-missing")


def test_error_of_a_class_that_a_later_version_has_keeps_its_text() -> None:
    assert str(known_error("QuotaExceeded", ["The quota is used up."])) == "The quota is used up."


@pytest.mark.parametrize(("error", "text"), [(TimeoutError(), "TimeoutError"), (Unprintable(), "Unprintable")])
def test_error_without_a_text_is_recorded_by_its_class(error: Exception, text: str) -> None:
    assert (name_of(error), text_of(error)) == (VmkopsError.__name__, text)
