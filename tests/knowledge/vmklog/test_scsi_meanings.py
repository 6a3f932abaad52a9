"""Every row of the tables of storage codes is decoded in every format in which a host logs it, with a reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from knowledge.data_files import data_lines
from knowledge.scsi import sense
from knowledge.vmkerr.table import bundled
from knowledge.vmklog.finding import Finding
from knowledge.vmklog.stream import Progress, decode_stream

DEV = 'to dev "naa.600a098000000000000000000000abcd"'
SENSE_FORMATS = (
    f"ScsiDeviceIO: 4176: Cmd(0x45b9c0001000) {{op}}, CmdSN 0x9 {DEV} failed H:0x0 D:0x2 P:0x0"
    " Valid sense data: {key} {asc} {ascq}.",
    f"NMP: nmp_ThrottleLogForDevice:3893: Cmd {{op}} (0x45dd57ec84c0, 2097288) {DEV} Failed: H:0x0 D:0x2 P:0x0"
    " Valid sense data: {key} {asc} {ascq}. Act:NONE",
    f"NMP: nmp_CompleteCommandForPath: Command {{op}} (0x41000504e500) {DEV} failed H:0x0 D:0x2 P:0x0"
    " Valid sense data: {key} {asc} {ascq}.",
    "NMP: nmp_PathDetermineFailure:2961: Cmd ({op}) failed ({key}/{asc}/{ascq}) - path vmhba33:C0:T0:L0",
)
ESX3 = "SCSI: 5663: vmhba0:0:1:1 status = 2/0 {key} {asc} {ascq}"
HOST_FIRST = "vmhba1 returned Storage initiator error 0x0/0x2 sk {key} asc {asc} ascq {ascq}"
MODERN = "2024-05-07T16:29:50.697Z cpu2:2097713)ScsiDeviceIO: 1: failed {status}"
NVME_FORMATS = (
    "WARNING: NVMEIO:2644 command 0x45b failed: ctlr 262, queue {queue}, psaCmd 0x45b, status {code}, opc {op}, cid 1",
    "WARNING: NVMEIO:2644 command 0x45b failed: ctlr 262, queue {queue}, psaCmd 0x45b, status {code}, > opc {op}",
)

SENSES = [
    tuple(int(number or "0", 16) for number in (key, asc, ascq))
    for kind, key, asc, ascq, *_ in (line.split("\t") for line in data_lines("scsi_sense.tsv"))
    if kind in ("key", "asc", "asc_range")
]
STATUSES = [line.split("\t") for line in data_lines("scsi_status.tsv")]
COMMANDS = [line.split("\t")[0] for line in data_lines("scsi_commands.tsv")]
NVME = [line.split("\t") for line in data_lines("nvme_status.tsv") if line.startswith("status")]
OPCODES = [line.split("\t") for line in data_lines("nvme_opcodes.tsv")]
DIAGNOSES = [line.split("\t") for line in data_lines("scsi_diagnosis.tsv")]


def decoded(lines: list[str]) -> list[list[Finding]]:
    """Return the findings of each line, as they are found in a whole log."""
    blocks = decode_stream(["\n".join(lines).encode()], None, bundled(), Progress(), every_line=True)
    return [line.findings for block in blocks for line in block]


def of_kind(findings: list[Finding], kind: str) -> Finding:
    (found,) = [finding for finding in findings if finding.kind == kind]
    return found


def sense_lines(key: int, asc: int, ascq: int, op: str) -> Iterator[str]:
    for form in (*SENSE_FORMATS, ESX3, HOST_FIRST):
        yield form.format(op=op, key=f"{key:#x}", asc=f"{asc:#x}", ascq=f"{ascq:#x}")


def test_every_sense_code_is_decoded_in_every_format() -> None:
    senses = [(key or 0x4, asc, ascq) for key, asc, ascq in SENSES]
    lines = [line for bytes_ in senses for line in sense_lines(*bytes_, op="0x28")]
    found = iter(decoded(lines))
    for key, asc, ascq in senses:
        text = sense(key, asc, ascq).text
        for form in (*SENSE_FORMATS, ESX3, HOST_FIRST):
            kind = "scsi-sense" if form in SENSE_FORMATS else "scsi-status"
            finding = of_kind(next(found), kind)
            assert text in finding.summary, form
            assert finding.meaning.reason


@pytest.mark.parametrize("row", DIAGNOSES, ids=lambda row: f"{row[0]}-{row[1]}")
def test_every_rule_on_sense_data_is_reached_in_every_format(row: list[str]) -> None:
    match, commands, _, where, class_, then, procedures, *_ = row
    if "/" not in match:
        return
    key, asc, ascq = (
        int(number, 16) if number != "*" else fallback
        for number, fallback in zip(match.split("/"), (0x4, 0x7F, 0x7F), strict=True)
    )
    for op in commands.split() or ["0xff"]:
        for form in SENSE_FORMATS if commands else (*SENSE_FORMATS, ESX3, HOST_FIRST):
            line = form.format(op=op, key=f"{key:#x}", asc=f"{asc:#x}", ascq=f"{ascq:#x}")
            of_scsi = [finding for finding in decoded([line])[0] if finding.kind.startswith("scsi")]
            (finding,) = [finding for finding in of_scsi if finding.meaning.next]
            meaning = finding.meaning
            assert (meaning.where, meaning.class_, meaning.next) == (where, class_, then), line
            assert " ".join(meaning.procedures) == procedures


@pytest.mark.parametrize("row", STATUSES, ids=lambda row: f"{row[0]}-{row[1]}-{row[4]}")
def test_every_status_is_decoded_in_the_formats_of_its_releases(row: list[str]) -> None:
    component, code, _, name, versions, *_ = row
    if code == "0x0":
        return
    modern = {"host": "H:{} D:0x0 P:0x0", "device": "H:0x0 D:{} P:0x0", "plugin": "H:0x0 D:0x0 P:{}"}[component]
    old = {"host": "vmhba0:0:1:1 status = 0/{:x}", "device": "vmhba0:0:1:1 status = {:x}/0"}.get(component, "")
    lines = [MODERN.format(status=modern.format(code))] if not versions.startswith(("3", "4.x")) else []
    if old and versions.startswith(("3", "all")):
        lines.append(f"{old.format(int(code, 16))} 0x0 0x0 0x0")
    for line in lines:
        finding = of_kind(decoded([line])[0], "scsi-status")
        assert f"{component} {code} {name}" in finding.summary, line
        assert finding.meaning.reason


def test_every_command_is_named_in_every_format() -> None:
    lines = [form.format(op=op, key="0x3", asc="0x11", ascq="0x0") for op in COMMANDS for form in SENSE_FORMATS]
    for line, findings in zip(lines, decoded(lines), strict=True):
        assert of_kind(findings, "scsi-command").meaning.reason, line


def test_every_nvme_status_and_opcode_is_named_in_every_format() -> None:
    for form in NVME_FORMATS:
        lines = [
            form.format(
                queue=1, code=f"{int(type_, 16) << 8 | int(code, 16):#x}", op="0x7f" if which == "fabrics" else "0x1"
            )
            for _, type_, code, which, *_ in NVME
        ]
        for (_, _, _, _, name, _), findings in zip(NVME, decoded(lines), strict=True):
            status = of_kind(findings, "nvme-status")
            assert name in status.summary or "no error" in status.summary
            assert status.meaning.reason
        lines = [form.format(queue=0 if queue == "admin" else 1, code="0x6", op=op) for queue, op, *_ in OPCODES]
        for (_, _, name, _), findings in zip(OPCODES, decoded(lines), strict=True):
            assert of_kind(findings, "nvme-command").summary.endswith(name)


def test_every_rule_on_nvme_is_reached() -> None:
    for match, commands, _, where, class_, then, *_ in (line.split("\t") for line in data_lines("nvme_diagnosis.tsv")):
        type_, code = match.split("/")
        op = "0x7f" if commands == "fabrics" else "0x1"
        line = NVME_FORMATS[0].format(queue=1, code=f"0x{type_}{code}", op=op)
        if commands.startswith("scsi:"):
            line = f"NvmeScsi: 172: SCSI opcode {commands[5:]} (0x45d) failed with NVMe error status: 0x{type_}{code}"
        meaning = of_kind(decoded([line])[0], "nvme-status").meaning
        assert (meaning.where, meaning.class_, meaning.next) == (where, class_, then), line
