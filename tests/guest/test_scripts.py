"""The scripts of deploy/guest, run as VMware Tools run them: a path with `freeze`, then `thaw` or `freezeFail`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.peers.fetch import require
from tests.peers.mariadb import MariaDb
from tests.peers.postgres import Postgres
from tests.peers.waiting import wait_for

SCRIPTS = Path(__file__).parents[2] / "deploy" / "guest"
NO_WAIT = "SET SESSION lock_wait_timeout = 1"


class Guest:
    """The scripts with their settings, in a folder of a test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "guest.conf"
        self.settings: dict[str, str] = {"RUN_DIR": str(folder / "run"), "LOG_FILE": str(folder / "log")}
        self.environment = {
            **os.environ,
            "VMKOPS_GUEST_CONFIG": str(self.config),
            "VMKOPS_GUEST_LIB": str(SCRIPTS / "quiesce.sh"),
        }

    def set(self, **settings: str) -> None:
        """Write these settings to the file of the scripts."""
        self.settings |= settings
        self.config.write_text("".join(f"{name}='{value}'\n" for name, value in self.settings.items()))

    def start(self, script: str, *words: str) -> subprocess.Popen[str]:
        """Start a script as VMware Tools do, with its output in a pipe."""
        return subprocess.Popen(
            [str(SCRIPTS / script), *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, script: str, *words: str) -> tuple[int, str]:
        """Run a script to the end of its output, and return its status and the output."""
        process = self.start(script, *words)
        said, _ = process.communicate(timeout=120)
        return process.returncode, said

    def holder(self, script: str) -> int:
        """The process that keeps the application frozen."""
        return int((self.folder / "run" / f"{script}.pid").read_text())

    def left(self) -> list[str]:
        """The files in the folder of the running freezes."""
        return sorted(each.name for each in (self.folder / "run").glob("*"))


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    made = Guest(tmp_path)
    made.set()
    return made


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDb]:
    for peer in ("mariadbd", "mariadb-install-db", "mariadb"):
        require(peer)
    with MariaDb() as running:
        assert (
            running.try_sql("CREATE DATABASE app", "CREATE TABLE app.notes (id INT AUTO_INCREMENT PRIMARY KEY)")
            is not None
        )
        yield running


@pytest.fixture
def mysql(guest: Guest, server: MariaDb) -> MariaDb:
    """The server, and the settings for it."""
    guest.set(MYSQL=str(require("mariadb")), MYSQL_OPTIONS_FILE=str(server.options))
    assert is_free(server)
    return server


def is_free(server: MariaDb) -> bool:
    """Whether the server takes writes."""
    return server.try_sql(NO_WAIT, "INSERT INTO app.notes VALUES ()") is not None


def becomes_free(server: MariaDb) -> bool:
    return wait_for(lambda: is_free(server), timeout=90, what="writes")


@pytest.mark.parametrize("last", ["thaw", "freezeFail"])
def test_mysql_takes_no_writes_between_freeze_and_thaw(guest: Guest, mysql: MariaDb, last: str) -> None:
    status, said = guest.run("20-mysql", "freeze")

    assert (status, "frozen" in said) == (0, True), said
    assert not is_free(mysql)
    assert mysql.try_sql("SELECT COUNT(*) FROM app.notes") is not None
    status, said = guest.run("20-mysql", last)
    assert (status, "goes on" in said) == (0, True), said
    assert is_free(mysql)
    assert guest.left() == []


