"""Folders for other backup products: their names, how they get them, and that nothing else is ever removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.errors import Conflict, InvalidParams
from service.packages.staging import MARKER, StagedPackage, discard_partial, folder_name, remove_staged, staged_by


def test_folder_is_a_name_or_its_full_path(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)

    assert folder_name("web-01", tmp_path) == "web-01"
    assert folder_name("web-01/", tmp_path) == "web-01"
    assert folder_name(f"{tmp_path}/web-01", tmp_path) == "web-01"
    assert folder_name(f"{tmp_path}/web-01", tmp_path / "link") == "web-01"


@pytest.mark.parametrize("dest", ["", "/", ".", "..", "a/b", "/web", "{root}/../web", "{root}/a/b", "-x", "x.", "a\0b"])
def test_other_path_is_refused(tmp_path: Path, dest: str) -> None:
    with pytest.raises(InvalidParams):
        folder_name(dest.format(root=tmp_path), tmp_path)


def made(root: Path) -> StagedPackage:
    package = StagedPackage(root, "web", "web", "j1")
    (package.open() / "web.ovf").write_text("ovf")
    return package


def test_staging_and_removing_can_be_repeated(tmp_path: Path) -> None:
    package = made(tmp_path)

    package.stage()
    package.stage()

    assert staged_by(tmp_path, "web") == "j1"
    assert [each.name for each in tmp_path.iterdir()] == ["web"]
    assert remove_staged(tmp_path, "web", "j1", ["web.ovf"]) == []
    assert remove_staged(tmp_path, "web", "j1", ["web.ovf"]) == []
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_there_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    package = made(tmp_path)
    (tmp_path / "web").mkdir()

    with pytest.raises(Conflict, match="exists already"):
        package.stage()

    package.discard()
    assert [each.name for each in tmp_path.iterdir()] == ["web"]


def test_removal_stays_in_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    made(root).stage()
    (root / "web" / "link").symlink_to(victim)

    assert remove_staged(root, "web", "j1", ["web.ovf", "link", "../../victim", str(victim)]) == []

    assert victim.read_text() == "theirs"
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("marker", [None, "", "[]", "{", '{"job": "j2"}'])
def test_folder_without_the_marker_of_its_job_stays(tmp_path: Path, marker: str | None) -> None:
    for name in ("web", ".vmkops-j1.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "web.ovf").write_text("theirs")
        if marker is not None:
            (tmp_path / name / MARKER).write_text(marker)

    with pytest.raises(Conflict, match="is not what job j1 staged"):
        remove_staged(tmp_path, "web", "j1", ["web.ovf"])
    assert not discard_partial(tmp_path / ".vmkops-j1.partial")

    assert len(list(tmp_path.glob("*/web.ovf"))) == 2


def test_link_in_place_of_an_unfinished_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / MARKER).write_text('{"job": "j1"}')
    (tmp_path / ".vmkops-j1.partial").symlink_to(tmp_path / "victim")

    with pytest.raises(Conflict):
        StagedPackage(tmp_path, "web", "web", "j1").open()
    assert not discard_partial(tmp_path / ".vmkops-j1.partial")

    assert (tmp_path / "victim" / MARKER).exists()


def test_package_that_has_its_name_already_is_discarded_too(tmp_path: Path) -> None:
    package = made(tmp_path)
    package.stage()

    package.discard()

    assert list(tmp_path.iterdir()) == []


def test_folder_of_another_job_is_not_discarded(tmp_path: Path) -> None:
    made(tmp_path).stage()

    StagedPackage(tmp_path, "web", "web", "j2").discard()

    assert staged_by(tmp_path, "web") == "j1"


def test_folder_in_the_place_of_a_staged_file_stays_and_is_named(tmp_path: Path) -> None:
    made(tmp_path).stage()
    (tmp_path / "web" / "web.ovf").unlink()
    (tmp_path / "web" / "web.ovf").mkdir()

    assert remove_staged(tmp_path, "web", "j1", ["web.ovf"]) == ["web.ovf"]
    assert staged_by(tmp_path, "web") == ""
