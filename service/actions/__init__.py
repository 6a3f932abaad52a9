"""The host actions: one module each, found by name; each declares an `ACTION`."""

from __future__ import annotations

import importlib
import pkgutil

from service.jobs.action import Action


def all_actions() -> dict[str, Action]:
    """Every action of this folder, by name."""
    found: dict[str, Action] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            action: Action = importlib.import_module(f"service.actions.{module.name}").ACTION
            found[action.name] = action
    return found
