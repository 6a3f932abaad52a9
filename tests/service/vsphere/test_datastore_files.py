"""The NVRAM file of a VM is one in its own folder, whatever its settings name."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim

from service.vsphere.datastore_files import _is_own, _named


def values(nvram: str) -> dict[str, Any]:
    options = [vim.option.OptionValue(key="nvram", value=nvram)]
    return {"config.files.vmPathName": "[ds 1] web/web.vmx", "config.extraConfig": options}


@pytest.mark.parametrize(
    "name", ["[ds 1] other/other.vmx", "[ds] web/x.nvram", "../other/x.nvram", "/x.nvram", "a/b.nvram", "web.vmx", ""]
)
def test_setting_that_names_another_file_is_ignored(name: str) -> None:
    assert _named(values(name)) == ""


def test_setting_names_a_file_in_the_folder_of_the_vm() -> None:
    assert _named(values("old name.nvram")) == "[ds 1] web/old name.nvram"


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("[ds 1] web/web.nvram", True),
        ("[ds 1] other/other.nvram", False),
        ("[ds 2] web/web.nvram", False),
        ("[ds 1] web/web.vmx", False),
    ],
)
def test_only_files_in_the_folder_of_the_vm_are_its_own(path: str, own: bool) -> None:
    assert _is_own(values(""), path) is own
