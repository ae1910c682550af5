"""Consistency: a simulator that remembers is not contradicted, one that makes things up each time is found out."""

import itertools
from collections.abc import Sequence

from gtm.engines.scripted import ScriptedEngine
from gtm.eval.records import Answer, Candidate, Task
from gtm.eval.report import drift_of
from gtm.eval.simulated import Simulated
from gtm.eval.suites.consistency import ConsistencySuite
from tests.eval.made import PETS, pet

TOOLSETS = {"pets.example": PETS}


class Forgetful:
    """Answers every call about a pet with another pet."""

    name = "free:forgetful"

    def __init__(self) -> None:
        self._count = itertools.count(1)

    async def answer(self, tasks: Sequence[Task]) -> list[Answer]:
        made = [pet(next(self._count), f"pet {next(self._count)}") for _ in tasks]
        return [Answer(content=one, text=str(one)) for one in made]

    async def aclose(self) -> None:
        pass


async def sessions(candidate: Candidate, count: int = 3) -> ConsistencySuite:
    suite = ConsistencySuite(TOOLSETS, count, 0)
    assert suite.units(candidate.name) == [f"pets.example#{number}" for number in range(count)]
    return suite


async def test_the_simulator_does_not_contradict_itself() -> None:
    candidate = Simulated("simulator:scripted", ScriptedEngine())
    suite = await sessions(candidate)
    scores = [score for unit in suite.units("") for score in await suite.measure(unit, candidate)]
    assert [score.values["contradictions_per_step"] for score in scores] == [0.0] * 3
    assert all(score.values["comparisons_per_step"] > 1 for score in scores)
    assert dict(drift_of(scores, candidate.name)) == dict.fromkeys(range(1, 25), 0.0)


async def test_who_forgets_is_found_out_and_where() -> None:
    candidate = Forgetful()
    suite = await sessions(candidate)
    scores = [score for unit in suite.units("") for score in await suite.measure(unit, candidate)]
    assert all(score.values["contradictions_per_step"] > 0.1 for score in scores)
    curve = drift_of(scores, candidate.name)
    assert sum(value for _, value in curve) > 0
    shown = scores[0].show["contradictions"][0]
    assert shown["expected"] != shown["actual"]


async def test_the_same_session_is_measured_the_same() -> None:
    one, two = [
        await (await sessions(made)).measure("pets.example#1", made)
        for made in (Simulated("s", ScriptedEngine()), Simulated("s", ScriptedEngine()))
    ]
    assert one == two


def test_families_without_anything_that_is_written_and_shown_have_no_sessions() -> None:
    only_text = PETS.model_copy(update={"tools": PETS.tools[2:]})
    assert ConsistencySuite({"text": only_text}, 5, 0).units("s") == []
