"""What people read about an inventory that is not current."""

from __future__ import annotations

import pytest

from service.api.models import Freshness


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (None, "could not be read yet"),
        (1, "is 1 second old"),
        (119, "is 119 seconds old"),
        (300, "is 5 minutes old"),
        (3 * 3600, "is 3 hours old"),
        (50 * 3600, "is 2 days old"),
    ],
)
def test_age_of_an_inventory_is_in_one_unit(seconds: int | None, age: str) -> None:
    stale = Freshness(
        vcenter="lab", connected=False, as_of=None, age_seconds=seconds, objects=0, trouble="It does not answer."
    )

    assert stale.words() == f"The inventory of vCenter lab {age}: It does not answer."
