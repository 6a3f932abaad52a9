"""Whether a URL may be fetched depends on the addresses of its host, however they are written."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from service.api.settings import Settings
from service.errors import InvalidParams, NotAllowed
from service.packages.url_guard import check_url, why_refused

NEVER = [
    "0.0.0.0",
    "::",
    "169.254.169.254",
    "fe80::1",
    "::ffff:169.254.169.254",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "168.63.129.16",
    "192.0.0.192",
    "100.100.100.200",
    "fd00:ec2::254",
    "::127.0.0.1",
    "::ffff:0:10.0.0.1",
    "2001:0:a00:1::1",
    "2400:cb00::5efe:169.254.169.254",
    "64:ff9b:1::169.254.169.254",
    "2002:a9fe:a9fe::1",
]
INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "::1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "192.0.2.1",
    "fd12::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "64:ff9b:1::5db8:d822",
    "2002:7f00:1::",
    "2400:cb00::200:5efe:10.0.0.1",
]
OUTSIDE = ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822", "2002:5db8:d822::"]


@pytest.mark.parametrize("address", [*NEVER, *INSIDE])
def test_internal_address_is_refused(address: str) -> None:
    assert address.partition(":")[0] in why_refused("h.example.com", [ip_address(address)], frozenset())


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_address_is_allowed(address: str) -> None:
    assert why_refused("h.example.com", [ip_address(address)], frozenset()) == ""


@pytest.mark.parametrize("address", INSIDE)
def test_listed_host_may_be_internal(address: str) -> None:
    assert why_refused("Images.Example.com.", [ip_address(address)], frozenset({"images.example.com"})) == ""


@pytest.mark.parametrize("address", NEVER)
def test_even_a_listed_host_may_not_have_these_addresses(address: str) -> None:
    assert why_refused("images.example.com", [ip_address(address)], frozenset({"images.example.com"}))


def test_one_internal_address_is_enough_to_refuse() -> None:
    addresses = [ip_address("93.184.216.34"), ip_address("10.0.0.1")]

    assert "VMKOPS_IMPORT_HOSTS" in why_refused("h.example.com", addresses, frozenset())
    assert "no address" in why_refused("h.example.com", [], frozenset())


@pytest.mark.parametrize(
    "text",
    [
        "http://example.com/x.ova",
        "https:///x.ova",
        "https://",
        "https://example.com:99999/x",
        "https://u@example.com/x",
        "https://:p@example.com/x",
        "https://127.1/x",
        "https://2130706433/x",
        "https://1.2.3.4.5/x",
        "https://[::1/x",
        "gopher://example.com/",
        "https://example.com/" + "x" * 2000,
        "https://example.com/\x00",
        "https://example.com/x?a=b c",
        'https://example.com/x?a="b',
        "//example.com/x",
        "",
    ],
)
def test_unsuitable_url_is_refused(text: str) -> None:
    with pytest.raises(InvalidParams):
        check_url(text, Settings())


def test_full_width_digits_are_the_address_that_they_mean() -> None:
    assert check_url("https://１２７.0.0.1/x", Settings()).raw_host == "127.0.0.1"


@pytest.mark.parametrize(
    "text",
    [
        "https://u:s3cret@example.com/x",
        "https://s3cret@example.com/x",
        "https://u:s3cret@example.com:99999/x",
        "https://example.com:99999/x?sig=s3cret",
        "ftp://example.com/x?sig=s3cret#s3cret",
        "https:///x?sig=s3cret",
        "https://[::1/x?sig=s3cret",
        "https://example.com/x?sig=s3cret and more",
        "https://example.com:8443/x?sig=s3cret",
    ],
)
def test_refusal_does_not_repeat_what_is_secret_in_the_url(text: str) -> None:
    with pytest.raises((InvalidParams, NotAllowed)) as refused:
        check_url(text, Settings())

    assert "s3cret" not in str(refused.value)


def settings(**values: object) -> Settings:
    return Settings.model_validate({f"VMKOPS_IMPORT_{name}": value for name, value in values.items()})


def test_only_the_ports_of_the_setting_are_allowed() -> None:
    with pytest.raises(NotAllowed, match="VMKOPS_IMPORT_PORTS"):
        check_url("https://example.com:8443/x", Settings())

    assert check_url("https://example.com:8443/x", settings(PORTS="443 8443")).port == 8443
    assert check_url("https://example.com/x", settings(PORTS=[443])).port == 443
    with pytest.raises(NotAllowed, match="Port 443"):
        check_url("https://example.com/x", settings(PORTS=8443))


LISTED = "Images.example.com., bücher.example.com, 2001:DB8:0::1"


@pytest.mark.parametrize(
    "host",
    ["images.example.com", "IMAGES.example.com.", "xn--bcher-kva.example.com", "bücher.example.com", "[2001:db8::1]"],
)
def test_listed_host_is_allowed_in_any_spelling(host: str) -> None:
    assert check_url(f"https://{host}/x", settings(HOSTS=LISTED, HOSTS_ONLY="true"))


@pytest.mark.parametrize("host", ["example.com", "x.images.example.com", "images.example.com.net", "[2001:db8::2]"])
def test_host_that_is_not_listed_is_refused_when_only_listed_ones_are_allowed(host: str) -> None:
    with pytest.raises(NotAllowed, match="VMKOPS_IMPORT_HOSTS"):
        check_url(f"https://{host}/x", settings(HOSTS=LISTED, HOSTS_ONLY="true"))


def test_with_an_empty_list_no_host_is_allowed() -> None:
    with pytest.raises(NotAllowed):
        check_url("https://example.com/x", settings(HOSTS_ONLY=True))
