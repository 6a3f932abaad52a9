"""What the engine records is JSON: plain values, times and errors come back as they were; nothing else is written."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dbos._serialization import (
    DBOSDefaultSerializer,
    deserialize_args,
    deserialize_exception,
    deserialize_value,
    serialize_args,
    serialize_exception,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from service.errors import Conflict, RecordUnreadable, VmkopsError
from service.jobs.serializer import NAME, PICKLE, RecordSerializer, unreadable, use_json_only
from tests.service.jobs.test_pickled import PLAIN, Calls, stored

ROOT = Path(__file__).parents[3]
SERIALIZER = RecordSerializer()


class Model(BaseModel):
    """A value that must be dumped first."""

    name: str = "web"


@settings(max_examples=50)
@given(PLAIN)
def test_plain_value_comes_back_as_it_was(value: Any) -> None:
    assert SERIALIZER.deserialize(SERIALIZER.serialize(value)) == value


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["$datetime", "$error", "$object", "$unreadable", "$", "a"]), PLAIN))
def test_keys_that_look_like_marks_come_back_as_they_were(value: Any) -> None:
    assert SERIALIZER.deserialize(SERIALIZER.serialize([value])) == [value]


def test_inputs_of_a_workflow_come_back_as_they_were() -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)

    record, form = serialize_args((at, {"name": "nightly"}), {}, None, SERIALIZER)

    assert form == NAME
    assert json.loads(record) == {"args": [{"$datetime": at.isoformat()}, {"name": "nightly"}], "kwargs": {}}
    assert deserialize_args(record, form, SERIALIZER) == {"args": [at, {"name": "nightly"}], "kwargs": {}}


def test_error_comes_back_with_its_message_and_suggestions() -> None:
    record, form = serialize_exception(Conflict("It is busy.", ["Wait."]), None, SERIALIZER)

    error = deserialize_exception(record, form, SERIALIZER)

    assert json.loads(record) == {"$error": {"name": "Conflict", "detail": "It is busy.", "suggestions": ["Wait."]}}
    assert type(error) is Conflict
    assert (error.detail, error.suggestions) == ("It is busy.", ["Wait."])


def test_error_of_another_class_comes_back_as_a_plain_one_with_its_text() -> None:
    error = SERIALIZER.deserialize(SERIALIZER.serialize(KeyError("vm")))

    assert type(error) is VmkopsError
    assert error.detail == "KeyError: 'vm'"


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (Model(), "Model (value)"),
        ({"disks": [{"path": Path("/data")}]}, "PosixPath (value.disks[0].path)"),
        ([("a", "b")], "tuple (value[0])"),
        ({"seen": {1, 2}}, "set (value.seen)"),
        (b"bytes", "bytes (value)"),
        ({"disks": {1: "a"}}, "int (value.disks)"),
        (Conflict, "type (value)"),
    ],
    ids=str,
)
def test_value_that_is_not_plain_is_not_written(value: object, where: str) -> None:
    with pytest.raises(TypeError, match=re.escape(where)):
        SERIALIZER.serialize(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_number_that_json_does_not_have_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        SERIALIZER.serialize(value)


@pytest.mark.parametrize(
    "record",
    [
        "",
        "{",
        "cposix\nsystem\n.",
        '{"$error": {}}',
        '{"$error": 1}',
        '{"$datetime": "soon"}',
        '{"$call": "os.system"}',
        "[" * 100_000,
        unreadable(),
    ],
)
def test_text_that_is_no_record_is_refused(record: str) -> None:
    with pytest.raises(RecordUnreadable, match="cannot read its record"):
        SERIALIZER.deserialize(record)


@pytest.mark.parametrize("form", [PICKLE, NAME, None])
def test_row_cannot_ask_the_engine_to_unpickle(tmp_path: Path, form: str | None) -> None:
    use_json_only()
    marker = tmp_path / "ran"

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        evil = stored(Calls(os.system, f"touch {marker}"), protocol)
        for read in (deserialize_args, deserialize_value, deserialize_exception):
            with pytest.raises(RecordUnreadable):
                read(evil, form, SERIALIZER)
    assert not marker.exists()


def test_row_that_names_the_form_of_an_earlier_version_is_read() -> None:
    use_json_only()

    assert deserialize_value(stored({"detail": "removed"}), PICKLE, SERIALIZER) == {"detail": "removed"}
    assert DBOSDefaultSerializer.serialize({"detail": "removed"}) == '{"detail":"removed"}'


CODE_FROM_DATA = re.compile(
    r"^\s*(?:import|from) (?:pickle|marshal|shelve|dill|cloudpickle|jsonpickle)\b|"
    r"\bpickle\.(?:loads?|Unpickler)\b|\bmarshal\.loads?\b|(?<![\w.])(?:eval|exec)\(|\byaml\.(?:unsafe_|full_)?load(?:_all)?\(|"
    r"\bPickleType\b|allow_pickle",
    re.MULTILINE,
)


def places(folder: Path) -> list[str]:
    """Where the sources in a folder make code or objects from data."""
    return [
        f"{path.relative_to(folder)}: {found[0].strip()}"
        for path in sorted(folder.rglob("*.py"))
        for found in CODE_FROM_DATA.finditer(path.read_text("utf-8"))
    ]


@pytest.mark.parametrize("room", ["bot", "knowledge", "service", "vmkops"])
def test_no_module_makes_code_or_objects_from_data(room: str) -> None:
    assert places(ROOT / room) == []


def test_engine_unpickles_only_in_the_method_that_is_replaced() -> None:
    engine = importlib.util.find_spec("dbos")
    assert engine is not None
    assert engine.origin is not None

    assert places(Path(engine.origin).parent) == ["_serialization.py: import pickle", "_serialization.py: pickle.loads"]


def test_pattern_finds_what_it_is_for() -> None:
    for line in (
        "import pickle",
        "from marshal import loads",
        "x = eval(text)",
        "yaml.load(text)",
        "yaml.full_load(x)",
    ):
        assert CODE_FROM_DATA.search(line), line
