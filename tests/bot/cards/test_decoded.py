"""The card of a pasted log line shows what each finding means, how bad it is, and what to do next."""

from __future__ import annotations

from bot.cards.decoded import decoded_card
from service.api.client import LogFinding
from tests.bot.slack_limits import drawn

LINE = "vobd: [esx.problem.storage.apd.start] <!channel> naa.x vob.storage.apd.start"


def finding(text: str, **fields: object) -> LogFinding:
    start = LINE.index(text)
    span = {"line": 1, "start": start, "end": start + len(text), "text": text}
    return LogFinding(**span, kind="event", summary="All paths down", **fields)  # type: ignore[arg-type]


APD = {"class_": "APD", "where": "path or fabric", "next": "List the paths <here>.", "procedures": ("all-paths-down",)}


def test_class_place_next_step_and_procedures_are_shown_and_what_next_only_once() -> None:
    findings = [finding("esx.problem.storage.apd.start", **APD), finding("vob.storage.apd.start", **APD)]
    card = drawn(decoded_card(LINE, findings, [], service_url="https://vmkops.example", asked_by="<@U1>"))
    assert card.count("APD, path or fabric") == 2
    assert card.count("*Next:* List the paths &lt;here&gt;.") == 1
    assert card.count("<https://vmkops.example/procedures/all-paths-down|all-paths-down>") == 1
    assert "<!channel>" not in card


def test_a_finding_without_a_diagnosis_has_neither() -> None:
    card = drawn(decoded_card(LINE, [finding("naa.x")], [], service_url="https://vmkops.example", asked_by="<@U1>"))
    assert "Next" not in card
    assert "Procedures" not in card
