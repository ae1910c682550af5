"""A user's own cassettes as items: what is scored, what is left out by name, what is refused."""

import json
from pathlib import Path

import pytest

from gtm import Simulator
from gtm.cli.main import main
from gtm.errors import SessionError, SpecError
from gtm.eval.episodes import read_episodes
from gtm.types import Toolset
from tests.eval.made import PETS, pet


def recorded(folder: Path, name: str = "tape.jsonl", *, simulated: bool = False) -> Path:
    """A cassette of two calls that really happened, and one that did not where asked for."""
    with Simulator(PETS, model="scripted").session(seed=1) as session:
        session.observe("createPet", {"name": "Rex"}, pet(7, "Rex"))
        session.observe("getPet", {"id": 7}, pet(7, "Rex"))
        session.observe("getPet", {"id": 8}, "404: pet 8 was not found", is_error=True)
        if simulated:
            session.call("say", {"what": "hello"})
        episode = session.episode
    file = folder / name
    file.write_text("".join(f"{line}\n" for line in episode.lines()), encoding="utf-8")
    return file


def definitions(folder: Path) -> Path:
    tools = [
        {"name": tool.name, "description": tool.description, "inputSchema": tool.parameters}
        | ({"outputSchema": tool.output_schema} if isinstance(tool.output_schema, dict) else {})
        for tool in PETS.tools
    ]
    file = folder / "pets.json"
    file.write_text(json.dumps({"tools": tools}), encoding="utf-8")
    return file


def test_each_episode_is_an_item_and_what_was_simulated_is_not_scored(tmp_path: Path) -> None:
    found = read_episodes([recorded(tmp_path), recorded(tmp_path, "more.jsonl", simulated=True)], PETS)
    assert [(item.id, item.scored) for item in found] == [("tape.jsonl#0", (0, 1, 2)), ("more.jsonl#0", (0, 1, 2))]
    assert len(found.items[1].turns) == 4
    assert found.excluded == {"more.jsonl#0#3": "this answer was simulated, not recorded"}
    assert {item.split for item in found} == {"own"}


def test_recordings_of_other_tools_are_named(tmp_path: Path) -> None:
    other = Toolset(name="other", kind="mcp", tools=PETS.tools[:1])
    with pytest.raises(SpecError, match=r"tape\.jsonl#0.*does not have: getPet"):
        read_episodes([recorded(tmp_path)], other)


def test_what_is_no_episode_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"a": 1}\n', encoding="utf-8")
    with pytest.raises(SessionError, match="line 1"):
        read_episodes([file], PETS)


def test_a_clone_is_measured_against_its_own_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["eval", "run", "fidelity", "errors", "--model", "scripted", "--run", str(tmp_path / "run")]
    tape, tools = recorded(tmp_path), definitions(tmp_path)
    assert main([*asked, "--episodes", str(tape), "--tools", str(tools), "--json"]) == 0
    figures = {
        (one["suite"], one["metric"]): (one["value"], one["n"])
        for one in json.loads(capsys.readouterr().out)
        if not one["slice"]
    }
    assert figures["fidelity", "structure_f1"][1] == 2
    assert figures["errors", "recall"][0] == 1.0
    assert figures["errors", "false_errors"] == (0.0, 2)
    assert main([*asked, "--episodes", str(tape)]) == 2
    assert "--episodes FILE with --tools FILE" in capsys.readouterr().err
    assert main([*asked, "--episodes", str(tape), "--tools", str(tools), "--data", str(tmp_path)]) == 2
    assert "not both" in capsys.readouterr().err
