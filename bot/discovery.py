"""Finds the slash commands and the buttons: a new module in `bot/commands` or `bot/buttons` needs no registration."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def find_members(package: ModuleType, name: str, kind: type[T]) -> tuple[T, ...]:
    """Import every module of the package and return the value that each one holds under this name.

    The values are in the order of their modules' names. Modules that begin with an underscore are skipped.
    Raises TypeError for a module whose value is missing or is not of this kind.
    """
    found = []
    for module_name in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
        if module_name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{module_name}")
        member = getattr(module, name, None)
        if not isinstance(member, kind):
            raise TypeError(f"{module.__name__} must define `{name}`, an instance of {kind.__name__}")
        found.append(member)
    return tuple(found)
