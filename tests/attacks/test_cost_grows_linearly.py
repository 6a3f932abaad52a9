"""When an input doubles, so does the CPU time of its lookup. Where the cost grows with the square, it quadruples."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import pytest

from knowledge import iscsi
from knowledge.ovf import lint_bytes
from knowledge.p2v.checklist import checklist
from knowledge.p2v.source import described
from knowledge.procedure_store.store import Store
from knowledge.vmx.lint import lint
from service.web.markdown import markdown
from service.workers.lookups import check_page, decode
from tests.attacks import hostile

RUNS = 3
LARGEST_RATIO = 24.0
"""Of the times of an input and of one eight times as large: 8 when the cost is linear, 64 when it is quadratic."""
LEAST_SECONDS = 0.004
"""A shorter time is mostly that of the clock and of what does not depend on the size."""

ENVELOPE = (
    b'<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">'
)


def ovf_of_files(count: int) -> bytes:
    files = "".join(f'<File ovf:id="f{number}" ovf:href="f{number}.vmdk"/>' for number in range(count))
    disks = "".join(
        f'<Disk ovf:diskId="d{number}" ovf:fileRef="f{number}" ovf:capacity="1"/>' for number in range(count)
    )
    return b"%s<References>%s</References><DiskSection>%s</DiskSection></Envelope>" % (
        ENVELOPE,
        files.encode(),
        disks.encode(),
    )


def log(piece: bytes) -> Callable[[int], object]:
    return lambda size: decode(b"0xbad0022 " + piece * (size // len(piece)), None, "data")


def page(piece: str) -> Callable[[int], object]:
    return lambda size: markdown(piece * (size // len(piece)))


def disks(count: int) -> list[str]:
    return [f"sd{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(count)]


def mounts(count: int) -> list[str]:
    return [f"/srv/{number}" for number in range(count)]


@cache
def pages() -> Store:
    return Store.open()


LOOKUPS: dict[str, tuple[Callable[[int], object], int]] = {
    "decode: one line of codes": (log(b"0xbad0022 "), 16_000),
    "decode: lines of codes": (log(b"0xbad0022 or so\n"), 16_000),
    "decode: one line of dots": (log(b"vob."), 16_000),
    "decode: one line of SCSI statuses": (log(b"H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x24 0x0. "), 16_000),
    "decode: one line of quotes": (log(b"'\""), 16_000),
    "ovf lint: files": (lambda count: lint_bytes(ovf_of_files(count)), 1000),
    "p2v: disks": (lambda count: checklist(described(distribution="debian", disks=disks(count))), 7),
    "p2v: file systems": (lambda count: checklist(described(distribution="debian", filesystems=mounts(count))), 7),
    "search: words": (lambda count: pages().search(" ".join(f"w{number}" for number in range(count))), 500),
    "search: a word again and again": (lambda count: pages().search("snapshot " * count), 500),
    "search: one long word": (lambda size: pages().search("snapshot" * (size // 8)), 4000),
    "vmx lint: keys": (lambda count: lint(hostile.vmx_with_keys(count)), 5000),
    "vmx lint: disks": (lambda count: lint(hostile.vmx_of_controllers(count)), 1000),
    "iscsi validate": (lambda size: iscsi.validate("iqn.2001-04.com.example:" + "a." * (size // 2)), 32_000),
    "iscsi address": (lambda size: iscsi.parse_address("[" * size), 32_000),
    "iscsi alias": (lambda size: iscsi.check_alias("iqn.2001-04." * (size // 12)), 8000),
    "page: brackets": (page("["), 3000),
    "page: images": (page("!["), 3000),
    "page: emphasis": (page("*a_ "), 3000),
    "page: quotes": (page("> "), 30_000),
    "page: lists": (page("- "), 30_000),
    "page: links": (page("[a]("), 3000),
    "page: tables": (page("|a|\n|-|\n"), 3000),
    "page check: heading": (lambda size: check_page("x", hostile.PAGE.format(text="## " + " " * size + "x")), 4000),
    "page check: links": (lambda size: check_page("x", hostile.PAGE.format(text="](" * size)), 4000),
}


def seconds(work: Callable[[int], object], size: int) -> float:
    """The CPU time of the work, the least of several runs: what else the machine does only adds to it."""
    times = []
    for _ in range(RUNS):
        began = time.process_time()
        work(size)
        times.append(time.process_time() - began)
    return min(times)


@pytest.mark.parametrize("name", LOOKUPS)
def test_cost_of_a_lookup_grows_in_proportion_to_its_input(name: str) -> None:
    work, size = LOOKUPS[name]
    work(size)  # what is made on first use
    small = seconds(work, size)
    assert seconds(work, 8 * size) < LARGEST_RATIO * max(small, LEAST_SECONDS)
