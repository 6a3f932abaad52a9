"""What no answer may contain: a traceback, a path of the machine, or the value of a setting.

Schemathesis loads this module by the environment variable SCHEMATHESIS_HOOKS and adds the check to its own. The
variable FORBIDDEN_TEXTS has further texts, one in each line.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import schemathesis

ROOT = Path(__file__).parents[2]
PLACES = (str(ROOT), sys.prefix, sys.base_prefix + "/lib", "site-packages")
TRACES = ("Traceback (most recent call last)", 'File "/', "sqlalchemy", "psycopg", "pydantic_core", "sqlite3.")


def found_in(answer: str, forbidden: tuple[str, ...] = ()) -> list[str]:
    """Each text in an answer that must not be there."""
    return [each for each in (*PLACES, *TRACES, *forbidden) if each and each in answer]


@schemathesis.check
def reveals_nothing(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """Fails for an answer with such a text."""
    found = found_in(response.text, tuple(os.environ.get("FORBIDDEN_TEXTS", "").splitlines()))
    assert not found, f"the answer contains {found}: {response.text[:500]}"
