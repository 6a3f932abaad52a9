"""The page on Linux P2V is as careful as the checklist: it has its commands, and sends the reader there first."""

import pytest

from knowledge.p2v.checklist import checklist
from knowledge.p2v.source import described
from knowledge.procedure_store.folders import BUILT_IN

PAGE = " ".join((BUILT_IN / "linux-p2v.md").read_text(encoding="utf-8").split())
STEPS = {
    step.id: step
    for step in checklist(
        described(distribution="centos", version="4", disks=["sda:39070080"], target_ip="10.4.1.20", lvm=True)
    ).items
}


@pytest.mark.parametrize(
    "identifier",
    ["build-initrd", "zero-fill-usr", "deactivate-lvm", "verify-partitions-sda", "check-file-systems",
     "resize-file-systems", "rebuild-initrd", "restore-mbr"],
)  # fmt: skip
def test_page_has_the_exact_commands_of_a_step_that_changes_a_system(identifier: str) -> None:
    assert [command.run for command in STEPS[identifier].commands if command.run not in PAGE] == []


def test_page_clones_as_the_checklist_does_and_reads_larger_blocks() -> None:
    target, source = (command.run for command in STEPS["clone-sda"].commands)
    assert target.replace("of=/dev/sda", "of=/dev/sda bs=1M") in PAGE
    assert source.replace("if=/dev/sda", "if=/dev/sda bs=1M") in PAGE


def test_page_compares_the_checksum_over_the_length_of_the_source_before_the_first_boot() -> None:
    compared = PAGE.index(STEPS["verify-fingerprint-sda"].commands[-1].run)
    assert compared < PAGE.index("resize2fs -p") < PAGE.index("### First boot")


def test_page_sends_the_reader_to_the_checklist_before_its_own_steps() -> None:
    assert PAGE.index("vmkops p2v checklist --distribution") < PAGE.index("## Before")


def test_page_never_builds_an_initrd_for_the_running_kernel_of_the_rescue_disc() -> None:
    rescue = PAGE[PAGE.index("### If it does not boot") : PAGE.index("## Check")]
    assert "mkinitrd" in rescue
    assert "$(uname -r)" not in rescue
