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


def action_named(name: str) -> Action | None:
    """The action with this name, without importing the others; None when there is none."""
    file = name.replace("-", "_")
    if file.startswith("_") or file not in {module.name for module in pkgutil.iter_modules(__path__)}:
        return None
    action: Action = importlib.import_module(f"service.actions.{file}").ACTION
    return action if action.name == name else None
