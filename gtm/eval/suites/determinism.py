"""Determinism: are the answers to the same calls the same bytes, asked again, alone, and in another process?

A candidate answers some calls once, all together; then `repeat` asks the same candidate again (what users get: the
simulator's response cache answers), `fresh` a new one without any cache, `batch` a new one with one call at a time,
`process` a new one in another process. Each unit is one of these; its figure is the share of equal answers.
"""

import asyncio
import json
import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

from gtm.eval.candidates import Engines, open_candidate
from gtm.eval.records import Answer, Candidate, Item, Score, SuiteName, Task, TrueTurn
from gtm.eval.suite import task_of
from gtm.types import Json, Toolset, canonical

WAYS = ("repeat", "fresh", "batch", "process")
ITEMS = 24
"""The first step of so many items: the embedded model takes some 0.2 s an answer, and each is asked four times."""


class DeterminismSuite:
    """One unit a way of asking again."""

    name: SuiteName = "determinism"
    at_once = 1

    def __init__(
        self,
        items: Mapping[str, Item],
        toolsets: Mapping[str, Toolset],
        seed: int,
        reopen: Callable[[str], Candidate],
    ) -> None:
        chosen = list(items.values())[:ITEMS]
        self._tasks = [task_of(item, item.scored[0], toolsets[item.family], seed) for item in chosen if item.scored]
        self._families = [item.family for item in chosen if item.scored]
        self._reopen = reopen
        self._first: dict[str, list[bytes]] = {}

    def units(self, candidate: str) -> Sequence[str]:
        """The ways of asking again; what looks recordings up cannot do so in a process without them."""
        ways = WAYS[:-1] if candidate == "nearest" else WAYS
        return ways if self._tasks else ()

    async def measure(self, unit: str, candidate: Candidate) -> list[Score]:
        """One score a call."""
        if candidate.name not in self._first:
            self._first[candidate.name] = said(await candidate.answer(self._tasks))
        first = self._first[candidate.name]
        again = await self._again(unit, candidate)
        return [
            Score(
                suite=self.name,
                candidate=candidate.name,
                item=task.item,
                family=family,
                step=task.step,
                values={f"same_{unit}": float(one == other)},
                show=None if one == other else {"call": task.arguments, "first": one.decode(), unit: other.decode()},
            )
            for task, family, one, other in zip(self._tasks, self._families, first, again, strict=True)
        ]

    async def _again(self, unit: str, candidate: Candidate) -> list[bytes]:
        if unit == "repeat":
            return said(await candidate.answer(self._tasks))
        if unit == "process":
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                job = pool.submit(answer_elsewhere, candidate.name, dump_tasks(self._tasks))
                texts = await asyncio.wrap_future(job)
            return [text.encode() for text in json.loads(texts)]
        other = self._reopen(candidate.name)
        try:
            if unit == "fresh":
                return said(await other.answer(self._tasks))
            return [line for task in self._tasks for line in said(await other.answer([task]))]
        finally:
            await other.aclose()


def said(answers: Sequence[Answer]) -> list[bytes]:
    """What is compared: all that a caller sees, nothing that is measured."""
    return [canonical([one.content, one.text, one.is_error, one.failed]) for one in answers]


def answer_elsewhere(name: str, tasks: str) -> str:
    """What a candidate of another process says, as JSON."""

    async def run() -> list[bytes]:
        engines = Engines()
        candidate = open_candidate(name, engines, lambda toolset: (), fresh=True)
        try:
            return said(await candidate.answer(load_tasks(tasks)))
        finally:
            await candidate.aclose()
            await engines.aclose()

    return json.dumps([line.decode() for line in asyncio.run(run())])


def dump_tasks(tasks: Sequence[Task]) -> str:
    """Tasks as JSON; a toolset is written once."""
    toolsets = {task.toolset.digest: task.toolset.model_dump(mode="json") for task in tasks}
    rows: list[Json] = [
        {
            "item": task.item,
            "step": task.step,
            "toolset": task.toolset.digest,
            "tool": task.tool.name,
            "arguments": task.arguments,
            "history": [turn.model_dump(mode="json") for turn in task.history],
            "fresh": task.fresh,
            "initial": task.initial,
            "seed": task.seed,
        }
        for task in tasks
    ]
    return json.dumps({"toolsets": toolsets, "tasks": rows})


def load_tasks(text: str) -> list[Task]:
    """The tasks that `dump_tasks` wrote."""
    value = json.loads(text)
    toolsets = {key: Toolset.model_validate(toolset) for key, toolset in value["toolsets"].items()}
    tasks = []
    for row in value["tasks"]:
        toolset = toolsets[row["toolset"]]
        history = tuple(TrueTurn.model_validate(turn) for turn in row["history"])
        tool = toolset.by_name[row["tool"]]
        tasks.append(Task(**{**row, "toolset": toolset, "tool": tool, "history": history}))
    return tasks
