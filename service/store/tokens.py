"""Who may call what: API tokens with scopes, stored as hashes, and the people for whom a token acts."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa

from knowledge.runs.marks import attributed
from knowledge.spelling import nearest_name
from service.errors import Conflict, InvalidParams, NotAllowed, NotFound, NotSignedIn
from service.store.database import tokens

PREFIX = "vmkops_"
LONGEST_NAME = 100
PERSON = re.compile(r"slack:[UW][A-Z0-9]{2,30}")
"""A person for whom a token acts, as `X-On-Behalf-Of` names them: a Slack user."""
USE_SECONDS = 60
"""How exact `last_used_at` is; it is written once in this time."""
LIFETIME = re.compile(r"([1-9][0-9]{0,3})([hd])")
DIGITS = 12
"""How many digits of a token's hash stand for the token in logs."""

BY_HASH = sa.select(tokens).where(tokens.c.hash == sa.bindparam("hash"))
"""Made once: each call of the API asks it."""


class Scope(StrEnum):
    """What a token may do; GRANTS has which scopes each one includes."""

    READ = "read"
    OPERATE = "operate"
    APPROVE = "approve"  # the same as READ until a call uses it, so nothing offers it
    ADMIN = "admin"


GRANTS: dict[Scope, frozenset[Scope]] = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.OPERATE: frozenset({Scope.READ, Scope.OPERATE}),
    Scope.APPROVE: frozenset({Scope.READ, Scope.APPROVE}),
    Scope.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who makes a call: the token's name and rights, and the person for whom it acts, such as `slack:U012AB3CD`."""

    token: str
    scopes: frozenset[Scope]
    person: str | None = None
    delegate: bool = False
    """Whether the token may act for people, and set where the Slack bot replies."""
    expires_at: str | None = None

    @property
    def name(self) -> str:
        """The name of this actor in jobs and records; records keep the name of the token beside it."""
        return self.person or f"token:{self.token}"

    @property
    def label(self) -> str:
        """Person and token for people: `slack:U012AB3CD via token bot`, or `token:NAME` for a token by itself."""
        return attributed(self.name, self.token)


class Asker(NamedTuple):
    """Whose rights a job uses: `slack:U012AB3CD` or `token:NAME`, and the name of the token that the request had."""

    name: str
    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenInfo:
    """A stored token without its secret; times are RFC 3339 in UTC, None for what has not happened or is not set."""

    name: str
    scope: str
    delegate: bool
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None

    def refusal(self, now: datetime) -> str:
        """Why the token is not accepted, as a sentence; empty when it is."""
        if self.revoked_at:
            return f"The token {self.name!r} was revoked on {self.revoked_at[:10]}."
        if self.expires_at and datetime.fromisoformat(self.expires_at) <= now:
            return f"The token {self.name!r} expired on {self.expires_at[:16].replace('T', ' at ')} UTC."
        return ""


