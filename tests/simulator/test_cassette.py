"""Recordings: what is played, when, and what a miss says."""

import json
from pathlib import Path
from typing import Any

import pytest

from gtm.engines.scripted import ScriptedEngine
from gtm.errors import ConfigError, SessionError
from gtm.simulator.cassette import CassetteMiss
from gtm.simulator.config import Config
from gtm.simulator.recorder import Recorder
from gtm.simulator.scrub import Scrubber
from gtm.simulator.simulator import Simulator
from gtm.simulator.upstream_http import result_of
from gtm.types import Episode, Json, Toolset
from tests.samples import notes, pets

REX = {"id": 3, "name": "Rex"}


def simulator(toolset: Toolset, engine: ScriptedEngine | str = "scripted", **config: Any) -> Simulator:
    return Simulator(toolset, model=engine, config=Config.parse(config), cache=False)


def recorded(path: Path, toolset: Toolset, *calls: tuple[str, dict[str, Json], int, Json]) -> Path:
    """A cassette of real calls: (tool, arguments, status, answer)."""
    with Recorder(path, toolset, Scrubber()) as recorder:
        for name, arguments, status, answer in calls:
            body = b"" if answer is None else json.dumps(answer).encode()
            recorder.keep(toolset.by_name[name], arguments, result_of(status, "application/json", body))
    return path


def turns(path: Path) -> list[tuple[str, dict[str, Json], bool]]:
    """What a cassette holds: (tool, arguments, observed)."""
    [*episodes] = Episode.read(path.read_text().splitlines())
    return [(turn.call.tool, turn.call.arguments, turn.observed) for episode in episodes for turn in episode.turns]


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """Two answers to one call, then an error."""
    return recorded(
        tmp_path / "tape.jsonl",
        pets(),
        ("getPet", {"petId": 3}, 200, REX),
        ("getPet", {"petId": 3}, 200, {**REX, "name": "Max"}),
        ("getPet", {"petId": 9}, 404, {"code": 404, "message": "gone"}),
    )


def test_equal_calls_play_their_recordings_in_order_then_the_last_again(tape: Path) -> None:
    with simulator(pets(), cassette={"file": str(tape)}) as sim, sim.session() as session:
        results = [session.call("getPet", {"petId": 3}) for _ in range(3)]
        assert [result.content["name"] for result in results] == ["Rex", "Max", "Max"]
        assert results[0].provenance == {"": "cassette"} and results[0].status == 200
        gone = session.call("getPet", {"petId": 9})
        assert gone.is_error and gone.status == 404 and gone.content == {"code": 404, "message": "gone"}


def test_how_far_a_session_got_is_part_of_its_state(tape: Path) -> None:
    with simulator(pets(), cassette={"file": str(tape)}) as sim:
        session = sim.session()
        start = session.snapshot()
        assert session.call("getPet", {"petId": 3}).content["name"] == "Rex"
        fork, saved = session.fork(), json.loads(json.dumps(session.dump()))
        assert session.call("getPet", {"petId": 3}).content["name"] == "Max"
        assert fork.call("getPet", {"petId": 3}).content["name"] == "Max"
        session.restore(start)
        assert session.call("getPet", {"petId": 3}).content["name"] == "Rex"
    with simulator(pets(), cassette={"file": str(tape)}) as other:
        assert other.load_session(saved).call("getPet", {"petId": 3}).content["name"] == "Max"


def test_a_miss_fails_loudly_with_the_nearest_recording(tape: Path) -> None:
    with simulator(pets(), cassette={"file": str(tape)}) as sim, sim.session() as session:
        with pytest.raises(CassetteMiss, match=r"petId: recorded 3, given 4.*new_episodes"):
            session.call("getPet", {"petId": 4})
        with pytest.raises(CassetteMiss, match=r"'createPet'.*has none of this tool"):
            session.call("createPet", {"name": "Ada"})
        assert session.turns == ()


def test_numbers_and_ignored_arguments_do_not_make_another_call(tape: Path) -> None:
    with simulator(pets(), cassette={"file": str(tape)}) as sim, sim.session() as session:
        assert session.call("getPet", {"petId": 3.0}).content["name"] == "Rex"
        assert session.call("getPet", {"petId": 3, "verbose": True}).content["name"] == "Max"


def test_the_world_learns_from_what_is_played(tape: Path) -> None:
    with simulator(pets(), cassette={"file": str(tape), "mode": "new_episodes"}) as sim, sim.session() as session:
        session.call("getPet", {"petId": 3})
        session.call("getPet", {"petId": 3})
        listed = session.call("listPets").content
        assert {"id": 3, "name": "Max"}.items() <= next(pet for pet in listed if pet["id"] == 3).items()
        session.call("updatePet", {"petId": 3, "name": "Leo"})
        assert session.call("getPet", {"petId": 3}).content["name"] == "Leo"


