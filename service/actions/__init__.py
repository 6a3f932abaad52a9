"""The host actions, one module each; a module declares its action as `ACTION`, and nothing else lists it."""

from __future__ import annotations

import importlib
import pkgutil

from service.jobs.action import Action


def all_actions() -> dict[str, Action]:
    """Every action in this folder, by its name, such as `power-on`."""
    found: dict[str, Action] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            action: Action = importlib.import_module(f"service.actions.{module.name}").ACTION
            found[action.name] = action
    return found
