"""The OpenAPI document, the page that shows every call, and the front page."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from service.http._route import Call, Query, Route, all_routes
from service.web.pages import pages


async def _openapi(call: Call[Query, None]) -> web.StreamResponse:
    return web.json_response(await asyncio.to_thread(_document))


def _document() -> dict[str, Any]:
    from service.http._openapi import document  # takes long to read, and is seldom asked for

    return document()


async def _docs(call: Call[Query, None]) -> web.StreamResponse:
    return _page("docs.html", routes=all_routes())


async def _front(call: Call[Query, None]) -> web.StreamResponse:
    return _page("front.html", actions=call.services.actions.values())


def _page(template: str, **values: Any) -> web.Response:
    html = pages.get_template(template).render(**values)
    return web.Response(text=html, content_type="text/html")


ROUTES = (
    Route(method="GET", path="/openapi.json", summary="This API as OpenAPI", handle=_openapi),
    Route(method="GET", path="/docs", summary="Every call on one page", handle=_docs, media="text/html"),
    Route(method="GET", path="/", summary="The front page", handle=_front, media="text/html"),
)
