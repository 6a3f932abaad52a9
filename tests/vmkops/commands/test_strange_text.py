"""Text of the service never controls the terminal."""

from __future__ import annotations

import pytest

from service.api.client import ActionPreview, Check, Job, Problem, ServiceError
from service.api.words import printable_lines
from vmkops.commands import _console
from vmkops.commands._ask import print_preview
from vmkops.commands._errors import report
from vmkops.commands._follow import print_end, print_job
from vmkops.commands._inventory import print_answer

EVIL = "a\x1b]0;x\x07\x9b2J\x7f\rb"


def test_lines_and_tabs_stay() -> None:
    assert printable_lines("a\tb\n\nc\n") == "a\tb\n\nc\n"
    assert printable_lines(f"{EVIL}\n{EVIL}") == "\n".join(["a␛]0;x␇�2J␡␍b"] * 2)


async def test_what_the_service_says_does_not_control_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Service:
        """Stands for the client: the real service does not answer such text on demand."""

        async def __aenter__(self) -> Service:
            return self

        async def __aexit__(self, *_: object) -> None:
            pass

        async def get_text(self, path: str) -> str:
            return f"{path}{EVIL}\n"

    monkeypatch.setattr(_console, "client", Service)
    await print_answer("/vms", {}, as_json=False)
    problem = Problem(title="t", status=409, detail=EVIL, suggestions=[f"try {EVIL}"])
    report("vms", ServiceError(problem))
    job = Job.model_validate(
        {
            "id": "1",
            "action": "ping",
            "target": EVIL,
            "state": "failed",
            "requested_by": EVIL,
            "error": problem,
            "result": {"name": EVIL},
            "notes": [EVIL],
        }
    )
    print_end(job, as_json=False)
    print_job(job, as_json=False)
    check = Check.model_validate({"severity": "warn", "message": EVIL, "rule": "x"})
    print_preview(
        ActionPreview.model_validate(
            {
                "action": "ping",
                "target": EVIL,
                "allowed": True,
                "class": "safe",
                "checks": [check.model_dump()],
                "steps": [EVIL],
                "params": {},
            }
        )
    )
    shown = capsys.readouterr()
    assert not {"\x1b", "\x07", "\x9b", "\x7f", "\r"} & set(shown.out + shown.err)
    assert shown.out.count("a␛]0;x") >= 8
    assert shown.err.count("a␛]0;x") == 5
