"""Asks vCenter who it is, as the documented `vcbUtil -c ping` did."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from service.jobs.action import Action, Context, JobControl, Params, Target
from service.vsphere.session import Instance

ASK = "ask vCenter"


class PingParams(Params):
    """Which vCenter."""

    vcenter: str = Field(
        default="", max_length=63, description="Its name in the settings; the first one when it is left out."
    )


class Ping(Action):
    """A session, the version, and the time."""

    name = "ping"
    summary = "Sign in to vCenter and say its version, its clock, and how long it took (vcbUtil -c ping)."
    steps = (ASK,)
    params = PingParams

    async def target(self, context: Context, params: PingParams) -> Target:
        """The vCenter that is meant; raises NotConfigured without one, NotFound for an unknown name."""
        link = context.vcenters.named(params.vcenter)
        name = link.session.vcenter.host
        return Target(key=f"vcenter:{link.name}", name=name, params={"vcenter": link.name})

    async def run(self, context: Context, job: JobControl, params: PingParams) -> dict[str, Any]:
        """One question and its answer."""
        session = context.vcenters.named(params.vcenter).session

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

        answer = await job.step(ASK, question, patient=False)
        return {name: value for name, value in answer.items() if name != "detail"}


ACTION = Ping()
