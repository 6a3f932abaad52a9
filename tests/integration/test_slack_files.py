"""`/files` in Slack: a real disk in a kept backup, the service, and a local Slack; for operators only."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.integration.slack_room import answer_to, drawn, slack_room
from tests.kept_packages import keep_package
from tests.peers import file_systems as make
from tests.peers.fetch import require
from tests.peers.local_slack import OPERATOR, VISITOR, LocalSlack
from tests.running_service import RunningService, make_token

LONG = "".join(f"line {number} <&> ```\n" for number in range(300))
HOSTILE = "<!channel> ```code``` \x1b[31m *bold*\n"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalSlack, RunningService]]:
    for program in ("qemu-img", "mke2fs", "local-slack"):
        require(program)
    folder = tmp_path_factory.mktemp("files")
    tree = folder / "tree"
    (tree / "etc/conf.d/conf.d").mkdir(parents=True)
    (tree / "usr").mkdir()
    (tree / "etc/hosts").write_text("10.0.0.7 web-01\n")
    (tree / "etc/hostile").write_text(HOSTILE)
    (tree / "etc/long").write_text(LONG)
    (tree / "etc/big").write_bytes(bytes(100_000))
    (tree / "etc/binary").write_bytes(b"\x7fELF\0\xff")
    (tree / "etc/empty").touch()
    (tree / "etc/link").symlink_to("hosts")
    disk = make.vmdk(make.ext("ext4")(folder / "disk.img", tree), "streamOptimized")
    for number, name in enumerate(("web", "two disks")):
        keep_package(folder / "data/backups", f"a1b2c3d{number}", datetime.now(UTC), vm=name, content=disk.read_bytes())
    with slack_room(folder / "data", settings={"VMKOPS_SLACK_OPERATORS": OPERATOR}) as (slack, service):
        yield slack, service


def ask(room: tuple[LocalSlack, RunningService], text: str, user: str = OPERATOR) -> str:
    card = answer_to(room[0], user, "/files", text)
    assert card["ephemeral_to"] == user
    return drawn(card)


def test_volumes_folders_and_files_are_shown(room: tuple[LocalSlack, RunningService]) -> None:
    assert "`disk0` · ext4" in ask(room, "newest:web")
    assert "type `/files newest:web /`" in ask(room, "newest:web")
    listed = ask(room, "newest:web /etc")
    assert [line.split()[-1] for line in listed.splitlines() if ":" in line and "202" in line] == [
        *("big", "binary", "conf.d/", "empty", "hostile", "hosts"),
        *("hosts", "long"),  # the link leads to hosts
    ]
    assert "`vmkops files newest:web ls /etc`" in listed
    assert "10.0.0.7 web-01" in ask(room, "newest:web /etc/hosts")
    assert "10.0.0.7 web-01" in ask(room, "newest:web /etc/link")
    assert "conf.d/" in ask(room, "newest:web /etc/conf.d")
    assert "It is empty." in ask(room, "newest:web /etc/empty")
    assert "10.0.0.7 web-01" in ask(room, "“newest:two disks” /etc/hosts")


def test_what_is_no_small_text_is_answered_with_the_command_that_gets_it(
    room: tuple[LocalSlack, RunningService],
) -> None:
    for name, said in (("big", "too large to show"), ("binary", "It is binary")):
        card = ask(room, f"newest:web /etc/{name}")
        assert said in card
        command = next(part for part in card.split("`") if part.startswith("vmkops files"))
        done = room[1].run(*shlex.split(command)[1:], "--to", str(room[1].data_dir / f"got-{name}"))
        assert done.returncode == 0, done.stderr
    long = ask(room, "newest:web /etc/long")
    assert "line 0 &lt;&amp;&gt;" in long
    assert "of 300 lines shown" in long


def test_text_of_a_guest_is_no_markup(room: tuple[LocalSlack, RunningService]) -> None:
    card = ask(room, "newest:web /etc/hostile")

    assert "&lt;!channel&gt; ʹʹʹcodeʹʹʹ ?[31m *bold*" in card
    assert card.count("```") == 2


def test_wrong_names_are_answered_with_what_can_be_typed(room: tuple[LocalSlack, RunningService]) -> None:
    several = ask(room, "a1b2 /etc/hosts")
    assert "`/files a1b2c3d0 /etc/hosts`" in several
    assert "`/files a1b2c3d1 /etc/hosts`" in several
    assert "There is no none in the folder /etc" in ask(room, "a1b2c3d0 /etc/none")
    assert "`/files a1b2c3d0 disk0:/`" in ask(room, "a1b2c3d0 disk7:/etc/hosts")


def test_only_operators_read_and_the_audit_names_them(room: tuple[LocalSlack, RunningService]) -> None:
    assert "VMKOPS_SLACK_OPERATORS" in ask(room, "newest:web /etc/hosts", VISITOR)

    ask(room, "newest:web /etc/hosts")

    auditor = make_token(room[1].environment, "admin", "auditor")
    _, found = room[1].call("GET", "/audit?event=files.read&limit=1", token=auditor)
    (entry,) = found["entries"]
    assert entry["person"] == f"slack:{OPERATOR}"
    assert entry["details"] == {"backup": "a1b2c3d0", "vm": "web", "path": "/etc/hosts"}
