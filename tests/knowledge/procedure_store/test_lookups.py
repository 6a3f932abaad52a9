"""Codes among the words of a search lead to the lookup that explains them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge.procedure_store.lookups import MAX_LOOKUPS, lookups, named_pages


@pytest.mark.parametrize(
    ("words", "command", "query", "meaning"),
    [
        ("vmotion fails 195887371", "vmkerr", "195887371", "VMK_VMOTION_CONNECT_FAILED"),
        ("０ｘｂａｄ００１４", "vmkerr", "0xbad0014", "Out of memory"),
        ("0xbad0014", "vmkerr", "0xbad0014", "Out of memory"),
        ("what is bad0022", "vmkerr", "bad0022", "SCSI reservation conflict (ESX 3.5), or Read only"),
        ("VMK_BUSY on power on", "vmkerr", "VMK_BUSY", "0xbad0004 Busy"),
        ("vmk_timeout", "vmkerr", "vmk_timeout", "0xbad0020 Timeout (esx-3.5), or 0xbad0021 Timeout (esxi-5.0"),
        ("H:0x5 D:0x0 P:0x0", "decode", "H:0x5 D:0x0 P:0x0", "ABORT"),
        ("0x5 0x25 0x0", "decode", "Valid sense data: 0x5 0x25 0x0", "Logical unit not supported"),
        ("nvme status 0x371", "decode", "nvme status 0x371", "0x371"),
        ("0x371 nvme", "decode", "nvme status 0x371", "0x371"),
        ("nvme 0x371 on vmhba3", "decode", "nvme status 0x371", "0x371"),
        ("host shows 0xbad00e5", "vmkerr", "0xbad00e5", "Reservation Lost (ESXi 5.0 and later)"),
        ("ESTALE on nfs", "vmkerr", "ESTALE", "Linux errno 116"),
        ("D:0x18", "decode", "H:0x0 D:0x18 P:0x0", "RESERVATION CONFLICT"),
        ("array says 0x5 0x25 0x0 again", "decode", "Valid sense data: 0x5 0x25 0x0", "Logical unit not supported"),
        ("sense 05/25/00", "decode", "Valid sense data: 0x5 0x25 0x0", "Logical unit not supported"),
        ("esx.problem.storage.apd.start", "decode", "esx.problem.storage.apd.start", "All paths down"),
        ("vob.storage.apd.start on esx-07", "decode", "vob.storage.apd.start", "All paths down"),
        ("apd.start", "decode", "esx.problem.storage.apd.start", "All paths down"),
        ("scsi.device.state.permanentloss", "decode", "esx.problem.scsi.device.state.permanentloss", "PDL"),
        ("vim.fault.NoDiskSpace", "decode", "vim.fault.NoDiskSpace", "no free space"),
        ("NoDiskSpace", "decode", "vim.fault.NoDiskSpace", "no free space"),
        ("vim.fault.filelocked", "decode", "vim.fault.FileLocked", "open elsewhere"),
        ("quiesce error code 3", "decode", "quiescing. The error code was: 3", "VMBACKUP_SYNC_ERROR"),
        ("VMBACKUP_SYNC_ERROR", "decode", "quiescing. The error code was: 3", "VMBACKUP_SYNC_ERROR"),
        ("login error 0203", "decode", "Target returned login error of: 0203", "Not found"),
        ("iscsi login 02/01", "decode", "Target returned login error of: 0201", "Authentication failure"),
        ("iscsi error 1011", "decode", "conn error (1011)", "ISCSI_ERR_CONN_FAILED"),
        ("PF exception 14", "decode", "Exception type 14", "page fault"),
    ],
)
def test_code_leads_to_the_lookup_that_explains_it(words: str, command: str, query: str, meaning: str) -> None:
    (lookup,) = lookups(words)
    assert (lookup.command, lookup.query) == (command, query)
    assert meaning in lookup.meaning


@pytest.mark.parametrize(
    "words",
    [
        *("", "datastore full", "vm stuck at 95%", "migration failed 14%", "windows 2000 install time", "VMK_NO_SUCH"),
        *("HostNotResponding", "vmkernel.log", "pre-command.wsf", "ESXi", "EUI", "10.0.0.5", "NVMe opcode 0x2"),
    ],
)
def test_words_without_a_code_lead_to_no_lookup(words: str) -> None:
    assert lookups(words) == ()


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("vmotion failed 195887371", "vmotion-failed"),
        ("vim.fault.FileLocked at power-on", "file-locked"),
        ("0x5 0x25 0x0", "permanent-device-loss"),
        ("nvme 0x371", "nvme-errors"),
        ("host shows 0xbad00e5", "vmkernel-status-codes"),
        ("D:0x28", "scsi-sense"),
    ],
)
def test_lookup_names_the_pages_that_help(words: str, slug: str) -> None:
    assert named_pages(lookups(words))[0] == slug


def test_lookup_of_a_status_names_the_page_that_is_named_after_it() -> None:
    named = {"VMK_RESERVATION_CONFLICT": "our-page"}.get
    assert "our-page" in named_pages(lookups("0xbad0023", named=named))


def test_the_beginning_of_an_event_leads_to_the_events_that_start_so() -> None:
    queries = {lookup.query for lookup in lookups("esx.problem.storage.apd")}
    assert queries >= {"esx.problem.storage.apd.start", "esx.problem.storage.apd.timeout"}


def test_a_code_that_is_typed_twice_has_one_lookup() -> None:
    assert len(lookups("0xbad0004 0xBAD0004")) == 1


def test_many_codes_have_a_few_lookups() -> None:
    assert len(lookups(" ".join(f"0xbad00{number:02x}" for number in range(1, 30)))) == MAX_LOOKUPS


@given(st.one_of(st.text(st.characters(codec="utf-8")), st.from_regex(r"VMK_\w*", fullmatch=True)))
@example("VMK_" * 100)
@example("vm\N{KELVIN SIGN}_busy")
@example("VMK__")
def test_any_words_are_accepted(words: str) -> None:
    assert all(lookup.query and lookup.meaning for lookup in lookups(words))
