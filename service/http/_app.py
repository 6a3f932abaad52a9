"""The web application: every declared route, the files of the pages, and an answer for all other requests."""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path

from aiohttp import web

from service.http._answers import ANSWERS, AnswerCache
from service.http._browsers import BROWSERS, Browsers
from service.http._edge import guarded, nothing_here
from service.http._handler import bind
from service.http._limits import Limits
from service.http._metrics import METRICS
from service.http._route import BODY_LIMIT, Services, all_routes
from service.web.pages import WEB

FILES = {file.name: file for file in (WEB / "static").iterdir()}


def make_app(services: Services) -> web.Application:
    """The application that answers every declared route."""
    releases = services.settings.data_dir / "releases"
    browsers = Browsers(services.settings)
    limits = Limits(services.settings.rate_limit, services.settings.processes)
    app = web.Application(client_max_size=BODY_LIMIT)
    app[ANSWERS] = AnswerCache(lambda: (date.today(), services.procedures.revision, sorted(_stamps(releases))))
    app[BROWSERS] = browsers
    for route in all_routes():
        if route.path == METRICS and services.settings.metrics_port is not None:
            continue
        handler = bind(route, services, app, limits)
        app.router.add_route(route.method, route.path, guarded(handler, route.path, browsers))
    app.router.add_get("/static/{name}", guarded(_file, "/static", browsers))
    app.router.add_route("*", "/{path:.*}", guarded(nothing_here, "unknown", browsers))
    return app


async def _file(request: web.Request) -> web.StreamResponse:
    file = FILES.get(request.match_info["name"])
    if file is None:
        raise web.HTTPNotFound
    return web.FileResponse(file)


def _stamps(folder: Path) -> list[tuple[str, int]]:
    """The tables that were imported, each with its time; one that is removed in this moment is left out."""
    found = []
    for item in folder.glob("*.tsv"):
        with contextlib.suppress(FileNotFoundError):
            found.append((item.name, item.stat().st_mtime_ns))
    return found
