"""The manual agrees with the code, and every door to it opens."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from service.api.config_file import NAMES
from tests.vmkops.shell import completed
from tests.vmkops.terminal import run
from vmkops.commands import names
from vmkops.manual import DOCS, TOPICS, commands_page, settings_page

ROOT = Path(__file__).parents[2]


def test_pages_that_are_made_from_the_code_are_current() -> None:
    for file, page in (("commands.md", commands_page()), ("settings.md", settings_page())):
        assert (DOCS / file).read_text("utf-8") == page, "run python -m vmkops.manual"


def test_page_of_settings_has_every_setting() -> None:
    page = settings_page()
    assert [name for name in NAMES if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize("name", names())
def test_arguments_in_the_manual_are_those_of_the_help(tmp_path: Path, name: str) -> None:
    described = import_module(f"vmkops.commands.{name}").parser()
    options = {
        option for action in described._actions for option in action.option_strings if action.help != "==SUPPRESS=="
    }
    shown = run(tmp_path, name, "--help", COLUMNS="300").stdout
    assert {option for option in options - {"-h", "--help"} if option not in shown} == set()
    if not any(action.dest == "command" or action.nargs == "A..." for action in described._actions):
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", shown)) - {"--help"} <= options


@pytest.mark.parametrize("topic", TOPICS)
def test_topic_is_printed(tmp_path: Path, topic: str) -> None:
    done = run(tmp_path, "help", topic)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout) > 500


def test_topics_are_listed_with_their_titles(tmp_path: Path) -> None:
    shown = run(tmp_path, "help").stdout
    assert re.search(r"^  vcenter +vCenter and permissions$", shown, re.MULTILINE)
    assert all(re.search(rf"^  {topic} +\w", shown, re.MULTILINE) for topic in TOPICS)


def test_help_of_a_command_is_its_own(tmp_path: Path) -> None:
    assert run(tmp_path, "help", "jobs").stdout == run(tmp_path, "jobs", "--help").stdout != ""


def test_unknown_topic_leads_to_similar_ones(tmp_path: Path) -> None:
    done = run(tmp_path, "help", "slak")
    assert done.returncode == 1
    assert "Did you mean slack?" in done.stderr


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("vmkops deco", ["decode"]),
        ("vmkops iscsi val", ["validate"]),
        ("vmkops decode --summ", ["--summary"]),
        ("vmkops jobs --state fai", ["failed"]),
        ("vmkops jobs --color=never --state=fai", ["failed"]),  # bash splits words at =
        ("vmkops help upg", ["upgrade"]),
        ("vmkops kb show 'consolidation-nee", ["consolidation-needed"]),
        ("vmkops --service '$(touch made)' jobs --stat", ["--state"]),
        ("vmkops --service ", ["lab"]),
        ("vmkops vms ", []),  # nothing listens: nothing is offered, and nothing printed
    ],
)
def test_bash_completes_what_is_typed(tmp_path: Path, typed: str, words: list[str]) -> None:
    (tmp_path / "vmkops.toml").write_text(
        'VMKOPS_SERVICE_URL = "http://127.0.0.1:1"\n[services.lab]\nurl = "http://x"\n'
    )
    assert completed(typed, tmp_path, {"XDG_CACHE_HOME": str(tmp_path)}) == (words, "")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(tmp_path: Path, shell: str) -> None:
    assert f"vmkops completion words {shell} " in run(tmp_path, "completion", shell).stdout


def test_site_and_man_page_are_built_without_a_warning_and_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    def build(builder: str, *words: str) -> None:
        command = [sys.executable, "-m", "sphinx", "--quiet", "-d", str(tmp_path / "trees"), "-b", builder]
        done = subprocess.run(
            [*command, "docs", str(tmp_path / builder), *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    build("dummy", "--fail-on-warning")  # it reads and resolves all pages
    build("html", "docs/index.md", "docs/start.md")  # the theme, which loads things, is the same for all of them
    build("man", "--fail-on-warning")
    loaded = r"<(?:script|img|iframe)[^>]*\ssrc=\"(?:https?:)?//|<link[^>]*\shref=\"(?:https?:)?//"
    for name in ("index", "start"):
        assert re.findall(loaded, (tmp_path / "html" / f"{name}.html").read_text("utf-8")) == []
    loaded = rf"!\[[^\]]*\]\(https?://|{loaded}"
    for source in (ROOT / "docs").glob("*.md"):
        assert re.findall(loaded, source.read_text("utf-8")) == []
    page = (tmp_path / "man" / "vmkops.1").read_text("utf-8")
    assert ".SS vmkops vmkerr" in page
    assert page == (ROOT / "deploy" / "vmkops.1").read_text("utf-8"), "run make docs"
