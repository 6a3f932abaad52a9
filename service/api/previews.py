"""What a dry run found, in words that the shell, HTTP and Slack share; pure."""

from __future__ import annotations

from service.api.models import TYPE_AGAIN, ActionClass, ActionPreview, Check

REFUSED = "is refused"
MEANING = {
    ActionClass.READ: "it changes nothing",
    ActionClass.SAFE: "it adds something or can be undone",
    ActionClass.DISRUPTIVE: "it interrupts what runs",
    ActionClass.DESTRUCTIVE: "something is gone for good",
}
DEPENDS = "depends"
"""What a list of actions shows for a class that depends on the parameters."""


def verdict(preview: ActionPreview) -> str:
    """Whether the action may start: `may go ahead`, `may go ahead once it is confirmed`, or `is refused`."""
    if preview.allowed:
        return "may go ahead"
    return "may go ahead once it is confirmed" if _only_unconfirmed(preview) else REFUSED


def findings(preview: ActionPreview) -> list[Check]:
    """The checks to show: a name that nobody typed yet is no finding, but a wrong one is."""
    hidden = {TYPE_AGAIN} if _only_unconfirmed(preview) else set()
    return [check for check in preview.checks if check.rule not in hidden]


def asks(preview: ActionPreview) -> str:
    """What vmkops asks a person for before it starts the action; empty when it asks for nothing."""
    if not preview.class_.asks_first or not preview.may_be_asked:
        return ""
    return f"for a yes first, and then for {preview.type_again.what}" if preview.type_again else "for a yes first"


def class_words(found: ActionClass) -> str:
    """A class and what it means, such as `safe: it adds something or can be undone`."""
    return f"{found}: {MEANING[found]}"


def _only_unconfirmed(preview: ActionPreview) -> bool:
    again = preview.type_again
    return again is not None and not preview.params.get(again.parameter)
