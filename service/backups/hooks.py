"""Runs a team's own commands around a snapshot: one before the freeze, one after the thaw."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Mapping

from service.background import wait_for_end
from service.errors import HookFailed

log = logging.getLogger(__name__)

HOOK_SECONDS = 60
OUTPUT_SHOWN = 400
"""Characters of a hook's output that are kept."""


async def run_hook(command: str, vm: Mapping[str, str]) -> str:
    """Run a shell command with the environment variables VMKOPS_VM_NAME, _UUID, _MOREF and _VCENTER.

    `vm` has the keys `name`, `uuid`, `moref` and `vcenter`. Returns the output of the command, shortened. The command
    does not see the service's own settings. Raises HookFailed when it fails, or takes longer than a minute and is
    killed.
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
        async with asyncio.timeout(HOOK_SECONDS):
            printed, _ = await process.communicate()
    except TimeoutError as error:
        raise HookFailed(f"The hook {command!r} took longer than {HOOK_SECONDS} seconds and was killed.") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself a moment ago
                os.killpg(process.pid, 9)
            await wait_for_end(process)
    output = printed.decode("utf-8", "replace").strip()[:OUTPUT_SHOWN]
    if process.returncode != 0:
        raise HookFailed(
            f"The hook {command!r} failed with exit status {process.returncode}: {output or 'it printed nothing'}"
        )
    return output


async def run_post_thaw(command: str, vm: Mapping[str, str]) -> str:
    """Run the hook after the thaw and return how that went; its failure is reported and stops nothing."""
    try:
        output = await run_hook(command, vm)
    except HookFailed as error:
        log.warning("post-thaw hook of %s: %s", vm["name"], error)
        return str(error)
    return f"post-thaw hook done{f': {output}' if output else ''}"
