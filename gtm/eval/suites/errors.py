"""Errors: are calls refused that the real tool refuses, and only those? Recall and false errors, always as a pair.

Three kinds of calls, all with the true history (slice `call`):

- `invalid`: a recorded success with one argument spoilt, so that the definition refuses it (`gtm.eval.mutate`); one a
  success, of a kind drawn by name, rare kinds more often. `recall`, and `recall_KIND`.
- `valid`: a recorded success. `false_errors`; where the definition refuses what the real tool took, the definition is
  what is wrong, and the value is `false_errors_of_definition` instead.
- `world`: a recorded error that only the world explains (`gtm.eval.labels`): `world_recall`, and by kind. Its pair is
  `world_false_errors`: the `valid` calls that name something, of which such an error could be said.

`right` is 1 for a refused invalid call and an accepted valid one. A failed answer refuses nothing and is never right.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gtm.eval.items import Families
from gtm.eval.labels import Ledger, action, error_kind
from gtm.eval.mutate import Fault, is_valid, mutations
from gtm.eval.records import Answer, Candidate, Item, Score, SuiteName, Task
from gtm.eval.slices import slices_of
from gtm.eval.suite import task_of
from gtm.eval.suites.fidelity import shorn, shown
from gtm.types import Json

_WEIGHTS: dict[Fault, int] = {"enum": 6, "range": 3, "format": 3}
"""Calls that can be spoilt so are a quarter as many as those that can lack an argument, or fewer."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call, whether it should be refused, and the names under which that is counted."""

    task: Task
    call: str
    refused: bool
    metrics: tuple[str, ...]
    true: Json
    """What really came back, or why the definition refuses it."""


class ErrorsSuite:
    """One unit an item."""

    name: SuiteName = "errors"
    at_once = 16

    def __init__(self, items: Mapping[str, Item], families: Families, seed: int) -> None:
        self._items = items
        self._families = families
        self._seed = seed

    def units(self, candidate: str) -> Sequence[str]:
        """The items."""
        return list(self._items)

    async def measure(self, unit: str, candidate: Candidate) -> list[Score]:
        """The scores of one item: a line a call."""
        item = self._items[unit]
        asked = list(self._asked(item))
        answers = await candidate.answer([one.task for one in asked])
        return [self._score(item, one, answer, candidate.name) for one, answer in zip(asked, answers, strict=True)]

    def _asked(self, item: Item) -> Iterator[_Asked]:
        ledger, toolset = Ledger.of(item), self._families.toolset(item.family)
        for step, turn in enumerate(item.turns):
            tool = toolset.by_name[turn.tool]
            task = task_of(item, step, toolset, self._seed)
            if step in item.scored and turn.is_error:
                why = ledger.explain(tool, turn)
                if why != "unknown":
                    metrics = ("world_recall", f"world_recall_{error_kind(turn)}", "right")
                    yield _Asked(task, "world", True, metrics, turn.response)
            elif step in item.scored:
                yield _Asked(task, "valid", False, self._of_valid(task), turn.response)
                yield from self._spoilt(task)
            if not turn.is_error:
                ledger.add(tool, turn)

    def _of_valid(self, task: Task) -> tuple[str, ...]:
        if not is_valid(task.tool, task.arguments):
            return ("false_errors_of_definition",)
        named = ("world_false_errors",) if action(task.tool, task.arguments).named else ()
        return ("false_errors", *named, "right")

    def _spoilt(self, task: Task) -> Iterator[_Asked]:
        """One invalid call, of a kind drawn among those that this call can have."""
        name = f"{task.item}#{task.step}"
        found = mutations(task.tool, task.arguments, name)
        if found:
            weights = [_WEIGHTS.get(one.fault, 1) for one in found]
            one = random.Random(f"kind {name}").choices(found, weights)[0]
            metrics = ("recall", f"recall_{one.fault}", "right")
            told = {"refused by the definition": f"{one.fault}: {one.argument}"}
            yield _Asked(replace(task, arguments=one.arguments), "invalid", True, metrics, told)

    def _score(self, item: Item, asked: _Asked, answer: Answer, candidate: str) -> Score:
        refused = answer.is_error and not answer.failed
        right = not answer.failed and refused == asked.refused
        task = asked.task
        return Score(
            suite=self.name,
            candidate=candidate,
            item=item.id,
            family=item.family,
            step=task.step,
            slices={**slices_of(item, task.step, task.toolset), "call": asked.call},
            values={name: float(right if name == "right" else refused) for name in asked.metrics},
            show={"call": {task.tool.name: task.arguments}, "true": shorn(asked.true), "answer": shown(answer)},
        )
