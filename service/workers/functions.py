"""What a parser process may run, by name. The modules are imported in that process only."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, get_type_hints

from service.api.adapter import adapter

FUNCTIONS = {
    "decode": "service.workers.lookups:decode",
    "decode_page": "service.workers.lookups:decode_page",
    "ovf_lint": "service.workers.lookups:ovf_lint",
    "vmx_lint": "service.workers.lookups:vmx_lint",
    "vmx_merge": "service.workers.lookups:vmx_merge",
    "render_markdown": "service.workers.lookups:render_markdown",
    "check_page": "service.workers.lookups:check_page",
    "read_contents": "service.packages.contents:read_contents",
    "read_start": "service.packages.start:read_start",
    "check_descriptor": "service.backups.verify:check_descriptor",
}
"""Module and function by the name in a request. The function gets the file as ``file`` when it has that parameter."""


def run_function(name: str, arguments: dict[str, Any], file: bytes) -> bytes:
    """Run a function and return its value as JSON, written as its return annotation declares; raises what it raises."""
    function, takes_file, kind = _loaded(name)
    value = function(**arguments, **({"file": file} if takes_file else {}))
    return adapter(kind).dump_json(value)


def load_all(data_dir: str) -> None:
    """Import the modules of all functions, and do what their first use would do."""
    for name in FUNCTIONS:
        _loaded(name)
    import_module("service.workers.lookups").warm_up(data_dir)


@cache
def _loaded(name: str) -> tuple[Callable[..., Any], bool, Any]:
    module, _, attribute = FUNCTIONS[name].partition(":")
    function = getattr(import_module(module), attribute)
    return function, "file" in inspect.signature(function).parameters, get_type_hints(function)["return"]
