"""The settings of the web side: the metrics port, and what is refused at the start."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path

import pytest

from service.api.settings import Settings
from service.errors import SettingError
from tests.running_service import RunningService


def test_metrics_have_a_port_of_their_own(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with RunningService(tmp_path / "data", {"VMKOPS_METRICS_PORT": str(port)}) as service:
        service.call("GET", "/vmkerr/0xbad0022")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            counters = answer.read().decode()

        assert service.call("GET", "/metrics")[0] == 404
    assert "vmkops_http_request_seconds" in counters


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"VMKOPS_TLS_CERT": __file__}, "VMKOPS_TLS_KEY: is missing"),
        ({"VMKOPS_TLS_KEY": "/nowhere/key.pem"}, "VMKOPS_TLS_KEY: /nowhere/key.pem cannot be read"),
        ({"VMKOPS_PUBLIC_URL": "vmkops.example.com"}, "VMKOPS_PUBLIC_URL: is not a URL"),
        ({"VMKOPS_ALLOWED_HOSTS": "https://vmkops.lab"}, "'https://vmkops.lab' is not a host name"),
        ({"VMKOPS_TRUSTED_PROXIES": "proxy.lab"}, "VMKOPS_TRUSTED_PROXIES"),
        ({"VMKOPS_METRICS_PORT": "70000"}, "VMKOPS_METRICS_PORT"),
    ],
)
def test_wrong_setting_is_named(settings: dict[str, str], named: str) -> None:
    with pytest.raises(SettingError) as raised:
        Settings.read(settings)

    assert named in str(raised.value)
