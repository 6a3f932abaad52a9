"""The team's own commands around a snapshot: one before the freeze, one after the thaw."""

from __future__ import annotations

import asyncio
import contextlib
import os

from service.errors import SnapshotFailed

HOOK_SECONDS = 60
OUTPUT_SHOWN = 400


async def run_hook(command: str, vm: dict[str, str]) -> str:
    """Run a shell command with VMKOPS_VM_NAME, _UUID and _MOREF set; returns what it printed, shortened.

    Raises SnapshotFailed when it fails or takes longer than a minute; it is then killed.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("VMKOPS_", "SLACK_"))},
        **{f"VMKOPS_VM_{name.upper()}": value for name, value in vm.items()},
    }
    process = await asyncio.create_subprocess_shell(
        command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), HOOK_SECONDS)
    except TimeoutError as error:
        raise SnapshotFailed(f"The hook {command!r} took longer than {HOOK_SECONDS} seconds and was ended.") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself just now
                os.killpg(process.pid, 9)
            await process.wait()
    said = output.decode("utf-8", "replace").strip()[:OUTPUT_SHOWN]
    if process.returncode != 0:
        raise SnapshotFailed(
            f"The hook {command!r} ended with status {process.returncode}: {said or 'it said nothing'}"
        )
    return said
