"""Adds to the meaning of a vmkernel status where the trouble usually is, and what to do first."""

from __future__ import annotations

from dataclasses import replace

from knowledge.vmkerr.advice import advice_for
from knowledge.vmklog.finding import Meaning


def advised(meaning: Meaning) -> Meaning:
    """Return a meaning with the advice on its status, if all meanings that are left have the same in all releases."""
    found = {advice_for(match.name, [release]) for match in meaning.matches for release in match.releases or ("",)}
    if len(found) != 1 or (advice := found.pop()) is None:
        return meaning
    return replace(
        meaning, where=advice.where, class_=advice.class_, next=advice.steps[0], procedures=advice.procedures
    )
