"""The Linux P2V checklist has the right steps for a source, and its commands are exact and safe."""

import dataclasses
import json
import re
import subprocess
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.p2v import facts
from knowledge.p2v.checklist import Checklist, Item, checklist
from knowledge.p2v.markdown import checklist_markdown
from knowledge.p2v.source import InvalidSource, described

PHASES = ["tools", "preparation", "source", "target", "clone", "extras", "first-boot", "trouble", "loose-ends"]
SHELLS = {"source", "target", "rescue shell"}

SYSTEMS = [
    (name, version)
    for era in facts.table("distributions")["era"]
    for name in era["distributions"]
    for version in [era["from"]]
] + [("plan 9", "4"), ("centos", "")]


def made(distribution: str = "centos", version: str = "4", **values: object) -> Checklist:
    given_values = {"disks": ["sda:39070080"], "target_ip": "10.4.1.3", "port": 9001, **values}
    return checklist(described(distribution=distribution, version=version, **given_values))  # type: ignore[arg-type]


def item(answer: Checklist, identifier: str) -> Item:
    return next(step for step in answer.items if step.id == identifier)


def commands(answer: Checklist, identifier: str) -> list[tuple[str, str]]:
    return [(command.on, command.run) for command in item(answer, identifier).commands]


def all_text(answer: Checklist) -> str:
    return json.dumps(dataclasses.asdict(answer))


def test_phases_are_in_the_documented_order() -> None:
    assert [phase.id for phase in made().phases] == PHASES
    assert all(phase.items for phase in made().phases)


@pytest.mark.parametrize(("distribution", "version"), SYSTEMS)
def test_every_system_gets_all_phases_with_complete_items(distribution: str, version: str) -> None:
    answer = made(distribution, version, disks=["hda", "sda:36GB"], lvm=True, filesystems=["/", "/usr", "/var/log"])
    ids = [step.id for step in answer.items]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z0-9]+(?:-{1,2}[a-z0-9]+)*", identifier) for identifier in ids)
    assert all(phase.items for phase in answer.phases)
    assert all(step.title and step.why and step.check and step.source for step in answer.items)
    assert not re.search(r"\{[a-z_]+\}", all_text(answer))


@pytest.mark.parametrize(("distribution", "version"), SYSTEMS)
def test_every_shell_command_of_every_system_parses(distribution: str, version: str) -> None:
    answer = made(distribution, version, disks=["hda", "cciss/c0d0"], lvm=True)
    lines = [command.run for step in answer.items for command in step.commands if command.on in SHELLS]
    checked = subprocess.run(["bash", "-n"], input="\n".join(lines), capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("distribution", "version", "driver", "config"),
    [
        ("centos", "4", "mptscsih", "/etc/modprobe.conf"),
        ("rhel", "4.8", "mptscsih", "/etc/modprobe.conf"),
        ("CentOS", "3", "BusLogic", "/etc/modules.conf"),
        ("Red Hat Enterprise Linux", "3.9", "BusLogic", "/etc/modules.conf"),
        ("rhel", "2.1", "BusLogic", "/etc/modules.conf"),
        ("centos", "5.11", "mptspi", "/etc/modprobe.conf"),
    ],
)
def test_red_hat_gets_the_driver_and_the_file_of_its_version(
    distribution: str, version: str, driver: str, config: str
) -> None:
    answer = made(distribution, version)
    line = f"mkinitrd -v -f --with={driver} /boot/initrd-$(uname -r).img $(uname -r)"
    assert ("source", line) in commands(answer, "build-initrd")
    places = [on for on, _ in commands(answer, "check-scsi-driver")]
    assert f"line in {config}" in places
    assert (f"line in {config}", "alias eth0 pcnet32") in commands(answer, "check-nic-driver")
    assert (f"line in {config}", "alias eth0 vmxnet") in commands(answer, "check-nic-driver")


def test_documented_releases_name_the_host_adapter() -> None:
    four, three = commands(made("centos", "4"), "check-scsi-driver"), commands(made("centos", "3"), "check-scsi-driver")
    assert ("line in /etc/modprobe.conf", "alias scsi_hostadapter mptscsih") in four
    assert ("line in /etc/modules.conf", "alias scsi_hostadapter BusLogic") in three


