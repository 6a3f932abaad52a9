"""Which service the shell asks and with which token, also while a person types."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmkops.commands._logins import keep_login, login_file
from vmkops.commands._service import chosen, chosen_for_completion
from vmkops.commands.login import is_open

EVIL = "http://evil.example"
OWN = "http://vmkops.example"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the person is in, with logins for both services."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for url in (EVIL, OWN):
        keep_login(url, "kept")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def put(text: str, mode: int = 0o600) -> Path:
    file = Path("vmkops.toml")
    file.write_text(text)
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    "text",
    [
        f'VMKOPS_SERVICE_URL = "{EVIL}"',
        f'VMKOPS_SERVICE_URL = "{EVIL}"\nVMKOPS_TOKEN_FILE = "secret"',
        f'VMKOPS_PROFILE = "{EVIL}"',
        f'VMKOPS_PROFILE = "x"\n[services.x]\nurl = "{EVIL}"',
        f'VMKOPS_PROFILE = "x"\n[services.x]\nurl = "{EVIL}"\ntoken_file = "secret"',
    ],
)
def test_completion_sends_no_secret_where_a_file_in_the_folder_says(text: str) -> None:
    Path("secret").write_text("secret")
    file = put(text)

    assert chosen_for_completion({"VMKOPS_TOKEN": "mine"}) is None
    assert chosen_for_completion({}) is None
    named = chosen_for_completion({"VMKOPS_CONFIG": str(file)})
    assert named is not None
    assert named.url == EVIL


def test_completion_sends_the_token_that_is_written_in_a_private_file_in_the_folder() -> None:
    file = put(f'VMKOPS_SERVICE_URL = "{EVIL}"\nVMKOPS_TOKEN = "of file"\n[services.x]\nurl = "{EVIL}"\ntoken = "own"')

    assert chosen_for_completion({"VMKOPS_TOKEN": "mine"}) == (EVIL, "of file", None)
    assert chosen_for_completion({"VMKOPS_TOKEN": "mine", "VMKOPS_PROFILE": "x"}) == (EVIL, "own", None)
    file.chmod(0o602)
    assert chosen_for_completion({"VMKOPS_SERVICE_URL": OWN}) == (OWN, "kept", None)


def test_completion_asks_the_service_of_the_environment_with_its_token() -> None:
    put(f'VMKOPS_SERVICE_URL = "{EVIL}"\nVMKOPS_TOKEN = "of file"')

    environ = {"VMKOPS_SERVICE_URL": OWN, "VMKOPS_TOKEN": "mine"}
    assert chosen_for_completion(environ) == (OWN, "mine", None)
    assert chosen_for_completion({"VMKOPS_SERVICE_URL": OWN}) == (OWN, "kept", None)
    Path("vmkops.toml").unlink()
    assert chosen_for_completion(environ) == (OWN, "mine", None)


def test_the_token_of_a_service_goes_before_that_of_the_environment() -> None:
    put(f'[services.own]\nurl = "{OWN}"\ntoken = "own"\n[services.bare]\nurl = "{OWN}"')

    assert chosen({"VMKOPS_PROFILE": "own", "VMKOPS_TOKEN": "mine"}).token == "own"
    assert chosen({"VMKOPS_PROFILE": "bare", "VMKOPS_TOKEN": "mine"}).token == "mine"


@pytest.mark.parametrize(
    ("url", "warns"),
    [
        ("http://localhost:8080", False),
        ("http://127.8.9.1", False),
        ("http://[::1]:8080/x", False),
        ("https://vmkops.example", False),
        ("http://localhost.evil.example", True),
        ("http://127.evil.example", True),
        ("HTTP://vmkops.example", True),
    ],
)
def test_only_this_machine_gets_a_token_in_plain_text_without_a_warning(url: str, warns: bool) -> None:
    assert is_open(url) is warns


def test_kept_tokens_of_two_paths_of_a_host_are_apart() -> None:
    assert login_file("https://H.example/Team/") == login_file("HTTPS://h.example/Team")
    assert login_file("https://h.example/team") != login_file("https://h.example/Team")
