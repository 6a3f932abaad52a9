"""All settings at once: the value of each, where it came from, and everything that is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from service.api.config_file import ConfigFile, read_file
from service.api.settings_source import CONFIG, DEFAULT_CONFIG, pick
from service.errors import SettingError

ENVIRONMENT = "environment"


class Reading(NamedTuple):
    """The settings that are set, by name."""

    values: dict[str, object]
    """As they are written, or the text in the file that `NAME_FILE` names."""
    origins: dict[str, str]
    """Where each comes from: `environment`, or `vmkops.toml, line 3`; with the name and path of a `NAME_FILE`."""
    file: ConfigFile
    errors: list[SettingError]
    """What could not be read at all. Whether a value is right is known to the models."""
    failed: frozenset[str]
    """The settings that are set, but could not be read; each has an error."""

    def place(self, key: tuple[str, ...]) -> str:
        """Where in the file the setting or the key of a table is; empty for one of the environment."""
        origin = self.origins.get(key[0], "")
        return "" if not origin or origin.startswith(ENVIRONMENT) else self.file.place(key)


def read_all(names: Iterable[str], environ: Mapping[str, str] = os.environ) -> Reading:
    """Read these settings from the environment and the file; never raises, as what is wrong is in `errors`."""
    errors: list[SettingError] = []
    try:
        file = read_file(environ)
    except SettingError as error:
        errors.append(error)
        file = ConfigFile(environ.get(CONFIG, "").strip() or DEFAULT_CONFIG, {}, {}, [])
    errors += file.errors
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    failed: set[str] = set()
    for name in names:
        for layer in (environ, file.values):
            try:
                value = pick(name, layer)
            except SettingError as error:
                of_file = layer is file.values
                place = file.place((error.setting,)) if of_file else ""
                errors.append(SettingError(error.setting, error.explanation, place))
                failed.add(name)
                break
            if value != "":
                values[name] = value
                origins[name] = _origin(name, layer, file)
                break
    return Reading(values, origins, file, errors, frozenset(failed))


def _origin(name: str, layer: Mapping[str, object], file: ConfigFile) -> str:
    other = f"{name}_FILE"
    path = str(layer.get(other, "")).strip()
    where = file.place((other if path else name,)) if layer is file.values else ENVIRONMENT
    return f"{where} ({other}: {path})" if path else where