@pytest.mark.parametrize(
    ("distribution", "version", "identifier", "line"),
    [
        (
            "rocky", "9", "build-initrd-dracut",
            'dracut --force --add-drivers "mptspi mptsas vmw_pvscsi vmxnet3" '
            "/boot/initramfs-$(uname -r).img $(uname -r)",
        ),
        ("ubuntu", "22.04", "build-initrd-initramfs-tools", "update-initramfs -u -k $(uname -r)"),
        ("debian", "12", "build-initrd-initramfs-tools", "update-initramfs -u -k $(uname -r)"),
        ("sles", "11", "build-initrd-suse", "mkinitrd"),
        ("sles", "15", "build-initrd-dracut",
         'dracut --force --add-drivers "mptspi mptsas vmw_pvscsi vmxnet3" /boot/initrd-$(uname -r) $(uname -r)'),
    ],
)  # fmt: skip
def test_newer_systems_get_their_own_initrd_tool_and_are_flagged_by_age(
    distribution: str, version: str, identifier: str, line: str
) -> None:
    answer = made(distribution, version)
    assert ("source", line) in commands(answer, identifier)
    assert answer.age in {"later", "modern"}
    assert any(note.startswith("Age: ") for note in answer.notes)


def test_documented_system_is_not_flagged_by_age() -> None:
    assert made("centos", "4").age == "documented"
    assert not any(note.startswith("Age: ") for note in made("centos", "4").notes)


def test_suse_command_puts_the_driver_first_in_its_list() -> None:
    (script,) = [run for _, run in commands(made("sles", "10"), "build-initrd-suse") if run.startswith("sed")]
    expression = script.split("'")[1]
    edited = subprocess.run(
        ["sed", expression], input='INITRD_MODULES="ata_piix ext3"\n', capture_output=True, text=True, check=True
    )
    assert edited.stdout == 'INITRD_MODULES="mptspi ata_piix ext3"\n'


def test_documented_commands_include_the_lost_target_address() -> None:
    assert commands(made(), "clone-sda") == [
        ("target", "nc -l -p 9001 | dd of=/dev/sda"),
        ("source", "dd if=/dev/sda | nc 10.4.1.3 9001"),
    ]
    assert any(correction.id == "target-address" for correction in made().corrections)


def test_each_disk_has_its_own_port_and_becomes_the_next_scsi_disk() -> None:
    answer = made(disks=["hda:39070080", "hdb", "cciss/c0d0"])
    assert [commands(answer, f"clone-{name}") for name in ("hda", "hdb", "cciss-c0d0")] == [
        [("target", f"nc -l -p {port} | dd of={target}"), ("source", f"dd if={source} | nc 10.4.1.3 {port}")]
        for port, target, source in [
            (9001, "/dev/sda", "/dev/hda"),
            (9002, "/dev/sdb", "/dev/hdb"),
            (9003, "/dev/sdc", "/dev/cciss/c0d0"),
        ]
    ]


