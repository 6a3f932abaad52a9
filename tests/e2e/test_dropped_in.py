"""A module dropped into its folder is served on every door: HTTP, OpenAPI, the command line, Slack and its manifest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.slack_room import answer_to, drawn, slack_room
from tests.peers.local_slack import OPERATOR, LocalSlack
from tests.running_service import VMKOPS, RunningService

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "knowledge", "service", "vmkops")
DROPPED = {
    "service/actions/water_plants.py": '''
"""Waters the plants."""

from typing import Any

from pydantic import Field

from service.api.models import ActionClass
from service.jobs.action import Action, Context, JobControl, Params, Target


class Plants(Params):
    """What to water."""

    plant: str = Field(description="Which plant.")


class WaterPlants(Action):
    """Waters the plants."""

    name = "water-plants"
    summary = "Water the plants."
    action_class = ActionClass.SAFE
    steps = ("water",)
    params = Plants

    async def target(self, context: Context, params: Plants) -> Target:
        return Target(key=f"plant:{params.plant}", name=params.plant, params=params.model_dump())

    async def run(self, context: Context, job: JobControl, params: Plants) -> dict[str, Any]:
        async def water() -> dict[str, Any]:
            return {"litres": 2, "detail": f"{params.plant} is wet"}

        return await job.step("water", water)


ACTION = WaterPlants()
''',
    "service/http/plants.py": '''
"""Plants."""

from dataclasses import dataclass

from service.http._route import Call, Route


@dataclass(frozen=True)
class Plant:
    """A plant."""

    name: str
    thirsty: bool


async def _plant(call: Call) -> Plant:
    return Plant(name=call.path("name"), thirsty=True)


ROUTES = [
    Route(method="GET", path="/plants/{name}", summary="Is it thirsty", handle=_plant, answer=Plant, lookup=True)
]
''',
    "vmkops/commands/plants.py": '''
"""`vmkops plants`: which plants there are."""

from collections.abc import Sequence

SUMMARY = "list the plants of the data centre"
GROUP = "Offline lookups"


def run(argv: Sequence[str]) -> int:
    print("ficus", *argv)
    return 0
''',
    "bot/commands/plants.py": '''
"""`/plants`: is a plant thirsty."""

from bot.blocks import Reply, message, section
from bot.commands._base import Command
from bot.request import Request


async def run(name: str, request: Request) -> Reply:
    plant = await request.deps.service.get(f"/plants/{name}")
    text = f"{plant['name']} is thirsty: {plant['thirsty']}"
    return Reply(message(text, [section(text)]))


command = Command(
    name="/plants", usage="/plants NAME", summary="Is a plant thirsty.", examples=("/plants ficus",), parse=str, run=run
)
''',
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product with one more module in each of the four folders."""
    tree = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "deploy").mkdir()
    for path, text in DROPPED.items():
        assert not (tree / path).exists()
        (tree / path).write_text(text.lstrip(), "utf-8")
    return tree


@pytest.fixture(scope="module")
def room(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalSlack, RunningService]]:
    """The copy, started with its bot in a local Slack."""
    settings = {"PYTHONPATH": str(tree)}
    data = tmp_path_factory.mktemp("data") / "data"
    with slack_room(data, settings=settings, more_commands=("/plants",)) as pair:
        yield pair


def test_action_is_offered_and_runs_over_http(room: tuple[LocalSlack, RunningService]) -> None:
    _, service = room
    offered = {each["name"]: each for each in service.call("GET", "/actions")[1]["actions"]}
    assert offered["water-plants"]["parameters"]["required"] == ["plant"]

    status, job = service.call("POST", "/actions/water-plants", {"plant": "ficus"})

    assert status == 202
    job = service.ended(job["id"])
    assert (job["state"], job["target"], job["result"]["litres"]) == ("succeeded", "ficus", 2)
    assert [(step["name"], step["detail"]) for step in job["steps"]] == [("water", "ficus is wet")]


def test_action_runs_from_the_command_line(room: tuple[LocalSlack, RunningService]) -> None:
    _, service = room
    assert "water-plants: Water the plants." in service.run("actions").stdout
    done = service.run("action", "water-plants", "palm")
    assert (done.returncode, "succeeded" in done.stdout) == (0, True), done.stderr


def test_action_is_offered_in_slack(room: tuple[LocalSlack, RunningService]) -> None:
    slack, _ = room
    assert "water-plants" in drawn(answer_to(slack, OPERATOR, "/action", ""))


def test_lookup_answers_and_is_in_the_openapi_document(room: tuple[LocalSlack, RunningService]) -> None:
    _, service = room
    assert service.call("GET", "/plants/ficus", token="") == (200, {"name": "ficus", "thirsty": True})
    document = service.call("GET", "/openapi.json", token="")[1]
    answer = document["paths"]["/plants/{name}"]["get"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert set(document["components"]["schemas"][schema]["properties"]) == {"name", "thirsty"}


def test_command_is_offered_and_runs(tree: Path) -> None:
    def vmkops(*words: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        done = subprocess.run([VMKOPS, *words], env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    assert "list the plants of the data centre" in vmkops("--help")
    assert vmkops("plants", "now") == "ficus now\n"


def test_slack_command_answers_and_is_in_help_and_manifest(room: tuple[LocalSlack, RunningService], tree: Path) -> None:
    slack, _ = room
    assert "ficus is thirsty: True" in drawn(answer_to(slack, OPERATOR, "/plants", "ficus"))
    assert "/plants" in drawn(answer_to(slack, OPERATOR, "/vmkops", ""))

    environment = {**os.environ, "PYTHONPATH": str(tree)}
    subprocess.run([sys.executable, "-m", "bot.manifest"], cwd=tree, env=environment, check=True)
    manifest = json.loads((tree / "deploy" / "slack-manifest.json").read_text("utf-8"))
    assert "/plants" in [each["command"] for each in manifest["features"]["slash_commands"]]