def test_mysql_that_cannot_be_locked_in_time_fails_the_freeze_and_goes_on(guest: Guest, mysql: MariaDb) -> None:
    guest.set(FREEZE_SECONDS="2")
    client = [str(require("mariadb")), f"--defaults-extra-file={mysql.options}", "--unbuffered", "--batch"]
    with subprocess.Popen(client, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write("LOCK TABLES app.notes WRITE; SELECT 'mine';\n")
        other.stdin.flush()
        assert "mine" in other.stdout.readline() + other.stdout.readline()

        status, said = guest.run("20-mysql", "freeze")

        other.stdin.close()
    assert (status, "could not be frozen" in said) == (1, True), said
    assert becomes_free(mysql)
    assert guest.left() == []


def test_mysql_without_a_server_fails_the_freeze_and_says_why(guest: Guest, mysql: MariaDb) -> None:
    nowhere = guest.folder / "nowhere.cnf"
    nowhere.write_text("[client]\nsocket=/nonexistent/socket\n")
    guest.set(MYSQL_OPTIONS_FILE=str(nowhere))

    status, _ = guest.run("20-mysql", "freeze")

    assert status == 1
    assert "/nonexistent/socket" in (guest.folder / "log").read_text()
    assert guest.run("20-mysql", "thaw")[0] == 0


def test_mysql_goes_on_when_the_script_is_killed_while_it_freezes(guest: Guest, mysql: MariaDb) -> None:
    """VMware Tools kill a script that takes too long, and don't call it again."""
    # Until it looks, the script does not know that its holder is ready.
    slow = guest.folder / "bin"
    slow.mkdir()
    next_one = "PATH=${PATH#*:} exec"
    (slow / "sleep").write_text(f'#!/bin/sh\n[ -z "$SLOW" ] || set -- 60\n{next_one} sleep "$@"\n')
    (slow / "setsid").write_text(f'#!/bin/sh\nSLOW=\n{next_one} setsid "$@"\n')
    for each in slow.iterdir():
        each.chmod(0o755)
    guest.environment |= {"PATH": f"{slow}:{os.environ['PATH']}", "SLOW": "1"}
    process = guest.start("20-mysql", "freeze")
    wait_for(lambda: (guest.folder / "run" / "20-mysql.ready").exists(), what="the lock")
    assert not is_free(mysql)

    assert process.stdout is not None
    process.stdout.close()
    process.kill()
    process.wait()

    assert becomes_free(mysql)
    wait_for(lambda: guest.left() == [], what="the end of the holder")


def test_mysql_goes_on_when_the_holder_is_killed_and_the_thaw_says_so(guest: Guest, mysql: MariaDb) -> None:
    assert guest.run("20-mysql", "freeze")[0] == 0

    os.kill(guest.holder("20-mysql"), signal.SIGKILL)

    assert becomes_free(mysql)
    status, said = guest.run("20-mysql", "thaw")
    assert (status, "inconsistent" in said) == (1, True), said
    assert guest.left() == []


def test_mysql_goes_on_by_itself_after_the_limit_and_the_thaw_says_so(guest: Guest, mysql: MariaDb) -> None:
    guest.set(HOLD_SECONDS="8")
    assert guest.run("20-mysql", "freeze")[0] == 0

    assert becomes_free(mysql)

    status, said = guest.run("20-mysql", "thaw")
    assert (status, "expired" in said) == (1, True), said


def test_mysql_that_has_ended_the_session_is_noticed_at_the_thaw(guest: Guest, mysql: MariaDb) -> None:
    assert guest.run("20-mysql", "freeze")[0] == 0
    found = mysql.try_sql("SELECT id FROM information_schema.processlist WHERE command = 'Sleep' AND user = 'root'")
    for session in (found or "").split():
        mysql.try_sql(f"KILL {session}")

    status, said = guest.run("20-mysql", "thaw")

    assert (status, "lost" in said) == (1, True), said


@pytest.fixture
def service(guest: Guest) -> Iterator[Callable[[], bool]]:
    """A service that writes a line again and again; the function says whether it still does."""
    file = guest.folder / "written"
    program = "import sys, time\nwhile True:\n    print('x', file=open(sys.argv[1], 'a')); time.sleep(0.01)"
    process = subprocess.Popen([sys.executable, "-c", program, str(file)])
    stat = f"/proc/{process.pid}/stat"
    guest.set(
        # A process that is told to stop stands still only when it would have run next.
        SERVICE_FREEZE=f'kill -STOP {process.pid}; until grep -q ") T " {stat}; do sleep 0.05; done',
        SERVICE_THAW=f"kill -CONT {process.pid}",
        SERVICE_CHECK=f'grep -q ") T " {stat}',
    )
    wait_for(file.exists, what="the first line")

    def writes() -> bool:
        return ") T " not in Path(stat).read_text()

    yield writes
    process.kill()
    process.wait()


@pytest.mark.parametrize("last", ["thaw", "freezeFail"])
def test_service_stands_still_between_freeze_and_thaw(guest: Guest, service: Callable[[], bool], last: str) -> None:
    assert guest.run("50-service", "freeze")[0] == 0
    assert not service()
    assert guest.run("50-service", last)[0] == 0
    assert service()
    assert guest.run("50-service", last)[0] == 0  # nothing is frozen
    assert guest.left() == []


def test_service_goes_on_after_the_limit_and_by_a_second_freeze(guest: Guest, service: Callable[[], bool]) -> None:
    assert guest.run("50-service", "freeze")[0] == 0
    first = guest.holder("50-service")
    assert guest.run("50-service", "freeze")[0] == 0
    assert guest.holder("50-service") != first
    assert guest.run("50-service", "thaw")[0] == 0
    guest.set(HOLD_SECONDS="8")
    assert guest.run("50-service", "freeze")[0] == 0

    wait_for(service, what="the service to go on")

    status, said = guest.run("50-service", "thaw")
    assert (status, "expired" in said) == (1, True), said


def test_service_that_somebody_else_let_go_on_is_noticed(guest: Guest, service: Callable[[], bool]) -> None:
    assert guest.run("50-service", "freeze")[0] == 0
    os.kill(int(guest.settings["SERVICE_THAW"].split()[-1]), signal.SIGCONT)

    status, said = guest.run("50-service", "thaw")

    assert (status, "lost" in said) == (1, True), said
    assert service()


def test_service_whose_freeze_fails_or_hangs_is_let_go_on(guest: Guest, service: Callable[[], bool]) -> None:
    freeze = guest.settings["SERVICE_FREEZE"]
    for how in (f"{freeze}; false", f"{freeze}; sleep 60"):
        guest.set(SERVICE_FREEZE=how, FREEZE_SECONDS="1")

        status, said = guest.run("50-service", "freeze")

        assert (status, "could not be frozen" in said) == (1, True), said
        assert service()
    assert guest.left() == []


def test_service_goes_on_at_the_thaw_when_its_holder_was_killed(guest: Guest, service: Callable[[], bool]) -> None:
    assert guest.run("50-service", "freeze")[0] == 0
    os.kill(guest.holder("50-service"), signal.SIGKILL)

    status, _ = guest.run("50-service", "thaw")

    assert (status, service()) == (1, True)


def test_copy_of_postgresql_after_the_checkpoint_has_every_committed_row(guest: Guest) -> None:
    """All disks of a VM are copied at one moment; here, all processes of the server stand still meanwhile."""
    require("postgres")
    psql = str(require("psql"))
    with Postgres() as server:
        port = server.url.rpartition(":")[2].partition("/")[0]
        guest.set(PG_RUN_AS="", PG_HOST="127.0.0.1", PG_USER="vmkops", PG_PORTS=port)

        def sql(text: str, at: str = port) -> str:
            words = [psql, "-X", "-A", "-t", "-h", "127.0.0.1", "-U", "vmkops", "-p", at, "-d", "postgres", "-c", text]
            return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

        sql("CREATE TABLE notes (id serial PRIMARY KEY, text text)")
        sql("INSERT INTO notes (text) SELECT repeat('x', 100) FROM generate_series(1, 20000)")
        before = sql("SELECT redo_lsn FROM pg_control_checkpoint()")

        status, said = guest.run("10-postgresql", "freeze")

        assert (status, "checkpoint is done" in said) == (0, True), said
        assert sql("SELECT redo_lsn FROM pg_control_checkpoint()") != before
        sql("INSERT INTO notes (text) SELECT 'after the checkpoint' FROM generate_series(1, 50)")
        with server.copy_of_one_moment() as copy:
            assert guest.run("10-postgresql", "thaw")[0] == 0
            assert sql("SELECT count(*), count(*) FILTER (WHERE text LIKE 'after%') FROM notes", copy) == "20050|50"
        guest.set(PG_PORTS="1")
        status, said = guest.run("10-postgresql", "freeze")
        assert (status, "no checkpoint on port 1" in said) == (1, True), said


@pytest.mark.parametrize("script", ["10-postgresql", "20-mysql", "50-service"])
def test_script_is_executable_shell_and_refuses_what_it_does_not_know(guest: Guest, script: str) -> None:
    status, said = guest.run(script, "melt")

    assert (status, "freezeFail" in said) == (2, True)
    done = subprocess.run(
        [str(require("shellcheck")), "-x", script, "quiesce.sh"],
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout + done.stderr == ""


def test_folder_of_somebody_else_is_not_used(guest: Guest, service: Callable[[], bool]) -> None:
    (guest.folder / "theirs").mkdir()
    (guest.folder / "run").symlink_to(guest.folder / "theirs")

    status, said = guest.run("50-service", "freeze")

    assert (status, "must be a folder of this user" in said) == (1, True)
    assert service()
