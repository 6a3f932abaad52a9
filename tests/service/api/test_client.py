"""The client of the service: the token stays with the address that the settings name."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from service.api.client import ServiceClient, ServiceError


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nothing_follows_a_call_to_another_address(status: int) -> None:
    came: list[web.BaseRequest] = []

    async def takes(request: web.BaseRequest) -> web.StreamResponse:
        came.append(request)
        return web.json_response({})

    async def moves(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": f"{new}{request.rel_url}"})

    async with RawTestServer(takes) as other, RawTestServer(moves) as service:
        new = str(other.make_url("")).rstrip("/")
        async with ServiceClient(str(service.make_url("")), "secret") as client:
            with pytest.raises(ServiceError, match=f"sends the call on to {new}. Nothing") as sent:
                await client.send("POST", "/actions/ping", {"params": {}})
            with pytest.raises(ServiceError, match=f"on to {new}. "):
                await client.get("/jobs", limit="1")
            with pytest.raises(ServiceError, match=f"on to {new}"):
                await anext(client.follow("1"))
    assert f"write {new} in VMKOPS_SERVICE_URL" in sent.value.problem.suggestions[0]
    assert came == []


@pytest.mark.parametrize("answer", ["<html>another program</html>", "[]", ""])
async def test_other_program_at_the_address_is_told(answer: str) -> None:
    async def other(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=answer)

    async with RawTestServer(other) as service, ServiceClient(str(service.make_url("")), "secret") as client:
        with pytest.raises(ServiceError, match=r"answers, but it is not vmkops\. Correct VMKOPS_SERVICE_URL"):
            await client.get("/vms")
