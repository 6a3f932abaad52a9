"""A purple diagnostic screen in a log: its heading, and the module of the first frame outside the VMkernel."""

from __future__ import annotations

import pytest

from knowledge.vmklog import decode_text
from knowledge.vmklog.finders.psod import PART_OF_ESXI, SUSPECT

SCREEN = """VMware ESXi 8.0.1 [Releasebuild-00000000 x86_64]
#PF Exception 14 in world 2098009:OCFlush IP 0x4200389489c4 addr 0x350
*PCPU5:2098009/OCFlush
0x453a01c1bdc0:[0x4200389489c4]Vol6_Flush@esx#nover+0x20 stack: 0xbad0004, 0x0, 0x1
"""
OF_DRIVER = """2024-01-01T00:00:00.000Z cpu0:131126)#PF Exception 14 in world 131126:HELPER_UPLINK_ IP 0x42003a344d54
0x451a01b1bdd0:[0x42003a344d54]vmk_Memset@vmkernel#nover+0x28 stack: 0x42003b3cfa48
0x451a01b1be70:[0x4180214838ad]watchdog_work_cb@com.vmware.driverAPI#9.2+0x27d stack: 0x43900000101f
0x451a01b1bdd0:[0x42003b3ceb68]EQOSEnable@(eqos)#<None>+0xe0 stack: 0x42003b3cfa48
0x451a01b1be20:[0x42003b3c9220]SETHUplAssociate@(other)#<None>+0x88 stack: 0x43024240b680
"""


def test_a_page_fault_names_the_world_and_the_first_frame_outside_the_vmkernel() -> None:
    heading, frame = decode_text(SCREEN)
    assert (heading.line, heading.text) == (2, "#PF Exception 14 in world 2098009")
    assert "page fault" in heading.summary
    assert "world 2098009 (OCFlush)" in heading.summary
    assert heading.meaning.procedures == ("purple-screen",)
    assert (frame.line, frame.text) == (4, "Vol6_Flush@esx#nover+0x20")
    assert frame.summary == "first frame outside the VMkernel: function Vol6_Flush of the module esx"
    assert (frame.meaning.certainty, frame.meaning.reason) == ("likely", SUSPECT)
    assert (frame.meaning.where, frame.meaning.notes) == ("host", (PART_OF_ESXI,))


def test_values_on_the_stack_are_no_status() -> None:
    assert {finding.kind for finding in decode_text(SCREEN)} == {"psod"}


def test_frames_of_the_vmkernel_and_its_driver_interface_are_passed_over_and_one_frame_is_enough() -> None:
    _, frame = decode_text(OF_DRIVER)
    assert (frame.line, frame.summary) == (
        4,
        "first frame outside the VMkernel: function EQOSEnable of the module eqos",
    )
    assert frame.meaning.where == "HBA or driver"


def test_a_second_screen_in_the_same_log_has_its_own_first_frame() -> None:
    assert [finding.line for finding in decode_text(SCREEN + SCREEN)] == [2, 4, 6, 8]


def test_a_backtrace_without_a_heading_or_far_from_it_names_no_module() -> None:
    heading, frames = SCREEN.split("*PCPU5")
    assert decode_text(frames) == []
    assert len(decode_text(heading + "nothing\n" * 200 + frames)) == 1


@pytest.mark.parametrize(
    ("line", "text", "class_"),
    [
        ("#GP Exception 13 in world 4210:helper1-0 @ 0x41803399e303", "general protection fault", "software fault"),
        ("#PF Exception(14) in world 4176:helper11-1 ip 0x41800f6 addr 0x0", "page fault", "software fault"),
        ("Exception type 14 in world 4136:idle40 @ 0x418026", "page fault", "software fault"),
        ("#DF Exception 8 in world 1:vmm0:My VM IP 0x1", "in world 1 (vmm0:My VM)", "software fault"),
        ("#MC Exception 18 in world 1:x IP 0x1", "machine check", "hardware"),
        ("LINT1/NMI (motherboard nonmaskable interrupt), undiagnosed.", "Hardware NMI", "hardware"),
        ("LINT1 motherboard interrupt. This is a hardware problem; please contact your hardware vendor.",
         "Hardware NMI", "hardware"),
        ("NMI IPI: Panic requested by another PCPU. RIPOFF(base):RBP:CS", "another one asked it to", "software fault"),
        ("cpu3:2097)@BlueScreen: PCPU 3: no heartbeat (2/2 IPIs received)", "(PCPU 3)", "software fault"),
        ("PCPU 5 locked up. Failed to ack TLB invalidate (total of 1 locked up, PCPU(s): 5).", "(PCPU 5)",
         "software fault"),
        ("cpu2:1075473)@BlueScreen: Spin count exceeded (iplLock) - possible deadlock", "spin lock", "software fault"),
        ("@BlueScreen: ASSERT bora/vmkernel/main/world.c:1234", "(file vmkernel/main/world.c:1234)", "software fault"),
        ("NOT_REACHED bora/vmkernel/sched/cpusched.c:5", "(file vmkernel/sched/cpusched.c:5)", "software fault"),
        ("Failed at vmkdrivers/src_9/vmklinux_9/vmware/linux_scsi.c:2221 -- NOT REACHED",
         "(file src_9/vmklinux_9/vmware/linux_scsi.c:2221)", "software fault"),
        ("COS Error: Oops", "service console", "software fault"),
        ("System has encountered a Hardware Error - Please contact the hardware vendor", "hardware error", "hardware"),
        ('Fatal CPU mismatch on feature "Hyperthreads per core"', "differ in a feature", "configuration"),
    ],
)  # fmt: skip
def test_each_heading_has_a_meaning_and_leads_to_the_procedure(line: str, text: str, class_: str) -> None:
    (found,) = [finding for finding in decode_text(line) if finding.kind == "psod"]
    assert text in found.summary
    assert found.meaning.class_ == class_
    assert found.meaning.next
    assert found.meaning.procedures == ("purple-screen",)


def test_a_heading_without_another_line_of_a_screen_is_only_likely_one() -> None:
    (alone,) = decode_text("Machine Check Exception")
    assert alone.meaning.certainty == "likely"
    _, after = decode_text("#MC Exception 18 in world 1:x IP 0x1\nMachine Check Exception")
    assert after.meaning.certainty == "certain"


def test_a_heading_below_the_banner_of_a_screen_is_certain_and_far_from_it_only_likely() -> None:
    banner = "VMware ESXi 8.0.1 [Releasebuild-21813344 x86_64]\n"
    headings = "Machine Check Exception on PCPU 14\nSystem has encountered a Hardware Error"
    assert [found.meaning.certainty for found in decode_text(banner + headings)] == ["certain", "certain"]
    far = decode_text(banner + "nothing\n" * 50 + headings)
    assert [found.meaning.certainty for found in far] == ["likely", "certain"]
    assert "no line just before it" in far[0].meaning.reason
    long_after = decode_text(SCREEN + "nothing\n" * 500 + "Machine Check Exception")
    assert long_after[-1].meaning.certainty == "likely"


def test_an_exception_that_the_processor_does_not_define_is_open() -> None:
    (found,) = decode_text("#XX Exception 99 in world 1:x")
    assert found.meaning.certainty == "open"


@pytest.mark.parametrize("line", ["java.lang.Exception 14", "#ok exception 14", "PCPU 3 has a heartbeat", "a@b#c+0x1"])
def test_other_exceptions_are_not_screens(line: str) -> None:
    assert decode_text(line) == []
