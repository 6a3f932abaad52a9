"""A dry run in words: whether the action may start, what was found, and what is asked first."""

from __future__ import annotations

from typing import Any

import pytest

from service.api.models import TYPE_AGAIN, ActionClass, ActionPreview, Check, TypeAgainHint
from service.api.previews import asks, findings, verdict

AGAIN = TypeAgainHint(when="onto", parameter="overwrite", what="the name of the VM", name="web-01")
UNTYPED = Check(rule=TYPE_AGAIN, severity="refuse", message="To confirm, type it again.")
LOST = Check(rule="lost", severity="warn", message="What was written since is lost.")
TAKEN = Check(rule="name", severity="refuse", message="The name is taken.")


def preview(*checks: Check, **more: Any) -> ActionPreview:
    basis = {"action": "restore", "target": "web-01", "params": {}, "steps": [], "class_": ActionClass.DESTRUCTIVE}
    allowed = all(check.severity != "refuse" for check in checks)
    return ActionPreview.model_validate({**basis, "checks": list(checks), "allowed": allowed, **more})


@pytest.mark.parametrize(
    ("found", "words", "rules", "asked"),
    [
        (preview(LOST), "may go ahead", ["lost"], "for a yes first"),
        (preview(LOST, class_=ActionClass.SAFE), "may go ahead", ["lost"], ""),
        (preview(LOST, TAKEN), "is refused", ["lost", "name"], ""),
        (
            preview(LOST, UNTYPED, type_again=AGAIN),
            "may go ahead once it is confirmed",
            ["lost"],
            "for a yes first, and then for the name of the VM",
        ),
        (
            preview(LOST, UNTYPED, type_again=AGAIN, params={"overwrite": "web-02"}),
            "is refused",
            ["lost", TYPE_AGAIN],
            "for a yes first, and then for the name of the VM",
        ),
    ],
)
def test_dry_run_says_what_is_found_and_what_is_asked(
    found: ActionPreview, words: str, rules: list[str], asked: str
) -> None:
    assert verdict(found) == words
    assert [check.rule for check in findings(found)] == rules
    assert asks(found) == asked
