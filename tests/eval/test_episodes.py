"""A user's own cassettes as items: what is scored, what is left out by name, what is refused."""

import json
from pathlib import Path

import pytest

from gtm import Simulator
from gtm.cli.main import main
from gtm.errors import SessionError, SpecError
from gtm.eval.episodes import read_episodes
from gtm.eval.metrics.response import measure
from gtm.eval.mutate import is_valid
from gtm.eval.records import Answer
from gtm.types import Toolset
from tests.eval.made import PETS, pet


def recorded(folder: Path, name: str = "tape.jsonl", *, simulated: bool = False, times: int = 1) -> Path:
    """A cassette of three calls that really happened, and one that did not where asked for."""
    with Simulator(PETS, model="scripted").session(seed=1) as session:
        for _ in range(times):
            session.observe("createPet", {"name": "Rex"}, pet(7, "Rex"))
            session.observe("getPet", {"id": 7}, pet(7, "Rex"))
            session.observe("getPet", {"id": 8}, "no such pet", is_error=True)
        if simulated:
            session.call("say", {"what": "hello"})
            session.observe("getPet", {"id": 7}, pet(7, "Rex"))
        episode = session.episode
    file = folder / name
    file.parent.mkdir(exist_ok=True)
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


def test_each_episode_is_an_item_up_to_what_was_simulated(tmp_path: Path) -> None:
    found = read_episodes([recorded(tmp_path), recorded(tmp_path, "more.jsonl", simulated=True)], PETS)
    assert [(item.id, item.scored) for item in found] == [("tape.jsonl#0", (0, 1, 2)), ("more.jsonl#0", (0, 1, 2))]
    assert len(found.items[1].turns) == 3
    assert found.excluded == {"more.jsonl#0#3": "this and all later ones of 5 calls: here the answer was simulated"}
    assert {item.split for item in found} == {"own"}


def test_tapes_of_one_name_are_told_apart_and_one_given_twice_counts_once(tmp_path: Path) -> None:
    one, other = recorded(tmp_path, "a/tape.jsonl"), recorded(tmp_path, "b/tape.jsonl")
    assert len({item.id for item in read_episodes([one, other, one], PETS)}) == 2


def test_a_long_episode_is_scored_to_its_end_in_parts(tmp_path: Path) -> None:
    first, last = read_episodes([recorded(tmp_path, times=80)], PETS)
    assert (first.scored, last.scored) == (tuple(range(200)), tuple(range(200, 240)))
    assert (len(first.turns), len(last.turns)) == (200, 240)
    assert last.id == "tape.jsonl#0@200"


def test_calls_of_other_tools_are_named(tmp_path: Path) -> None:
    makers = Toolset(name="makers", kind="mcp", tools=PETS.tools[:1])
    found = read_episodes([recorded(tmp_path)], makers)
    assert [item.scored for item in found] == [(0,)]
    assert found.excluded["tape.jsonl#0#1"] == "calls 'getPet', which 'makers' does not have"
    talkers = Toolset(name="talkers", kind="mcp", tools=PETS.tools[2:])
    with pytest.raises(SpecError, match=r"tape\.jsonl#0#0.*does not have"):
        read_episodes([recorded(tmp_path)], talkers)


def test_what_a_tape_does_not_show_is_compared_by_type_only(tmp_path: Path) -> None:
    with Simulator(PETS, model="scripted").session(seed=1) as session:
        for number in (1, 2):
            session.observe("getPet", {"id": number}, pet(number, "[redacted]"))
        lines = list(session.episode.lines())
    file = tmp_path / "tape.jsonl"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    found = read_episodes([file], PETS)
    [item] = found.items
    truth = found.families.truth(item, 1)
    same = measure(truth, Answer(content=pet(2, "Rex")))
    assert (same.values["match"], same.counts["masked_token"]) == (1.0, 1)
    assert is_valid(PETS.by_name["getPet"], {"id": "[redacted]"})
    assert not is_valid(PETS.by_name["getPet"], {"id": "x"})


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
    assert main([*asked, "--tools", str(tools), "--data", str(tmp_path)]) == 2
    assert "give them too" in capsys.readouterr().err


def test_what_a_tape_cannot_be_used_for_is_left_out_by_name(tmp_path: Path) -> None:
    asked = ["eval", "run", "format", "consistency", "--model", "scripted", "--run", str(tmp_path / "run")]
    tools = definitions(tmp_path)
    empty = tmp_path / "tape.jsonl"
    empty.write_text("", encoding="utf-8")
    given = ["--episodes", str(empty), "--tools", f"{tools}#pets"]
    assert main([*asked, *given]) == 2
    recorded(tmp_path)  # the same command again, once the tape holds something
    alone = Toolset(name="alone", kind="mcp", tools=PETS.tools[1:2])
    tools.write_text(
        json.dumps({"tools": [{"name": "getPet", "inputSchema": alone.tools[0].parameters}]}), encoding="utf-8"
    )
    assert main([*asked, "--episodes", str(empty), "--tools", str(tools)]) == 0
    excluded = json.loads((tmp_path / "run" / "excluded.json").read_text())
    assert "it has nothing to measure in these recordings" in excluded.get("suite consistency", "")
