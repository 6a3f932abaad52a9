"""The driver map scripts, run by bash on an imitated ESX host: a boot and a root directory with files as on ESX."""

import gzip
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.drivermap.device import DEFAULT_KERNEL, Device, InvalidDevice, described
from knowledge.drivermap.script import Way, script
from tests.peers.fetch import require

MAP = "1022:7409 0000:0000 ide-scsi.o\n10de:036e 0000:0000 usb.o\n10de:037e 0000:0000 sata_nv.o\n"
IDS = (
    "# PCI IDs\n"
    "1022  Advanced Micro Devices\n\t037e  Not this one\n"
    "10de  nVidia Corporation\n\t036e  MCP55 USB\n\t037e  MCP55 SATA Controller\n\t\t1043 81c0  A board\n\t0400  G84\n"
    "10df  Emulex Corporation\n\tf900  LP9000\n"
    "C 01  Mass storage controller\n"
)
SECTION = (
    '    <device id="037e">\n      <vmware label="scsi">\n        <driver>sata_nv</driver>\n      </vmware>\n'
    "      <name>MCP55 SATA</name>\n    </device>\n"
)
DRIVER_XML = (
    "<?xml version='1.0' encoding='iso-8859-1'?>\n<pcitable>\n"
    f'  <vendor id="10de">\n    <short>nVidia</short>\n{SECTION}  </vendor>\n</pcitable>\n'
)
MERGED_XML = DRIVER_XML.replace(
    '  <vendor id="10de">',
    '  <vendor id="1022">\n    <device id="037e">\n      <name>Not this one</name>\n    </device>\n  </vendor>\n'
    '  <vendor id="10de">',
)
NEW_SECTION = SECTION.replace("037e", "037f").replace("MCP55 SATA<", "Rack &amp; SATA<")
INITRD = f"initrd-{DEFAULT_KERNEL}.img"


