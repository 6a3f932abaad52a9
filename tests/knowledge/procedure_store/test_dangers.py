"""A destructive command needs a box above it, in its own step."""

from pathlib import Path

import pytest

from knowledge.data_files import data_lines
from knowledge.procedure_store.boxes import BOXES
from knowledge.procedure_store.check import check_folder
from knowledge.procedure_store.dangers import danger_of, unannounced_commands

BOX = "   > [!CAUTION]\n   > Affects every host.\n\n"
RESET = "   ```sh\n   vmkfstools -L lunreset /vmfs/devices/disks/naa.6\n   ```\n"


def faults(body: str) -> list[int]:
    return [fault.line for fault in unannounced_commands(body.split("\n"), 0)]


def test_command_without_a_box_is_found_at_its_line() -> None:
    assert faults("## Steps\n\n1. Reset:\n\n" + RESET) == [6]


def test_box_above_the_command_in_the_same_step_announces_it() -> None:
    assert faults("## Steps\n\n1. Reset:\n\n" + BOX + RESET) == []


@pytest.mark.parametrize(
    "body",
    [
        "1. Reset:\n\n" + RESET + "\n" + BOX,
        "1. First\n\n" + BOX + "2. Reset:\n\n" + RESET,
        BOX + "## Undo\n\n" + RESET,
        "1. Reset:\n\n" + BOX.replace("CAUTION", "WARNING") + RESET,
    ],
    ids=["below", "in another step", "in another section", "too weak"],
)
def test_box_elsewhere_does_not_announce_it(body: str) -> None:
    assert len(faults("## Steps\n\n" + body)) == 1


def test_stronger_box_announces_a_command_that_needs_a_warning() -> None:
    assert faults("## Steps\n\n1. Go:\n\n" + BOX + "   ```sh\n   /etc/init.d/hostd restart\n   ```\n") == []


def test_command_in_a_sentence_counts_where_readers_enter_commands() -> None:
    sentence = "`esxcli vm process kill -t soft -w 1` stops it.\n"
    assert faults("## Steps\n\n" + sentence) == [3]
    assert faults("## When\n\n" + sentence) == []
    assert faults("## Steps\n\n> [!CAUTION]\n> " + sentence) == []


@pytest.mark.parametrize(
    "command",
    [
        "esxcli storage core device set --state=off -d naa.6",
        "esxcli storage core device set -d naa.6 --state off",
        "nc -l -p 9001 | dd of=/dev/sda bs=1M",
        "vmkfstools --lock lunreset /vmfs/devices/disks/naa.6",
        "voma -m vmfs -f fix -d /vmfs/devices/disks/naa.6:1",
        "partedUtil setptbl /dev/disks/naa.6 gpt",
        "sfdisk /dev/sda < table",
        "rm -rf /vmfs/volumes/ds1/vm",
        "Get-VM web01 | Stop-VM -Confirm:$false",
        "Get-VM web01 | Get-NetworkAdapter | Set-NetworkAdapter -Connected:$false",
        "Get-Disk 1 | Get-Partition | Format-Volume",
        "esxcli system account set --id root --password SECRET",
        "$esxcli.system.account.set.Invoke($userarg)",
        "Get-VM web01 | Get-VMResourceConfiguration | Set-VMResourceConfiguration -MemLimitMB $null",
        "vim-cmd vmsvc/power.off 12",
        "vmkops action power-off {vm}",
        "reboot",
    ],
)
def test_destructive_command_is_known(command: str) -> None:
    assert danger_of(command)


@pytest.mark.parametrize(
    "command",
    [
        "esxcli storage core device list -d naa.6",
        "esxcli storage core device set --state=on -d naa.6",
        "dd if=/dev/sda bs=1M of=/dev/null",
        "vmkfstools -D /vmfs/volumes/ds1/vm/vm.vmdk",
        "voma -m vmfs -f check -d /vmfs/devices/disks/naa.6:1",
        "partedUtil getptbl /dev/disks/naa.6",
        "sfdisk -d /dev/sda",
        "sfdisk -s /dev/sda",
        "Shutdown-VMGuest web01",
        "Get-VM web01 | Format-List Name, Guest",
        "Set-NetworkAdapter -NetworkAdapter $card -Connected:$true",
        "esxcli system account list",
        "$userarg = $esxcli.system.account.set.CreateArgs()",
        "vim-cmd vmsvc/power.getstate 12",
        "vmkops action power-off {vm} --dry-run",
        "last reboot",
    ],
)
def test_command_that_only_reads_is_not_destructive(command: str) -> None:
    assert danger_of(command) is None


def test_table_names_known_boxes_and_what_happens() -> None:
    rows = [line.split("\t") for line in data_lines("destructive_commands.tsv")]
    assert all(len(row) == 3 and row[1] in BOXES and row[2] for row in rows)


def test_check_of_a_folder_reports_the_line_and_what_to_add(tmp_path: Path) -> None:
    head = "---\ntitle: T\nsummary: S.\nsubjects:\n  - s\napplies_to:\n  - a\nsource:\n  - s\n---\n"
    sections = "".join(f"\n## {name}\n\nNothing.\n" for name in ("When", "Before"))
    tail = "".join(f"\n## {name}\n\nNothing.\n" for name in ("Check", "Undo"))
    (tmp_path / "reset.md").write_text(f"{head}{sections}\n## Steps\n\n1. Reset:\n\n{RESET}{tail}")
    count, [broken] = check_folder(tmp_path)
    assert count == 1
    assert broken.line == 25
    assert "'> [!CAUTION]'" in broken.message
    assert "for every host" in broken.message
