"""The page on the initrd of ESX 3.5 is at least as careful as the script: it sends the reader there first."""

import re

from knowledge.drivermap.device import described
from knowledge.drivermap.script import Way, script
from knowledge.procedure_store.folders import BUILT_IN

PAGE = " ".join((BUILT_IN / "esx35-initrd-driver.md").read_text(encoding="utf-8").split())
SCRIPT = script(described(device="10de:037f", like="037e", driver="sata_nv"), Way.RESCUE)


def test_page_sends_the_reader_to_the_script_before_the_steps_by_hand() -> None:
    assert PAGE.index("--script rescue > add-037f.sh") < PAGE.index("--check") < PAGE.index("### By hand")
    assert "bash add-037f.sh --undo" in PAGE[PAGE.index("## Undo") :]


def test_page_makes_an_image_that_esx_can_read_with_the_options_of_the_script() -> None:
    (options,) = re.findall(r"mke2fs -q (.*) -F", SCRIPT)
    assert "-I 128" in options
    assert f"mke2fs {options} -F -v initrd.img" in PAGE


def test_page_has_the_names_that_the_script_gives_to_what_runs_once() -> None:
    names = set(re.findall(r"\$ROOT/(etc/\S+-once)", SCRIPT))
    assert len(names) == 2
    assert {name for name in names if name not in PAGE} == set()
