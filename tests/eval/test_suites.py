"""Format and determinism: what is counted, and what is not."""

import itertools
from collections.abc import Sequence

import pytest

from gtm.engines.scripted import ScriptedEngine
from gtm.eval.candidates import Engines, open_candidate
from gtm.eval.prompted import free
from gtm.eval.records import Answer, Candidate, Task
from gtm.eval.simulated import Simulated
from gtm.eval.suite import task_of
from gtm.eval.suites.determinism import DeterminismSuite, dump_tasks, load_tasks
from gtm.eval.suites.format import FormatSuite, features, keywords
from gtm.eval.suites.speed import real_latencies
from tests.eval.made import ITEMS, PET, PETS, TOOLSETS


async def test_raw_text_and_result_are_judged_apart() -> None:
    broken = Simulated("s", ScriptedEngine(lambda request: '{"status": ', raw=True))
    [made, shown, missing] = await FormatSuite(ITEMS, TOOLSETS, 0).measure("session-1", broken)
    assert made.values == {"answered": 1.0, "raw_valid": 0.0, "result_valid": 1.0}
    assert shown.values["result_valid"] == 1.0
    assert "result_valid" not in missing.values
    assert made.slices["schema_size"] == "1-5"
    assert made.slices["schema_enum"] == "yes"
    assert made.slices["effect"] == "create"


async def test_a_free_model_that_leaves_a_field_out_is_not_valid() -> None:
    model = free("free:x", ScriptedEngine(lambda request: '{"id": 1, "name": "Rex"}', raw=True))
    scores = await FormatSuite(ITEMS, TOOLSETS, 0).measure("session-1", model)
    assert [score.values["result_valid"] for score in scores] == [0.0, 0.0, 0.0]
    assert [score.values["answered"] for score in scores] == [1.0, 1.0, 1.0]


def test_features_are_read_from_keywords_not_from_names_of_fields() -> None:
    assert features(PET) == ["enum"]
    assert (
        features({"type": "object", "properties": {"format": {"type": "string"}, "enum": {"type": "string"}}}) == []
    )
    assert set(keywords({"anyOf": [{"pattern": "a"}]})) == {"anyOf", "pattern"}


class Fickle:
    """Answers something else each time."""

    name = "free:fickle"

    def __init__(self) -> None:
        self._count = itertools.count()

    async def answer(self, tasks: Sequence[Task]) -> list[Answer]:
        return [Answer(content=next(self._count)) for _ in tasks]

    async def aclose(self) -> None:
        pass


def determinism(reopen: Candidate | None = None) -> DeterminismSuite:
    engines = Engines()
    return DeterminismSuite(
        ITEMS, TOOLSETS, 0, lambda name: reopen or open_candidate(name, engines, lambda toolset: ())
    )


@pytest.mark.timeout(120)  # another process has to start
@pytest.mark.parametrize("unit", ["repeat", "fresh", "batch", "process"])
async def test_the_sampler_says_the_same_however_it_is_asked(unit: str) -> None:
    candidate = open_candidate("sampler", Engines(), lambda toolset: ())
    scores = await determinism().measure(unit, candidate)
    assert [score.values for score in scores] == [{f"same_{unit}": 1.0}] * 3


@pytest.mark.parametrize("unit", ["repeat", "batch"])
async def test_who_says_something_else_each_time_is_found_out(unit: str) -> None:
    candidate = Fickle()
    scores = await determinism(candidate).measure(unit, candidate)
    assert [score.values for score in scores] == [{f"same_{unit}": 0.0}] * 3
    assert scores[0].show["first"] != scores[0].show[unit]


def test_tasks_travel_to_another_process_whole() -> None:
    tasks = [task_of(item, 1, PETS, 3) for item in ITEMS.values()]
    assert load_tasks(dump_tasks(tasks)) == tasks


def test_what_real_tools_take_was_measured() -> None:
    known = real_latencies()
    assert len(known["measured"]) >= 4
    assert all(0 < row["p50_ms"] <= row["p95_ms"] and row["failed"] == 0 for row in known["measured"])
    assert all(row["why"] for row in known["assumed"])
