"""Who may call what: API tokens with scopes, stored as hashes, and the people for whom a token acts."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import sqlalchemy as sa

from service.errors import Conflict, InvalidParams, NotAllowed, NotSignedIn
from service.store.database import tokens

PREFIX = "vmkops_"


class Scope(StrEnum):
    """What a token may do; GRANTS has which scopes each one includes."""

    READ = "read"
    OPERATE = "operate"
    APPROVE = "approve"
    ADMIN = "admin"


GRANTS: dict[Scope, frozenset[Scope]] = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.OPERATE: frozenset({Scope.READ, Scope.OPERATE}),
    Scope.APPROVE: frozenset({Scope.READ, Scope.APPROVE}),
    Scope.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who makes a call: the token's name and scopes, and the person for whom it acts, such as `slack:U123`."""

    token: str
    scopes: frozenset[Scope]
    person: str | None = None

    @property
    def name(self) -> str:
        """The name of this actor in jobs and records."""
        return self.person or f"token:{self.token}"


def digest(token: str) -> str:
    """The hash that is stored for a token; tokens have 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


class Tokens:
    """Creates tokens and checks them."""

    def __init__(self, engine: sa.Engine, slack_operators: frozenset[str]) -> None:
        self._engine = engine
        self._slack_operators = slack_operators
        self._own: dict[str, Actor] = {}

    def create(self, name: str, scope: str) -> str:
        """Create a token and return it; it cannot be read again. Raises InvalidParams or Conflict."""
        if scope not in set(Scope):
            raise InvalidParams(f"There is no scope {scope!r}. Use one of {', '.join(Scope)}.", list(Scope))
        if not name.strip() or len(name) > 100:
            raise InvalidParams("Give the token a name of 1 to 100 characters, such as the name of its program.")
        token = PREFIX + secrets.token_urlsafe(32)
        row = {"name": name, "hash": digest(token), "scope": scope, "created_at": datetime.now(UTC).isoformat()}
        try:
            with self._engine.begin() as connection:
                connection.execute(tokens.insert().values(**row))
        except sa.exc.IntegrityError as error:
            raise Conflict(f"A token named {name!r} already exists. Choose another name.") from error
        return token

    def lend(self, name: str, scope: Scope) -> str:
        """A token for a part of this process; it is only in memory and ends with the process."""
        token = PREFIX + secrets.token_urlsafe(32)
        self._own[digest(token)] = Actor(token=name, scopes=GRANTS[scope])
        return token

    async def actor(self, authorization: str | None, person: str | None) -> Actor | None:
        """The actor of an `Authorization` header, None without a header; raises NotSignedIn for an unknown token."""
        if not authorization:
            return None
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise NotSignedIn("The Authorization header must be `Bearer TOKEN`.")
        key = digest(token.strip())
        known = self._own.get(key) or await asyncio.to_thread(self._stored, key)
        if known is None:
            raise NotSignedIn("This token is not known. Create one with `vmkops token create NAME --scope S`.")
        return Actor(token=known.token, scopes=known.scopes, person=person)

    def _stored(self, key: str) -> Actor | None:
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(tokens).where(tokens.c.hash == key)).one_or_none()
        return Actor(token=row.name, scopes=GRANTS[Scope(row.scope)]) if row else None

    def require(self, actor: Actor | None, scope: Scope) -> Actor:
        """The actor, when it has the scope and the person it acts for may use it; raises NotSignedIn or NotAllowed."""
        if actor is None:
            raise NotSignedIn()
        if scope not in actor.scopes:
            raise NotAllowed(f"The token {actor.token!r} does not have the scope `{scope}`. Create one that has it.")
        if scope is not Scope.READ and actor.person and actor.person.startswith("slack:"):
            member = actor.person.removeprefix("slack:")
            if member not in self._slack_operators:
                raise NotAllowed(
                    f"Slack user {member} may not start or cancel actions. The administrator of vmkops can add "
                    f"{member} to VMKOPS_SLACK_OPERATORS."
                )
        return actor
