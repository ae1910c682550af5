"""The one path of a call: check, fault, plan, generate, commit, record; and that it is a function of its inputs."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gtm import Episode, Simulator, Tool, Toolset
from gtm.engines.base import Completion, Request
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import ConfigError, EngineError, LimitError, SessionError
from gtm.simulator.config import Config, load_faults
from gtm.simulator.faults import FaultRule
from gtm.simulator.validation import compile_validator
from gtm.types import Json
from tests.samples import PROBLEM, notes, operation, pets

CALLS: list[tuple[str, dict[str, Json]]] = [
    ("listPets", {}),
    ("createPet", {"name": "Rex"}),
    ("getPet", {"petId": 7}),
    ("listPets", {"status": "sold"}),
    ("getPet", {"petId": 7}),
]

RUN = """
import sys, json
from gtm import Simulator
from tests.samples import pets
from tests.simulator.test_calls import CALLS
session = Simulator(pets(), model="scripted", cache=False).session(seed=int(sys.argv[1]))
for name, arguments in CALLS:
    session.call(name, arguments)
sys.stdout.buffer.write(session.episode.comparable())
"""


def simulator(toolset: Toolset | None = None, **options: object) -> Simulator:
    return Simulator(toolset or pets(), model=options.pop("model", "scripted"), cache=False, **options)  # type: ignore[arg-type]


def played(seed: int, hash_seed: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(seed)],
        check=True,
        capture_output=True,
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parents[2]), "PATH": ""},
    )
    return done.stdout


def test_two_processes_agree_to_the_byte_and_two_seeds_differ() -> None:
    assert played(1, "1") == played(1, "2") != played(2, "1")


def test_unrelated_sessions_do_not_disturb_each_other() -> None:
    shared = simulator()
    alone = simulator().session(seed=1)
    mine, other = shared.session(seed=1), shared.session(seed=2)
    for name, arguments in CALLS:
        alone.call(name, arguments)
        other.call(name, arguments)
        mine.call(name, arguments)
    assert mine.episode.comparable() == alone.episode.comparable() != other.episode.comparable()


def test_a_batch_keeps_the_order_within_a_session() -> None:
    one = simulator()
    first, second = one.session(seed=1), one.session(seed=1)
    results = one.call_batch([(first, *call) for call in CALLS] + [(second, *call) for call in CALLS])
    assert [r.content for r in results[: len(CALLS)]] == [r.content for r in results[len(CALLS) :]]
    assert results[2].content == results[4].content


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"petId": "x"}, "'petId' must be an integer"),
        ({}, "missing required argument 'petId'"),
        ([], "object"),
        ({"petId": float("nan")}, "petId"),
    ],
)
def test_wrong_arguments_get_the_documented_error(arguments: Json, says: str) -> None:
    result = simulator().session().call("getPet", arguments)
    assert (result.is_error, result.status) == (True, 422)
    assert compile_validator(PROBLEM).is_valid(result.content)
    assert says in result.content["message"]
    assert result.error is not None
    assert result.error.kind == "invalid_arguments"


def test_an_unknown_tool_is_named_with_the_nearest() -> None:
    result = simulator().session().call("getPets", {})
    assert result.error is not None
    assert result.error.kind == "unknown_tool"
    assert "'getPets'" in result.text
    assert "'getPet'" in result.text


def test_an_unknown_argument_is_reported_where_the_schema_is_open() -> None:
    result = simulator().session().call("createPet", {"name": "Rex", "nmae": "x"})
    assert not result.is_error
    assert result.warnings == ("unknown argument 'nmae' was ignored; did you mean 'name'?",)


def test_every_field_says_where_it_came_from() -> None:
    session = simulator().session()
    made = session.call("createPet", {"name": "Rex"})
    assert made.provenance["/name"] == "argument"
    assert made.provenance["/id"] == made.provenance["/createdAt"] == "computed"
    assert made.provenance["/status"] == "model"
    read = session.call("getPet", {"petId": made.content["id"]})
    assert set(read.provenance.values()) == {"state"}


def test_time_moves_forward_and_is_the_same_for_the_same_call() -> None:
    session = simulator().session()
    first = session.call("createPet", {"name": "a"}).content["createdAt"]
    second = session.call("createPet", {"name": "b"}).content["createdAt"]
    assert first < second
    assert [turn.time for turn in session.turns] == sorted({turn.time for turn in session.turns})


def test_only_what_is_unknown_is_generated() -> None:
    asked: list[Request] = []

    def answer(request: Request) -> Json:
        asked.append(request)
        return {"status": "sold", "tags": ["a"]}

    session = simulator(model=ScriptedEngine(answer)).session()
    made = session.call("createPet", {"name": "Rex"}).content
    assert (made["name"], made["status"], made["tags"]) == ("Rex", "sold", ["a"])
    assert asked[0].schema is not None
    assert list(asked[0].schema["properties"]) == ["status", "tags"]
    session.call("getPet", {"petId": made["id"]})
    assert len(asked) == 1


@pytest.mark.parametrize(
    "text",
    ["", "no JSON at all", '{"status": "so', '{"status": 3, "tags": "x"}', "[[[[", '{"status": "lost", "tags": []}'],
)
def test_whatever_the_engine_writes_the_answer_validates(text: str) -> None:
    pet = pets().by_name["createPet"]
    result = (
        simulator(model=ScriptedEngine(lambda request: text, raw=True)).session().call("createPet", {"name": "Rex"})
    )
    assert not result.is_error
    assert compile_validator(pet.output_schema or {}).is_valid(result.content)
    assert "default" in result.provenance.values()
    assert {"status", "tags"} <= set(result.content)


def test_an_unsatisfiable_output_schema_is_treated_as_none_and_reported() -> None:
    tool = Tool(name="odd", output_schema={"type": "string", "enum": [1]})
    one = simulator(Toolset(name="odd", kind="openai", tools=(tool,)))
    result = one.session().call("odd", {})
    assert not result.is_error
    assert result.content
    definition = one.definitions.get("odd")
    assert definition is not None
    assert any("unsatisfiable" in note for note in definition.notes)


def test_binary_answers_are_a_documented_placeholder() -> None:
    tool = operation("photo", "GET", "/photo", {}, {"type": "string"})
    assert tool.http is not None
    image = tool.model_copy(update={"http": tool.http.model_copy(update={"media_type": "image/png"})})
    result = simulator(Toolset(name="p", kind="openapi", tools=(image,))).session().call("photo", {})
    assert result.content.startswith("iVBORw0KGgo")
    assert result.provenance == {"": "default"}


def test_an_mcp_tool_without_schema_answers_text() -> None:
    toolset = Toolset(name="m", kind="mcp", tools=(Tool(name="motivate", description="Say something kind."),))
    result = simulator(toolset).session().call("motivate", {})
    assert isinstance(result.content, str)
    assert result.content == result.text != ""


def test_an_mcp_tool_that_reads_what_another_wrote_answers_it_as_text() -> None:
    toolset = notes().model_copy(update={"kind": "mcp"})
    session = simulator(toolset).session()
    made = session.call("create_note", {"note_id": "n1", "title": "Milk", "body": "two"})
    assert json.loads(made.text) == {"note_id": "n1", "title": "Milk", "body": "two"}
    assert session.call("get_note", {"note_id": "n1"}).text == made.text


def test_a_fault_happens_on_the_call_it_was_asked_for_and_is_labelled() -> None:
    rule = FaultRule(kind="rate_limit", on_call=(2,), retry_after=5)
    session = simulator().session(faults=[rule])
    results = [session.call("listPets") for _ in range(3)]
    assert [result.is_error for result in results] == [False, True, False]
    assert results[1].status == 429
    assert results[1].error is not None
    assert (results[1].error.injected, results[1].error.retry_after, results[1].error.solvable) == (True, 5, True)


def test_a_committed_timeout_is_an_error_that_changed_the_world() -> None:
    session = simulator().session(faults=[FaultRule(kind="committed_timeout", tools=("create*",))], world="closed")
    assert session.call("createPet", {"name": "Rex"}).is_error
    assert [pet["name"] for pet in session.call("listPets").content] == ["Rex"]


def test_the_same_seed_gives_the_same_faults() -> None:
    rule = FaultRule(kind="timeout", probability=0.5)

    def errors(seed: int) -> list[bool]:
        session = simulator().session(seed=seed, faults=[rule])
        return [session.call("listPets").is_error for _ in range(20)]

    assert errors(1) == errors(1) != errors(2)
    assert 3 < sum(errors(1)) < 17


def test_an_engine_that_fails_leaves_the_session_as_it_was() -> None:
    engine = ScriptedEngine([EngineError("the engine stopped; try again"), {"status": "sold", "tags": ["a"]}])
    session = simulator(model=engine).session()
    with pytest.raises(EngineError, match="try again"):
        session.call("createPet", {"name": "Rex"})
    assert (session.turns, session.state()) == ((), {})
    assert session.call("createPet", {"name": "Rex"}).content["status"] == "sold"


async def test_a_cancelled_call_changes_nothing_and_the_next_one_works() -> None:
    class Slow:
        name = "slow"

        async def generate(self, requests: object) -> list[Completion]:
            await asyncio.sleep(30)
            return []

        async def aclose(self) -> None:
            """Nothing to free."""

    async with Simulator(pets(), model=Slow(), cache=False).asession() as session:
        task = asyncio.create_task(session.acall("createPet", {"name": "Rex"}))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert session.turns == ()
        assert (await session.acall("getPet", {})).is_error


async def test_two_callers_of_one_session_are_serialised() -> None:
    session = simulator().session(world="closed")
    await asyncio.gather(*(session.acall("createPet", {"name": f"pet {n}"}) for n in range(40)))
    listed = (await session.acall("listPets")).content
    assert len({pet["id"] for pet in listed}) == 40
    assert len(session.turns) == 41


def test_an_episode_is_written_as_it_happens_and_read_back(tmp_path: Path) -> None:
    file = tmp_path / "episode.jsonl"
    session = simulator().session(seed=3, record=file)
    for count, (name, arguments) in enumerate(CALLS, start=1):
        session.call(name, arguments)
        [episode] = Episode.read(file.read_text().splitlines())
        assert len(episode.turns) == count
    assert episode.comparable() == session.episode.comparable()
    with pytest.raises(ValueError, match="header"):
        Episode.read(['{"call": {}}'])


def test_a_session_is_saved_and_goes_on() -> None:
    one = simulator()
    session = one.session(seed=3, world="closed")
    key = session.call("createPet", {"name": "Rex"}).content["id"]
    loaded = one.load_session(json.loads(json.dumps(session.dump())))
    assert loaded.episode == session.episode
    assert loaded.snapshot().history == session.snapshot().history
    assert loaded.call("getPet", {"petId": key}).content["name"] == "Rex"
    with pytest.raises(SessionError, match="another toolset"):
        simulator(notes()).load_session(session.dump())
    with pytest.raises(SessionError, match="damaged"):
        one.load_session({**session.dump(), "state": {"collections": 3}})
    with pytest.raises(SessionError, match="no saved session"):
        one.load_session([])


def test_a_snapshot_of_another_toolset_is_refused() -> None:
    with pytest.raises(SessionError, match="another toolset"):
        simulator().session().restore(simulator(notes()).session().snapshot())


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"sed": 1}, "'sed'"),
        ({"world": "round"}, "'world'"),
        ({"faults": [{"kind": "gremlin"}]}, "'faults.0.kind'"),
        ({"faults": [{"kind": "timeout", "probability": 2}]}, "'faults.0.probability'"),
    ],
)
def test_a_wrong_configuration_names_the_key(raw: Json, says: str) -> None:
    with pytest.raises(ConfigError, match=r"gtm\.yaml") as caught:
        Config.parse(raw, "gtm.yaml")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_configuration_of_absent_tools_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'nope'"):
        simulator(config=Config.parse({"tools": {"nope": {}}}))
    policy = tmp_path / "faults.yaml"
    policy.write_text("- kind: timeout\n  tools: [nope]\n")
    with pytest.raises(ConfigError, match="'nope'"):
        simulator(config=Config(faults=load_faults(policy)))


def test_a_world_that_grows_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtm.world.state.MAX_DOCUMENTS", 3)
    session = simulator().session(world="closed")
    for _ in range(3):
        session.call("createPet", {"name": "x"})
    with pytest.raises(LimitError, match="3 documents"):
        session.call("createPet", {"name": "x"})
    assert len(session.call("listPets").content) == 3


def test_secrets_do_not_reach_the_episode() -> None:
    session = simulator().session()
    session.call("createPet", {"name": "Rex", "secret": "hunter2"})
    assert "hunter2" not in session.episode.model_dump_json()
    assert session.turns[0].call.arguments == {"name": "Rex", "secret": "[redacted]"}


def test_a_secret_inside_an_argument_is_not_shown() -> None:
    owner = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "pin": {"type": "string", "writeOnly": True}},
    }
    output = {"type": "object", "properties": {"id": {"type": "string"}, "owner": {**owner, "required": ["name"]}}}
    tools = (
        operation("createCar", "POST", "/cars", {"owner": owner}, output, 201),
        operation("getCar", "GET", "/cars/{carId}", {"carId": {"type": "string"}}, output),
    )
    session = simulator(Toolset(name="cars", kind="openapi", tools=tools)).session()
    made = session.call("createCar", {"owner": {"name": "Ada", "pin": "4711"}})
    assert made.content["owner"] == {"name": "Ada"}
    assert "4711" not in session.call("getCar", {"carId": made.content["id"]}).text + str(session.state())


async def test_a_reset_during_a_call_drops_the_call() -> None:
    def answer(request: Request) -> Json:
        session.reset()
        return {"status": "sold", "tags": ["a"]}

    session = simulator(model=ScriptedEngine(answer)).session()
    with pytest.raises(SessionError, match="reset or restored"):
        await session.acall("createPet", {"name": "Rex"})
    assert (session.turns, session.state()) == ((), {})


def test_text_that_utf8_cannot_carry_is_kept_readable() -> None:
    session = simulator().session()
    assert session.call("getPet", {"petId": "\ud800"}).is_error
    assert session.call("\ud800", {}).is_error
    assert "\ud800" not in session.episode.model_dump_json()
    assert json.loads(json.dumps(session.dump()))["turns"]


def test_doors_refuse_what_is_no_value() -> None:
    one = simulator()
    for options in ({"seed": 1.5}, {"world": "nope"}):
        with pytest.raises(ConfigError):
            one.session(**options)
    with pytest.raises(SessionError, match="by its name"):
        one.session().call(None)  # type: ignore[arg-type]
    assert one.session().call("getPet", {1: 2}).is_error
    with pytest.raises(SessionError, match="no JSON value"):
        one.session().observe("getPet", {"petId": 1}, {"id": 1, "name": float("nan")})
