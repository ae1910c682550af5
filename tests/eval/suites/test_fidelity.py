"""The suite over real sessions: what each kind of candidate must score."""

from collections.abc import Callable, Sequence
from statistics import mean

from gtm.eval.metrics.response import recorded
from gtm.eval.records import Answer, Score, Task
from gtm.eval.suites.fidelity import FidelitySuite
from tests.eval.samples import sample

ITEMS = {item.id: item for item in sample()}


class Saying:
    """A candidate that answers by a function."""

    name = "saying"

    def __init__(self, say: Callable[[Task], Answer]) -> None:
        self._say = say
        self.asked: list[Task] = []

    async def answer(self, tasks: Sequence[Task]) -> list[Answer]:
        self.asked += tasks
        return [self._say(task) for task in tasks]

    async def aclose(self) -> None:
        pass


def true(task: Task) -> Answer:
    return recorded(ITEMS[task.item].turns[task.step])


async def scores(say: Callable[[Task], Answer]) -> list[Score]:
    suite = FidelitySuite(ITEMS, sample().families, 0)
    return [score for unit in suite.units("saying") for score in await suite.measure(unit, Saying(say))]


def over(found: list[Score], metric: str) -> float:
    return mean(score.values[metric] for score in found if metric in score.values)


async def test_the_recorded_answers_score_one_in_everything() -> None:
    found = await scores(true)
    assert {value for score in found for value in score.values.values()} == {1.0}
    successes = sum(not item.turns[step].is_error for item in ITEMS.values() for step in item.scored)
    assert sum(score.step >= 0 for score in found) == successes
    assert sum("diff_iou" in score.values for score in found) >= 10


async def test_always_an_error_scores_zero() -> None:
    found = await scores(lambda _: Answer(content={"error": "no"}, text="no", is_error=True))
    for metric in ("structure_f1", "grounded_recall", "grounded_f1", "free_type", "diff_iou", "match"):
        assert over(found, metric) == 0.0


async def test_nothing_changed_is_far_from_the_truth() -> None:
    def stale(task: Task) -> Answer:
        same = [h for h in task.history if (h.tool, h.arguments) == (task.tool.name, task.arguments)]
        return recorded(same[0]) if same else Answer(content={})

    found = await scores(stale)
    assert over(found, "diff_iou") < 0.3
    assert over(found, "grounded_recall") < 0.3


async def test_a_failed_answer_is_scored_not_left_out() -> None:
    assert len(await scores(lambda _: Answer(failed="prose"))) == len(await scores(true))


async def test_a_candidate_sees_nothing_of_the_answer_or_of_what_comes_after() -> None:
    item = max(ITEMS.values(), key=lambda one: len(one.turns))
    candidate = Saying(true)
    await FidelitySuite({item.id: item}, sample().families, 0).measure(item.id, candidate)
    assert [task.history for task in candidate.asked] == [item.turns[:step] for step in item.scored]


async def test_slices_tell_where_a_definition_comes_from() -> None:
    found = await scores(true)
    assert {score.slices["definition"] for score in found} == {"published", "inferred"}
    inferred = {score.family for score in found if score.slices["definition"] == "inferred"}
    assert "dns/rage4" in inferred
    assert not any(family.startswith("aws/") for family in inferred)
