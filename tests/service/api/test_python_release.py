from __future__ import annotations

import pytest

from service.api.python_release import python_weaknesses


@pytest.mark.parametrize("release", [(3, 11, 9), (3, 12, 5)])
def test_release_with_a_known_hole_is_reported_with_the_one_that_has_the_fix(release: tuple[int, int, int]) -> None:
    (sentence,) = python_weaknesses(release)
    assert "CVE-2024-6232" in sentence
    assert f"Install Python 3.{release[1]}." in sentence


@pytest.mark.parametrize("release", [(3, 11, 10), (3, 12, 6), (3, 13, 0)])
def test_release_with_the_fix_is_fine(release: tuple[int, int, int]) -> None:
    assert python_weaknesses(release) == []