def the_device(**changes: str) -> Device:
    values = {"device": "10de:037f", "like": "037e", "driver": "sata_nv", "name": "Rack & SATA"}
    return described(**{**values, **changes})


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Create a directory with `boot` and `root` of an ESX host, without the initrd."""
    vmware = tmp_path / "root/etc/vmware"
    (vmware / "pciid").mkdir(parents=True)
    for folder in ("boot", "root/etc/init.d", "root/etc/rc3.d"):
        (tmp_path / folder).mkdir()
    (vmware / "pci.ids").write_text(IDS)
    (vmware / "pci.xml.merged").write_text(MERGED_XML)
    (vmware / "pciid/sata_nv.xml").write_text(DRIVER_XML)
    return tmp_path


def sourced(device: Device, way: Way, command: str) -> subprocess.CompletedProcess[str]:
    """Run one command after sourcing the script, which then only defines its functions."""
    text = f'source /dev/stdin <<"SCRIPT_ENDS_HERE"\n{script(device, way)}SCRIPT_ENDS_HERE\n{command}\n'
    return subprocess.run(["bash"], input=text, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("way", Way)
def test_bash_finds_nothing_wrong(way: Way) -> None:
    text = script(the_device(name="It's a rack & [SATA]"), way)
    checked = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("way", Way)
def test_shellcheck_finds_nothing_wrong(way: Way) -> None:
    shellcheck = str(require("shellcheck"))
    text = script(the_device(name="It's a rack & [SATA]"), way)
    checked = subprocess.run([shellcheck, "-"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("way", Way)
def test_script_has_no_typographic_characters(way: Way) -> None:
    assert script(the_device(), way).isascii()


def test_rescue_way_needs_a_similar_device() -> None:
    with pytest.raises(InvalidDevice, match="similar device"):
        script(the_device(like=""), Way.RESCUE)


def test_new_map_line_is_separate_from_a_last_line_without_newline(host: Path) -> None:
    file = host / "simple.map"
    file.write_text(MAP.removesuffix("\n"))
    assert (
        sourced(the_device(), Way.AUTOMATED, f"map_with_new_line {file}").stdout
        == MAP + "10de:037f 0000:0000 sata_nv.o\n"
    )


def test_duplicated_map_line_follows_that_of_the_similar_device(host: Path) -> None:
    file = host / "simple.map"
    file.write_text("10DE:037E 0000:0000 sata_nv.o\n8086:1234 0000:0000 e1000.o\n")
    done = sourced(the_device(), Way.RESCUE, f"map_with_duplicate {file}")
    assert done.stdout.splitlines()[1] == "10de:037f 0000:0000 sata_nv.o"
    assert len(done.stdout.splitlines()) == 3


@pytest.mark.parametrize(("content", "problem"), [("1022:1 0:0 x.o\n", "no line"), (MAP, "sata_nv.o for the similar")])
def test_duplication_is_refused_without_a_matching_map_line(host: Path, content: str, problem: str) -> None:
    file = host / "simple.map"
    file.write_text(content)
    done = sourced(the_device(driver="ahci"), Way.RESCUE, f"map_with_duplicate {file}")
    assert done.returncode != 0
    assert problem in done.stderr


@pytest.mark.parametrize("way", Way)
def test_pci_ids_entry_is_sorted_by_number_and_does_not_take_over_subsystem_lines(host: Path, way: Way) -> None:
    done = sourced(the_device(), way, f"ids_with {host}/root/etc/vmware/pci.ids")
    assert done.stdout == IDS.replace("\t0400  G84", "\t037f  Rack & SATA\n\t0400  G84")


def test_pci_ids_entry_with_the_highest_number_is_the_last_of_its_vendor(host: Path) -> None:
    done = sourced(the_device(device="10de:0fff"), Way.AUTOMATED, f"ids_with {host}/root/etc/vmware/pci.ids")
    assert done.stdout == IDS.replace("10df  Emulex", "\t0fff  Rack & SATA\n10df  Emulex")


@pytest.mark.parametrize(
    ("device", "problem"), [("10de:0400", "already has the device"), ("1af4:1001", "has no vendor 1af4")]
)
def test_pci_ids_is_refused_when_it_has_the_device_or_does_not_have_the_vendor(
    host: Path, device: str, problem: str
) -> None:
    done = sourced(the_device(device=device), Way.AUTOMATED, f"ids_with {host}/root/etc/vmware/pci.ids")
    assert done.returncode != 0
    assert problem in done.stderr


def test_duplicated_xml_section_has_the_same_driver_and_the_new_number_and_name(host: Path) -> None:
    done = sourced(the_device(), Way.RESCUE, f"xml_with_duplicate {host}/root/etc/vmware/pci.xml.merged")
    assert done.stdout == MERGED_XML.replace(SECTION, SECTION + NEW_SECTION)


def test_new_xml_element_is_the_last_of_its_vendor(host: Path) -> None:
    done = sourced(the_device(), Way.AUTOMATED, f"xml_with_new_element {host}/root/etc/vmware/pci.xml.merged")
    assert done.stdout == MERGED_XML.replace(SECTION, SECTION + NEW_SECTION)


@pytest.mark.parametrize(
    ("way", "function"), [(Way.RESCUE, "xml_with_duplicate"), (Way.AUTOMATED, "xml_with_new_element")]
)
def test_xml_that_has_the_device_is_refused(host: Path, way: Way, function: str) -> None:
    file = host / "root/etc/vmware/pciid/sata_nv.xml"
    file.write_text(DRIVER_XML.replace(SECTION, SECTION + NEW_SECTION))
    done = sourced(the_device(), way, f"{function} {file}")
    assert done.returncode != 0
    assert "already has the device" in done.stderr


def test_xml_with_another_driver_for_the_similar_device_is_refused(host: Path) -> None:
    done = sourced(
        the_device(driver="ahci"), Way.RESCUE, f"xml_with_duplicate {host}/root/etc/vmware/pciid/sata_nv.xml"
    )
    assert done.returncode != 0
    assert "another driver" in done.stderr


def test_xml_without_the_vendor_is_refused(host: Path) -> None:
    file = host / "root/etc/vmware/pciid/sata_nv.xml"
    done = sourced(the_device(device="1af4:1001", like=""), Way.AUTOMATED, f"xml_with_new_element {file}")
    assert done.returncode != 0
    assert "no closing tag of vendor 1af4" in done.stderr


@pytest.mark.parametrize("way", Way)
def test_missing_initrd_stops_before_anything_is_changed(host: Path, way: Way) -> None:
    environment = {**os.environ, "BOOT": str(host / "boot"), "ROOT": str(host / "root")}
    done = sourced(the_device(), way, f"BOOT={environment['BOOT']} ROOT={environment['ROOT']}; find_files")
    assert done.returncode != 0
    assert f"no {INITRD}" in done.stderr
    assert not list(host.rglob("*.org"))


@given(
    name=st.text(max_size=90),
    driver=st.one_of(st.text(max_size=40), st.sampled_from(["sata_nv", "x;reboot", "$(id)", "a b"])),
    kernel=st.one_of(st.text(max_size=70), st.just(DEFAULT_KERNEL)),
)
@settings(max_examples=60, deadline=None)
def test_every_value_reaches_the_script_literally_or_is_refused(name: str, driver: str, kernel: str) -> None:
    try:
        device = the_device(name=name, driver=driver, kernel=kernel)
    except InvalidDevice:
        return
    done = sourced(device, Way.RESCUE, 'printf "%s\\n" "$VENDOR" "$DEVICE" "$LIKE" "$DRIVER" "$NAME" "$KERNEL"')
    expected = [device.vendor, device.device, device.like, device.driver, device.name, device.kernel]
    assert done.stdout.splitlines() == expected


@given(name=st.text(alphabet="aZ09 .,:;+/_()[]&'#@=-", min_size=1, max_size=80).filter(str.strip))
@settings(max_examples=30, deadline=None)
def test_every_allowed_name_reaches_pci_ids_literally(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.getbasetemp() / "pci.ids"
    file.write_text(IDS)
    device = the_device(name=name)
    done = sourced(device, Way.AUTOMATED, f"ids_with {file}")
    assert f"\t037f  {device.name}\n" in done.stdout


# --- whole runs, with the image really mounted; they need root and loop devices ------------------------------------


@pytest.fixture(scope="module")
def loop_mount() -> None:
    """Root and loop devices, which the scripts need to mount an initrd image."""
    require("loop-mount")


needs_loop = pytest.mark.usefixtures("loop_mount")


def make_initrd(host: Path, content: str = MAP) -> Path:
    """Put an initrd of the old form, a gzipped ext2 image with a simple.map, into the host's boot directory."""
    tree = host / "tree"
    (tree / "etc/vmware").mkdir(parents=True)
    (tree / "etc/vmware/simple.map").write_text(content)
    (tree / "linuxrc").write_text("#!/bin/nash\n")
    (tree / "linuxrc").chmod(0o755)
    image = host / "image"
    with image.open("wb") as file:
        file.truncate(1024 * 1024)
    mke2fs = str(require("mke2fs"))
    subprocess.run([mke2fs, "-q", "-F", "-b", "1024", "-d", str(tree), str(image)], check=True, capture_output=True)
    initrd = host / "boot" / INITRD
    initrd.write_bytes(gzip.compress(image.read_bytes()))
    return initrd


