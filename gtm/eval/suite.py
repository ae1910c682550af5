"""What a run is made of: suites of units, each measured whole; a unit is an item, a session or a setting.

A suite knows its units by name before anything is measured, so that a run can say how far it is, go on where it
stopped, and refuse to report on nothing.
"""

from collections.abc import Sequence
from typing import Protocol

from gtm.eval.records import Answer, Candidate, Item, Score, SuiteName, Task
from gtm.types import Toolset, digest


class Suite(Protocol):
    """One kind of measurement."""

    @property
    def name(self) -> SuiteName:
        """What it is called."""

    @property
    def at_once(self) -> int:
        """Units that may be measured at the same time."""

    def units(self, candidate: str) -> Sequence[str]:
        """Names of its units, in order."""

    async def measure(self, unit: str, candidate: Candidate) -> list[Score]:
        """The scores of one unit. A GtmError, but for one of an engine or a model, leaves the unit out by name."""


def task_of(item: Item, step: int, toolset: Toolset, seed: int) -> Task:
    """A step of an item as a candidate sees it."""
    turn = item.turns[step]
    return Task(
        item=item.id,
        step=step,
        toolset=toolset,
        tool=toolset.by_name[turn.tool],
        arguments=turn.arguments,
        history=item.turns[:step],
        fresh=item.fresh,
        initial=item.initial,
        seed=seed,
    )


class Remembering:
    """A candidate that is asked each thing once: the suites of an item score the same answers."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self._answers: dict[str, Answer] = {}

    @property
    def name(self) -> str:
        """The candidate's name."""
        return self.candidate.name

    async def answer(self, tasks: Sequence[Task]) -> list[Answer]:
        """One answer a task, in order."""
        keys = [digest([one.item, one.step, one.tool.name, one.arguments, one.seed]) for one in tasks]
        missing = {key: task for key, task in zip(keys, tasks, strict=True) if key not in self._answers}
        if missing:
            answers = await self.candidate.answer(list(missing.values()))
            self._answers.update(zip(missing, answers, strict=True))
        return [self._answers[key] for key in keys]

    async def aclose(self) -> None:
        """Forget the answers; the candidate stays open for its owner."""
        self._answers.clear()
