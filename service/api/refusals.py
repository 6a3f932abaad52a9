"""What the client raises when the service refuses a call or does not answer."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from service.api.models import Problem


class ServiceError(Exception):
    """The service refused the call; `problem` has the reason and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail or problem.title)
        self.problem = problem


class ServiceUnavailable(ServiceError):
    """The service did not answer, or cannot now; the same call may work later."""


class ServiceAway(ServiceUnavailable):
    """The service did not answer at all."""

    nothing_listens = False
    """Whether nothing listens at its address."""

    @classmethod
    def at(cls, url: str, why: str) -> ServiceAway:
        """The error for the service at this address; `why` is the reason in a few words."""
        detail = f"vmkops at {url} does not answer: {why}."
        next_step = "Is it running? VMKOPS_SERVICE_URL has the address of the service."
        return cls(Problem(title="No answer", status=503, detail=detail, suggestions=[next_step]))


def _problem_in_text(status: int, text: str) -> Problem:
    """A problem in the form that the service has for a call that asks for text: title, detail, suggestions."""
    title, *rest = text.splitlines() or [""]
    if not rest or title.lstrip().startswith("<"):
        return Problem(title="Unexpected answer", status=status, detail=f"The service answered {status}.")
    suggestions = [line.removeprefix("- ") for line in rest[1:] if line.startswith("- ")]
    return Problem(title=title, status=status, detail=rest[0], suggestions=suggestions)


def refusal(status: int, text: str) -> ServiceError:
    """The error for an answer with this status, 400 or higher; `text` is its body, as JSON or as text for people."""
    try:
        problem = Problem.model_validate_json(text)
    except ValueError:
        problem = _problem_in_text(status, text)
    return (ServiceUnavailable if status >= 500 and status != 502 else ServiceError)(problem)


def moved(url: str, asked: str, status: int, location: str) -> ServiceError:
    """The error when the service at `url` sends the call to `asked` on to `location`, relative or absolute or empty.

    The call is not made again there: it has the token, which is for the service at `url` alone.
    """
    path = asked.removeprefix(url).partition("?")[0]
    new = urljoin(asked, location).partition("?")[0].removesuffix(path) if location else ""
    if not urlsplit(new).hostname or new == url:
        detail = f"What answers at {url} is not the service: it sends the call to no other address."
        next_step = "Write the address of the service in VMKOPS_SERVICE_URL."
    else:
        detail = f"{url} sends the call on to {new}. Nothing was sent there, as the token is for {url} alone."
        next_step = f"If you trust it, write {new} in VMKOPS_SERVICE_URL, or in the url of its table [services.NAME]."
    return ServiceError(Problem(title="Another address", status=status, detail=detail, suggestions=[next_step]))
