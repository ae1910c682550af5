"""Judge: what language models think of an answer, five questions with a closed scale, two judges side by side.

A judge sees definition, history, call and answer, not the real one. Where it gives no verdict the item is left out by
name; that never counts as a low mark. How far two judges agree is reported beside their means; a mean without it says
little.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

from gtm.engines.base import Engine
from gtm.eval.prompted import CALL_CHARACTERS, SCHEMA_CHARACTERS, cut, filled, history_of
from gtm.eval.records import Answer, Candidate, Item, Score, SuiteName, Task
from gtm.eval.slices import slices_of
from gtm.eval.suite import task_of
from gtm.judge import judge
from gtm.types import Toolset

QUESTIONS = {
    "follows_definition": "Is the answer what this tool, as it is described, returns?",
    "fits_arguments": "Does the answer do what the arguments ask for, and repeat of them what it should?",
    "fits_history": "Does the answer agree with the earlier calls and their answers? Choose 5 where there are none.",
    "right_outcome": "Does the answer succeed where the call should succeed, and fail where it should fail?",
    "plausible": "Are the answer's values specific, realistic and consistent with one another?",
}

MARKS = ("1", "2", "3", "4", "5")


class JudgeSuite:
    """One unit an item; its last scored step is judged."""

    name: SuiteName = "judge"
    at_once = 8

    def __init__(
        self, items: Mapping[str, Item], toolsets: Mapping[str, Toolset], seed: int, judges: Mapping[str, Engine]
    ) -> None:
        self._items = items
        self._toolsets = toolsets
        self._seed = seed
        self._judges = judges

    def units(self, candidate: str) -> Sequence[str]:
        """The items."""
        return [name for name, item in self._items.items() if item.scored]

    async def measure(self, unit: str, candidate: Candidate) -> list[Score]:
        """One score an item. Raises JudgeError where a judge gave no verdict."""
        item = self._items[unit]
        toolset = self._toolsets[item.family]
        task = task_of(item, item.scored[-1], toolset, self._seed)
        [answer] = await candidate.answer([task])
        marks = {name: await marked(engine, task, answer) for name, engine in self._judges.items()}
        values = {
            f"judge_{question}": sum(given[question] for given in marks.values()) / len(marks)
            for question in QUESTIONS
        }
        values["judge_mean"] = sum(values.values()) / len(QUESTIONS)
        return [
            Score(
                suite=self.name,
                candidate=candidate.name,
                item=item.id,
                family=item.family,
                step=task.step,
                slices=slices_of(item, task.step, toolset),
                values={**values, **agreement(list(marks.values()))},
                show={"call": {task.tool.name: task.arguments}, "answer": answer.content, "marks": marks},
            )
        ]


async def marked(engine: Engine, task: Task, answer: Answer) -> dict[str, int]:
    """A judge's five marks. Raises JudgeError where it gave none."""
    return {
        name: int(await judge(engine, asked(question, task, answer), MARKS, seed=task.seed))
        for name, question in QUESTIONS.items()
    }


def agreement(marks: Sequence[Mapping[str, int]]) -> dict[str, float]:
    """Over questions and pairs of judges: the share of equal marks, and of marks at most one apart."""
    apart = [abs(one[question] - other[question]) for one, other in combinations(marks, 2) for question in QUESTIONS]
    if not apart:
        return {}
    return {
        "judges_agree": sum(gap == 0 for gap in apart) / len(apart),
        "judges_within_one": sum(gap <= 1 for gap in apart) / len(apart),
    }


def asked(question: str, task: Task, answer: Answer) -> str:
    """What a judge reads; the question comes last, so that the five share a prefix."""
    tool = task.tool
    return filled(
        "judge",
        name=tool.name,
        description=tool.description,
        parameters=cut(tool.parameters, SCHEMA_CHARACTERS),
        output=cut(tool.output_schema, SCHEMA_CHARACTERS),
        history=history_of(task),
        arguments=cut(task.arguments, CALL_CHARACTERS),
        outcome="no answer" if answer.failed else "an error" if answer.is_error else "a success",
        answer=cut(answer.content, CALL_CHARACTERS),
        question=question,
    )
