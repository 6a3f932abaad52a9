"""Signs in to vCenter and asks for its version and time, as the documented `vcbUtil -c ping` did."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from service.api.models import ActionClass
from service.api.units import when
from service.jobs.action import Action, Context, JobControl, Params, Target
from service.vsphere.session import Instance

ASK = "ask vCenter"


class PingParams(Params):
    """Which vCenter."""

    vcenter: str = Field(
        default="",
        max_length=63,
        description="The vCenter or host, by its name in the settings; by default the first one.",
    )


class Ping(Action):
    """Opens a session, and reads the version and the time."""

    name = "ping"
    summary = "Sign in to vCenter and report its version, its clock, and its response time (vcbUtil -c ping)."
    action_class = ActionClass.READ
    steps = (ASK,)
    params = PingParams

    async def target(self, context: Context, params: PingParams) -> Target:
        """The vCenter; raises NotConfigured without one, NotFound for an unknown name."""
        link = context.vcenters.named(params.vcenter)
        name = context.vcenters.shown(link.name, link.session.vcenter.host)
        return Target(key=f"vcenter:{link.name}", name=name, params={"vcenter": link.name}, vcenter=link.name)

    async def run(self, context: Context, job: JobControl, params: PingParams) -> dict[str, Any]:
        """One call to vCenter."""
        session = context.vcenters.named(params.vcenter).session

        def ask(instance: Instance) -> dict[str, Any]:
            about = instance.RetrieveContent().about
            began = time.monotonic()
            clock = instance.CurrentTime().astimezone(UTC)
            took = time.monotonic() - began
            return {
                "product": about.fullName,
                "api_version": about.apiVersion,
                "time": clock.isoformat(timespec="seconds"),
                "clock_ahead_seconds": round((clock - datetime.now(UTC)).total_seconds(), 1),
                "answered_in_ms": round(took * 1000, 1),
            }

        async def question() -> dict[str, Any]:
            answer = await session.call(ask)
            took_ms = answer["answered_in_ms"]
            detail = f"{answer['product']}, its clock shows {when(answer['time'])}, it answered in {took_ms} ms"
            return {**answer, "detail": detail}

        answer = await job.step(ASK, question, retry=False)
        return {name: value for name, value in answer.items() if name != "detail"}


ACTION = Ping()
