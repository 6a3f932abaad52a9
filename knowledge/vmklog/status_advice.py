"""Adds to the meaning of a vmkernel status where the trouble usually is, and what to do first."""

from __future__ import annotations

import re
from dataclasses import replace

from knowledge.vmkerr.advice import advice_for
from knowledge.vmklog.finding import Meaning

_DECODE_THIS_LOG = re.compile(r"`vmkops decode (?:--\S+ )*vmkernel\.log`")
"""Advice for somebody who has only the code. Who reads a meaning of a log line has decoded that log."""


def advised(meaning: Meaning) -> Meaning:
    """Return a meaning with the advice on its status, if all meanings that are left have the same in all releases.

    The next step is the first one that is not to decode the log.
    """
    found = {advice_for(match.name, [release]) for match in meaning.matches for release in match.releases or ("",)}
    if len(found) != 1 or (advice := found.pop()) is None:
        return meaning
    steps = [step for step in advice.steps if not _DECODE_THIS_LOG.search(step)] or [""]
    return replace(meaning, where=advice.where, class_=advice.class_, next=steps[0], procedures=advice.procedures)
