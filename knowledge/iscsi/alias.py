"""Checks an iSCSI alias: a label for people, 0 to 255 characters, that never identifies a node."""

from __future__ import annotations

import unicodedata

from knowledge.iscsi.values import Alias, Problem, Severity, any_error

LONGEST_ALIAS = 255

_SOURCE = "RFC 3721 section 2, RFC 7143 sections 6.1, 13.6 and 13.7"


def check_alias(alias: str) -> Alias:
    """Check whether ``alias`` can be sent at login; the result has its length in characters and UTF-8 bytes."""
    size = len(alias.encode("utf-8", "surrogatepass"))
    problems = tuple(_problems(alias, size))
    return Alias(alias=alias, valid=not any_error(problems), characters=len(alias), bytes=size, problems=problems)


def _problems(alias: str, size: int) -> list[Problem]:
    problems = []
    if len(alias) > LONGEST_ALIAS:
        message = f"The alias has {len(alias)} characters; 0 to {LONGEST_ALIAS} are allowed."
        problems.append(_problem("alias-length", "error", message))
    elif size > LONGEST_ALIAS:
        message = (
            f"The alias has {len(alias)} characters but {size} bytes in UTF-8. A value sent at login has at most"
            f" {LONGEST_ALIAS} bytes, so the alias may be truncated or refused."
        )
        problems.append(_problem("alias-bytes", "warning", message))
    if "\0" in alias:
        problems.append(_problem("alias-null", "error", "A NUL character ends the alias, so it cannot contain one."))
    categories = {unicodedata.category(character) for character in alias if character != "\0"}
    if "Cs" in categories:
        problems.append(_problem("alias-utf-8", "error", "The alias is not UTF-8."))
    if "Cc" in categories:
        message = "The alias contains control characters, such as a line break, which can garble the peer's display."
        problems.append(_problem("alias-control-character", "warning", message))
    return problems


def _problem(rule: str, severity: Severity, message: str) -> Problem:
    return Problem(rule=rule, severity=severity, message=message, source=_SOURCE)
