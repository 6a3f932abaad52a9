"""The address of a client, through proxies."""

from __future__ import annotations

import ipaddress

import pytest
from aiohttp.test_utils import make_mocked_request

from service.http._clients import bucket_of, client_of, is_local, is_trusted

PROXIES = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("10.0.0.0/8"))


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("192.0.2.1", "198.51.100.1", "192.0.2.1"),  # not a proxy: what it forwards is not believed
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "198.51.100.1, 10.1.1.1", "198.51.100.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "unknown, 10.1.1.1", "10.1.1.1"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_client_is_the_last_address_that_is_no_trusted_proxy(remote: str, forwarded: str, client: str) -> None:
    request = make_mocked_request("GET", "/", headers={"X-Forwarded-For": forwarded}).clone(remote=remote)

    assert client_of(request, PROXIES) == client


@pytest.mark.parametrize(
    ("address", "bucket"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_addresses_of_one_site_count_together(address: str, bucket: str) -> None:
    assert bucket_of(address) == bucket


def test_trusted_and_local_addresses_are_told_apart() -> None:
    assert is_trusted("::ffff:10.1.2.3", PROXIES)
    assert not is_trusted("192.0.2.1", PROXIES)
    assert not is_trusted("not an address", PROXIES)
    assert (is_local("127.0.0.1"), is_local("::1"), is_local("localhost")) == (True, True, True)
    assert (is_local("0.0.0.0"), is_local("192.0.2.1"), is_local("vmkops.lab")) == (False, False, False)
