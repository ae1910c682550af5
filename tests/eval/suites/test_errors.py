"""The suite over real sessions: floors, pairs, and errors that only the world explains."""

from collections.abc import Callable
from statistics import mean

import pytest

from gtm.eval.labels import Ledger, error_kind
from gtm.eval.metrics.response import recorded
from gtm.eval.mutate import is_valid
from gtm.eval.records import Answer, Item, Score, Task, TrueTurn
from gtm.eval.statistics import measure
from gtm.eval.suites.errors import ErrorsSuite
from gtm.types import Json, Tool
from tests.eval.samples import sample

ITEMS = {item.id: item for item in sample()}
ERROR = Answer(content={"error": "no"}, text="no", is_error=True)


class Saying:
    """A candidate that answers by a function."""

    name = "saying"

    def __init__(self, say: Callable[[Task], Answer]) -> None:
        self._say = say

    async def answer(self, tasks: list[Task]) -> list[Answer]:
        return [self._say(task) for task in tasks]

    async def aclose(self) -> None:
        pass


async def scores(say: Callable[[Task], Answer]) -> list[Score]:
    suite = ErrorsSuite(ITEMS, sample().families, 0)
    return [score for unit in suite.units("saying") for score in await suite.measure(unit, Saying(say))]  # type: ignore[arg-type]


def perfect(task: Task) -> Answer:
    """The recorded answer; an error to what the definition refuses."""
    turn = ITEMS[task.item].turns[task.step]
    return recorded(turn) if task.arguments == turn.arguments else ERROR


def over(found: list[Score], metric: str) -> float:
    return mean(score.values[metric] for score in found if metric in score.values)


PAIRS = (("recall", "false_errors"), ("world_recall", "world_false_errors"))


@pytest.mark.parametrize("pair", PAIRS)
async def test_the_real_tool_has_full_recall_and_no_false_errors(pair: tuple[str, str]) -> None:
    found = await scores(perfect)
    assert [over(found, metric) for metric in pair] == [1.0, 0.0]
    assert over(found, "right") == 1.0
    assert sum(pair[0] in score.values for score in found) >= 10


@pytest.mark.parametrize("pair", PAIRS)
async def test_always_an_error_and_never_one_lie_on_the_diagonal(pair: tuple[str, str]) -> None:
    assert [over(await scores(lambda _: ERROR), metric) for metric in pair] == [1.0, 1.0]
    assert [over(await scores(lambda _: Answer(content={})), metric) for metric in pair] == [0.0, 0.0]


async def test_a_failed_answer_refuses_nothing_and_is_never_right() -> None:
    found = await scores(lambda _: Answer(failed="prose"))
    assert {over(found, metric) for metric in ("recall", "false_errors", "world_recall", "right")} == {0.0}


async def test_every_kind_is_asked_and_no_two_calls_of_a_step_are_mixed_up() -> None:
    found = await scores(perfect)
    kinds = {name.removeprefix("recall_") for score in found for name in score.values if name.startswith("recall_")}
    assert kinds == {"missing", "type", "enum", "range", "format", "unknown_name"}
    (right,) = [one for one in measure(found, resamples=10) if one.metric == "right" and not one.slice]
    assert right.n == sum("right" in score.values for score in found)


async def test_invalid_calls_are_invalid_and_valid_ones_valid() -> None:
    asked: list[Task] = []

    def note(task: Task) -> Answer:
        asked.append(task)
        return ERROR

    calls = [score.slices["call"] for score in await scores(note)]
    for task, call in zip(asked, calls, strict=True):
        if call == "invalid":
            assert not is_valid(task.tool, task.arguments)


TOOLS = {name: Tool(name=name) for name in ("CreateTopic", "GetTopic", "DeleteTopic", "StopTopic")}
ABSENT = {"Error": {"Code": "NotFound", "Message": "gone"}}
BUSY = {"message": "Topic is in the wrong state. Current status: RUNNING"}


def turn(tool: str, name: str, response: Json, *, is_error: bool = False) -> TrueTurn:
    return TrueTurn(tool=tool, arguments={"TopicName": name}, response=response, is_error=is_error)


def explained(*turns: TrueTurn, fresh: bool = True) -> str:
    """How the last turn is explained by those before it."""
    item = Item(id="i", family="f", domain="d", source="s", split="dev", fresh=fresh, turns=turns, scored=())
    ledger = Ledger.of(item)
    for one in turns[:-1]:
        ledger.add(TOOLS[one.tool], one)
    return ledger.explain(TOOLS[turns[-1].tool], turns[-1])


MADE = turn("CreateTopic", "alerts", {"TopicName": "alerts", "Status": "RUNNING"})
READ = turn("GetTopic", "alerts", ABSENT, is_error=True)


def test_what_the_recorded_state_explains() -> None:
    assert explained(MADE, turn("DeleteTopic", "alerts", None), READ) == "deleted"
    assert explained(MADE, turn("GetTopic", "other", ABSENT, is_error=True)) == "never_seen"
    assert explained(MADE, turn("GetTopic", "other", ABSENT, is_error=True), fresh=False) == "unknown"
    assert explained(MADE, READ) == "unknown"
    taken = turn("CreateTopic", "alerts", {"message": "already exists"}, is_error=True)
    assert explained(MADE, taken) == "exists"
    assert explained(MADE, turn("DeleteTopic", "alerts", None), taken) == "unknown"


def test_a_precondition_is_explained_by_a_status_that_was_shown() -> None:
    busy = turn("DeleteTopic", "alerts", BUSY, is_error=True)
    assert error_kind(busy) == "precondition"
    assert explained(MADE, busy) == "state"
    assert explained(turn("CreateTopic", "alerts", {"TopicName": "alerts"}), busy) == "unknown"
