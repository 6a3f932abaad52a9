"""A fake vmkops service: a small HTTP server that answers the API calls of the bot with what a test puts into it.

The bot's own client, with its timeouts and event streams, talks to it as to `vmkops serve`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

from service.api.adapter import adapter
from service.api.client import (
    TYPE_AGAIN,
    ActionClass,
    ActionPreview,
    Check,
    Job,
    JobState,
    Problem,
    Report,
    TypeAgainHint,
    VmkerrAnswer,
    VmkerrRelease,
)
from service.api.lookups import VmkerrReleases
from tests.bot.examples import KNOWN

NOT_FOUND = Problem(title="Not found", status=404, detail="It does not exist.")


class Call(NamedTuple):
    """One request that the service received."""

    method: str
    path: str
    on_behalf_of: str | None
    idempotency_key: str | None
    body: dict[str, Any]


class FakeService:
    """The service as the bot sees it.

    `meanings`, `releases`, `procedures`, `lookups`, `vms`, `checks`, `actions`, `runs`, `jobs` and `reports` are its
    content; every action has the `action_class`. A report is handed out once; `posted` has what came of each.
    `refusals` and `garbled` are answers that it gives instead, by the start of the path (for a pre-flight check, by the
    whole path). While `held` is set, every request waits for the event.
    """

    def __init__(self) -> None:
        self.meanings: dict[str, VmkerrAnswer] = {}
        self.procedures: list[dict[str, Any]] = []
        self.lookups: list[dict[str, Any]] = []
        self.releases = list(KNOWN)
        self.vms: dict[str, dict[str, Any]] = {}
        self.actions: list[dict[str, Any]] = []
        self.checks: list[Check] = []
        self.action_class = ActionClass.SAFE
        self.type_again: TypeAgainHint | None = None
        self.jobs: dict[str, Job] = {}
        self.runs: list[dict[str, Any]] = []
        self.reports: list[Report] = []
        self.posted: list[tuple[str, str]] = []
        self.rights: dict[str, Any] = {"name": "bot", "delegate": True}
        self.refusals: dict[str, Problem] = {}
        self.garbled: dict[str, Any] = {}
        self.calls: list[Call] = []
        self.held: asyncio.Event | None = None
        self._changed = asyncio.Condition()
        app = web.Application(middlewares=[self._edge])
        app.router.add_get("/vmkerr/{query}", self._vmkerr)
        app.router.add_get("/procedures", self._search)
        app.router.add_get("/procedures/{slug}", self._procedure)
        app.router.add_get("/procedures/{slug}/live", self._procedure)
        app.router.add_post("/procedures/{slug}/runs", self._run)
        app.router.add_get("/runs", self._runs)
        app.router.add_get("/runs/{id}", self._run)
        app.router.add_get("/runs/{id}/markdown", self._run_markdown)
        app.router.add_patch("/runs/{id}/items/{item}", self._run)
        app.router.add_get("/releases", self._releases)
        app.router.add_get("/tokens/current", self._rights)
        app.router.add_get("/vms/{selector}", self._vm)
        app.router.add_get("/actions", self._actions)
        app.router.add_post("/actions/{name}", self._act)
        app.router.add_post("/actions/{name}/check", self._check)
        app.router.add_get("/jobs", self._jobs)
        app.router.add_get("/jobs/{id}", self._job)
        app.router.add_post("/jobs/{id}/cancel", self._cancel)
        app.router.add_get("/jobs/{id}/events", self._events)
        app.router.add_post("/reports/take", self._take_reports)
        app.router.add_post("/reports/{id}/posted", self._report_posted)
        self._server = TestServer(app)

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()

    @property
    def url(self) -> str:
        return str(self._server.make_url("/"))

    def called(self, path: str) -> list[Call]:
        """The requests whose path starts with this one."""
        return [call for call in self.calls if call.path.startswith(path)]

    async def change(self, job: Job) -> None:
        """Set the state of a job, and send it to everyone who follows the job."""
        async with self._changed:
            self.jobs[job.id] = job
            self._changed.notify_all()

    @web.middleware
    async def _edge(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self.calls.append(
            Call(
                method=request.method,
                path=request.path,
                on_behalf_of=request.headers.get("X-On-Behalf-Of"),
                idempotency_key=request.headers.get("Idempotency-Key"),
                body=await request.json() if request.can_read_body else {},
            )
        )
        if self.held:
            await self.held.wait()
        for path, problem in self.refusals.items():
            if request.path == path or (request.path.startswith(path) and not request.path.endswith("/check")):
                return _problem(problem)
        for path, body in self.garbled.items():
            if request.path.startswith(path):
                return web.json_response(body)
        return await handler(request)

    async def _vmkerr(self, request: web.Request) -> web.Response:
        answer = self.meanings.get(request.match_info["query"])
        return _json(answer) if answer else _problem(NOT_FOUND)

    async def _search(self, request: web.Request) -> web.Response:
        words = request.query["q"].lower()
        pages = [page for page in self.procedures if words in page["title"].lower()]
        searched = {"pages": len(self.procedures), "folders": ["/pages"]}
        return web.json_response({"results": pages, "lookups": self.lookups, "searched": searched})

    async def _procedure(self, request: web.Request) -> web.Response:
        page = next((page for page in self.procedures if page["slug"] == request.match_info["slug"]), None)
        return web.json_response(page) if page else _problem(NOT_FOUND)

    async def _run(self, _: web.Request) -> web.Response:
        return web.json_response(self.runs[0]) if self.runs else _problem(NOT_FOUND)

    async def _runs(self, _: web.Request) -> web.Response:
        return web.json_response({"runs": self.runs})

    async def _run_markdown(self, _: web.Request) -> web.Response:
        return web.Response(text=f"# {self.runs[0]['title']}\n") if self.runs else _problem(NOT_FOUND)

    async def _rights(self, _: web.Request) -> web.Response:
        return web.json_response(self.rights)

    async def _releases(self, _: web.Request) -> web.Response:
        found = [VmkerrRelease(id=each, name="", what="", certainty="", source="") for each in self.releases]
        return _json(VmkerrReleases(releases=tuple(found)))

    async def _vm(self, request: web.Request) -> web.Response:
        vm = self.vms.get(request.match_info["selector"])
        return web.json_response(vm) if vm else _problem(NOT_FOUND)

    async def _actions(self, _: web.Request) -> web.Response:
        return web.json_response({"actions": self.actions})

    async def _check(self, request: web.Request) -> web.Response:
        params = (await request.json())["params"]
        vm = self.vms.get(params["vm"])
        if vm is None:
            return _problem(NOT_FOUND)
        checks = list(self.checks)
        again = self.type_again if self.type_again and params.get(self.type_again.parameter) != vm["name"] else None
        if again:
            checks.append(Check(rule=TYPE_AGAIN, severity="refuse", message=f"Type {again.what}."))
        preview = ActionPreview(
            action=request.match_info["name"],
            target=vm["name"],
            params=params,
            steps=["check"],
            checks=checks,
            allowed=all(check.severity != "refuse" for check in checks),
            type_again=again,
            class_=self.action_class,
            label=f"{request.match_info['name'].replace('-', ' ').capitalize()} {vm['name']}",
        )
        return _json(preview)

    async def _act(self, request: web.Request) -> web.Response:
        body = await request.json()
        target = self.vms[body["params"]["vm"]]["name"]
        live = next((job for job in self.jobs.values() if job.target == target and not job.state.final), None)
        if live is None:
            live = Job(
                id=f"job{len(self.jobs) + 1}",
                action=request.match_info["name"],
                target=target,
                state=JobState.QUEUED,
                requested_by=request.headers.get("X-On-Behalf-Of", ""),
                reply_to=body["reply_to"],
            )
            await self.change(live)
        return _json(live, status=202)

    async def _jobs(self, request: web.Request) -> web.Response:
        live = {"true": True, "false": False}.get(request.query.get("live", ""))
        found = [job for job in self.jobs.values() if live is None or job.state.final is not live]
        return web.json_response({"jobs": [job.model_dump(mode="json") for job in reversed(found)]})

    async def _job(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        return _json(job) if job else _problem(NOT_FOUND)

    async def _take_reports(self, _: web.Request) -> web.Response:
        taken, self.reports = self.reports, []
        return web.json_response({"reports": [report.model_dump(mode="json") for report in taken]})

    async def _report_posted(self, request: web.Request) -> web.Response:
        self.posted.append((request.match_info["id"], (await request.json())["trouble"]))
        return web.Response(status=204)

    async def _cancel(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        return _json(job) if job else _problem(NOT_FOUND)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        job_id, last = request.match_info["id"], None
        while last is None or not last.state.final:
            async with self._changed:
                while self.jobs[job_id] == last:
                    await self._changed.wait()
                last = self.jobs[job_id]
            await response.write(b"event: job\ndata: " + last.model_dump_json().encode() + b"\n\n")
        return response


def _json(value: object, status: int = 200) -> web.Response:
    body = adapter(type(value)).dump_json(value)
    return web.Response(body=body, status=status, content_type="application/json")


def _problem(problem: Problem) -> web.Response:
    return web.json_response(
        problem.model_dump(mode="json"), status=problem.status, content_type="application/problem+json"
    )
