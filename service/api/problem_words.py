"""The words for what pydantic finds wrong with a setting, which people read instead of pydantic's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

WORDS: Mapping[str, str] = {
    "missing": "is missing. Add it.",
    "int_parsing": "must be a whole number.",
    "int_type": "must be a whole number.",
    "int_from_float": "must be a whole number.",
    "int_parsing_size": "must be a smaller number.",
    "float_parsing": "must be a number.",
    "float_type": "must be a number.",
    "finite_number": "must be a number.",
    "bool_parsing": "must be true or false.",
    "bool_type": "must be true or false.",
    "string_type": "must be text, in quotes.",
    "string_too_short": "must not be empty.",
    "path_type": "must be a path, in quotes.",
    "dict_type": "must be a table.",
    "model_type": "must be a table.",
    "model_attributes_type": "must be a table.",
    "frozen_set_type": "must be a list, or text with spaces between the values.",
    "tuple_type": "must be a list, or text with spaces between the values.",
    "string_pattern_mismatch": "is not a name: it must begin with a letter or a digit, and then have only letters, "
    "digits, dots, dashes and underscores, at most 63 in all.",
}
"""What is wrong and what to do, by the type of pydantic's error."""
NETWORK = "must be addresses or networks, such as 10.0.0.5 or 10.0.0.0/24."
VCENTER_KEYS = ("url", "user", "password", "password_file", "ca_file", "insecure", "seconds")
"""What a table `[vcenters.NAME]` may hold; the only kind of table whose keys pydantic checks."""
NOT_A_KEY = f"is not a setting of a vCenter. Remove it; there are {', '.join(VCENTER_KEYS)}."
UNKNOWN_TYPE = "has a value that cannot be used. `vmkops help settings` shows what it may be."

_WITH_LIMIT: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than_equal": lambda limits: f"must be {limits['ge']:g} or more.",
    "less_than_equal": lambda limits: f"must be {limits['le']:g} or less.",
    "literal_error": lambda limits: f"must be one of {re.sub(r' or ', ', ', limits['expected']).replace(chr(39), '')}.",
    "value_error": lambda limits: str(limits["error"]),
}


def in_words(error: ErrorDetails) -> str:
    """What is wrong with a setting and what to do, without its name; never the value that was given."""
    kind = error["type"]
    if kind == "extra_forbidden":
        name = str(error["loc"][-1]).lower()
        near = [each for each in VCENTER_KEYS if each.startswith(name)] or get_close_matches(name, VCENTER_KEYS, 1, 0.6)
        return f"is not a setting of a vCenter; did you mean {near[0]}?" if near else NOT_A_KEY
    if kind in _WITH_LIMIT:
        return _WITH_LIMIT[kind](error.get("ctx", {}))
    if kind.startswith("ip_"):
        return NETWORK
    return WORDS.get(kind, UNKNOWN_TYPE)
