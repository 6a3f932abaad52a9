"""The bot's settings are read once; what is missing or contradictory names itself and shows how to fix it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import BotSettings, SettingError

TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(environ: dict[str, str]) -> BotSettings:
    settings = BotSettings.from_environment(environ)
    assert settings is not None
    return settings


def test_without_any_slack_setting_there_is_no_bot() -> None:
    assert BotSettings.from_environment({"VMKOPS_TOKEN": "t", "SLACK_BOT_TOKEN": " "}) is None


def test_socket_mode_needs_two_settings() -> None:
    settings = read(TOKENS)
    assert settings.bot_token.get_secret_value() == "xoxb-1"
    assert settings.app_token is not None
    assert settings.signing_secret is None
    assert settings.api_url == "https://slack.com/api/"
    assert settings.service_url == "http://127.0.0.1:8080"


def test_signed_http_needs_two_settings() -> None:
    settings = read({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"})
    assert settings.app_token is None
    assert settings.signing_secret is not None


def test_api_url_gets_the_slash_that_the_client_needs() -> None:
    assert read(TOKENS | {"SLACK_API_URL": "https://slack-gov.com/api"}).api_url == "https://slack-gov.com/api/"


def test_secret_is_read_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "bot-token"
    secret.write_text("xoxb-from-file\n")
    settings = read({"SLACK_BOT_TOKEN_FILE": str(secret), "SLACK_APP_TOKEN": "xapp-1"})
    assert settings.bot_token.get_secret_value() == "xoxb-from-file"


def test_environment_goes_before_the_file(tmp_path: Path) -> None:
    config = tmp_path / "ops.toml"
    config.write_text('VMKOPS_TOKEN = "t"\n[slack]\nbot_token = "xoxb-file"\napp_token = "xapp-file"\n')
    settings = read({"VMKOPS_CONFIG": str(config), "SLACK_BOT_TOKEN": "xoxb-env"})
    assert settings.bot_token.get_secret_value() == "xoxb-env"
    assert settings.app_token is not None
    assert settings.app_token.get_secret_value() == "xapp-file"
    assert settings.service_token is not None
    assert settings.service_token.get_secret_value() == "t"


def test_file_in_the_current_folder_is_read_by_itself(tmp_path: Path) -> None:
    (tmp_path / "vmkops.toml").write_text('SLACK_BOT_TOKEN = "xoxb-1"\nSLACK_SIGNING_SECRET = "s"\n')
    assert read({}).signing_secret is not None


@pytest.mark.parametrize(
    ("environ", "setting", "fix"),
    [
        ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN", "is missing"),
        ({"SLACK_API_URL": "https://slack.com/api/"}, "SLACK_BOT_TOKEN", "is missing"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN", "or SLACK_SIGNING_SECRET"),
        (TOKENS | {"SLACK_BOT_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN", "begins with xoxb-"),
        (TOKENS | {"SLACK_APP_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN", "begins with xapp-"),
        (TOKENS | {"SLACK_BOT_TOKEN_FILE": "/secret"}, "SLACK_BOT_TOKEN", "Keep one of them"),
        (TOKENS | {"SLACK_SIGNING_SECRET_FILE": "/none"}, "SLACK_SIGNING_SECRET_FILE", "cannot be read"),
        (TOKENS | {"SLACK_API_URL": "slack.com"}, "SLACK_API_URL", "is not a URL"),
        (TOKENS | {"VMKOPS_SERVICE_URL": "localhost:8080"}, "VMKOPS_SERVICE_URL", "is not a URL"),
        (TOKENS | {"VMKOPS_CONFIG": "none.toml"}, "VMKOPS_CONFIG", "there is no file none.toml"),
    ],
)
def test_wrong_setting_is_named_with_its_fix(environ: dict[str, str], setting: str, fix: str) -> None:
    with pytest.raises(SettingError, match=fix) as refused:
        BotSettings.from_environment(environ)
    assert refused.value.setting == setting
    assert refused.value.problems[0].startswith(f"{setting}: ")


def test_misspelt_key_in_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "vmkops.toml").write_text('[slack]\nbot_tokn = "xoxb-1"\n')
    with pytest.raises(SettingError, match=r"line 2: \[slack\] bot_tokn: .* did you mean bot_token\?"):
        BotSettings.from_environment({})


def test_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "vmkops.toml").write_text("slack = ")
    with pytest.raises(SettingError, match=r"vmkops\.toml cannot be read as TOML"):
        BotSettings.from_environment({})


def test_secrets_are_not_shown() -> None:
    assert "xoxb-1" not in repr(read(TOKENS))
    with pytest.raises(SettingError) as refused:
        BotSettings.from_environment(TOKENS | {"SLACK_BOT_TOKEN": "xapp-secret"})
    assert "secret" not in str(refused.value)
