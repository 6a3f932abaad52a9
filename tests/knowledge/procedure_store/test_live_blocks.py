"""Live blocks are found in a page, and their answers stand below them."""

from knowledge.procedure_store.live_blocks import LiveCommand, filled_body, live_commands
from knowledge.procedure_store.placeholders import with_targets

BODY = """## Steps

1. Look:

   ```vmkops
   # what it is
   vmkops vm {vm}
   vmkops snapshots {vm}
   ```

2. Elsewhere:

   ```sh
   vim-cmd vmsvc/getallvms | grep {vm}
   ```
"""


def test_commands_of_live_blocks_are_found_with_their_lines_and_targets() -> None:
    assert live_commands(BODY) == (LiveCommand(7, "vmkops vm {vm}"), LiveCommand(8, "vmkops snapshots {vm}"))
    assert LiveCommand(1, "vmkops action rescan {host} vm={vm}").targets == ("host", "vm")


def test_target_is_quoted_for_a_shell_and_a_missing_one_stays() -> None:
    assert with_targets("vmkops vm {vm}", {"vm": "web 01; reboot"}) == "vmkops vm 'web 01; reboot'"
    assert with_targets("vmkops host {host}", {"vm": "web-01", "host": ""}) == "vmkops host {host}"
    assert with_targets("${vm} {other}", {"vm": "a"}) == "$a {other}"


def test_answers_stand_below_their_block_in_the_same_step() -> None:
    answers = {7: "web-01: poweredOn\n", 8: "No snapshots."}
    assert (
        filled_body(BODY, {"vm": "web-01"}, lambda line: answers.get(line, ""))
        == """## Steps

1. Look:

   ```vmkops
   # what it is
   vmkops vm web-01
   vmkops snapshots web-01
   ```

   ```text
   web-01: poweredOn

   No snapshots.
   ```

2. Elsewhere:

   ```sh
   vim-cmd vmsvc/getallvms | grep web-01
   ```
"""
    )


def test_same_answer_to_two_commands_stands_once() -> None:
    body = "```vmkops\nvmkops action reset {vm} --dry-run\nvmkops action reset {vm}\n```"
    filled = filled_body(body, {}, lambda line: "reset of a may go ahead\n")
    assert filled == f"{body}\n\n```text\nreset of a may go ahead\n```"


def test_answer_cannot_close_its_own_block() -> None:
    body = "```vmkops\nvmkops vm {vm}\n```"
    filled = filled_body(body, {"vm": "a"}, lambda line: "note: ```\n# heading")
    assert filled == "```vmkops\nvmkops vm a\n```\n\n````text\nnote: ```\n# heading\n````"


def test_block_without_answers_stays_as_it_is() -> None:
    assert filled_body(BODY, {}, lambda line: "") == BODY
