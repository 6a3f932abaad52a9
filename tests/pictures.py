"""Draws the pictures of README.md again: ``python -m tests.pictures`` writes docs/slack.png and docs/decode.png.

Slack's emoji need a font: on Debian, install fonts-noto-color-emoji.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.integration.slack_room import answer_to, slack_room
from tests.peers.chromium import screenshot
from tests.peers.disks import make_vmdk
from tests.peers.local_slack import ONCALL, OPERATOR
from tests.peers.vcsim import Vcsim
from tests.running_service import VMKOPS, vcenter_settings

VM = "DC0_H0_VM0"
DOCS = Path(__file__).parent.parent / "docs"


def main() -> int:
    """Draw both pictures; the peers are those of ``make demo``, and Chromium."""
    with tempfile.TemporaryDirectory(prefix="vmkops-pictures-") as folder:
        decode_picture(Path(folder))
        slack_picture(Path(folder))
    return 0


def slack_picture(folder: Path) -> None:
    """A lookup and a finished backup in the channel of the people on call."""
    with Vcsim() as vcsim:
        disk = make_vmdk(folder / "disk.vmdk", size_mb=16, seed=1)
        vcsim.put_disk(vcsim.vm(VM)["disks"][0]["path"], disk)
        settings = {**vcenter_settings(vcsim), "VMKOPS_SLACK_OPERATORS": OPERATOR}
        with slack_room(folder / "data", settings=settings) as (slack, _):
            answer_to(slack, OPERATOR, "/vmkerr", "0xbad0022")
            backup = answer_to(slack, OPERATOR, "/backup", VM)["ts"]
            slack.wait_for(lambda: "done in" in slack.messages(ONCALL, thread_ts=backup)[0]["text"], timeout=120)
            screenshot(slack.ui_url, DOCS / "slack.png", width=1000, height=870)


def decode_picture(folder: Path) -> None:
    """The page of a log in which a LUN is lost for good, another one for a quarter of an hour."""
    log, page = folder / "vmkernel.log", folder / "page.html"
    log.write_text("".join(f"{line}\n" for line in sorted(night())), "utf-8")
    subprocess.run([VMKOPS, "decode", "--html", str(page), str(log)], check=True, capture_output=True)
    screenshot(page.as_uri(), DOCS / "decode.png", width=1100, height=1250, wait_ms=200)


def night() -> Iterator[str]:
    """Yield the lines of a log of forty minutes, not in order."""
    lost, gone, busy, asked = (f"naa.60060160a5b04c00000000000000005{number}" for number in (0, 2, 1, 3))
    for second in range(0, 25 * 60, 2):
        minute = second // 60
        if second * 7919 % 97 < 40 + 20 * (minute * minute % 3) if minute >= 5 else second % 60 == 0:
            failed = "H:0x1 D:0x0 P:0x0 Possible sense data: 0x0 0x0 0x0"
            yield _kernel(second, _command("2a", lost, "vmhba2:C0:T1:L80", failed))
    yield _event(
        4 * 60, f"Lost access to volume {_VOLUME} (DS01) due to connectivity issues.", "vmfs.heartbeat.timedout"
    )
    yield _event(5 * 60 + 1, f"Device or filesystem with identifier [{lost}] has entered the All Paths Down state.",
                 "storage.apd.start")  # fmt: skip
    yield _event(26 * 60, f"Device or filesystem with identifier [{lost}] has exited the All Paths Down state.",
                 "storage.apd.exit", "clear")  # fmt: skip
    yield _event(26 * 60 + 5, f"Successfully restored access to volume {_VOLUME} (DS01).", "vmfs.heartbeat.recovered")
    yield _event(14 * 60 + 29, f"Device: {gone} has been removed or is permanently inaccessible. Affected datastores:"
                 ' "DS02".', "scsi.device.state.permanentloss")  # fmt: skip
    yield _kernel(14 * 60 + 30, _command("28", gone, "vmhba2:C0:T1:L82", _SENSE.format("0x5 0x25 0x0")))
    for second in range(7 * 60, 15 * 60, 13):
        yield _kernel(second, _command("2a", busy, "vmhba2:C0:T1:L81", _SENSE.format("0x6 0x29 0x0")))
    for minute in range(15, 40, 3):
        yield _kernel(minute * 60, _command("85", asked, "vmhba0:C0:T0:L0", _SENSE.format("0x5 0x20 0x0")))
    yield _event(35 * 60, "Physical NIC vmnic3 linkstate is down.", "net.vmnic.linkstate.down")
    yield _event(37 * 60, "Physical NIC vmnic3 linkstate is up.", "net.vmnic.linkstate.up", "clear")


_VOLUME = "5009333b-b7a2d1f8-fc26-e4115bb4a813"
_SENSE = "H:0x0 D:0x2 P:0x0 Valid sense data: {}"


def _time(second: int) -> str:
    return f"2026-11-25T02:{5 + second // 60:02}:{second % 60:02}.000Z"


def _kernel(second: int, message: str) -> str:
    return f"{_time(second)} In(182) vmkernel: cpu5:2097225){message}"


def _command(code: str, device: str, path: str, failed: str) -> str:
    command = f"Cmd 0x{code} (0x45b8c0e2a340, 2097225)"
    return f'NMP: nmp_ThrottleLogForDevice:3867: {command} to dev "{device}" on path "{path}" Failed: {failed}.'


def _event(second: int, message: str, name: str, kind: str = "problem") -> str:
    return f"{_time(second)} In(14) vobd[2097612]:  [esx.{kind}.{name}] {message}"


if __name__ == "__main__":
    sys.exit(main())
