"""Pickles of version 0.1.0 are read without unpickling, and whatever is not plain is refused."""

from __future__ import annotations

import base64
import os
import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import Conflict, NotConfigured, SettingMissing, VmkopsError
from service.jobs import pickled

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
TIMES = [
    datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    datetime(1999, 12, 31, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
    datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
    datetime(2026, 1, 1),
]


def stored(value: object, protocol: int = 4) -> str:
    """A value as version 0.1.0 stores it."""
    return base64.b64encode(pickle.dumps(value, protocol)).decode()


def text(*instructions: bytes) -> str:
    """A pickle of these instructions."""
    return base64.b64encode(b"\x80\x04" + b"".join(instructions)).decode()


class Calls:
    """An object whose pickle calls a function when it is unpickled."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


@settings(max_examples=50)
@given(PLAIN)
def test_plain_value_is_read_as_it_was(value: Any) -> None:
    assert pickled.read(stored(value)) == value


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("time", TIMES, ids=str)
def test_inputs_of_a_firing_are_read_as_they_were(time: datetime, protocol: int) -> None:
    found = pickled.read(stored({"args": (time, {"name": "nightly"}), "kwargs": {}}, protocol))

    assert found == {"args": [time, {"name": "nightly"}], "kwargs": {}}
    assert found["args"][0].isoformat() == time.isoformat()


def test_error_is_read_with_its_message_and_suggestions() -> None:
    error = pickled.read(stored(Conflict("It is busy.", ["Wait."])))

    assert type(error) is Conflict
    assert (error.detail, error.suggestions) == ("It is busy.", ["Wait."])


def test_error_under_the_former_name_of_its_class_is_read() -> None:
    renamed = pickle.dumps(SettingMissing("No vCenter is set.")).replace(
        b"\x8c\x0dNotConfigured", b"\x8c\x0eSettingMissing"
    )
    unframed = renamed[:2] + renamed[11:]

    assert type(pickled.read(base64.b64encode(unframed).decode())) is NotConfigured


@pytest.mark.parametrize("error", [KeyError("vm"), OSError(28, "No space left"), ValueError()], ids=repr)
def test_error_of_another_class_becomes_a_plain_one_with_its_text(error: Exception) -> None:
    found = pickled.read(stored(error))

    assert type(found) is VmkopsError
    assert found.detail.startswith(type(error).__name__)
    assert all(str(each) in found.detail for each in error.args)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_that_calls_a_function_runs_nothing(tmp_path: Path, protocol: int) -> None:
    marker = tmp_path / "ran"
    evil = stored([Calls(os.system, f"touch {marker}")], protocol)

    with pytest.raises(ValueError, match="not a record of plain values"):
        pickled.read(evil)
    assert not marker.exists()
    pickle.loads(base64.b64decode(evil))
    assert marker.exists()  # so it was a pickle that runs a command


@pytest.mark.parametrize(
    "value",
    [
        Calls(eval, "1"),
        Calls(getattr, os, "system"),
        Calls(Calls, print),
        Calls(datetime, Calls(os.getpid)),
        Conflict(Calls(os.getpid)),  # type: ignore[arg-type]
        Path("/etc"),
        date(2026, 1, 1),
        {1: "a number as a key"},
        {(): "a tuple as a key"},
        {1, 2},
        b"bytes",
        Conflict,
        1j,
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_of_another_kind_is_refused(value: object) -> None:
    module = pickle.dumps(value) if not isinstance(value, Calls) or value.call[0] is not getattr else b""
    record = base64.b64encode(module).decode() if module else text(b"\x8c\x08builtins\x8c\x07getattr\x93)R.")

    with pytest.raises(ValueError, match="not a record of plain values"):
        pickled.read(record)


TUPLES = b")" + b"\x85" * 100_000


@pytest.mark.parametrize(
    "record",
    [
        text(b"]", b"".join(b"\x94(h" + bytes([n]) + b"h" + bytes([n]) + b"l" for n in range(40)), b"."),
        text(b"]\x94", b"".join(b"(h%ch%ct\x94" % (n, n) for n in range(60)), b"."),
        text(b"]\x94h\x00a."),
        text(TUPLES, b"."),
        text(b"}", TUPLES, b"Ns."),
        text(TUPLES, b"\x8c\x01x\x93)R."),
        text(b"N", b"r\xff\xff\xff\x7f", b"."),
        text(b"\x96\xff\xff\xff\xff\xff\xff\xff\x7f."),
        text(b"Pid\n."),
        text(b"\x82\x01."),
        text(b"h\x05."),
        text(b"t."),
        text(b"0."),
        text(b""),
        "gA",
        "gASV*",
        "",
    ],
)
def test_pickle_made_to_do_harm_is_refused(record: str) -> None:
    with pytest.raises(ValueError, match="not a record of plain values"):
        pickled.read(record)


@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        pickled.read(base64.b64encode(b"\x80\x04" + data).decode())
    except ValueError as error:
        assert "not a record of plain values" in str(error)  # noqa: PT017
