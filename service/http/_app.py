"""The web application: every declared route, behind the edge."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from aiohttp import web

from service.http._answers import ANSWERS, AnswerCache
from service.http._edge import make_edge
from service.http._handler import BODY_LIMIT, bind
from service.http._render import WEB
from service.http._route import SERVICES, Services, all_routes


def make_app(services: Services) -> web.Application:
    """The application that answers every declared route."""
    releases = services.settings.data_dir / "releases"
    answers = AnswerCache(lambda: (date.today(), services.procedures.revision, sorted(_stamps(releases))))
    app = web.Application(middlewares=[make_edge(services, answers)], client_max_size=BODY_LIMIT)
    app[SERVICES] = services
    app[ANSWERS] = answers
    for route in all_routes():
        app.router.add_route(route.method, route.path, bind(route))
    app.router.add_static("/static", WEB / "static")
    return app


def _stamps(folder: Path) -> list[tuple[str, int]]:
    return [(item.name, item.stat().st_mtime_ns) for item in folder.glob("*")] if folder.is_dir() else []