def test_a_recorded_read_gives_way_to_a_write_that_was_not_recorded(tape: Path) -> None:
    with simulator(pets(), cassette={"file": str(tape), "mode": "new_episodes"}) as sim, sim.session() as session:
        session.call("replacePet", {"petId": 3, "name": "Leo"})
        assert session.call("getPet", {"petId": 3}).content["name"] == "Leo"
        assert session.call("getPet", {"petId": 9}).status == 404
        assert session.call("getPet", {"petId": 9}).status == 404


def test_a_read_plays_what_was_recorded_after_the_last_write(tmp_path: Path) -> None:
    update = ("updatePet", {"petId": 3, "name": "Max"}, 200, {**REX, "name": "Max"})
    read = ("getPet", {"petId": 3})
    tape = recorded(
        tmp_path / "tape.jsonl", pets(), (*read, 200, REX), (*read, 200, REX), update, (*read, 200, update[3])
    )
    with simulator(pets(), cassette={"file": str(tape)}) as sim, sim.session() as session:
        assert session.call("getPet", {"petId": 3}).content["name"] == "Rex"
        session.call("updatePet", {"petId": 3, "name": "Max"})
        assert session.call("getPet", {"petId": 3}).content["name"] == "Max"


def test_what_the_definition_forbids_is_answered_as_it_was_recorded(tmp_path: Path) -> None:
    refusal = {"code": 7, "message": "a pet's id is a number"}
    tape = recorded(tmp_path / "tape.jsonl", pets(), ("getPet", {"petId": "x"}, 400, refusal))
    with simulator(pets(), cassette={"file": str(tape)}) as sim, sim.session() as session:
        assert session.call("getPet", {"petId": "x"}).content == refusal
        other = session.call("getPet", {"petId": "y"})
        assert other.error is not None and other.error.kind == "invalid_arguments"


def test_new_episodes_adds_what_was_simulated_and_plays_it_next_time(tape: Path) -> None:
    def run(mode: str) -> list[Json]:
        with simulator(pets(), cassette={"file": str(tape), "mode": mode}) as sim, sim.session() as session:
            return [session.call("createPet", {"name": "Ada"}).content for _ in range(2)]

    first = run("new_episodes")
    assert first[0]["id"] != first[1]["id"]
    assert turns(tape)[3:] == [("createPet", {"name": "Ada"}, False)] * 2
    before = tape.read_bytes()
    assert run("none") == first
    assert run("new_episodes") == first
    assert tape.read_bytes() == before


def test_equal_sessions_add_their_calls_once(tape: Path) -> None:
    with simulator(pets(), cassette={"file": str(tape), "mode": "new_episodes"}) as sim:
        contents = [sim.session().call("createPet", {"name": "Ada"}).content for _ in range(3)]
    assert contents[0] == contents[1] == contents[2]
    assert len(turns(tape)) == 4


def test_once_records_a_new_file_and_only_plays_an_old_one(tmp_path: Path) -> None:
    tape = tmp_path / "new.jsonl"
    with simulator(pets(), cassette={"file": str(tape), "mode": "once"}) as sim:
        made = sim.session().call("createPet", {"name": "Ada"}).content
    with simulator(pets(), cassette={"file": str(tape), "mode": "once"}) as sim, sim.session() as session:
        assert session.call("createPet", {"name": "Ada"}).content == made
        with pytest.raises(CassetteMiss):
            session.call("createPet", {"name": "Bob"})


def test_all_records_anew_and_keeps_the_old_file_until_then(tape: Path) -> None:
    before = tape.read_bytes()
    with simulator(pets(), cassette={"file": str(tape), "mode": "all"}) as sim, sim.session() as session:
        assert tape.read_bytes() == before
        session.call("createPet", {"name": "Ada"})
        session.call("listPets")
    assert turns(tape) == [("createPet", {"name": "Ada"}, False), ("listPets", {}, False)]


def test_a_tool_can_be_simulated_or_recorded_whatever_the_mode(tape: Path) -> None:
    tools = {"getPet": {"mode": "recorded"}, "createPet": {"mode": "simulated"}}
    with simulator(pets(), cassette={"file": str(tape), "mode": "new_episodes"}, tools=tools) as sim:
        session = sim.session()
        made = session.call("createPet", {"name": "Ada"})
        assert made.provenance["/name"] == "argument"
        with pytest.raises(CassetteMiss, match="another mode than 'recorded'"):
            session.call("getPet", {"petId": made.content["id"]})
    assert len(turns(tape)) == 3


