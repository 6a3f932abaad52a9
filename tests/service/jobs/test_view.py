"""A job that an earlier version recorded is shown without the secret parts of its URL."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from service.api.models import JobState
from service.jobs import view

SECRET = "s3cret"
URL = f"https://u:{SECRET}@images.example.com/x.ova?X-Amz-Signature={SECRET}"


@pytest.mark.parametrize("status", ["SUCCESS", "ERROR", "PENDING"])
def test_nothing_in_an_old_record_shows_the_secret(status: str) -> None:
    problem = {"type": "urn:vmkops:fetch-failed", "title": "Fetch failed", "status": 502, "detail": f"{URL} failed."}
    recorded = SimpleNamespace(
        workflow_id="1",
        status=status,
        attributes={"action": "import-ovf", "target": URL, "params": {"source": URL}, "requested_by": "token:ops"},
        output={"state": "failed", "error": problem, "result": {"source": URL}} if status == "SUCCESS" else None,
        error=ValueError(URL),
        created_at=1,
        dequeued_at=1,
        completed_at=2,
    )
    steps = [
        {"function_name": "fetch the package", "output": {"detail": f"5 bytes from {URL}"}},
        {"function_name": "send the disks", "error": ValueError(URL)},
    ]

    job = view.job(recorded, steps, {}, ("fetch the package", "send the disks"))

    assert job.params["source"] == "https://REDACTED@images.example.com/x.ova?REDACTED"
    assert "images.example.com/x.ova" in job.steps[0].detail
    assert (job.error is None) == (job.state is JobState.RUNNING)
    assert SECRET not in job.model_dump_json()
