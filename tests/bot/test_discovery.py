"""Commands and buttons are found in their folders, and a module without one is named."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from bot.buttons._base import find_buttons
from bot.discovery import find_members


def package(folder: Path, name: str, **modules: str) -> ModuleType:
    (folder / name).mkdir()
    for module, source in {"__init__": "", **modules}.items():
        (folder / name / f"{module}.py").write_text(source)
    importlib.invalidate_caches()
    return importlib.import_module(name)


def test_members_are_in_the_order_of_their_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    numbers = package(tmp_path, "numbers_of_test", two="number = 2", one="number = 1", _base="raise RuntimeError")
    assert find_members(numbers, "number", int) == (1, 2)


def test_module_without_a_member_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    numbers = package(tmp_path, "broken_numbers_of_test", three="nmber = 3")
    with pytest.raises(TypeError, match=r"broken_numbers_of_test\.three must define `number`, an instance of int"):
        find_members(numbers, "number", int)


def test_action_ids_of_buttons_are_unique() -> None:
    ids = [button.action_id for button in find_buttons()]
    assert len(ids) == len(set(ids)) > 0
