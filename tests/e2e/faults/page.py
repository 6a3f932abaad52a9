"""The table of faults as a page for people; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.e2e.faults.action_cases import ACTIONS, CHECK
from tests.e2e.faults.backup_cases import BACKUP
from tests.e2e.faults.cases import COLUMNS, NO_TASK, Row
from tests.e2e.faults.export_cases import EXPORT
from tests.e2e.faults.restore_cases import RESTORE
from tests.e2e.faults.wire_cases import UNPLUGGED, WIRE

HEAD = """\
# What can go wrong, and how each job ends

Each cell is run by a test with VMware's simulator (`tests/e2e/faults`), and this page is printed from the same list
that the tests run: `python -m tests.e2e.faults > docs/faults.md`. A test holds the page to the list.

In every cell: the job ends in the state that stands there, with words that say why where it is not a success; a
snapshot that a person took is untouched; a package is whole, by its checksums, or not there; a restored VM is whole or
gone; a lease is ended; and what changes something at vCenter is done once, or not at all where the job did not succeed.

| in a cell | means |
| --- | --- |
| *succeeded*, *failed*, *cancelled*, *partial* | the state of the job |
| *failed, done*; *cancelled, done* | what was asked for has been done all the same; the steps say how far it came |
| *failed, told* | something of ours is left because vCenter does not let it go: the job's error names it; of a \
snapshot /readyz tells too, and the sweep removes it once vCenter lets it |
| a number | the cell makes no sense; why stands below the table |

| column | what happens at that call |
| --- | --- |
| refused | vCenter refuses it each time (NoPermission) |
| task fails | the call is taken, and its task fails each time (FileLocked) |
| slow | its answer, or its task, takes a second longer |
| session lost | vCenter says that the login has expired, once |
| answer lost | vCenter does it, and the connection breaks before its answer, once |
| time-out | vCenter does it, and its answer never comes: the call is given up, here after 25 seconds |
| 503 | it is answered with this status, once |
| kill -9 | the service is killed while the call or its task is under way, and started again; the task goes on |
| SIGTERM | the same with an orderly stop |
| cancel | somebody cancels the job meanwhile |

A call is given up after `VMKOPS_VCENTER_SECONDS`, 120 unless set; the tests of the
column *time-out* set the least.
"""

NOTES = """\
- A lease whose very answer was lost, or whose process died before it was noted, is known to nobody; vCenter ends it
  after five minutes. So it does with one that it refuses to end.
- `HttpNfcLeaseProgress` renews a lease every 20 seconds whatever the data does; a failed one is logged, and the next
  makes up for it within the lease's 300 seconds. `Login` and `RetrieveServiceContent` are made again by the next try.
- `RetrievePropertiesEx`, `CreateFilter`, `WaitForUpdatesEx`, `DestroyPropertyCollector` and `Fetch` are how the state
  of a task is waited for and read; the rows of one action stand for all that wait for a task.
"""

ELSEWHERE = """\
## Shown elsewhere

| what happens | what comes of it | shown by |
| --- | --- | --- |
| vCenter refuses the removal of a snapshot, and allows it later | told, and removed by the sweep | `test_reaper.py` |
| somebody else's snapshot has our very name | it stays: ours carries a nonce | `test_reaper.py` |
| the hook before the freeze fails, or the snapshot does | the hook after the thaw runs all the same \
| `test_backup_preflight.py` |
| the process dies while a restore sends, or somebody cancels it then | sent again to one new VM; or nothing stays \
| `test_restore.py` |
| one of several services on one database dies | another goes on with its jobs | `test_shared_jobs.py` |
| the VM vanishes while its job waits | failed, and nothing is touched | `faults/test_waiting.py` |
"""


def page() -> str:
    """The whole page, as Markdown."""
    parts = [
        HEAD,
        *table("Backup", BACKUP),
        NOTES,
        *table("Restore and restore drill", RESTORE),
        *table("Export", EXPORT),
        *table("Every other action at vCenter", [CHECK, *ACTIONS]),
        *wire(),
        ELSEWHERE,
    ]
    return "\n".join(parts)


def table(title: str, rows: Sequence[Row]) -> Iterator[str]:
    """The rows of one subject, and why some cells are not there."""
    reasons: dict[str, int] = {NO_TASK: 1}
    for row in rows:
        for column in COLUMNS:
            if why := row.why_blank(column):
                reasons.setdefault(why, len(reasons) + 1)
    several = len({row.action for row in rows}) > 1
    named = ["action", "step", "call"] if several else ["step", "call"]
    lines = [line([*named, *COLUMNS]), line(["---"] * (len(named) + len(COLUMNS)))]
    for row in rows:
        cells = [f"({reasons[why]})" if (why := row.why_blank(column)) else row.end(column) for column in COLUMNS]
        lines.append(line([*([f"`{row.action}`"] if several else []), row.step, call(row), *cells]))
    why = [f"({number}) {reason}" for reason, number in reasons.items()]
    yield f"## {title}\n"
    yield "\n".join(lines) + "\n"
    yield "; ".join(why) + ".\n"


def call(row: Row) -> str:
    """The call, or the moment, in words."""
    if row.call.startswith("<"):
        return f"*{row.call.strip('<>')}*"
    since = f" after `{row.since}`" if row.since else ""
    rules = f" after `{row.rules[0][0]}` was refused" if row.rules else ""
    return f"`{row.call}`{since}{rules}"


def wire() -> Iterator[str]:
    """What a proxy between vmkops and vCenter does."""
    lines = [line(["what happens on the wire", "to a", "the job", "its words"]), line(["---"] * 4)]
    lines += [line([case.what, case.action, case.end, case.says]) for case in WIRE]
    lines += [line([what, action, "succeeded", "done once"]) for what, action in UNPLUGGED.items()]
    yield "## The wire\n"
    yield (
        "A proxy that opens TLS stands between (`tests/peers/proxy.py`), so that a changed byte is seen by nobody but\n"
        "those who compare checksums: vmkops holds what it has read against what the host says that it has sent,\n"
        "reads a disk that differs again, up to three times, and keeps none that it could not read as it was.\n"
    )
    yield "\n".join(lines) + "\n"


def line(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"
