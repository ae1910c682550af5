"""Synthesized tools: asked for where a domain is thin, checked, the same from kept answers."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gtm.carg.folder import RunFolder, appending
from gtm.carg.read import ReadStage
from gtm.carg.recipe import Recipe
from gtm.carg.records import Entry
from gtm.carg.sources import SourcesStage
from gtm.carg.stage import Stage
from gtm.carg.teacher import Teacher
from gtm.carg.tools import ToolsStage
from gtm.engines.base import Request
from gtm.engines.scripted import ScriptedEngine
from gtm.types import Json

ROBOT = {
    "id": "a",
    "domain": "robots",
    "name": "move_robot_arm",
    "description": "Moves the gripper of a robot to a place",
    "parameters": {"type": "object", "properties": {"robot_id": {"type": "string"}}},
}
STAGES: tuple[Stage, ...] = (ReadStage(), SourcesStage(), ToolsStage())


def proposal(name: str, **more: Json) -> dict[str, Json]:
    argument = {"name": "robot_id", "type": "string", "description": "Which robot", "required": True, "values": []}
    return {
        "name": name,
        "description": f"{name} of a robot, as a warehouse needs it",
        "arguments": [argument, argument | {"name": f"{name}_speed", "type": "number", "required": False}],
        "answers_list": False,
        "answer": [{"name": "status", "type": "string", "description": "What it does now"}],
        "errors": ["RobotNotFound"],
        **more,
    }


def run(
    path: Path, answer: Callable[[Request], Json] | None, name: str = "somebody"
) -> tuple[RunFolder, dict[str, Json]]:
    (path / "data").mkdir(parents=True, exist_ok=True)
    (path / "run").mkdir(exist_ok=True)
    (path / "data" / "tools.jsonl").write_text(json.dumps(ROBOT))
    recipe = Recipe.model_validate(
        {
            "sources": {"catalogs": ["tools.jsonl"], "recordings": []},
            "tools": {"per_domain": 3, "per_request": 2, "domains": ["engineering/robotics"]},
            "teacher": {"name": name},
        }
    )
    folder = RunFolder(path / "run", recipe, path / "data")
    teacher = Teacher(ScriptedEngine(answer, raw=True)) if answer else Teacher.none()
    manifest: dict[str, Json] = {}
    for stage in STAGES:
        more = stage.prepare(folder, teacher, lambda done, all: None)
        with appending(folder, stage.name, stage.files) as appender:
            for unit in stage.units(folder):
                if unit.name not in appender.done:
                    appender.append(unit, stage.work(folder, unit))
            manifest = appender.finish(more)
    return folder, manifest


def robots(folder: RunFolder) -> list[Entry]:
    return [entry for entry in folder.every(Entry, "tools", "tools") if entry.domain == "engineering/robotics"]


def about_robots(*proposals: Json) -> Callable[[Request], Json]:
    """Answers the first question about robots, and nothing to all others."""
    asked: list[str] = []

    def answer(request: Request) -> Json:
        if "Domain: robotics" not in request.messages[1].content or len(asked) == 1:
            return "I do not know."
        asked.append("robots")
        return json.dumps({"tools": list(proposals)})

    return answer


def test_a_thin_domain_is_filled_and_its_coverage_said(tmp_path: Path) -> None:
    folder, manifest = run(tmp_path, about_robots(proposal("dock_robot"), proposal("pause_robot")))
    one, other = robots(folder)
    assert (one.family, one.source, one.tool.name) == ("synthetic/engineering/robotics", "teacher", "dock_robot")
    assert one.tool.parameters["required"] == ["robot_id"] and one.tool.error_names == ("RobotNotFound",)
    assert isinstance(one.tool.output_schema, dict) and one.tool.output_schema["required"] == ["status"]
    assert other.tool.name == "pause_robot"
    counts = manifest["counts"]
    assert counts["before/engineering/robotics"] == 1 and counts["after/engineering/robotics"] == 3
    assert counts["domains_filled"] == 1 and "dropped/not_json" not in counts


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (proposal("x"), "bad_name"),
        (proposal("dock_robot", description="..."), "no_description"),
        (proposal("dock_robot", answer=[]), "no_answer"),
        (proposal("dock_robot", arguments="none"), "bad_schema"),
        (proposal("get_robot", arguments=[]), "implausible_effect"),
        ("dock_robot", "bad_schema"),
        (
            proposal(
                "move_robot_arm",
                description=ROBOT["description"],
                arguments=proposal("x")["arguments"][:1],
                answer=[{"name": "ok", "type": "boolean", "description": ""}],
            ),
            "near_copy",
        ),
    ],
)
def test_what_is_no_tool_is_dropped_with_its_reason(tmp_path: Path, bad: Json, reason: str) -> None:
    folder, manifest = run(tmp_path, about_robots(bad, proposal("dock_robot")))
    assert manifest["counts"][f"dropped/{reason}"] == 1
    assert [entry.tool.name for entry in robots(folder)] == ["dock_robot"]


def test_repairs_are_counted(tmp_path: Path) -> None:
    argument = {"name": "robot id", "type": "string", "description": "", "required": True, "values": []}
    folder, manifest = run(
        tmp_path, about_robots(proposal("dockRobot", arguments=[argument, *proposal("x")["arguments"]]))
    )
    assert robots(folder)[0].tool.name == "dock_robot"
    assert manifest["counts"]["repaired/name"] == manifest["counts"]["repaired/argument"] == 1


def test_without_a_teacher_nothing_is_made_and_the_manifest_says_what_is_missing(tmp_path: Path) -> None:
    folder, manifest = run(tmp_path, None, "none")
    assert manifest["units"] == 0 and not robots(folder)
    assert manifest["thin_domains"] == 1 and manifest["tools_missing"] == 2 and manifest["teacher"] == "none"


def test_kept_answers_make_the_same_tools_without_the_model(tmp_path: Path) -> None:
    folder, _ = run(tmp_path, about_robots(proposal("dock_robot")))
    rows = folder.rows("tools").read_bytes()
    for name in ("tools.jsonl", "tools.journal.jsonl", "tools.manifest.json"):
        (folder.path / name).unlink()
    again, _ = run(tmp_path, None)
    assert again.rows("tools").read_bytes() == rows and rows
