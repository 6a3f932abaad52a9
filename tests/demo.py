"""`make demo`: a simulated vCenter, a local Slack and the service together, until Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.peers.commands import PeerUnavailableError
from tests.peers.disks import make_vmdk
from tests.peers.local_slack import OPERATOR, LocalSlack
from tests.peers.vcsim import Vcsim
from tests.running_service import VMKOPS, vcenter_settings

VM = "DC0_H0_VM0"
BYTES_PER_SECOND = 8_000_000

WELCOME = """
vmkops demo
  Slack        {slack}          (you are olga, who may operate; the channel is #on-call)
  the service  {service}
  vCenter      {vcenter}    (simulated; {user} / {password})

Type into Slack:
  /vmkerr 0xbad0022
  /backup {vm}
  /jobs

On this machine:
  curl {service}/vmkerr/0xbad0022
  VMKOPS_SERVICE_URL={service} VMKOPS_TOKEN={token} {command} backup {vm}

The backups are in {backups}
The log of the service is {log}
Ctrl-C ends it all and deletes what the demo made: the simulated VMs, the backups, the jobs and the Slack messages.
Copy a backup elsewhere to keep it.
"""
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that end the demo."""


def main() -> int:
    """Start the three, say what to open and what to type, and wait; a signal to end does what Ctrl-C does."""
    for number in ENDS:
        signal.signal(number, _end)
    try:
        with contextlib.ExitStack() as stack:
            return _run(stack)
    except PeerUnavailableError as error:
        print(f"A peer of the demo is missing: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # a terminal that was closed
            print("\nThe demo has ended, and its data is deleted.", flush=True)
        return 0


def _end(number: int, frame: object) -> None:
    """End the demo once; what it made is deleted on the way out."""
    for each in ENDS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(stack: contextlib.ExitStack) -> int:
    print("Fetching and building what is not here yet...", flush=True)
    print("The demo keeps its data in a temporary folder, and deletes it at the end.", flush=True)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vmkops-demo-")))
    vcsim = stack.enter_context(Vcsim())
    vcsim.put_disk(vcsim.vm(VM)["disks"][0]["path"], make_vmdk(folder / "disk.vmdk", size_mb=96, seed=1))
    vcsim.nfc(bytes_per_second=BYTES_PER_SECOND)
    slack = stack.enter_context(LocalSlack())
    environment = {
        **os.environ,
        **vcenter_settings(vcsim),
        "VMKOPS_DATA_DIR": str(folder / "data"),
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "VMKOPS_SLACK_OPERATORS": OPERATOR,
    }
    create = [VMKOPS, "token", "create", "demo", "--scope", "operate"]
    token = subprocess.run(create, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    port = os.environ.get("PORT", "8080")
    log = stack.enter_context((folder / "service.log").open("wb"))
    # In a session of its own, Ctrl-C does not reach the service: it ends before the vCenter and Slack that it uses.
    serve = subprocess.Popen(
        [VMKOPS, "serve", "--port", port],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
    )
    stack.callback(serve.wait)
    stack.callback(serve.terminate)
    assert serve.stdout is not None
    line = serve.stdout.readline()
    if not line:
        return _ended(serve, folder)
    shown = {
        "slack": slack.ui_url,
        "service": line.rpartition(" ")[2].strip(),
        "vcenter": vcsim.url,
        "user": vcsim.user,
        "password": vcsim.password,
        "vm": VM,
        "token": token,
        "command": VMKOPS,
        "backups": folder / "data" / "backups",
        "log": log.name,
    }
    print(WELCOME.format(**shown), flush=True)
    return _ended(serve, folder)


def _ended(serve: subprocess.Popen[str], folder: Path) -> int:
    """Wait for the service, print its log when it ended by itself, and return its exit status."""
    status = serve.wait()
    print((folder / "service.log").read_text("utf-8", "replace"), end="", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
