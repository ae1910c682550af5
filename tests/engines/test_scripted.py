import json
import random
import time

import pytest

from gtm.engines.base import FORBID_VARIABLE, Request
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import EngineError
from gtm.types import Json, Message

SHAPE: dict[str, Json] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 1, "maximum": 9},
        "name": {"type": "string"},
        "status": {"enum": ["open", "closed"]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
    },
    "required": ["id", "name", "status", "tags"],
    "additionalProperties": False,
}


def ask(schema: dict[str, Json] | None = None, seed: int = 0, text: str = "go") -> Request:
    return Request((Message("user", text),), schema, seed=seed)


async def answers(engine: ScriptedEngine, *requests: Request) -> list[str]:
    return [completion.text for completion in await engine.generate(requests)]


async def test_a_list_is_answered_in_order_then_it_is_an_error() -> None:
    engine = ScriptedEngine([{"a": "é\ud800"}, "text", EngineError("down"), 3])
    assert await answers(engine, ask(SHAPE), ask()) == ['{"a":"\\u00e9\\ud800"}', "text"]
    with pytest.raises(EngineError, match="down"):
        await engine.generate([ask()])
    assert await answers(engine, ask(SHAPE)) == ["3"]
    with pytest.raises(EngineError, match="'scripted' has no answer left"):
        await engine.generate([ask()])
    assert [request.schema for request in engine.requests] == [SHAPE, None, None, SHAPE, None]


async def test_a_function_answers_each_request() -> None:
    engine = ScriptedEngine(lambda request: {"said": request.messages[0].content})
    assert await answers(engine, ask(SHAPE, text="a"), ask(SHAPE, text="b")) == ['{"said":"a"}', '{"said":"b"}']


async def test_broken_json_can_be_handed_out() -> None:
    assert await answers(ScriptedEngine(['{"a":'], raw=True), ask(SHAPE)) == ['{"a":']
    assert await answers(ScriptedEngine(["quoted"]), ask(SHAPE)) == ['"quoted"']


async def test_the_sampler_follows_shape_and_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORBID_VARIABLE, "1")
    first, again, other = await answers(ScriptedEngine(), ask(SHAPE, 1), ask(SHAPE, 1), ask(SHAPE, 2))
    assert first == again != other
    value = json.loads(first)
    assert list(value) == ["id", "name", "status", "tags"]
    assert 1 <= value["id"] <= 9
    assert value["status"] in ("open", "closed")
    assert 1 <= len(value["tags"]) <= 3


async def test_text_is_a_sentence_of_the_seed() -> None:
    random.seed(1)
    first, other, again = await answers(ScriptedEngine(), ask(), ask(seed=2), ask())
    assert first == again != other
    assert first.endswith(".")
    assert len(first) < 100


async def test_a_closed_engine_refuses() -> None:
    engine = ScriptedEngine()
    await engine.aclose()
    with pytest.raises(EngineError, match="'scripted' is closed"):
        await engine.generate([ask()])


async def test_a_sample_takes_some_tens_of_microseconds() -> None:
    engine = ScriptedEngine()
    best = 1.0
    for _ in range(20):
        start = time.perf_counter()
        await engine.generate([ask(SHAPE, 1)] * 20)
        best = min(best, (time.perf_counter() - start) / 20)
    assert best < 0.001