def run_script(host: Path, way: Way, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BOOT": str(host / "boot"), "ROOT": str(host / "root"), "IMAGE_KB": "2000"}
    file = host / "add.sh"
    file.write_text(script(the_device(), way))
    command = ["bash", str(file), *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def file_in_initrd(initrd: Path, name: str) -> str:
    image = initrd.with_suffix(".read")
    image.write_bytes(gzip.decompress(initrd.read_bytes()))
    debugfs = str(require("debugfs"))
    read = subprocess.run([debugfs, "-R", f"cat {name}", str(image)], capture_output=True, text=True, check=True)
    image.unlink()
    return read.stdout


def contents(host: Path) -> dict[str, bytes]:
    places = [host / "boot", host / "root"]
    return {str(file): file.read_bytes() for place in places for file in place.rglob("*") if file.is_file()}


def mounts_below(host: Path) -> list[str]:
    return [line for line in Path("/proc/mounts").read_text().splitlines() if str(host) in line]


@needs_loop
@pytest.mark.parametrize("way", Way)
def test_whole_run_changes_all_four_files_and_leaves_nothing_behind(host: Path, way: Way) -> None:
    initrd = make_initrd(host)
    before = contents(host)
    done = run_script(host, way)
    assert done.returncode == 0, done.stderr
    assert file_in_initrd(initrd, "/etc/vmware/simple.map") == MAP + "10de:037f 0000:0000 sata_nv.o\n"
    assert file_in_initrd(initrd, "/linuxrc") == "#!/bin/nash\n"
    vmware = host / "root/etc/vmware"
    assert "\t037f  Rack & SATA\n" in (vmware / "pci.ids").read_text()
    assert NEW_SECTION in (vmware / "pci.xml.merged").read_text()
    assert NEW_SECTION in (vmware / "pciid/sata_nv.xml").read_text()
    assert all(Path(file + ".org").read_bytes() == old for file, old in before.items())
    assert mounts_below(host) == []
    assert list((host / "root/tmp").iterdir()) == []


@needs_loop
def test_automated_way_runs_esxcfg_pciid_once_at_the_next_boot(host: Path) -> None:
    make_initrd(host)
    run_script(host, Way.AUTOMATED)
    link = host / "root/etc/rc3.d/S99esxcfg-pciid-once"
    assert link.resolve() == host / "root/etc/init.d/esxcfg-pciid-once"
    assert os.access(link, os.X_OK)
    assert "if /usr/sbin/esxcfg-pciid; then" in link.read_text()


@needs_loop
def test_rescue_way_makes_an_image_that_a_2_4_kernel_can_read(host: Path) -> None:
    initrd = make_initrd(host)
    run_script(host, Way.RESCUE)
    image = host / "new-image"
    image.write_bytes(gzip.decompress(initrd.read_bytes()))
    dumpe2fs = str(require("dumpe2fs"))
    printed = subprocess.run([dumpe2fs, "-h", str(image)], capture_output=True, text=True, check=True).stdout
    assert "Inode size:\t          128" in printed
    assert image.stat().st_size == 2000 * 1024
    features = next(line for line in printed.splitlines() if "features" in line).split(":")[1].split()
    assert sorted(features) == ["filetype", "sparse_super"]


@needs_loop
@pytest.mark.parametrize("way", Way)
def test_check_replaces_nothing(host: Path, way: Way) -> None:
    make_initrd(host)
    before = contents(host)
    done = run_script(host, way, "--check")
    assert done.returncode == 0, done.stderr
    assert "nothing was replaced" in done.stdout
    assert contents(host) == before
    assert mounts_below(host) == []


@needs_loop
@pytest.mark.parametrize("way", Way)
def test_second_run_is_refused_and_undo_restores_everything(host: Path, way: Way) -> None:
    make_initrd(host)
    before = contents(host)
    run_script(host, way)
    changed = contents(host)
    again = run_script(host, way)
    assert again.returncode != 0
    assert "was run before" in again.stderr
    assert contents(host) == changed
    assert run_script(host, way, "--undo").returncode == 0
    assert contents(host) == before


@needs_loop
@pytest.mark.parametrize("way", Way)
def test_initrd_with_the_device_stops_the_run_and_is_unmounted(host: Path, way: Way) -> None:
    make_initrd(host, MAP + "10de:037f 0000:0000 sata_nv.o\n")
    before = contents(host)
    done = run_script(host, way)
    assert done.returncode != 0
    assert "already has 10de:037f" in done.stderr
    assert contents(host) == before
    assert mounts_below(host) == []


@needs_loop
def test_initrd_below_boot_boot_is_found_too(host: Path) -> None:
    initrd = make_initrd(host)
    (host / "boot/boot").mkdir()
    shutil.move(initrd, host / "boot/boot" / INITRD)
    assert run_script(host, Way.AUTOMATED).returncode == 0
    assert (host / "boot/boot" / f"{INITRD}.org").exists()


def test_wrong_option_is_answered_with_the_usage(host: Path) -> None:
    done = run_script(host, Way.AUTOMATED, "--forse")
    assert done.returncode == 2
    assert "--check" in done.stderr
