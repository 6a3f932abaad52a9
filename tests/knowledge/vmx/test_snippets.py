"""Snippets have the right keys, safe text and free slots, and wrong parameters get a helpful message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.vmx.catalogue import InvalidParameterError, UnknownSnippetError
from knowledge.vmx.devices import NoFreeSlotError
from knowledge.vmx.parse import parse
from knowledge.vmx.serial import SerialPipe
from knowledge.vmx.snippets import SNIPPETS, described, render

PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=100)


def lines(name: str, vmx: str | None = None, /, **parameters: str) -> list[str]:
    return render(name, parameters, parse(vmx) if vmx is not None else None).text.splitlines()


@pytest.mark.parametrize("name", SNIPPETS)
def test_every_snippet_renders_its_example_to_a_vmx_without_a_finding(name: str) -> None:
    rendered = render(name, SNIPPETS[name].example)
    for text in rendered.texts.values():
        assert parse(text).findings == []
        assert text.isascii()
    assert rendered.notes
    assert SNIPPETS[name].source


@pytest.mark.parametrize("name", SNIPPETS)
def test_every_snippet_describes_the_allowed_values_of_each_parameter(name: str) -> None:
    for parameter in described(SNIPPETS[name]).parameters:
        assert parameter.meaning
        assert parameter.allowed


def test_the_documented_pipe_has_both_ends() -> None:
    path = "/vmfs/volumes/472c028b-dd6c1d22-a8f4-001aa0c0b349/Zangief-Fileserver/Zangief-pipe"
    rendered = render("serial-pipe", {"path": path})
    server = [
        'serial0.present = "true"',
        'serial0.yieldOnMsrRead = "true"',
        'serial0.fileType = "pipe"',
        f'serial0.fileName = "{path}"',
        'serial0.pipe.endPoint = "server"',
        'serial0.tryNoRxLoss = "true"',
    ]
    assert rendered.texts["server"].splitlines() == server
    assert rendered.texts["client"].splitlines() == [line.replace('"server"', '"client"') for line in server]
    assert rendered.texts["server"] in rendered.text
    assert rendered.texts["client"] in rendered.text


def test_the_notes_of_the_pipe_say_that_it_is_invisible_and_where_sources_disagree() -> None:
    notes = " ".join(render("serial-pipe", {"path": "/a"}).notes)
    assert "service console" in notes
    assert "libvirt" in notes
    assert "Packer" in notes


def test_a_pipe_to_an_application_has_one_end_that_sets_try_no_rx_loss() -> None:
    rendered = render("serial-pipe", {"path": "/a", "far_end": "application", "vm_role": "client", "form": "peers"})
    assert list(rendered.texts) == ["client"]
    assert rendered.text.splitlines()[-2:] == ['serial0.pipe.endPoint = "client"', 'serial0.tryNoRxLoss = "true"']


def test_the_peers_form_turns_try_no_rx_loss_off_between_vms() -> None:
    rendered = render("serial-pipe", {"path": "/a", "form": "peers"})
    assert all('tryNoRxLoss = "false"' in text for text in rendered.texts.values())


def test_the_typed_pipe_refuses_settings_for_an_end_that_is_an_application() -> None:
    pipe = SerialPipe(path="/a", far_end="application")
    assert pipe.ends == ("server",)
    with pytest.raises(ValueError, match="client end of this pipe is an application"):
        pipe.settings("client")


def test_a_relative_pipe_path_has_a_warning() -> None:
    assert "relative" in render("serial-pipe", {"path": "pipe"}).notes[0]
    assert "relative" not in render("serial-pipe", {"path": "/vmfs/pipe"}).notes[0]


def test_time_synchronization_writes_the_key_that_products_read_and_the_documented_one() -> None:
    assert lines("tools-timesync") == ['tools.syncTime = "TRUE"', 'tools.timeSync = "TRUE"']
    assert lines("tools-timesync", documented_key="no", enabled="off") == ['tools.syncTime = "FALSE"']


@pytest.mark.parametrize("kind", ["buslogic", "lsilogic", "lsisas1068", "pvscsi"])
def test_each_scsi_controller_type(kind: str) -> None:
    assert lines("scsi-controller", type=kind) == ['scsi0.present = "TRUE"', f'scsi0.virtualDev = "{kind}"']


@pytest.mark.parametrize("kind", ["vlance", "vmxnet", "e1000", "vmxnet3"])
def test_each_network_card_type(kind: str) -> None:
    assert f'ethernet0.virtualDev = "{kind}"' in lines("nic", type=kind)


def test_vmxnet2_is_vmxnet_with_features() -> None:
    assert lines("nic", type="vmxnet2")[1:3] == ['ethernet0.virtualDev = "vmxnet"', 'ethernet0.features = "15"']


def test_a_change_of_card_type_keeps_its_network_and_address() -> None:
    vmx = 'ethernet0.present = "TRUE"\nethernet0.virtualDev = "vlance"\nethernet0.networkName = "DMZ"\n'
    assert lines("nic", vmx, type="vmxnet", index="0") == [
        'ethernet0.present = "TRUE"',
        'ethernet0.virtualDev = "vmxnet"',
    ]


def test_a_device_that_needs_newer_virtual_hardware_has_a_note() -> None:
    old = parse('virtualHW.version = "4"\n')
    assert "needs 7" in render("nic", {"type": "vmxnet3"}, old).notes[0]
    assert "needs 7" in render("scsi-controller", {"type": "pvscsi"}, old).notes[0]
    assert "needs 7" not in render("nic", {"type": "vmxnet"}, old).notes[0]


@pytest.mark.parametrize(
    ("name", "parameters", "vmx", "expected"),
    [
        ("serial-file", {"path": "b"}, 'serial0.present = "TRUE"\nserial0.fileName = "a"\n', "serial1."),
        ("serial-file", {"path": "b"}, 'serial0.present = "FALSE"\n', "serial0."),
        ("serial-file", {"path": "b"}, 'SERIAL0.Present = "true"\nserial2.present = "TRUE"\n', "serial1."),
        ("serial-file", {"path": "b", "index": "3"}, 'serial0.present = "TRUE"\n', "serial3."),
        ("serial-file", {"path": "b"}, 'serial0.present = "FALSE"\nserial0.fileName = "old"\n', "serial1."),
        ("nic", {}, 'ethernet0.present = "TRUE"\nethernet1.present = "TRUE"\n', "ethernet2."),
        ("scsi-controller", {}, 'scsi0.present = "TRUE"\n', "scsi1."),
        ("disk-scsi", {"path": "b.vmdk"}, 'scsi0.present = "TRUE"\nscsi0:0.present = "TRUE"\n', "scsi0:1."),
        ("cdrom-iso", {"path": "/b.iso"}, 'ide1:0.present = "TRUE"\nide1:0.fileName = "a.vmdk"\n', "ide0:0."),
        (
            "cdrom-iso",
            {"path": "/b.iso", "bus": "sata"},
            'sata0.present = "TRUE"\nsata0:0.present = "TRUE"\n',
            "sata0:1.",
        ),
    ],
)
def test_the_next_free_slot_is_used(name: str, parameters: dict[str, str], vmx: str, expected: str) -> None:
    assert any(line.startswith(expected) for line in lines(name, vmx, **parameters))


def test_the_scsi_unit_of_the_controller_is_skipped() -> None:
    vmx = 'scsi0.present = "TRUE"\n' + "".join(f'scsi0:{unit}.present = "TRUE"\n' for unit in range(7))
    assert 'scsi0:8.present = "TRUE"' in lines("disk-scsi", vmx, path="b.vmdk")


def test_the_slot_of_the_same_device_is_used_again() -> None:
    vmx = 'serial0.present = "TRUE"\n' + render("serial-pipe", {"path": "/a", "index": "2"}).texts["server"]
    assert 'serial2.pipe.endPoint = "server"' in lines("serial-pipe", vmx, path="/a")


def test_a_vmx_with_every_port_in_use_is_refused_with_a_message() -> None:
    vmx = "".join(f'serial{port}.present = "TRUE"\n' for port in range(32))
    with pytest.raises(NoFreeSlotError, match="serial0 to serial31 are all in use"):
        lines("serial-file", vmx, path="a")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("serial-pipe", {"path": "/a"}), ("serial-file", {"path": "a"}), ("serial-network", {"port": "7001"})],
)
def test_a_fifth_serial_port_has_a_note_about_the_hosts_that_have_it(name: str, parameters: dict[str, str]) -> None:
    four = "".join(f'serial{port}.present = "TRUE"\n' for port in range(4))
    fifth = render(name, parameters, parse(four))
    assert "serial4.present" in fifth.text
    assert "serial4 needs ESXi 6.0 or later" in " ".join(fifth.notes)
    assert "ESXi 6.0" not in " ".join(render(name, parameters).notes)


def test_a_unit_above_15_has_a_note_about_the_controller_that_has_it() -> None:
    assert "needs a pvscsi controller" in " ".join(render("disk-scsi", {"path": "a.vmdk", "slot": "scsi1:64"}).notes)
    assert "pvscsi" not in " ".join(render("disk-scsi", {"path": "a.vmdk", "slot": "scsi1:15"}).notes[:1])


def test_snippets_prefer_ntp_to_the_clock_of_tools() -> None:
    assert "VMware recommends NTP" in render("tools-timesync", {}).notes[0]


def test_a_network_port_has_a_note_that_the_vm_cannot_move() -> None:
    assert "cannot move with vMotion" in " ".join(render("serial-network", {"port": "7001"}).notes)


def test_an_iso_goes_into_the_existing_drive() -> None:
    vmx = 'ide0:0.present = "TRUE"\nide0:0.deviceType = "cdrom-raw"\nide0:0.clientDevice = "TRUE"\n'
    assert lines("cdrom-iso", vmx, path="/tools/linux.iso") == [
        'ide0:0.present = "TRUE"',
        'ide0:0.deviceType = "cdrom-image"',
        'ide0:0.fileName = "/tools/linux.iso"',
        'ide0:0.startConnected = "TRUE"',
        'ide0:0.clientDevice = "FALSE"',
    ]


def test_every_drive_of_the_vmx_is_disconnected() -> None:
    vmx = "".join(f'ide{slot}.present = "TRUE"\nide{slot}.deviceType = "cdrom-image"\n' for slot in ("0:1", "1:0"))
    assert sorted(lines("cdrom-disconnected", vmx)) == [
        'ide0:1.startConnected = "FALSE"',
        'ide1:0.startConnected = "FALSE"',
    ]
    assert lines("cdrom-disconnected", 'a = "1"') == []
    assert lines("floppy-disconnected", 'floppy1.present = "TRUE"', keep_drive="false") == [
        'floppy0.present = "FALSE"',
        'floppy1.present = "FALSE"',
    ]


def test_the_rescue_boot_order_has_the_cdrom_first_and_opens_the_setup_once() -> None:
    assert lines("boot-order", boot_disk="scsi0:0", delay_ms="10000") == [
        'bios.bootOrder = "cdrom,hdd"',
        'bios.hddOrder = "scsi0:0"',
        'bios.bootDelay = "10000"',
        'bios.forceSetupOnce = "TRUE"',
    ]
    assert "bios.hddOrder" in render("boot-order", {}).notes[0]


def test_the_appliance_settings_disconnect_drives_and_update_tools() -> None:
    text = lines("appliance", annotation='The "relay"', name="relay")
    assert 'annotation = "The |22relay|22"' in text
    assert 'floppy0.startConnected = "FALSE"' in text
    assert 'tools.upgrade.policy = "upgradeAtPowerCycle"' in text


@given(path=PRINTABLE.filter(lambda text: text.strip() and text[0] not in "“”„‟" and text[-1] not in "“”„‟"))
def test_any_path_is_read_back_from_both_ends(path: str) -> None:
    for end, text in render("serial-pipe", {"path": path}).texts.items():
        vmx = parse(text)
        assert vmx.get("serial0.fileName") == path
        assert vmx.get("serial0.pipe.endPoint") == end
        assert len(vmx.entries) == 6
        assert vmx.findings == []


@given(
    name=st.sampled_from(["serial-pipe", "serial-file", "disk-scsi", "cdrom-iso"]),
    value=st.builds(
        lambda a, mark, b: a + mark + b, st.text(), st.sampled_from("\n\r\0\x0b\x85\u2028\u2029\x7f"), st.text()
    ),
)
def test_a_value_with_a_line_break_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidParameterError, match="path"):
        render(name, {"path": value})


@given(values=st.dictionaries(st.sampled_from([p.name for s in SNIPPETS.values() for p in s.parameters]), st.text()))
@pytest.mark.parametrize("name", SNIPPETS)
def test_any_parameters_give_well_formed_lines_or_are_refused(name: str, values: dict[str, str]) -> None:
    try:
        rendered = render(name, values)
    except InvalidParameterError:
        return
    for end, settings in rendered.settings.items():
        vmx = parse(rendered.texts[end])
        assert vmx.findings == []
        assert [(entry.key, entry.value) for entry in vmx.entries.values()] == settings


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("serial-pipe", {}, "needs path=... (full path of the pipe"),
        ("serial-pipe", {"path": ""}, "needs path="),
        ("serial-pipe", {"path": "  "}, "path cannot be"),
        ("serial-pipe", {"path": "/a", "pth": "x"}, "no parameter 'pth'. Its parameters: path, far_end"),
        ("serial-pipe", {"path": "/a", "far_end": "printer"}, "one of vm, application"),
        ("serial-pipe", {"path": "/a", "index": "32"}, "one of 0, 1, 2 to 31"),
        ("serial-pipe", {"path": "“/a”"}, "curly quotes; give it without quotes: /a"),
        ("serial-network", {"port": "70000"}, "a whole number from 1 to 65535"),
        ("serial-network", {"port": "²"}, "a whole number from 1 to 65535"),
        ("serial-network", {"port": "1", "host": "a b"}, "a host name"),
        ("tools-timesync", {"enabled": "maybe"}, "true or false"),
        ("boot-order", {"order": "cdrom,tape"}, "a comma-separated list"),
        ("boot-order", {"order": "cdrom,cdrom"}, "has a duplicate item"),
        ("disk-scsi", {"path": "a.vmdk", "slot": "scsi0:7"}, "scsi0:0, scsi0:1, scsi0:2 to scsi3:64"),
        ("cdrom-iso", {"path": "/a", "bus": "sata", "slot": "ide1:0"}, "is not on bus=sata"),
        ("disk-scsi", {"path": "x" * 5000}, "at most 4096"),
    ],
)
def test_a_wrong_parameter_is_refused_with_the_allowed_values(
    name: str, parameters: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        render(name, parameters)
    assert words in str(refused.value)


def test_an_unknown_snippet_lists_similar_names() -> None:
    with pytest.raises(UnknownSnippetError) as refused:
        render("serial-pip", {})
    assert refused.value.suggestions[0] == "serial-pipe"


def test_text_that_the_encoding_of_the_vmx_does_not_have_is_refused() -> None:
    latin = parse('.encoding = "windows-1252"\n')
    with pytest.raises(InvalidParameterError, match="windows-1252"):
        render("appliance", {"annotation": "日本"}, latin)
    assert "UTF-8" in " ".join(render("appliance", {"annotation": "日本"}).notes)
