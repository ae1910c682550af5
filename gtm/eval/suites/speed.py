"""Speed: calls and tokens a second, latency, CPU, at 1, 8 and 32 calls in flight, beside the engine alone.

Every setting asks calls that were not asked before, so that no cache answers. CPU seconds are those of this process:
of a model behind a URL they count the client only. Figures of time differ from run to run; all others of an
evaluation do not. What real tools take: `real_latency.json`, measured by `recipes/measure_mcp.py`.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import quantiles
from typing import TypeVar

from gtm.engines.base import Completion, Request
from gtm.eval.records import Answer, Candidate, Item, Score, SuiteName, Task
from gtm.eval.simulated import Listening, Simulated
from gtm.eval.suite import task_of
from gtm.types import Json, Toolset

T = TypeVar("T")

IN_FLIGHT = (1, 8, 32)
CALLS = {1: 24, 8: 64, 32: 96}
"""Calls a setting: some seconds each with the embedded model on two cores."""

WARM = 2
"""Calls before the first setting, which load the weights."""


class SpeedSuite:
    """One unit a number of calls in flight."""

    name: SuiteName = "speed"
    at_once = 1

    def __init__(self, items: Mapping[str, Item], toolsets: Mapping[str, Toolset], seed: int) -> None:
        self._tasks = [
            task_of(item, item.scored[0], toolsets[item.family], seed) for item in items.values() if item.scored
        ]
        self._warm: set[str] = set()

    def units(self, candidate: str) -> Sequence[str]:
        """The settings."""
        return [f"in_flight_{number}" for number in IN_FLIGHT] if self._tasks else ()

    async def measure(self, unit: str, candidate: Candidate) -> list[Score]:
        """One score a setting."""
        in_flight = int(unit.rpartition("_")[2])
        if candidate.name not in self._warm:
            self._warm.add(candidate.name)
            await candidate.answer(self._drawn("warm", WARM))
        tasks = self._drawn(unit, CALLS[in_flight])
        # The history is told before the clock starts: it is no part of a call.
        listening = candidate.listening if isinstance(candidate, Simulated) else None
        asked: list[Request] = []
        if listening is not None:
            listening.asked = asked

        async def call(task: Task) -> int:
            [answer] = await candidate.answer([task])
            return tokens_of(answer)

        try:
            taken = await timed(call, tasks, in_flight)
        finally:
            if listening is not None:
                listening.asked = None
        values = {f"{name}_{in_flight}": value for name, value in taken.items()}
        if listening is not None and asked:
            alone = await _alone(listening, asked, in_flight)
            values |= {f"engine_{name}_{in_flight}": value for name, value in alone.items()}
        return [
            Score(
                suite=self.name,
                candidate=candidate.name,
                item=unit,
                family="all",
                step=-1,
                values=values,
                counts={"calls": len(tasks), "generations": len(asked)},
            )
        ]

    def _drawn(self, unit: str, count: int) -> list[Task]:
        """Calls that no other setting asks: the unit's name is in their session's seed."""
        chosen = [self._tasks[index % len(self._tasks)] for index in range(count)]
        return [
            Task(
                item=f"{unit}:{index}:{task.item}",
                step=task.step,
                toolset=task.toolset,
                tool=task.tool,
                arguments=task.arguments,
                history=(),
                fresh=False,
                initial=None,
                seed=task.seed,
            )
            for index, task in enumerate(chosen)
        ]


def tokens_of(answer: Answer) -> int:
    """Tokens that were written for an answer."""
    return answer.model_tokens


async def timed(call: Callable[[T], Awaitable[int]], work: Sequence[T], in_flight: int) -> dict[str, float]:
    """Rates, latencies and CPU of some work, so many at a time."""
    gate = asyncio.Semaphore(in_flight)
    took: list[float] = []

    async def one(part: T) -> int:
        async with gate:
            began = time.perf_counter()
            written = await call(part)
            took.append(time.perf_counter() - began)
            return written

    began, cpu = time.perf_counter(), time.process_time()
    tokens = sum(await asyncio.gather(*(one(part) for part in work)))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    cuts = quantiles(took, n=20, method="inclusive") if len(took) > 1 else took * 19
    return {
        "calls_per_second": len(work) / seconds,
        "tokens_per_second": tokens / seconds,
        "p50_ms": cuts[9] * 1000,
        "p95_ms": cuts[18] * 1000,
        "cpu_seconds_per_1000": cpu_seconds * 1000 / len(work),
    }


async def _alone(listening: Listening, asked: Sequence[Request], in_flight: int) -> dict[str, float]:
    """The same generations without the simulator around them."""

    async def call(request: Request) -> int:
        [completion] = await listening.engine.generate([request])
        return _written(completion)

    return await timed(call, asked, in_flight)


def _written(completion: Completion) -> int:
    return completion.completion_tokens


@cache
def real_latencies() -> Json:
    """What real tools take: measured local servers, and what is assumed of web APIs."""
    return json.loads((Path(__file__).parents[1] / "real_latency.json").read_text(encoding="utf-8"))
