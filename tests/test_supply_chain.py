"""The lock files and the list of what vmkops is made of."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-audit.lock")


def locked(name: str) -> dict[str, str]:
    """The packages of a lock file with their versions."""
    return dict(re.findall(r"^([\w.-]+(?:\[\w+\])?)==([^\s;]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_each_locked_package_has_a_hash_and_no_address_of_a_registry(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    entries = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))

    assert locked(name)
    assert [entry for entry in entries if entry.strip() and "--hash=sha256:" not in entry] == []
    assert not re.search(r"https?://|--index|--find-links", text)


def test_bill_of_materials_lists_each_locked_package() -> None:
    done = subprocess.run(["make", "sbom"], cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((ROOT / "sbom.json").read_text("utf-8"))

    listed = {component["name"]: component["version"] for component in found["components"]}
    assert found["bomFormat"] == "CycloneDX"
    assert listed == {name.partition("[")[0]: version for name, version in locked("requirements.lock").items()}
