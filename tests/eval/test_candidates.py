"""Candidates: what each sees, what it answers, and what counts as no answer."""

import json

import pytest

from gtm.engines.base import Engine, Request
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import ConfigError, EngineError
from gtm.eval.candidates import Engines, check_candidate, open_candidate
from gtm.eval.closed import begin
from gtm.eval.neighbour import Nearest
from gtm.eval.prompted import emulator, free, mirror
from gtm.eval.records import Answer, Candidate, Task
from gtm.eval.simulated import Simulated
from gtm.eval.suite import Remembering, task_of
from gtm.types import Json
from tests.eval.made import PETS, item, pet


def task(step: int, number: int = 1) -> Task:
    return task_of(item(number), step, PETS, 0)


async def only(candidate: Candidate, one: Task) -> Answer:
    [answer] = await candidate.answer([one])
    return answer


def raw(*texts: str) -> ScriptedEngine:
    return ScriptedEngine(list(texts), raw=True)


async def test_the_simulator_knows_the_true_history() -> None:
    candidate = Simulated("simulator:scripted", ScriptedEngine())
    answers = await candidate.answer([task(1), task(2)])
    assert answers[0].content == pet(1, "Rex")
    assert answers[1].is_error


async def test_a_scored_call_changes_nothing_for_the_next_step() -> None:
    candidate = Simulated("simulator:scripted", ScriptedEngine())
    made = await only(candidate, task(0))
    shown = await only(candidate, task(1))
    assert made.content["name"] == "Rex"
    assert made.content["id"] != 1
    assert shown.content == pet(1, "Rex")


async def test_what_the_simulators_engine_wrote_is_kept_and_judged_strictly() -> None:
    good = Simulated("s", ScriptedEngine(lambda request: {"status": "sold", "tags": ["a"]}))
    assert (await only(good, task(0))).raw_valid is True
    bad = Simulated("s", ScriptedEngine(lambda request: '{"status": "lost"', raw=True))
    answer = await only(bad, task(0))
    assert answer.raw == '{"status": "lost"'
    assert answer.raw_valid is False
    assert answer.content["status"] in ("available", "sold")


async def test_an_engine_that_fails_is_no_bad_answer() -> None:
    candidate = Simulated("s", ScriptedEngine([EngineError("gone")]))
    with pytest.raises(EngineError, match="gone"):
        await candidate.answer([task(0)])


async def test_free_form_sees_schema_history_and_call() -> None:
    engine = raw(json.dumps(pet(1, "Rex")))
    answer = await only(free("free:x", engine), task(1))
    asked = engine.requests[0].messages[-1].content
    assert all(part in asked for part in ('"status"', 'createPet({"name":"Rex"})', 'getPet({"id":1})'))
    assert engine.requests[0].schema is None
    assert answer.content == pet(1, "Rex")
    assert answer.raw_valid is True


async def test_nobody_sees_the_answer_or_what_comes_after() -> None:
    seen: list[str] = []

    def note(request: Request) -> Json:
        seen.append("".join(message.content for message in request.messages))
        return "{}"

    engine: Engine = ScriptedEngine(note, raw=True)
    secret = item(764213, "Zebulon")
    for candidate in (free("f", engine), emulator("e", engine), mirror("m", engine), Simulated("s", engine)):
        await candidate.answer([task_of(secret, 0, PETS, 0)])
    assert len(seen) == 4
    assert not any("76421" in text or "76521" in text for text in seen)


@pytest.mark.parametrize(
    ("text", "content", "is_error", "failed"),
    [
        ('Here it is:\n```json\n{"id": 1}\n```', {"id": 1}, False, ""),
        ('{"error": "no such pet"}', {"error": "no such pet"}, True, ""),
        ('{"error": null, "id": 1}', {"error": None, "id": 1}, False, ""),
        ("The pet is called Rex.", None, False, "prose"),
        ("  ", None, False, "nothing"),
        ('{"id": NaN}', None, False, "prose"),
    ],
)
async def test_a_free_answer_is_read_as_what_it_says(text: str, content: Json, is_error: bool, failed: str) -> None:
    answer = await only(free("free:x", raw(text)), task(1))
    assert (answer.content, answer.is_error, answer.failed) == (content, is_error, failed)


async def test_a_tool_that_may_answer_text_may_be_answered_with_text() -> None:
    one = Task(**{**vars_of(task(1)), "tool": PETS.by_name["say"], "arguments": {"what": "hello"}})
    answer = await only(free("free:x", raw("hello")), one)
    assert (answer.content, answer.failed, answer.raw_valid) == ("hello", "", None)


def vars_of(one: Task) -> dict[str, Json]:
    return {name: getattr(one, name) for name in Task.__dataclass_fields__}


async def test_mirror_reads_both_fields_of_its_form() -> None:
    engine = raw(
        json.dumps({"error": "", "response": '{"id": 1}'}), json.dumps({"error": "gone", "response": ""}), "{}"
    )
    candidate = mirror("mirror:x", engine)
    good, bad, none = [await only(candidate, task(1)) for _ in range(3)]
    assert (good.content, good.is_error, good.raw_valid) == ({"id": 1}, False, True)
    assert (bad.content, bad.is_error) == ("gone", True)
    assert (none.failed, none.raw_valid) == ("prose", False)


async def test_nearest_answers_with_the_most_similar_call_of_another_session() -> None:
    sessions = [item(1), item(2, "Rexy"), item(3, "Rex")]
    candidate = Nearest(lambda toolset: sessions if toolset == PETS else ())
    answer = await only(candidate, task(0))
    assert answer.content == pet(3, "Rex")
    alone = Nearest(lambda toolset: [item(1)])
    assert (await only(alone, task(0))).failed == "no other recording of this tool"


async def test_floors_answer_as_they_are_called() -> None:
    engines = Engines()
    success, error, chance = [
        open_candidate(name, engines, lambda toolset: ()) for name in ("always_success", "always_error", "random")
    ]
    tasks = [task(step, number) for step in (0, 1) for number in range(100)]
    assert not any(answer.is_error for answer in await success.answer(tasks))
    assert all(answer.is_error for answer in await error.answer(tasks))
    drawn = await chance.answer(tasks)
    assert 70 < sum(answer.is_error for answer in drawn) < 130
    assert drawn == await chance.answer(tasks)


def test_names_are_checked_before_anything_is_opened() -> None:
    assert check_candidate("sampler") == "simulator:scripted"
    for wrong in ("simulator", "simulator:", "gtm-135m", "nearer", "free:"):
        with pytest.raises(ConfigError, match="no candidate"):
            check_candidate(wrong)


async def test_suites_of_one_item_score_the_same_answers() -> None:
    engine = raw(json.dumps(pet(1, "Rex")))
    candidate = Remembering(free("free:x", engine))
    assert await candidate.answer([task(1)]) == await candidate.answer([task(1)])
    assert len(engine.requests) == 1


async def test_closed_loops_stand_on_the_candidates_own_answers() -> None:
    told = raw('{"id": 9, "name": "Rex", "status": "sold"}', '{"id": 9}')
    talk = await begin(free("free:x", told), PETS, 0, "one")
    await talk.call("createPet", {"name": "Rex"})
    await talk.call("getPet", {"id": 9})
    assert '"status":"sold"' in told.requests[1].messages[-1].content
    own = await begin(Simulated("s", ScriptedEngine()), PETS, 0, "one")
    made = await own.call("createPet", {"name": "Rex"})
    assert (await own.call("getPet", {"id": made.content["id"]})).content == made.content
