"""The linter reports MAC addresses with which a host does not power a VM on."""

import pytest

from knowledge.finding import Finding, is_valid
from knowledge.vmx.lint import lint

VM = """config.version = "8"
virtualHW.version = "7"
displayName = "vm01"
guestOS = "rhel8-64"
floppy0.present = "FALSE"
"""


def card(number: int = 0, **settings: str) -> str:
    lines = {"present": "TRUE", "virtualDev": "vmxnet3"} | settings
    return "".join(f'ethernet{number}.{key} = "{value}"\n' for key, value in lines.items())


def static(address: str, number: int = 0) -> str:
    return card(number, addressType="static", address=address)


def found(vmx: str) -> Finding:
    (finding,) = lint(VM + vmx)
    return finding


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("00:0c:29:11:22:33", "00:50:56:11:22:33"),
        ("00:0C:29:FF:22:33", "00:50:56:3f:22:33"),
        ("00:05:69:01:02:03", "00:50:56:01:02:03"),
        ("00:50:56:40:00:00", "00:50:56:00:00:00"),
        ("00-50-56-FF-FF-FF", "00:50:56:3f:ff:ff"),
    ],
)
def test_a_static_address_that_vmware_reserves_is_an_error_with_one_of_the_range(address: str, inside: str) -> None:
    finding = found(static(address))
    assert (finding.rule, finding.severity) == ("mac-range", "error")
    assert "the address conflicts with VMware reserved MACs" in finding.message
    assert finding.fix == f'ethernet0.address = "{inside}"'


@pytest.mark.parametrize("address", ["00:50:56:80:00:00", "00:50:56:a0:11:22", "00:50:56:bf:ff:ff"])
def test_a_static_address_that_vcenter_assigns_is_an_error(address: str) -> None:
    finding = found(static(address))
    assert finding.severity == "error"
    assert "vCenter" in finding.message


def test_a_static_address_of_another_vendor_is_an_info() -> None:
    finding = found(static("52:54:00:12:34:56"))
    assert (finding.rule, finding.severity) == ("mac-range", "info")


@pytest.mark.parametrize(
    "cards",
    [
        static("00:50:56:00:00:00"),
        static("00:50:56:3F:FF:FF"),
        static("00:50:56:3f:ff:ff") + static("00:50:56:00:00:01", 1),
        card(),
        card(addressType="generated", generatedAddress="00:0c:29:59:aa:eb"),
        card(addressType="vpx", generatedAddress="00:50:56:a0:11:22"),
        card(addressType="static", address="52:54:00:12:34:56", checkMACAddress="FALSE"),
        card(present="FALSE", addressType="static", address="00:0c:29:11:22:33"),
    ],
    ids=["first", "last", "two", "default", "generated", "vpx", "unchecked", "absent"],
)
def test_an_address_that_a_host_accepts_is_no_finding(cards: str) -> None:
    assert lint(VM + cards) == []


@pytest.mark.parametrize("address", ["00:50:56:00:00", "00:50:56:00:00:0g", "005056000000", "00:50:56:00:00:00:00"])
def test_text_that_is_no_address_is_an_error(address: str) -> None:
    finding = found(static(address))
    assert (finding.rule, finding.severity) == ("mac-malformed", "error")
    assert finding.fix == 'ethernet0.addressType = "generated"'


@pytest.mark.parametrize("address", ["01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"])
def test_a_multicast_broadcast_or_empty_address_is_an_error(address: str) -> None:
    assert (found(static(address)).rule, found(static(address)).severity) == ("mac-malformed", "error")


def test_a_static_type_without_an_address_is_an_error() -> None:
    finding = found(card(addressType="static"))
    assert (finding.rule, finding.severity) == ("mac-missing", "error")
    assert finding.where == "line 8: ethernet0.addressType"


def test_a_type_of_vcenter_without_an_address_is_a_warning() -> None:
    finding = found(card(addressType="vpx"))
    assert (finding.rule, finding.severity) == ("mac-missing", "warning")


def test_an_unknown_type_is_a_warning() -> None:
    assert found(card(addressType="dhcp")).rule == "mac-type"


@pytest.mark.parametrize("second", ["00:50:56:20:11:22", "00-50-56-20-11-22"])
def test_two_cards_with_one_address_are_an_error(second: str) -> None:
    finding = found(static("00:50:56:20:11:22") + static(second, 1))
    assert (finding.rule, finding.severity) == ("mac-twice", "error")
    assert "ethernet0 and ethernet1" in finding.message


def test_a_generated_address_that_is_also_a_static_one_is_an_error() -> None:
    generated = card(1, addressType="generated", generatedAddress="00:50:56:20:11:22")
    assert found(static("00:50:56:20:11:22") + generated).rule == "mac-twice"


def test_both_faults_of_two_cards_with_an_address_of_vcenter_are_reported() -> None:
    vmx = VM + static("00:50:56:a0:11:22") + static("00:50:56:a0:11:22", 1)
    assert [finding.rule for finding in lint(vmx)] == ["mac-range", "mac-range", "mac-twice"]
    assert not is_valid(lint(vmx))


def test_two_cards_with_one_bad_address_do_not_get_one_proposed_address() -> None:
    cards = "".join(
        f'ethernet{number}.present = "TRUE"\nethernet{number}.addressType = "static"\n'
        f'ethernet{number}.address = "00:0c:29:11:22:33"\n'
        for number in range(2)
    )
    fixes = [each.fix for each in lint(cards) if each.rule == "mac-range"]
    assert fixes == ['ethernet0.address = "00:50:56:11:22:33"', 'ethernet1.addressType = "generated"']
