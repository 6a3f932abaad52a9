"""Idempotency keys: each belongs to one token and one request, and stands for the job that the request got."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from dbos import DBOS

from service.errors import KeyReused
from service.jobs.claims import KEYS
from service.store.database import idempotency_keys


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestKey:
    """An `Idempotency-Key` with the token that sent it and the request that it came with."""

    token: str
    key: str
    request: str
    """The hash of the request, from `request_hash`."""

    @property
    def key_hash(self) -> str:
        """What is stored instead of the key."""
        return hashlib.sha256(self.key.encode("utf-8", "surrogateescape")).hexdigest()


def request_hash(method: str, path: str, person: str | None, body: Mapping[str, Any]) -> str:
    """The hash of a request: the same for a body with other white space or another order of its names."""
    return hashlib.sha256(json.dumps([method, path, person, body], sort_keys=True).encode()).hexdigest()


def former_job_id(requested_by: str, key: str) -> str:
    """The id of the job that version 0.1.0 gave to this key; the firings of schedules still have such ids."""
    return hashlib.sha256(f"{requested_by}\n{key}".encode("utf-8", "surrogateescape")).hexdigest()[:16]


def job_of_key(engine: sa.Engine, asked: RequestKey) -> str | None:
    """The id of the job that stands behind this key, or None for a new key.

    The job need not exist: its process may have died before it was queued. Raises KeyReused when the key belongs to
    another request.
    """
    columns = idempotency_keys.c
    known = sa.select(columns.request, columns.job).where(columns.token == asked.token, columns.key == asked.key_hash)
    with engine.connect() as connection:
        row = connection.execute(known).one_or_none()
    if row is None:
        return None
    if row.request != asked.request:
        raise KeyReused()
    return str(row.job)


def adopted(asked: RequestKey, requested_by: str, action: str, keys: list[str]) -> str | None:
    """The id of a job of version 0.1.0, which kept no requests, with this key; None without one.

    Raises KeyReused when that job has another action or other targets.
    """
    job_id = former_job_id(requested_by, asked.key)
    found = DBOS.list_workflows(workflow_ids=[job_id], load_input=False, load_output=False)
    attributes = (found[0].attributes or {}) if found else {}
    if not found or "token" in attributes:  # a job of this version is found by its row alone
        return None
    if (attributes.get("action"), attributes.get(KEYS)) != (action, keys):
        raise KeyReused()
    return job_id


def keep_key(engine: sa.Engine, asked: RequestKey, job_id: str | None = None) -> str:
    """Store the key for this job, or for a new id, before the job is queued; returns the id."""
    job_id = job_id or secrets.token_hex(8)
    row = {"token": asked.token, "key": asked.key_hash, "request": asked.request, "job": job_id}
    with engine.begin() as connection:
        connection.execute(idempotency_keys.insert().values(**row, created_at=datetime.now(UTC).isoformat()))
    return job_id


def forget_keys(engine: sa.Engine, jobs: Collection[str]) -> None:
    """Delete the keys of these jobs."""
    with engine.begin() as connection:
        connection.execute(idempotency_keys.delete().where(idempotency_keys.c.job.in_(jobs)))