def test_recordings_stand_behind_faults(tape: Path) -> None:
    with simulator(pets(), cassette={"file": str(tape)}) as sim:
        session = sim.session(faults=[{"kind": "timeout", "tools": ["getPet"], "on_call": [1]}])
        assert session.call("getPet", {"petId": 3}).error is not None
        assert session.call("getPet", {"petId": 3}).content["name"] == "Rex"


def test_real_answers_show_the_model_how_the_tool_answers(tmp_path: Path) -> None:
    toolset = notes()
    tape = recorded(
        tmp_path / "tape.jsonl",
        toolset,
        *(
            ("convert_currency", {"amount": amount, "currency": code}, 200, {"converted": amount * 2, "unit": code})
            for amount, code in ((5, "EUR"), (70, "JPY"), (8, "USD"))
        ),
    )
    engine = ScriptedEngine(lambda request: {"converted": 142, "unit": "JPY"})
    with simulator(toolset, engine, examples=str(tape)) as sim, sim.session() as session:
        result = session.call("convert_currency", {"amount": 71, "currency": "JPY"})
    assert result.content == {"converted": 142, "unit": "JPY"}
    prompt = engine.requests[0].messages[-1].content
    assert prompt.index('"currency":"JPY"') < prompt.index('"currency":"EUR"')
    assert '"unit":"JPY"' in prompt


def test_simulated_answers_are_no_examples(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    engine = ScriptedEngine(lambda request: {"fields": []} if "fields" in str(request.schema) else {"result": "a"})
    with simulator(notes(), engine, cassette={"file": str(tape), "mode": "new_episodes"}) as sim:
        sim.session().call("convert_currency", {"amount": 1, "currency": "EUR"})
    with simulator(notes(), engine, examples=str(tape)) as sim:
        sim.session().call("convert_currency", {"amount": 2, "currency": "EUR"})
    assert "Example:" not in engine.requests[-1].messages[-1].content


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"call":{"tool":"getPet"', "line 5, the last one, is cut off"),
        ("nonsense\n", "line 5 is no recorded turn"),
        (
            '{"call":{"tool":"getPet"},"time":"x","result":{"surprise":1}}\n',
            "line 5 is no recorded turn: Extra inputs",
        ),
    ],
)
def test_a_damaged_cassette_names_the_line(tape: Path, text: str, message: str) -> None:
    with tape.open("a") as file:
        file.write(text)
    with pytest.raises(SessionError, match=message):
        simulator(pets(), cassette={"file": str(tape)})


def test_recording_goes_on_after_a_cut_line(tape: Path) -> None:
    tape.write_bytes(tape.read_bytes()[:-30])
    with simulator(pets(), cassette={"file": str(tape), "mode": "new_episodes"}) as sim, sim.session() as session:
        session.call("createPet", {"name": "Ada"})
    assert [name for name, _, _ in turns(tape)] == ["getPet", "getPet", "createPet"]


def test_answers_of_another_prompt_version_are_replayed_and_said(
    tape: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with simulator(pets(), cassette={"file": str(tape), "mode": "all"}) as sim, sim.session() as session:
        made = session.call("createPet", {"name": "Ada"}).content
    tape.write_text(tape.read_text().replace('"prompt_version":"', '"prompt_version":"old-'))
    with simulator(pets(), cassette={"file": str(tape)}) as sim, sim.session() as session:
        assert session.call("createPet", {"name": "Ada"}).content == made
    assert "simulated under prompt version 'old-" in caplog.text


def test_a_cassette_without_header_or_of_other_tools_is_refused(tape: Path, tmp_path: Path) -> None:
    headless = tmp_path / "headless.jsonl"
    headless.write_text(tape.read_text().partition("\n")[2])
    with pytest.raises(SessionError, match="no Episode header"):
        simulator(pets(), cassette={"file": str(headless)})
    with pytest.raises(SessionError, match="recordings of 'getPet', which 'notes' does not have"):
        simulator(notes(), cassette={"file": str(tape)})
    with pytest.raises(SessionError, match="cannot be read"):
        simulator(pets(), cassette={"file": str(tmp_path / "absent.jsonl")})
    with pytest.raises(ConfigError, match="no cassette"):
        simulator(pets(), mode="recorded")
    with pytest.raises(ConfigError, match="names no server"):
        simulator(pets(), tools={"getPet": {"mode": "real"}})
