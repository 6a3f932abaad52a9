"""Whatever comes in from outside, a parser answers or raises the error that its docstring names.

The files of the modules in `tests/knowledge` have the same for the parsers that are not here.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import ipaddress
import lzma
import re
import tarfile
import zipfile
import zlib
from datetime import date

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import example, given, settings
from hypothesis import strategies as st

from knowledge.errors import Unreadable
from knowledge.iscsi.building import BuildRefused, build
from knowledge.loginput.decoding import decode_input
from knowledge.loginput.looked_at import LookedAt
from knowledge.loginput.source import of_bytes
from knowledge.loginput.unpacking import Limits, read_size
from knowledge.ovf.manifest import Entry, read_entries
from knowledge.p2v.checklist import checklist
from knowledge.p2v.source import InvalidSource, described
from knowledge.procedure_store.typed_codes import as_logged
from knowledge.vmkerr.table import bundled
from service.api.settings import Settings
from service.errors import InvalidParams, NotAllowed
from service.http._clients import bucket_of, client_of
from service.http._render import choose_form
from service.jobs.cron import check_cron
from service.packages.url_guard import check_url
from service.vsphere.selectors import read_selector
from service.web.markdown import markdown

TABLES = bundled()
LIMITS = Limits(total=1 << 20, ratio=50, ratio_from=100_000)
PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128"))
ANY_TEXT = st.text(max_size=300) | st.text(st.characters(codec=None, categories=["Cs", "Cc", "Nd", "Po"]), max_size=60)
"""Also with lone surrogates and control characters."""
LOG = b"2026-01-01T00:00:00.000Z cpu1:2)ScsiDeviceIO: H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x24 0x0.\n" * 40


def tarred(content: bytes) -> bytes:
    """A tar file with two logs."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name in ("var/log/vmkernel.log", "x" * 150):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def zipped(content: bytes) -> bytes:
    """A zip file with one log."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("vmkernel.log", content)
    return made.getvalue()


PACKED = {
    "gzip": gzip.compress(LOG),
    "two gzip members": gzip.compress(LOG) * 2,
    "zlib": zlib.compress(LOG),
    "bzip2": bz2.compress(LOG),
    "xz": lzma.compress(LOG),
    "tar": tarred(LOG),
    "tar.gz": gzip.compress(tarred(LOG)),
    "zip": zipped(LOG),
    "UTF-16": LOG.decode().encode("utf-16"),
    "JSON": b"".join(b'{"message": "%s"}\n' % line for line in LOG.splitlines()),
    "a bomb": gzip.compress(bytes(4 << 20)),
    "a bomb in a tar": gzip.compress(tarred(bytes(2 << 20))),
}


@pytest.mark.parametrize("kind", PACKED)
@given(data=st.data())
@settings(max_examples=15)
def test_damaged_input_is_decoded_or_refused_within_the_limits(kind: str, data: st.DataObject) -> None:
    content = bytearray(PACKED[kind])
    for _ in range(data.draw(st.integers(0, 4), label="changes")):
        place = data.draw(st.integers(0, len(content) - 1), label="place")
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        content = content or bytearray(b"x")
    cut = data.draw(st.none() | st.integers(1, len(content)), label="cut")
    looked = LookedAt()

    with contextlib.suppress(Unreadable):
        for _ in decode_input(of_bytes(bytes(content[:cut])), None, TABLES, looked, LIMITS):
            pass

    assert looked.unpacked <= LIMITS.total + (1 << 18)


@given(st.sampled_from([b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"\x78\x9c"]),
       st.binary(max_size=400))  # fmt: skip
def test_any_bytes_after_any_magic_number_are_decoded_or_refused(magic: bytes, rest: bytes) -> None:
    with contextlib.suppress(Unreadable):
        for _ in decode_input(of_bytes(magic + rest), None, TABLES, LookedAt(), LIMITS):
            pass


@given(st.binary(max_size=600) | st.text("SHA1256( )=abcdef0.\n-", max_size=300).map(str.encode))
def test_any_manifest_has_entries_or_findings(content: bytes) -> None:
    entries: list[Entry] = []

    findings = list(read_entries("x.mf", content, entries))

    assert all(finding.message for finding in findings)


@given(ANY_TEXT, ANY_TEXT, st.lists(ANY_TEXT, max_size=3), ANY_TEXT, ANY_TEXT, st.lists(ANY_TEXT, max_size=3))
def test_any_source_of_a_conversion_has_a_checklist_or_is_refused(
    distribution: str, version: str, disks: list[str], target: str, port: str, filesystems: list[str]
) -> None:
    for name in (distribution, "centos"):
        with contextlib.suppress(InvalidSource):
            assert checklist(
                described(
                    distribution=name,
                    version=version,
                    disks=disks or ["sda"],
                    target_ip=target,
                    port=port,
                    filesystems=filesystems or ["/usr"],
                )
            ).phases


@given(st.sampled_from(["iqn", "eui", "naa", "x"]), ANY_TEXT, ANY_TEXT | st.just("2001-04"), ANY_TEXT, ANY_TEXT)
def test_any_parts_make_a_valid_name_or_are_refused(
    kind: str, domain: str, month: str, string: str, digits: str
) -> None:
    with contextlib.suppress(BuildRefused):
        assert build(kind, domain=domain, date=month, string=string, hex_digits=digits, today=date(2026, 1, 1)).valid


@given(ANY_TEXT | st.text("HDP:0x12 sense/vmkescVMBACKUP_.problem", max_size=200))
def test_any_words_are_codes_or_none(words: str) -> None:
    assert all(isinstance(each, str) for each in as_logged(words))


@given(ANY_TEXT | st.integers().map(str))
def test_any_size_is_read_or_zero(typed: str) -> None:
    assert 0 <= read_size(typed) < 1 << 80


@given(ANY_TEXT | st.sampled_from(["name:", "moref:", "uuid: ", ":", " "]))
def test_any_selector_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidParams):
        selector = read_selector(text, ("name", "moref", "uuid"), "VM")
        assert selector.text.strip() == selector.text != ""


@given(ANY_TEXT | st.text("0123456789*/,-?LWRHlw#@ dailymonfre", max_size=60), ANY_TEXT | st.just("Europe/Berlin"))
@example("* * * * *", "../../etc/passwd")
@example("* * * * *", "x" * 5000)
@example("99999999999999999999-1 * * * *", "UTC")
@example("0 0 31 2 *", "UTC")
@example("*/0 * * * *", "UTC")
def test_any_cron_and_zone_is_usable_or_refused(cron: str, zone: str) -> None:
    for each in (zone, "UTC"):
        with contextlib.suppress(InvalidParams):
            check_cron(cron, each)


@given(ANY_TEXT | ANY_TEXT.map(lambda text: f"https://{text}") | st.text("https:/@[]%.0x1:?#a", max_size=60))
@example("https://[::1")
@example("https://a.example:99999/x")
@example("https://\udc80.example/")
@example("https://xn--a.example/" + "%" * 3000)
def test_any_url_is_accepted_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidParams, NotAllowed):
        url = check_url(text, Settings())
        assert (url.scheme, url.user, url.password, url.port) == ("https", None, None, 443)


def in_a_header(text: str) -> str:
    """The text without what no header can have; `test_fuzz_routes.py` sends bytes that are no UTF-8."""
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "", text)


@given(st.lists(ANY_TEXT.map(in_a_header) | st.sampled_from(["10.1.2.3", "::1", "192.0.2.7", "fe80::1%x"]), max_size=5))
def test_any_forwarded_addresses_give_an_address(hops: list[str]) -> None:
    request = make_mocked_request("GET", "/", headers={"X-Forwarded-For": ",".join(hops)}).clone(remote="10.0.0.1")

    address = client_of(request, PROXIES)

    ipaddress.ip_address(address)
    assert bucket_of(address)


@given(ANY_TEXT.map(in_a_header) | st.text("application/jsontexhml;q=0.1,*", max_size=80))
def test_any_accept_header_chooses_a_form(accept: str) -> None:
    assert choose_form(make_mocked_request("GET", "/", headers={"Accept": accept})) in {"json", "text", "html"}


@given(ANY_TEXT | st.text("[](<>)!`*_#>|-\n javscript:&\"'\\1.", max_size=200))
@example("[a](javascript:alert(1))")
@example("[a](java\nscript:alert(1)) <img src=x onerror=alert(1)>")
@example("[" * 3000)
@example("> " * 3000)
@example("*a " * 3000)
def test_any_markdown_is_a_page_without_scripts(text: str) -> None:
    html = markdown(text)

    assert not re.search(r"<(?:script|img|iframe|svg|style)", html, re.IGNORECASE)
    assert not re.search(r"href=[\"']?\s*(?:javascript|data|vbscript):", html, re.IGNORECASE)
