"""Wrong values are told in words, without the terms of the library that finds them."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.api.mistakes import explain


class PowerOff(BaseModel):
    """Parameters of an action."""

    model_config = ConfigDict(extra="forbid")

    vm: str = Field(description="The VM: its name, or moref: and a value.")
    mode: Literal["soft", "hard"] = "soft"
    seconds: int = Field(default=60, ge=1, le=3600)
    within: str = Field(default="1h", pattern="^[0-9]+[mhd]$", description="Such as 90m, 6h or 2d.")
    age: str = Field(default="1h", pattern="^[0-9]+[mhd]$", examples=["90m", "6h", "2d"], description="How old.")
    files: list[str] = Field(default_factory=list, alias="paths")
    ways: list[Literal["lan", "san"]] = Field(default_factory=list)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"vm": "a", "colour": 1}, "power-off has no parameter colour. It takes: vm, mode, seconds, within, age,"),
        ({"vm": "a", "secnds": 1}, "power-off has no parameter secnds. Did you mean seconds?"),
        ({}, "power-off: vm is missing: The VM: its name, or moref: and a value."),
        ({"vm": "a", "mode": "x"}, "mode must be soft or hard."),
        ({"vm": "a", "seconds": "soon"}, "seconds must be a whole number."),
        ({"vm": "a", "seconds": "9000"}, "seconds must be at most 3600."),
        ({"secnds": 1}, "power-off has no parameter secnds. Did you mean seconds?"),
        ({"vm": "a", "age": "2s"}, "age must be written like 90m, 6h or 2d: How old."),
        ({"vm": "a", "paths": ["/etc", 3]}, "Entry 2 of paths must be text."),
        ({"vm": "a", "ways": ["lan", "wan"]}, "ways must be lan or san."),
        ({"vm": "a", "within": "later"}, "within is not in the form that it needs: Such as 90m, 6h or 2d."),
    ],
)
def test_mistake_is_told_with_the_way_out(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        PowerOff.model_validate(values)

    assert explain(caught.value, PowerOff, "power-off").startswith(words)