def test_the_27th_disk_is_sdaa() -> None:
    names = [f"sd{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert ("target", "nc -l -p 9027 | dd of=/dev/sdaa") in commands(made(disks=[*names, "vda"]), "clone-vda")


@pytest.mark.parametrize(
    ("netcat", "listen", "send"),
    [
        ("traditional", "nc -l -p 9001", "nc 10.4.1.3 9001"),
        ("openbsd", "nc -l 9001", "nc -N 10.4.1.3 9001"),
        ("ncat", "ncat -l 9001", "ncat --send-only 10.4.1.3 9001"),
    ],
)
def test_each_netcat_gets_its_own_options(netcat: str, listen: str, send: str) -> None:
    answer = made(netcat=netcat)
    assert commands(answer, "clone-sda") == [
        ("target", f"{listen} | dd of=/dev/sda"),
        ("source", f"dd if=/dev/sda | {send}"),
    ]
    assert "OpenBSD" in item(answer, "know-your-netcat").why


def test_without_a_target_address_the_commands_have_a_placeholder_with_a_note() -> None:
    answer = made(target_ip="")
    assert commands(answer, "clone-sda")[1] == ("source", "dd if=/dev/sda | nc TARGET-IP 9001")
    assert any("TARGET-IP" in note for note in answer.notes)


def test_lvm_rules_out_powerconvert() -> None:
    with_lvm, without = made(lvm=True), made(lvm=False)
    assert "does not support LVM" in item(with_lvm, "rule-out-powerconvert").why
    assert item(with_lvm, "rule-out-powerconvert").applies_to == {"lvm": [True]}
    assert "weigh-powerconvert" in [step.id for step in without.items]
    assert "record-lvm" not in [step.id for step in without.items]


def test_all_renamed_disks_are_renamed_in_fstab() -> None:
    answer = made(disks=["hda", "sda", "cciss/c0d0"])
    (script,) = [run for _, run in commands(answer, "rename-disks") if run.startswith("sed")]
    expressions = re.findall(r"-e '([^']*)'", script)
    fstab = "/dev/hda1 /\n/dev/sda3 /home\n/dev/cciss/c0d0p2 /data\n/dev/cciss/c0d0\nLABEL=/boot /boot\n"
    arguments = [word for expression in expressions for word in ("-e", expression)]
    edited = subprocess.run(["sed", *arguments], input=fstab, capture_output=True, text=True, check=True)
    assert edited.stdout == "/dev/sda1 /\n/dev/sdb3 /home\n/dev/sdc2 /data\n/dev/sdc\nLABEL=/boot /boot\n"


def test_disks_that_keep_their_names_need_no_renaming() -> None:
    assert "rename-disks" not in [step.id for step in made(disks=["sda", "sdb"]).items]


def test_each_file_system_is_filled_with_zeros() -> None:
    answer = made(filesystems=["/", "/usr", "/var/log/"])
    assert commands(answer, "zero-fill-usr") == [
        ("source", "dd if=/dev/zero of=/usr/bigfile bs=1M; sync; rm -f /usr/bigfile")
    ]
    assert commands(answer, "zero-fill")[0][1].endswith("rm -f /bigfile")
    assert commands(answer, "zero-fill-var--log")[0][1].endswith("rm -f /var/log/bigfile")


def test_fingerprint_reads_as_many_bytes_as_the_source_has() -> None:
    answer = made(disks=["hda:39070080"])
    assert ("source", "md5sum /dev/hda") in commands(answer, "fingerprint-source-hda")
    assert ("target", "head -c 40007761920 /dev/sda | md5sum") in commands(answer, "verify-fingerprint-hda")
    assert ("target", "head -c 40007761920 /dev/sda | sha256sum") in commands(answer, "verify-fingerprint-hda")
    assert item(answer, "verify-fingerprint-hda").optional


def test_target_disk_is_slightly_larger() -> None:
    assert ("VM settings", "disk for /dev/sda: 38 GB, slightly larger than 37.260 GB (becomes /dev/sda)") in commands(
        made(), "create-vm"
    )


@pytest.mark.parametrize(
    ("identifier", "line"),
    [
        ("boot-target-live", "knoppix 2"),
        ("verify-partitions-sda", "fdisk -l /dev/sda"),
        ("check-file-systems", "e2fsck -f /dev/sda1"),
        ("resize-file-systems", "resize2fs -p /dev/sda1"),
        ("switch-nic-vmxnet", "CD-ROM: /usr/lib/vmware/isoimages/linux.iso"),
        ("single-user-boot", "single"),
        ("start-tools-before-network", "mv /etc/rc3.d/S19vmware-tools /etc/rc3.d/S09vmware-tools"),
        ("boot-rescue", "linux rescue"),
        ("boot-rescue", "chroot /mnt/sysimage"),
        ("time-sync", 'tools.timeSync = "TRUE"'),
        ("time-sync", 'tools.syncTime = "TRUE"'),
        ("clock-pit", "kernel ... clock=pit"),
    ],
)
def test_documented_command_is_there(identifier: str, line: str) -> None:
    assert line in [run for _, run in commands(made("centos", "3"), identifier)]


def test_ntp_in_the_guest_is_recommended_before_the_clock_of_tools() -> None:
    lines = [run for _, run in commands(made("centos", "3"), "time-sync")]
    assert lines[0] == 'tools.syncTime = "FALSE"'


@pytest.mark.parametrize(("version", "identifier"), [("4", "clock-pmtmr"), ("5", "clock-source")])
def test_divider_is_advised_against_where_it_can_cause_a_panic(version: str, identifier: str) -> None:
    step = item(made("rhel", version), identifier)
    assert "Do not add divider=10" in step.warning
    assert not any("divider" in run for _, run in commands(made("rhel", version), identifier))


def test_rhel_4_turns_the_hpet_off_as_in_the_table_of_vmware() -> None:
    assert "kernel ... clock=pmtmr hpet=disable" in [run for _, run in commands(made("rhel", "4"), "clock-pmtmr")]


@pytest.mark.parametrize("name", ["plan 9", "centso", "Ünix", "x" * 64, "4"])
def test_unknown_distribution_gets_the_general_steps_and_the_known_distributions(name: str) -> None:
    answer = made(name, "")
    assert not answer.known
    assert "There are recipes for: Red Hat Enterprise Linux, CentOS" in answer.notes[0]
    assert {"distribution-not-known", "build-initrd-general", "clone-sda"} <= {step.id for step in answer.items}


def test_near_miss_is_suggested() -> None:
    assert "centos" in made("centso").suggestions


@pytest.mark.parametrize("version", ["", "trixie", "99999", "1"])
def test_unknown_version_names_the_versions_with_a_recipe(version: str) -> None:
    answer = made("centos", version)
    assert not answer.known
    assert "2 up to (not including) 4" in answer.notes[0]


@pytest.mark.parametrize(("name", "version"), [("centos4", "4"), ("CentOS 4", "4"), ("opensuse-13.1", "13.1")])
def test_version_at_the_end_of_the_name_counts(name: str, version: str) -> None:
    answer = made(name, "")
    assert (answer.known, answer.source.version) == (True, version)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"distribution": ""}, "distribution"),
        ({"distribution": "$(reboot)"}, "distribution"),
        ({"distribution": "x" * 65}, "distribution"),
        ({"version": "4; reboot"}, "version"),
        ({"disks": ["sda1"]}, "disk"),
        ({"disks": ["nvme0n1p2"]}, "disk"),
        ({"disks": ["sda;reboot"]}, "disk"),
        ({"disks": ["../sda"]}, "disk"),
        ({"disks": ["sda", "/dev/sda"]}, "disk"),
        ({"disks": ["sda:"]}, "disk"),
        ({"disks": ["sda:0"]}, "disk"),
        ({"disks": ["sda:12XB"]}, "disk"),
        ({"disks": [f"nvme{n}n1" for n in range(61)]}, "disk"),
        ({"target_ip": "10.4.1"}, "target_ip"),
        ({"target_ip": "10.4.1.3;id"}, "target_ip"),
        ({"target_ip": "127.0.0.1"}, "target_ip"),
        ({"target_ip": "0.0.0.0"}, "target_ip"),
        ({"source_ip": "224.0.0.1"}, "source_ip"),
        ({"source_ip": "fe80::1%eth0;id"}, "source_ip"),
        ({"port": 0}, "port"),
        ({"port": "65536"}, "port"),
        ({"port": "90o1"}, "port"),
        ({"port": "²"}, "port"),
        ({"port": 65535, "disks": ["sda", "sdb"]}, "port"),
        ({"netcat": "socat"}, "netcat"),
        ({"filesystems": ["usr"]}, "filesystem"),
        ({"filesystems": ["/usr; id"]}, "filesystem"),
        ({"filesystems": ["/a/../b"]}, "filesystem"),
        ({"filesystems": ["/x" * 200]}, "filesystem"),
    ],
)
def test_wrong_value_is_refused_with_the_name_of_its_field(values: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidSource) as refused:
        described(**{"distribution": "centos", "version": "4", **values})  # type: ignore[arg-type]
    assert refused.value.field == field
    assert len(str(refused.value)) < 200


