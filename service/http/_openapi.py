"""The OpenAPI document, made from the declared routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from openapi_pydantic import OpenAPI

from service.api.models import RequestProblem
from service.http._render import MEDIA
from service.http._route import AnyRoute, all_routes, takes_text
from service.http._schemas import Kind, Schema, schemas

REASONS = {400: "unreadable", 401: "no token", 403: "not allowed", 404: "unknown", 409: "conflict"}
REASONS |= {
    412: "changed meanwhile",
    413: "too large",
    416: "no such range",
    422: "the Idempotency-Key belongs to another request",
}
REASONS |= {
    429: "too many requests",
    502: "vSphere or a copy target refused",
    503: "not available now",
    504: "too slow",
}
PROBLEM: Kind = (RequestProblem, "serialization")

Schemas = Mapping[Kind, Schema]


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of every route."""
    routes = all_routes()
    found, components = schemas(_kinds(routes))
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, found)
    api = {
        "openapi": "3.1.0",
        "info": {"title": "vmkops", "version": version("vmkops"), "description": "VMware on call."},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return OpenAPI.model_validate(api).model_dump(by_alias=True, mode="json", exclude_none=True)


def _kinds(routes: list[AnyRoute]) -> Iterator[Kind]:
    yield PROBLEM
    for route in routes:
        if route.body:
            yield route.body, "validation"
        if route.answer:
            yield route.answer, "serialization"


def _operation(route: AnyRoute, found: Schemas) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    schema = route.query.model_json_schema()
    for name, field in schema.get("properties", {}).items():
        required = name in schema.get("required", [])
        shown = {key: value for key, value in field.items() if key != "title"}
        parameters.append({"name": name, "in": "query", "required": required, "schema": shown})
    if free := schema.get("additionalProperties"):
        named = {"type": "object", "additionalProperties": free}
        parameters.append({"name": "parameters", "in": "query", "schema": named, "style": "form", "explode": True})
    statuses = {*route.errors, *((400,) if route.answer or "{" in route.path else ())}
    if not route.health:
        statuses |= {429}
    if route.scope:
        statuses |= {401, 403}
    if route.lookup:
        statuses |= {401}
    if route.body:
        statuses |= {400, 413}
    responses: dict[str, Any] = {str(route.status): _answer(route, found)}
    for status in sorted(statuses):
        problem = {"application/problem+json": {"schema": found[PROBLEM]}}
        responses[str(status)] = {"description": REASONS[status], "content": problem}
    operation: dict[str, Any] = {"summary": route.summary, "parameters": parameters, "responses": responses}
    if route.body:
        content: dict[str, Any] = {"application/json": {"schema": found[route.body, "validation"]}}
        for media in route.files or (("text/plain",) if takes_text(route.body) else ()):
            binary = {} if media.startswith("text/") else {"format": "binary"}
            content[media] = {"schema": {"type": "string", **binary}}
        if route.form_body:
            content["multipart/form-data"] = {"schema": {"type": "object"}}
        required = any(field.is_required() for field in route.body.model_fields.values())
        operation["requestBody"] = {"required": required, "content": content}
    if route.procedures:
        operation["externalDocs"] = {
            "url": f"/procedures/{route.procedures[0]}",
            "description": "The procedure about it",
        }
    if route.scope:
        operation["security"] = [{"token": [route.scope.value]}]
    return operation


def _answer(route: AnyRoute, found: Schemas) -> dict[str, Any]:
    content: dict[str, Any]
    if route.answer is None:
        # A stream of events has no schema of its own: the data of each is the JSON of GET /jobs/{id}.
        plain = {} if route.media == "text/event-stream" else {"schema": {"type": "string"}}
        content = {} if route.status == 204 else {route.media: plain}
        return {"description": route.summary, "content": content}
    content = {"application/json": {"schema": found[route.answer, "serialization"]}}
    if route.form != "json":
        content[MEDIA[route.form]] = {"schema": {"type": "string"}}
    return {"description": route.summary, "content": content}
