"""Regular files below a folder are opened, and nothing else is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.transfer.safe_open import PackageFolder, safe_open


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_bytes(b"secret")
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a").write_bytes(b"a")
    (root / "sub" / "b").write_bytes(b"bb")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "up").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    return root


@pytest.mark.parametrize(("name", "content"), [("a", b"a"), ("sub/b", b"bb")])
def test_file_below_the_folder_is_opened(root: Path, name: str, content: bytes) -> None:
    with safe_open(root, name) as file:
        assert file.read() == content


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../secret", "sub/../../secret", "/etc/passwd", "sub//b", "./a", "sub", "pipe", "link", "up/secret",
     "a\0", "absent", "a/b"],
)  # fmt: skip
def test_anything_else_is_refused(root: Path, name: str) -> None:
    with pytest.raises(OSError, match=r".") as caught:
        safe_open(root, name)

    assert caught.value.strerror
    assert PackageFolder(root).size(name) is None


def test_folder_itself_may_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mounted").symlink_to(root)

    assert PackageFolder(tmp_path / "mounted", "sub").size("b") == 2


def test_names_are_those_of_regular_files(root: Path) -> None:
    assert PackageFolder(root).names() == ("a",)