words = st.one_of(
    st.text(max_size=70),
    st.sampled_from(["centos", "4", "sda", "hda:36GB", "10.4.1.3", "9001", "/usr", "a'b", "`id`", "$(id)", "a\nb"]),
)


@given(distribution=words, version=words, disk=words, target_ip=words, source_ip=words, port=words, filesystem=words)
@settings(max_examples=150, deadline=None)
def test_no_value_breaks_out_of_its_command(
    distribution: str, version: str, disk: str, target_ip: str, source_ip: str, port: str, filesystem: str
) -> None:
    try:
        source = described(
            distribution=distribution, version=version, disks=[disk], target_ip=target_ip, source_ip=source_ip,
            port=port, filesystems=[filesystem],
        )  # fmt: skip
    except InvalidSource:
        return
    assert re.fullmatch(r"[a-z0-9/]+", source.disks[0].name)
    assert re.fullmatch(r"[0-9a-f.:]*", source.target_ip + source.source_ip)
    assert re.fullmatch(r"/[A-Za-z0-9_./-]*", source.filesystems[0])
    for step in checklist(source).items:
        for command in step.commands:
            assert "\n" not in command.run
            if distribution.strip() not in {"centos", "4"} and command.on in SHELLS:
                assert re.fullmatch(r"[ -~]+", command.run)


@given(st.text(max_size=40))
def test_any_size_is_read_or_refused(text: str) -> None:
    with suppress(InvalidSource):
        blocks = described(distribution="centos", version="4", disks=[f"sda:{text}"]).disks[0].blocks
        assert blocks is not None
        assert blocks >= 1


def test_markdown_has_a_box_for_every_step_and_every_command_literally() -> None:
    answer = made()
    text = checklist_markdown(answer)
    assert text.count("- [ ] ") == len(answer.items)
    assert "        dd if=/dev/sda | nc 10.4.1.3 9001\n" in text
    assert text.index("## Preparation") < text.index("## Cloning the disks over the network")


def test_every_mend_is_listed_with_what_the_page_has() -> None:
    corrections = {correction.id: correction for correction in facts.corrections()}
    assert corrections["target-address"].document == "dd if=/dev/sda | nc 9001"
    assert {"with-dashes", "resize-line", "time-sync-quotes", "fingerprint-of-larger-disk"} <= set(corrections)
