"""What makes the shell comfortable, against one service: several services by name, logins, completion, near names."""

from __future__ import annotations

import socket
import stat
import time
from pathlib import Path

import pytest

from tests.peers.waiting import wait_for
from tests.running_service import RunningService
from tests.terminal import Terminal
from tests.vmkops.shell import completed
from tests.vmkops.terminal import run, run_forked

pytestmark = pytest.mark.gives_back
VM = "DC0_H0_VM0"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of a person who has neither logins nor a cache yet."""
    return {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def login_files(home: dict[str, str]) -> list[Path]:
    return sorted(Path(home["XDG_CONFIG_HOME"]).glob("vmkops/logins/*"))


def test_unknown_action_and_parameter_are_wrong_usage_with_what_was_meant(service: RunningService) -> None:
    done = service.run("action", "power-of", VM)
    assert (done.returncode, "there is no action power-of. Did you mean power-off?" in done.stderr) == (2, True)

    done = service.run("action", "power-off", VM, "colour=red")
    more = "Explained by: vmkops action power-off --help"
    assert done.returncode == 2
    assert done.stderr == f"vmkops action: power-off has no parameter colour; it takes: vm. {more}\n"


def test_login_is_tried_kept_for_its_service_alone_and_forgotten(
    service: RunningService, home: dict[str, str], tmp_path: Path
) -> None:
    mine = {**home, "VMKOPS_SERVICE_URL": service.url}
    refused = run(tmp_path, "login", stdin="vmkops_wrong\n", **mine)
    assert (refused.returncode, login_files(home)) == (1, [])
    assert "The service does not know this token." in refused.stderr

    done = run(tmp_path, "login", service.url, stdin=f"{service.token}\n", **home)
    assert done.returncode == 0, done.stderr
    assert f"You are signed in to {service.url} with the token test (" in done.stdout
    how = f"To ask this service, add --service {service.url} to a command, or set VMKOPS_SERVICE_URL={service.url}.\n"
    assert done.stdout.endswith(f"Other commands ask http://127.0.0.1:8080. {how}")
    again = run(tmp_path, "login", service.url, stdin=f"{service.token}\n", **mine)
    assert (again.returncode, "To ask this service" in again.stdout) == (0, False)
    (kept,) = login_files(home)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (kept, kept.parent)] == [0o600, 0o700]
    assert run_forked(tmp_path, "jobs", **mine).returncode == 0
    other = {**home, "VMKOPS_SERVICE_URL": service.url.replace("127.0.0.1", "localhost")}
    elsewhere = run_forked(tmp_path, "jobs", **other).stderr  # another program may listen at that address
    assert "This needs a token." in elsewhere
    assert f"You are signed in to {service.url}, and asked {other['VMKOPS_SERVICE_URL']}." in elsewhere
    assert f"vmkops login {other['VMKOPS_SERVICE_URL']}" in elsewhere

    kept.chmod(0o640)
    refused = run_forked(tmp_path, "jobs", **mine)
    assert (refused.returncode, f"chmod 600 {kept}" in refused.stderr) == (2, True)
    kept.rename(kept.with_name("elsewhere"))
    kept.symlink_to("elsewhere")
    assert run_forked(tmp_path, "jobs", **mine).returncode == 2

    assert run_forked(tmp_path, "logout", service.url, **home).returncode == 0
    assert "This needs a token." in run_forked(tmp_path, "jobs", **mine).stderr
    printed = [done.stdout, done.stderr, refused.stdout, refused.stderr]
    assert not any(service.token in each for each in printed)


def test_login_asks_on_a_terminal_without_showing_the_token(service: RunningService, home: dict[str, str]) -> None:
    with Terminal(service, "login", **{**home, "VMKOPS_TOKEN": ""}) as terminal:
        terminal.read_until(f"Token for {service.url}: ")
        terminal.type(service.token)
        shown = terminal.read_until("It is kept in")
        assert terminal.wait() == 0
    assert service.token not in shown


def test_service_is_chosen_by_name_and_no_token_goes_to_another_one(
    service: RunningService, home: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(service.token)
    (tmp_path / "vmkops.toml").write_text(
        f'VMKOPS_SERVICE_URL = "http://127.0.0.1:1"\nVMKOPS_TOKEN = "general"\n'
        f'[services.lab]\nurl = "{service.url}"\ntoken_file = "token"\n'
        f'[services.bare]\nurl = "{service.url}"\n'
    )

    assert run_forked(tmp_path, "--service", "lab", "jobs", **home).returncode == 0
    assert run_forked(tmp_path, "jobs", "--service=lab", "--json", **home).returncode == 0
    assert run_forked(tmp_path, "jobs", VMKOPS_PROFILE="lab", **home).returncode == 0
    assert run_forked(tmp_path, "jobs", "--service", service.url, **home).returncode == 0
    assert run_forked(tmp_path, "jobs", **home).returncode == 3
    bare = run_forked(tmp_path, "jobs", "--service", "bare", **home)
    assert "This needs a token." in bare.stderr  # the general token is not for this service
    unknown = run_forked(tmp_path, "jobs", "--service", "lob", **home)
    assert unknown.returncode == 2
    assert "there is no service lob in vmkops.toml. Did you mean lab? There are: lab, bare." in unknown.stderr
    shown = run_forked(tmp_path, "config", "show", VMKOPS_PROFILE="lab", **home).stdout
    assert f"The command line asks {service.url}  [profile lab, token of the settings]" in shown
    assert service.token not in shown
    assert "services.lab.token_file = token  [vmkops.toml, line 5]" in shown


def test_bash_completes_the_names_of_the_service_from_a_private_file(
    service: RunningService, home: dict[str, str], tmp_path: Path
) -> None:
    mine = {**home, "VMKOPS_SERVICE_URL": service.url, "VMKOPS_TOKEN": service.token}

    def offered(typed: str) -> list[str]:
        words, told = completed(typed, tmp_path, mine)
        assert told == ""
        return words

    # The first answer may come after the second that a shell waits for.
    expected = {
        "vmkops vms DC0_H0": [VM, "DC0_H0_VM1"],
        "vmkops backup DC0_H0_VM0": [],  # it is complete
        "vmkops hosts DC0_H": ["DC0_H0"],
        "vmkops action power-o": ["power-off", "power-on"],
        "vmkops action power-off ": [*(each["name"] for each in service.call("GET", "/vms")[1]["vms"]), "vm="],
        "vmkops action power-off vm=DC0_H0": [VM, "DC0_H0_VM1"],
    }
    for typed, words in expected.items():
        wait_for(
            lambda typed=typed, words=words: sorted(offered(typed)) == sorted(words),
            timeout=90,
            what=f"completion of {typed}",
        )
    files = list((tmp_path / "cache" / "vmkops").iterdir())
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "cache" / "vmkops").stat().st_mode) == 0o700


def test_service_that_does_not_answer_holds_no_shell_up(home: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mine = {**home, "VMKOPS_SERVICE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        began = time.monotonic()
        words = completed("vmkops vms ", tmp_path, mine)
        waited = time.monotonic() - began
        bare = time.monotonic()
        completed("vmkops token ", tmp_path, mine)
        bare = time.monotonic() - bare
    assert words == ([], "")
    assert waited < 1 + 5 * bare  # a busy machine starts programs slowly


def test_what_is_wrong_with_a_service_in_the_file_is_told_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "vmkops.toml").write_text('[services.lab]\nurl = "lab"\ntokn = "x"\n[services.b]\ntoken = "x"\n')

    told = run_forked(tmp_path, "config", "check").stdout

    assert "vmkops.toml, line 2: services.lab.url: is not a URL." in told
    assert "vmkops.toml, line 3: services.lab.tokn: is not a setting of a service; did you mean token?" in told
    assert "vmkops.toml, line 4: services.b.url: is missing. Add it." in told
