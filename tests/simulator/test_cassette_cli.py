"""Recordings from the command line: `gtm call` with a cassette, with examples, with the real tools."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from gtm.cli.main import main
from gtm.errors import ConfigError
from gtm.simulator.cassette import read_turns
from gtm.simulator.config import Config

SPEC = str(Path(__file__).parents[2] / "examples" / "specs" / "galaxy.yaml")
SERVER = f"{sys.executable} {Path(__file__).parents[1] / 'data' / 'notes_server.py'}"


class Gtm:
    """The command: what it prints as JSON, or the line it says."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> Any:
        code = main(["call", SPEC, *words, "--model", "scripted", "--json"])
        caught = self._capsys.readouterr()
        return json.loads(caught.out) if code == 0 else caught.err


@pytest.fixture
def gtm(capsys: pytest.CaptureFixture[str]) -> Gtm:
    return Gtm(capsys)


def test_calls_are_recorded_and_replayed(gtm: Gtm, tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    words = ["getPlanet", '{"planetId": 7}', "--cassette", str(tape)]
    assert "cannot be read" in gtm(*words)
    made = gtm(*words, "--cassette-mode", "new_episodes")
    assert "cassette" not in made["provenance"].values()
    played = gtm(*words, "--seed", "9")
    assert played["content"] == made["content"] and played["provenance"] == {"": "cassette"}
    assert "planetId: recorded 7, given 8" in gtm("getPlanet", '{"planetId": 8}', "--cassette", str(tape))


def test_a_session_file_keeps_how_far_it_got(gtm: Gtm, tmp_path: Path) -> None:
    tape, session = tmp_path / "tape.jsonl", tmp_path / "session.json"
    new = ["--cassette", str(tape), "--cassette-mode", "new_episodes", "--session", str(session)]
    body = '{"name": "Nova", "mass": 2}'
    names = [gtm("createPlanet", body, *new)["content"] for _ in range(2)]
    assert names[0] != names[1]
    assert len(list(read_turns(tape))) == 2
    replayed = ["--cassette", str(tape), "--session", str(tmp_path / "other.json")]
    assert [gtm("createPlanet", body, *replayed)["content"] for _ in range(2)] == names


def test_options_that_do_not_fit_are_refused(gtm: Gtm, tmp_path: Path) -> None:
    assert "--cassette-mode needs a cassette" in gtm("getPlanet", '{"planetId": 7}', "--cassette-mode", "once")
    config = tmp_path / "gtm.yaml"
    config.write_text(f"real: {SERVER!r}\n")
    assert "allow it with --allow-exec" in gtm("getPlanet", '{"planetId": 7}', "--config", str(config))
    assert "name the API's URL" in gtm("getPlanet", '{"planetId": 7}', "--real", SERVER)
    assert "cannot be read" in gtm("getPlanet", '{"planetId": 7}', "--examples", str(tmp_path / "absent"))


def test_the_real_tools_answer_what_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["create_note", '{"title": "Milk", "api_key": "k"}', "--real", SERVER, "--model", "scripted", "--json"]
    assert main(["call", SERVER, *words]) == 0
    assert json.loads(capsys.readouterr().out)["content"] == {"id": "n1", "title": "Milk"}


def test_several_specs_cannot_share_a_cassette(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["--cassette", str(tmp_path / "t.jsonl"), "--model", "scripted"]
    assert main(["serve", SPEC, SPEC, *words]) == 2
    assert "recordings and real tools are of one spec" in capsys.readouterr().err


@pytest.mark.parametrize("raw", [{"cassette": {"file": "a", "mode": "never"}}, {"mode": "dreamt"}, {"cassette": "a"}])
def test_the_configuration_refuses_what_it_does_not_know(raw: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Config.parse(raw)
