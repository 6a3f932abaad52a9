"""Host actions from outside: started over HTTP, dry-run, and seen to their end."""

from __future__ import annotations

import urllib.request
from typing import Any

from tests.running_service import RunningService


def act(service: RunningService, name: str, /, **params: Any) -> dict[str, Any]:
    """Start an action and wait for the end of its job."""
    return service.ended(begin(service, name, **params))


def begin(service: RunningService, name: str, /, **params: Any) -> str:
    """Start an action; the job's id."""
    status, job = service.call("POST", f"/actions/{name}", {"params": params})
    assert status == 202, job
    return str(job["id"])


def refused(service: RunningService, name: str, /, **params: Any) -> str:
    """The words with which an action is refused before anything happens."""
    status, problem = service.call("POST", f"/actions/{name}", {"params": params})
    assert status in {400, 404, 409}, problem
    return str(problem["detail"])


def checked(service: RunningService, name: str, /, **params: Any) -> dict[str, dict[str, str]]:
    """What a dry run found, by rule."""
    status, preview = service.call("POST", f"/actions/{name}/check", {"params": params})
    assert status == 200, preview
    return {check["rule"]: check for check in preview["checks"]}


def text(service: RunningService, path: str) -> str:
    """The answer of a call as text."""
    headers = {"Authorization": f"Bearer {service.token}", "Accept": "text/plain"}
    with urllib.request.urlopen(urllib.request.Request(service.url + path, headers=headers), timeout=60) as answer:
        return bytes(answer.read()).decode()


def details(job: dict[str, Any]) -> str:
    """All that the steps say."""
    return " ".join(step["detail"] for step in job["steps"])
