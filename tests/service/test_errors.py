"""Errors as the job engine stores them."""

from __future__ import annotations

import pickle

from service.errors import NotConfigured

STORED = b"cservice.errors\nSettingMissing\n(S'No vCenter is set.'\ntR."
"""What an earlier version wrote for a job that failed without a vCenter."""


def test_error_that_an_earlier_version_stored_can_be_read() -> None:
    error = pickle.loads(STORED)

    assert isinstance(error, NotConfigured)
    assert (error.detail, error.problem().type) == ("No vCenter is set.", "urn:vmkops:setting-missing")
