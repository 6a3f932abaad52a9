"""Backups as text, for terminals and logs; pure."""

from __future__ import annotations

from collections.abc import Sequence

from knowledge.runs.marks import attributed
from service.api.units import amount, when
from service.api.words import copies_hint, counted
from service.backups.catalogue import KeptBackup, KeptFile, KeptVolume
from service.backups.freshness import FreshnessReport


def list_words(backups: Sequence[KeptBackup], copy_targets: Sequence[str] = ()) -> str:
    """One line for each backup; for none, how to make one, and which copy targets may have copies."""
    hint = copies_hint(copy_targets)
    none = f"No backups are kept here. Make one with `vmkops backup VM`.\n{f'{hint}{chr(10)}' if hint else ''}"
    return "".join(map(_line, backups)) or none


def copies_words(target: str, where: str, copies: Sequence[KeptBackup]) -> str:
    """One line for each copy that a copy target has, and what is wrong with those that are not whole."""
    if not copies:
        return f"The copy target {target} has no copies ({where}).\n"
    return "".join(f"{_line(each)}{f'  {each.reason}{chr(10)}' if each.reason else ''}" for each in copies)


def backup_words(kept: KeptBackup) -> str:
    """One backup: where it is, its disks with their checksums, what was left out, and who verified it."""
    lines = [_line(kept), f"  in {kept.path}\n"]
    lines += [f"  {disk.sha256}  {amount(disk.size):>10}  {disk.file}{_disk_place(disk)}\n" for disk in kept.disks]
    lines += map(_volume_line, kept.volumes)
    lines += [f"  not found: {each}\n" for each in kept.not_found]
    if kept.saved:
        lines.append(f"  the save profile {kept.saved.profile} has the disks ({kept.saved.repository})\n")
        lines += [f"  {disk.archive}  {disk.path}\n" for disk in kept.saved.disks]
    if kept.vm.moref:
        lines.append(f"  VM {kept.vm.moref} in the vCenter {kept.vm.vcenter}, UUID {kept.vm.uuid}\n")
    lines += [f"  left out: {disk}\n" for disk in kept.left_out]
    if kept.consistency:
        lines.append(f"  {kept.consistency}, requested by {attributed(kept.requested_by, kept.token)}\n")
    if kept.verified:
        verdict = kept.verified
        lines.append(
            f"  {verdict.verdict}: verified {when(verdict.verified_at)} by "
            f"{attributed(verdict.verified_by, verdict.token)}\n"
        )
        lines += [f"  warning: {warning}\n" for warning in verdict.warnings]
    for copy in kept.copies:
        made, read = map(when, (copy.copied_at, copy.verified_at))
        lines.append(f"  copy at {copy.target}: made {made}, read back {read}\n")
    if kept.reason:
        lines.append(f"  {kept.reason}\n")
    return "".join(lines)


def freshness_words(report: FreshnessReport) -> str:
    """The VMs without a recent good backup, each with the reason."""
    several = len(report.inventory) > 1

    def name(vcenter: str, vm: str) -> str:
        return f"{vcenter}/{vm}" if several else vm

    managed = "".join(
        f"  not counted: {name(each.vcenter, each.vm)} ({each.moref}), managed by {each.managed_by}\n"
        for each in report.managed
    )
    managed += "".join(
        f"  no schedule backs it up: {name(each.vcenter, each.vm)} ({each.moref})\n" for each in report.unscheduled
    )
    judged = report.vms_checked - len(report.unscheduled)
    wanted = f"of the last {report.older_than}"
    if report.schedules:
        wanted = f"that their schedules ({', '.join(report.schedules)}) should have made"
    if not report.stale:
        return f"All {judged} VMs have a good backup {wanted}.\n{managed}"
    first = f"{len(report.stale)} of {judged} VMs have no good backup {wanted}:\n"
    stale = (f"  {name(each.vcenter, each.vm)} ({each.moref}): {each.reason}\n" for each in report.stale)
    return "".join([first, *stale, managed])


def _disk_place(disk: KeptFile) -> str:
    return f"  disk {disk.number}{f' at {disk.place}' if disk.place else ''}" if disk.number else ""


def _volume_line(volume: KeptVolume) -> str:
    about = ", ".join(filter(None, [volume.type, volume.used_as, volume.label]))
    about = f"{volume.name} ({about})" if about else volume.name
    if volume.archive is None:
        return f"  no files of {about}{f': {volume.note}' if volume.note else ''}\n"
    left = f", {counted(volume.left_out, 'device or pipe')} left out" if volume.left_out else ""
    line = f"  {volume.archive.sha256}  {amount(volume.archive.size):>10}  {volume.archive.file}"
    return f"{line}  {counted(volume.files, 'file')} of {about}{left}\n"


def _line(kept: KeptBackup) -> str:
    made = when(kept.created_at) or "unknown time"
    line = f"{kept.id}  {kept.state:<10} {made}  {amount(kept.size):>10}  {kept.title or kept.vm.name}"
    return f"{line}\n" if kept.whole_vm else f"{line}  files: {', '.join(kept.paths) or 'all'}\n"
