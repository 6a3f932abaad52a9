"""The answers of lookups, kept as the bytes that were sent, so that the same question costs next to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from cachetools import LRUCache
from multidict import CIMultiDict

CACHE_BYTES = 16 << 20
LARGEST_ANSWER = 256 << 10
LONGEST_QUESTION = 1024
ENTRY_BYTES = 1024
"""What an entry takes in addition to its texts, in bytes."""
FRESH_SECONDS = 1.0
"""How long answers are used without a look at what they were made from."""

Question = tuple[str, str]
"""Path with query as they came, and the Accept header: all that the answer of a lookup depends on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of an answer with status 200."""

    body: bytes
    headers: CIMultiDict[str]

    def response(self) -> web.Response:
        """A new response with this answer."""
        return web.Response(body=self.body, headers=self.headers.copy())


class AnswerCache:
    """Keeps the most recently used answers, up to `CACHE_BYTES`.

    `sources` returns a value that changes whenever an answer may have changed; all answers are then dropped.
    """

    def __init__(self, sources: Callable[[], object]) -> None:
        self._answers: LRUCache[Question, Answer] = LRUCache(CACHE_BYTES, getsizeof=_size)
        self._sources = sources
        self._made_from = sources()
        self._looked_at = time.monotonic()
        self.revision = 0
        """Changes whenever the answers are dropped."""

    def get(self, question: Question) -> Answer | None:
        """The answer to this question; None when it is not known or no longer holds."""
        now = time.monotonic()
        if now - self._looked_at > FRESH_SECONDS:
            self._looked_at = now
            if (made_from := self._sources()) != self._made_from:
                self._made_from = made_from
                self.clear()
        return self._answers.get(question)

    def put(self, question: Question, answer: Answer, revision: int) -> None:
        """Keep an answer that was begun at this `revision`; one that is too large, or no longer holds, is not kept."""
        fits = len(answer.body) <= LARGEST_ANSWER and sum(map(len, question)) <= LONGEST_QUESTION
        if fits and revision == self.revision:
            self._answers[question] = answer

    def clear(self) -> None:
        """Drop all answers, as after the change of a page."""
        self.revision += 1
        self._answers.clear()


ANSWERS: web.AppKey[AnswerCache] = web.AppKey("answers", AnswerCache)


def _size(answer: Answer) -> int:
    return len(answer.body) + ENTRY_BYTES