def digest(token: str) -> str:
    """The hash that is stored for a token; tokens have 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def lifetime(text: str) -> timedelta:
    """The time that `90d` or `12h` means; raises InvalidParams."""
    found = LIFETIME.fullmatch(text.strip())
    if found is None:
        raise InvalidParams(f"{text[:20]!r} is not a time. Write days or hours, such as 90d or 12h.")
    return timedelta(**{{"h": "hours", "d": "days"}[found[2]]: int(found[1])})


class Tokens:
    """Creates tokens, checks them, and ends them."""

    def __init__(self, engine: sa.Engine, slack_operators: frozenset[str]) -> None:
        self._engine = engine
        self._slack_operators = slack_operators
        self._own: dict[str, Actor] = {}

    def create(self, name: str, scope: str, *, delegate: bool = False, expires: timedelta | None = None) -> str:
        """Create a token and return it; it cannot be read again. Raises InvalidParams or Conflict."""
        if scope not in set(Scope):
            used = [each.value for each in Scope if each is not Scope.APPROVE]
            raise InvalidParams(f"There is no scope {scope!r}. Use one of {', '.join(used)}.", used)
        if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            raise InvalidParams(
                f"Give the token a name of 1 to {LONGEST_NAME} printable characters, such as the name of its program."
            )
        token, now = PREFIX + secrets.token_urlsafe(32), datetime.now(UTC)
        row = {
            "name": name,
            "hash": digest(token),
            "scope": scope,
            "created_at": now.isoformat(),
            "delegate": delegate,
            "expires_at": (now + expires).isoformat(timespec="seconds") if expires else None,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(tokens.insert().values(**row))
        except sa.exc.IntegrityError as error:
            # A name is never used again: records name the token.
            raise Conflict(f"A token named {name!r} already exists. Choose another name.") from error
        return token

    def all(self) -> list[TokenInfo]:
        """Every stored token by name, also those that are revoked or expired."""
        with self._engine.connect() as connection:
            return [_info(row) for row in connection.execute(sa.select(tokens).order_by(tokens.c.name))]

    def get(self, name: str) -> TokenInfo | None:
        """The stored token of this name; None also for a token that a process lends to a part of itself."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(tokens).where(tokens.c.name == name)).one_or_none()
        return _info(row) if row else None

    def revoke(self, name: str) -> None:
        """End a token; its next call is refused. Raises NotFound, or Conflict when it is revoked already."""
        self._known(name)
        self._write(name, revoked_at=datetime.now(UTC).isoformat(timespec="seconds"))

    def allow_delegation(self, name: str, allowed: bool) -> None:
        """Give or take the right to act for people; raises NotFound, or Conflict for a revoked token."""
        self._known(name)
        self._write(name, delegate=allowed)

    def set_expiry(self, name: str, expires: timedelta | None) -> None:
        """Let a token expire after this time from now, or never; raises NotFound, or Conflict for a revoked token."""
        self._known(name)
        ends = (datetime.now(UTC) + expires).isoformat(timespec="seconds") if expires else None
        self._write(name, expires_at=ends)

    def lend(self, name: str, scope: Scope, *, delegate: bool = False) -> str:
        """A token for a part of this process; it is only in memory and ends with the process."""
        token = PREFIX + secrets.token_urlsafe(32)
        self._own[digest(token)] = Actor(token=name, scopes=GRANTS[scope], delegate=delegate)
        return token

    async def actor(self, authorization: str | None) -> Actor | None:
        """The actor of an `Authorization` header, None without one.

        Raises NotSignedIn for a token that is not known or no longer accepted.
        """
        if not authorization:
            return None
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise NotSignedIn("What was sent is not a token. `vmkops token create` makes one, where the service runs.")
        key = digest(token.strip())
        return self._own.get(key) or await asyncio.to_thread(self._stored, key)

    def acting_for(self, actor: Actor | None, person: str | None) -> Actor | None:
        """The actor for the person that `X-On-Behalf-Of` names; without that header, the actor as it is.

        Raises InvalidParams for a person in another form, and NotAllowed when the token may not act for people.
        """
        if person is None:
            return actor
        if not PERSON.fullmatch(person):
            raise InvalidParams("A person must be a Slack user by ID, such as slack:U012AB3CD.")
        if actor is None:
            return None
        if not actor.delegate:
            raise NotAllowed(
                f"The token {actor.token!r} may not act for other people. If it is the token of the "
                f"Slack bot, the administrator of vmkops can allow it: vmkops token change {actor.token} --delegate"
            )
        return replace(actor, person=person)

    def refusal(self, name: str) -> str:
        """Why the token of this name is no longer accepted, as a sentence; empty when it is, or is not stored here."""
        info = self.get(name)
        return info.refusal(datetime.now(UTC)) if info else ""

    def no_longer_may(self, asker: Asker) -> str:
        """Why the one who asked may start no more actions, as a sentence; empty when they still may.

        A token that is not stored here belongs to the bot in the process of the service, or to version 0.1.0.
        """
        info = self.get(asker.token)
        if info and (refusal := info.refusal(datetime.now(UTC))):
            return refusal
        if not PERSON.fullmatch(asker.name):
            return ""
        if info and not info.delegate:
            return f"The token {info.name!r} may no longer act for people."
        if (member := _member(asker.name)) not in self._slack_operators:
            return f"Slack user {member} may not start actions, because VMKOPS_SLACK_OPERATORS does not list {member}."
        return ""

    def require(self, actor: Actor | None, scope: Scope) -> Actor:
        """The actor, when it has the scope and the person it acts for may use it; raises NotSignedIn or NotAllowed."""
        if actor is None:
            raise NotSignedIn()
        if scope not in actor.scopes:
            raise NotAllowed(
                f"The token {actor.token!r} does not have the scope `{scope}`. Create one that has it where the "
                f"service runs, with its data directory: `vmkops token create NAME --scope {scope}`."
            )
        if scope is not Scope.READ and actor.person:
            member = _member(actor.person)
            if member not in self._slack_operators:
                raise NotAllowed(
                    f"Slack user {member} may not start or cancel actions. The administrator of vmkops can add "
                    f"{member} to VMKOPS_SLACK_OPERATORS."
                )
        return actor

    def _stored(self, key: str) -> Actor:
        """The actor of the stored token with this hash; raises NotSignedIn."""
        with self._engine.connect() as connection:
            row = connection.execute(BY_HASH, {"hash": key}).one_or_none()
        if row is None:
            message = (
                "This token is not known here. Create one where the service runs, with its data directory: "
                "`vmkops token create NAME --scope operate`."
            )
            raise NotSignedIn.of_token(message, key[:DIGITS])
        info, now = _info(row), datetime.now(UTC)
        if refusal := info.refusal(now):
            message = (
                f"{refusal} Create another one where the service runs, with its data directory: "
                f"`vmkops token create NAME --scope {info.scope}`."
            )
            raise NotSignedIn.of_token(message, key[:DIGITS], info.name)
        if not info.last_used_at or (now - datetime.fromisoformat(info.last_used_at)).total_seconds() >= USE_SECONDS:
            with contextlib.suppress(sa.exc.OperationalError):  # a busy database must not fail the call
                self._write(info.name, last_used_at=now.isoformat(timespec="seconds"))
        return Actor(
            token=info.name, scopes=GRANTS[Scope(info.scope)], delegate=info.delegate, expires_at=info.expires_at
        )

    def _known(self, name: str) -> None:
        """Raise NotFound for a name that no stored token has, and Conflict for a revoked token."""
        info = self.get(name)
        if info is None:
            near = nearest_name(name, [each.name for each in self.all()])
            guess = f"Did you mean {near}?" if near else "`vmkops token list` shows all."
            raise NotFound(f"There is no token {name[:LONGEST_NAME]!r}. {guess}", [near] if near else None)
        if info.revoked_at:
            raise Conflict(info.refusal(datetime.now(UTC)))

    def _write(self, name: str, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(tokens.update().where(tokens.c.name == name).values(**values))


def _member(person: str) -> str:
    return person.removeprefix("slack:")


def _info(row: sa.Row[tuple[object, ...]]) -> TokenInfo:
    values = dict(row._mapping)
    del values["hash"]
    return TokenInfo(**values)
