"""All parts of a state file, in the order in which they are written."""

from __future__ import annotations

from service.state.jobs import JobsPart
from service.state.part import Part
from service.state.schedules import LiveJobsPart, SchedulesPart
from service.state.tables import TABLES

PARTS: tuple[Part, ...] = (LiveJobsPart(), SchedulesPart(), *TABLES, JobsPart())
