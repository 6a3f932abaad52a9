"""The table of faults as a page for people; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.e2e.faults.action_cases import ACTIONS, CHECK
from tests.e2e.faults.backup_cases import BACKUP, MOUNTING
from tests.e2e.faults.cases import COLUMNS, NO_TASK, WITHOUT_ROWS, Row
from tests.e2e.faults.export_cases import EXPORT
from tests.e2e.faults.restore_cases import ONTO, RESTORE
from tests.e2e.faults.wire_cases import UNPLUGGED, WIRE

HEAD = """\
# What can go wrong, and how each job ends

A test with VMware's simulator runs each cell (`tests/e2e/faults`). This page is printed from the table that the tests
run: `python -m tests.e2e.faults > docs/faults.md`. A test compares the two.

In every cell, the job ends in the state that the cell shows, with a reason where it is not a success. A snapshot that a
person took is untouched. A package is complete, by its checksums, or missing. A restored or imported VM is complete or
gone. Leases are ended. A change in vCenter is made once, or not at all where the job did not succeed.

| in a cell | meaning |
| --- | --- |
| *succeeded*, *failed*, *cancelled*, *partial* | the state of the job |
| *failed, done*; *cancelled, done* | the requested change was made nevertheless; the steps show how far the job came |
| *failed, reported* | something of the job is left because vCenter refuses to remove it: the job's error names it, \
/readyz lists a snapshot, a VM or a disk file, and the sweep removes it once vCenter allows that |
| a number | the cell does not apply; the reason is below the table |

| column | what happens at that call |
| --- | --- |
| refused | vCenter refuses it each time (NoPermission) |
| task fails | vCenter accepts the call, and its task fails each time (FileLocked) |
| slow | its answer, or its task, takes a second longer |
| session lost | vCenter reports once that the login has expired |
| answer lost | vCenter does it, and the connection breaks before its answer, once |
| time-out | vCenter does it, but never answers: the call is given up, here after 25 seconds |
| late | vCenter does not answer; the call is given up, and usually made again; then vCenter carries out the first one |
| 503 | vCenter answers with this status, once |
| kill -9 | the service is killed while the call or its task runs, and started again; the task goes on |
| SIGTERM | the same, but the service stops in an orderly way |
| cancel | somebody cancels the job while the call or its task runs |

vmkops gives up a call after `VMKOPS_VCENTER_SECONDS` (default 120). The tests of *time-out* and *late* set the minimum.
"""

LATE = """\
In the column *late*, vCenter carries out a call after vmkops has given it up and made it again. A snapshot that is then
there twice is removed, by its job or by the next sweep, and the one that the job names stays. A change of a VM's
configuration names the version that it was made for, so vCenter refuses the late one. A reset and a revert are not made
again: the job fails and reports that vCenter may still carry it out. A second move, merge or maintenance mode changes
nothing. A second lease ends by itself after five minutes.
"""

NOTES = """\
- Each lease is recorded as soon as vCenter answers, also one that is opened anew after a restart: the next process ends
  it before it opens another, however often a process is killed. vmkops does not know a lease whose answer was lost, or
  whose process died before it read the answer. vCenter ends such a lease after five minutes, as it does with one that
  it refuses to end.
- `HttpNfcLeaseProgress` renews a lease every 20 seconds, whether or not data flows. A failed renewal is logged, and the
  next one is in time for the lease's 300 seconds. Each retry repeats `Login` and `RetrieveServiceContent`.
- `RetrievePropertiesEx`, `CreateFilter`, `WaitForUpdatesEx`, `DestroyPropertyCollector` and `Fetch` wait for a task and
  read its state. The rows of one action stand for all actions that wait for a task.
"""

ELSEWHERE = """\
## Proved elsewhere

| what happens | result | proved by |
| --- | --- | --- |
| vCenter refuses to remove a snapshot, and allows it later | reported, and removed by the sweep | `test_reaper.py` |
| somebody else's snapshot has exactly our name | it stays, because ours contains a nonce | `test_reaper.py` |
| the hook before the freeze fails, or the snapshot does | the hook after the thaw runs in any case \
| `test_backup_preflight.py` |
| the process dies, or somebody cancels, while a restore sends | sent again to one new VM; or nothing is left \
| `test_restore.py` |
| the process dies while disks are moved or swapped for a restore onto a VM | the job goes on, and the way back stays \
| `test_restore_onto.py` |
| vCenter refuses to delete a disk file of a restore that failed, and allows it later | reported, and deleted by the \
sweep, unless a VM has had it meanwhile | `test_restore_onto.py` |
| vCenter makes the temporary VM of a restore after its job has ended | the sweep removes it, and no clone of it \
| `test_reaper.py` |
| vCenter takes a second snapshot late, and another job works on the VM | the sweep removes it after that job \
| `test_reaper.py` |
| the process dies while a mount extracts files, or while the folder gets its name | the job goes on with one \
snapshot and one mount, or nothing of it is left | `test_mount_files.py` |
| a mount is cancelled while it extracts files | nothing of it is left | `test_mount_files.py` |
| the process dies while a backup of files extracts them, or at the end of a step | the job goes on with one \
snapshot, and keeps the files only | `kept_files/test_kept_files_faults.py` |
| a backup of files is cancelled while it extracts them, or the disk is full | nothing of it is left \
| `kept_files/test_kept_files_faults.py` |
| one of several services on one database dies | another one continues its jobs | `test_shared_jobs.py` |
| the VM vanishes while its job waits | failed, and nothing is changed | `faults/test_waiting.py` |
"""


def page() -> str:
    """The whole page, as Markdown."""
    parts = [
        HEAD,
        *table("Backup", BACKUP),
        *table("Mount", MOUNTING),
        NOTES,
        *table("Restore, restore drill and import", RESTORE),
        *table("Restore onto a VM, and of one disk", ONTO),
        *table("Export", EXPORT),
        *table("All other actions", [CHECK, *ACTIONS]),
        LATE,
        *without_rows(),
        *wire(),
        ELSEWHERE,
    ]
    return "\n".join(parts)


def table(title: str, rows: Sequence[Row]) -> Iterator[str]:
    """The rows of one subject, and why some cells do not apply."""
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
    """The call, or the moment that is not a call, for a cell."""
    if row.call.startswith("<"):
        return f"*{row.call.strip('<>')}*"
    since = f" after `{row.since}`" if row.since else ""
    rules = f" after `{row.rules[0][0]}` was refused" if row.rules else ""
    return f"`{row.call}`{since}{rules}"


def without_rows() -> Iterator[str]:
    """The actions that have no rows, and why."""
    for reason in dict.fromkeys(WITHOUT_ROWS.values()):
        actions = " and ".join(f"`{action}`" for action, why in WITHOUT_ROWS.items() if why == reason)
        yield f"Without rows: {actions}, because {reason}.\n"


def wire() -> Iterator[str]:
    """The faults that a proxy between vmkops and vCenter makes."""
    lines = [line(["what happens on the network", "action", "the job", "it reports"]), line(["---"] * 4)]
    lines += [line([case.what, case.action, case.end, case.says]) for case in WIRE]
    lines += [line([what, action, "succeeded", "done once"]) for what, action in UNPLUGGED.items()]
    yield "## The network\n"
    yield (
        "A proxy between the two opens TLS (`tests/peers/proxy.py`), so that only a comparison of checksums detects a\n"
        "changed byte. vmkops compares each disk with what the host reports that it sent, downloads one that differs\n"
        "again, up to three times, and keeps none that still differs.\n"
    )
    yield "\n".join(lines) + "\n"


def line(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"
