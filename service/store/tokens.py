"""Who may call what: API tokens with scopes, kept as hashes, and the people on whose behalf a token acts."""

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
    """What a token may do; each includes the ones before it, except that approving is apart from operating."""

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
    """Who asks: the token's name and scopes, and the person for whom it asks, as in `slack:U123`."""

    token: str
    scopes: frozenset[Scope]
    person: str | None = None

    @property
    def name(self) -> str:
        """How this actor is named in jobs and records."""
        return self.person or f"token:{self.token}"


def digest(token: str) -> str:
    """The hash under which a token is kept; tokens are 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


class Tokens:
    """Makes, checks and weighs tokens."""

    def __init__(self, engine: sa.Engine, slack_operators: frozenset[str]) -> None:
        self._engine = engine
        self._slack_operators = slack_operators
        self._own: dict[str, Actor] = {}

    def create(self, name: str, scope: str) -> str:
        """Make a token and return it, the only time it is seen; raises InvalidParams or Conflict."""
        if scope not in set(Scope):
            raise InvalidParams(f"There is no scope {scope!r}; choose one of {', '.join(Scope)}.", list(Scope))
        if not name.strip() or len(name) > 100:
            raise InvalidParams("Give the token a name of 1 to 100 characters, such as the program that uses it.")
        token = PREFIX + secrets.token_urlsafe(32)
        row = {"name": name, "hash": digest(token), "scope": scope, "created_at": datetime.now(UTC).isoformat()}
        try:
            with self._engine.begin() as connection:
                connection.execute(tokens.insert().values(**row))
        except sa.exc.IntegrityError as error:
            raise Conflict(f"There is a token named {name!r} already; choose another name.") from error
        return token

    def lend(self, name: str, scope: Scope) -> str:
        """A token for a part of this very process; it is kept in memory only and dies with the process."""
        token = PREFIX + secrets.token_urlsafe(32)
        self._own[digest(token)] = Actor(token=name, scopes=GRANTS[scope])
        return token

    async def actor(self, authorization: str | None, person: str | None) -> Actor | None:
        """Who the `Authorization` header speaks for, None without one; raises NotSignedIn for an unknown token."""
        if not authorization:
            return None
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise NotSignedIn("The Authorization header must read `Bearer TOKEN`.")
        key = digest(token.strip())
        known = self._own.get(key) or await asyncio.to_thread(self._stored, key)
        if known is None:
            raise NotSignedIn("This token is not known here; make one with `vmkops token create NAME --scope S`.")
        return Actor(token=known.token, scopes=known.scopes, person=person)

    def _stored(self, key: str) -> Actor | None:
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(tokens).where(tokens.c.hash == key)).one_or_none()
        return Actor(token=row.name, scopes=GRANTS[Scope(row.scope)]) if row else None

    def require(self, actor: Actor | None, scope: Scope) -> Actor:
        """The actor, if it has the scope and so has the person it acts for; raises NotSignedIn or NotAllowed."""
        if actor is None:
            raise NotSignedIn()
        if scope not in actor.scopes:
            raise NotAllowed(f"The token {actor.token!r} lacks the scope `{scope}`; make one that has it.")
        if scope is not Scope.READ and actor.person and actor.person.startswith("slack:"):
            member = actor.person.removeprefix("slack:")
            if member not in self._slack_operators:
                raise NotAllowed(
                    f"Slack user {member} may not operate here. Whoever runs vmkops can add {member} "
                    "to VMKOPS_SLACK_OPERATORS."
                )
        return actor
