"""The judge suite: marks, agreement, and that no verdict is no mark."""

import json

import pytest

from gtm.engines.base import Request
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import JudgeError
from gtm.eval.simulated import Simulated
from gtm.eval.suites.judge import QUESTIONS, JudgeSuite
from tests.eval.made import ITEMS, TOOLSETS


def judging(mark: str) -> ScriptedEngine:
    return ScriptedEngine(lambda request: json.dumps({"verdict": mark}), raw=True)


async def test_two_judges_give_means_and_how_far_they_agree() -> None:
    def wavering(request: Request) -> str:
        return json.dumps({"verdict": "4" if "plausible" in request.messages[-1].content else "2"})

    suite = JudgeSuite(ITEMS, TOOLSETS, 0, {"one": judging("4"), "other": ScriptedEngine(wavering, raw=True)})
    [score] = await suite.measure("session-1", Simulated("s", ScriptedEngine()))
    asked = [name for name, question in QUESTIONS.items() if "plausible" in question]
    expected = {f"judge_{name}": 4.0 if name in asked else 3.0 for name in QUESTIONS}
    assert {name: score.values[name] for name in expected} == expected
    assert score.values["judge_mean"] == pytest.approx(sum(expected.values()) / len(expected))
    assert score.values["judges_agree"] == score.values["judges_within_one"] == len(asked) / len(QUESTIONS)


async def test_what_a_judge_reads_has_the_call_and_the_answer_but_not_the_truth() -> None:
    read: list[str] = []

    def listening(request: Request) -> str:
        read.append(request.messages[-1].content)
        return '{"verdict": "5"}'

    suite = JudgeSuite(ITEMS, TOOLSETS, 0, {"one": ScriptedEngine(listening, raw=True)})
    [score] = await suite.measure("session-1", Simulated("s", ScriptedEngine()))
    assert len(read) == len(QUESTIONS)
    item = ITEMS["session-1"]
    turn = item.turns[item.scored[-1]]
    assert all(turn.tool in text and json.dumps(turn.arguments, separators=(",", ":")) in text for text in read)
    assert "judges_agree" not in score.values


@pytest.mark.parametrize("said", ["I would say it is good", "", '{"verdict": "9"}', '{"verdict": 4}'])
async def test_no_verdict_raises_and_is_no_low_mark(said: str) -> None:
    silent = ScriptedEngine(lambda request: said, raw=True)
    suite = JudgeSuite(ITEMS, TOOLSETS, 0, {"one": judging("4"), "silent": silent})
    with pytest.raises(JudgeError, match="gave no verdict"):
        await suite.measure("session-1", Simulated("s", ScriptedEngine()))
