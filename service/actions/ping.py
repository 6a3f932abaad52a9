"""Asks vCenter who it is, as the documented `vcbUtil -c ping` did."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from service.actions._base import Action, Equipment, JobControl, Params, Target
from service.vsphere.session import Instance

ASK = "ask vCenter"


class NoParams(Params):
    """Nothing to say."""


class Ping(Action):
    """A session, the version, and the time."""

    name = "ping"
    summary = "Sign in to vCenter and say its version, its clock, and how long it took (vcbUtil -c ping)."
    steps = (ASK,)
    params = NoParams

    async def target(self, equipment: Equipment, params: NoParams) -> Target:
        """The vCenter of the settings; raises SettingMissing without one."""
        host = equipment.vsphere().vcenter.host
        return Target(key=f"vcenter:{host}", name=host, params=params.model_dump())

    async def run(self, equipment: Equipment, job: JobControl, params: NoParams) -> dict[str, Any]:  # noqa: ARG002
        """One question and its answer."""
        session = equipment.vsphere()

        def ask(instance: Instance) -> dict[str, Any]:
            about = instance.RetrieveContent().about
            began = time.monotonic()
            theirs = instance.CurrentTime().astimezone(UTC)
            took = time.monotonic() - began
            return {
                "product": about.fullName,
                "api_version": about.apiVersion,
                "time": theirs.isoformat(timespec="seconds"),
                "clock_ahead_seconds": round((theirs - datetime.now(UTC)).total_seconds(), 1),
                "answered_in_ms": round(took * 1000, 1),
            }

        async def question() -> dict[str, Any]:
            answer = await session.call(ask)
            detail = f"{answer['product']}, its clock says {answer['time']}, answered in {answer['answered_in_ms']} ms"
            return {**answer, "detail": detail}

        answer = await job.step(ASK, question)
        return {name: value for name, value in answer.items() if name != "detail"}


ACTION = Ping()
