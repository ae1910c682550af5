import pytest

from gtm.engines.scripted import ScriptedEngine
from gtm.errors import EngineError, JudgeError
from gtm.judge import judge


async def test_a_verdict_is_one_of_the_list() -> None:
    engine = ScriptedEngine([{"verdict": "poor"}])
    assert await judge(engine, "Tool: a\nAnswer: b", ["good", "poor"]) == "poor"
    [request] = engine.requests
    assert request.schema is not None
    assert request.schema["properties"]["verdict"]["enum"] == ["good", "poor"]
    assert "Answer: b" in request.messages[-1].content


@pytest.mark.parametrize("text", ["", "good", '{"verdict": "fine"}', '{"verdict": 1}', '{"verdict": "go', "[]"])
async def test_no_verdict_is_an_exception_and_no_bad_mark(text: str) -> None:
    with pytest.raises(JudgeError, match="no verdict"):
        await judge(ScriptedEngine([text], raw=True), "?", ["good", "poor"])


async def test_a_failing_engine_is_its_own_exception() -> None:
    with pytest.raises(EngineError, match="away"):
        await judge(ScriptedEngine([EngineError("away")]), "?", ["good", "poor"])


@pytest.mark.parametrize("verdicts", [[], ["good", "good"]])
async def test_a_judge_needs_different_verdicts(verdicts: list[str]) -> None:
    with pytest.raises(JudgeError, match="different verdicts"):
        await judge(ScriptedEngine(), "?", verdicts)
