"""VMware's own settings that a package requires are known to all of its importers, or reported."""

from __future__ import annotations

import pytest

from knowledge.finding import Finding
from knowledge.ovf import lint_bytes
from tests.knowledge.ovf.test_descriptor import TOOLS, descriptor


def setting(element: str, key: str, required: str = "") -> str:
    attribute = f'ovf:required="{required}" ' if required else ""
    return f'<vmw:{element} {attribute}vmw:key="{key}" vmw:value="true"/>'


def lint_settings(*settings: str) -> tuple[Finding, ...]:
    return lint_bytes(descriptor(settings="".join((TOOLS, *settings))))


@pytest.mark.parametrize(
    "entry",
    [
        setting("Config", "tools.syncTime", "false"),
        setting("Config", "cpuHotAddEnabled"),
        setting("Config", "slotInfo.pciSlotNumber", "true"),
        setting("ExtraConfig", "disk.EnableUUID", "false"),
        setting("ExtraConfig", "nvram", "true"),
    ],
    ids=["not required", "known", "known by its beginning", "extra, not required", "nvram"],
)
def test_setting_that_every_importer_takes_has_no_finding(entry: str) -> None:
    assert lint_settings(entry) == ()


@pytest.mark.parametrize("required", ["true", ""])
def test_required_setting_that_no_product_has_is_a_warning(required: str) -> None:
    (finding,) = lint_settings(setting("Config", "tools.syncTime", required))
    assert (finding.rule, finding.severity) == ("config-required", "warning")
    assert "Unable to parse 'tools.syncTime'" in finding.message


@pytest.mark.parametrize(("required", "severity"), [("true", "warning"), ("", "info")])
def test_required_advanced_settings_are_one_finding_for_a_vm(required: str, severity: str) -> None:
    entries = [setting("ExtraConfig", f"example.key{number}", required) for number in range(7)]
    (finding,) = lint_settings(*entries)
    assert (finding.rule, finding.severity) == ("extra-config-required", severity)
    assert "'example.key4' and 2 more" in finding.message
