"""The templates of all pages; what they print is escaped."""

from __future__ import annotations

from pathlib import Path

import jinja2

from service.api.job_words import state_words, step_state, steps_to_show
from service.api.schedules import how_words, what_words
from service.api.units import amount, when
from service.api.words import printable

WEB = Path(__file__).resolve().parent

pages = jinja2.Environment(
    loader=jinja2.FileSystemLoader(WEB / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
pages.filters |= {"printable": printable, "when": when, "amount": amount}
pages.globals |= {
    "how_words": how_words,
    "what_words": what_words,
    "state_words": state_words,
    "step_state": step_state,
    "steps_to_show": steps_to_show,
}
