"""The simulator as a candidate: the true history is told to a session, the scored call goes to a copy of it.

So no scored answer ever becomes part of what a later one stands on, and the steps of an item cost one session. What
its engine wrote is kept beside each answer, with whether it is strictly what was asked for. A request that an earlier
step of the item had made already is not generated again, and has nothing written.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from gtm.engines.base import Completion, Engine, Request
from gtm.errors import SpecError
from gtm.eval.records import Answer, Task
from gtm.simulator.session import Session
from gtm.simulator.simulator import Simulator
from gtm.simulator.validation import compile_validator
from gtm.types import Json, Result, Toolset
from gtm.world.outcome import WorldMode
from gtm.world.services import seed_of

MAX_SIMULATORS = 24
"""Kept at a time: a large API's definitions take tens of megabytes."""

MAX_SESSIONS = 64
"""Items whose history is kept at a time."""

WRITES_FILES = "write_file"
"""The tool through which a file server's first files are made known."""

_heard: ContextVar["list[tuple[Request, Completion]] | None"] = ContextVar("_heard", default=None)


class Listening:
    """An engine that keeps, for whoever asked, what was asked and what was written."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.asked: list[Request] | None = None
        """All requests, where somebody wants to ask them again without the simulator."""

    @property
    def name(self) -> str:
        """The wrapped engine's name."""
        return self.engine.name

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in order."""
        if self.asked is not None:
            self.asked += requests
        completions = await self.engine.generate(requests)
        heard = _heard.get()
        if heard is not None:
            heard += zip(requests, completions, strict=True)
        return completions

    async def aclose(self) -> None:
        """Nothing: the engine is its owner's."""


@dataclass(slots=True)
class _Known:
    """A session and how much of an item's history it was told."""

    session: Session
    told: int


class SimulatedSession:
    """A session of its own, for closed loops."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def call(self, name: str, arguments: dict[str, Json]) -> Result:
        """One call, which the next ones build on."""
        return await self._session.acall(name, arguments)


class Simulated:
    """Plan, grammar and a model: what users get."""

    def __init__(self, name: str, engine: Engine) -> None:
        self._name = name
        self.listening = Listening(engine)
        self._simulators: OrderedDict[str, Simulator] = OrderedDict()
        self._sessions: OrderedDict[tuple[str, int], _Known] = OrderedDict()

    @property
    def name(self) -> str:
        """Its name in tables."""
        return self._name

    async def answer(self, tasks: Sequence[Task]) -> list[Answer]:
        """One answer a task, in order; the tasks of different items at the same time."""
        chains: dict[str, list[int]] = {}
        for index, task in enumerate(tasks):
            chains.setdefault(task.item, []).append(index)
        answers: dict[int, Answer] = {}

        async def run(indices: list[int]) -> None:
            for index in indices:
                answers[index] = await self._one(tasks[index])

        await asyncio.gather(*(run(indices) for indices in chains.values()))
        return [answers[index] for index in range(len(tasks))]

    async def begin(self, toolset: Toolset, seed: int) -> SimulatedSession:
        """A session for a closed loop."""
        return SimulatedSession(self._simulator(toolset).session(seed=seed))

    async def aclose(self) -> None:
        """Free the simulators; the engine is its owner's."""
        for simulator in self._simulators.values():
            await simulator.aclose()
        self._simulators.clear()
        self._sessions.clear()

    async def _one(self, task: Task) -> Answer:
        session = (await self._told(task)).fork()
        heard: list[tuple[Request, Completion]] = []
        mark = _heard.set(heard)
        began = time.perf_counter()
        try:
            result = await session.acall(task.tool.name, task.arguments)
        finally:
            _heard.reset(mark)
        took = time.perf_counter() - began
        request, completion = heard[-1] if heard else (None, None)
        return Answer(
            content=result.content,
            text=result.text,
            is_error=result.is_error,
            raw=None if completion is None else completion.text,
            raw_valid=None if request is None or completion is None else strictly(request.schema, completion.text),
            seconds=took,
            model_tokens=sum(completion.completion_tokens for _, completion in heard),
        )

    async def _told(self, task: Task) -> Session:
        """A session that was told all that happened before the call."""
        key = (task.item, task.seed)
        known = self._sessions.get(key)
        if known is None or known.told > len(task.history):
            known = self._sessions[key] = _Known(await self._start(task), 0)
            if len(self._sessions) > MAX_SESSIONS:
                self._sessions.popitem(last=False)
        for turn in task.history[known.told :]:
            await known.session.aobserve(turn.tool, turn.arguments, turn.response, is_error=turn.is_error)
            known.told += 1
        self._sessions.move_to_end(key)
        return known.session

    async def _start(self, task: Task) -> Session:
        files = task.initial.get("files") if isinstance(task.initial, dict) else None
        mode: WorldMode = "closed" if task.fresh or files else "auto"
        session = self._simulator(task.toolset).session(seed=seed_of(task.seed, task.item), world=mode)
        if isinstance(files, dict) and WRITES_FILES in task.toolset.by_name:
            for path, text in files.items():
                said = f"Successfully wrote to {path}"
                await session.aobserve(WRITES_FILES, {"path": path, "content": text}, said)
        return session

    def _simulator(self, toolset: Toolset) -> Simulator:
        key = toolset.digest
        if key not in self._simulators:
            if len(self._simulators) >= MAX_SIMULATORS:
                self._simulators.popitem(last=False)
            self._simulators[key] = Simulator(toolset, model=self.listening, cache=False)
        self._simulators.move_to_end(key)
        return self._simulators[key]


def strictly(schema: dict[str, Json] | bool | None, text: str) -> bool | None:
    """Whether a text is one JSON value that a schema accepts; None where no JSON was asked for."""
    from pydantic_core import from_json

    if schema is None:
        return None
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError:
        return False
    try:
        return compile_validator(schema).is_valid(value)
    except SpecError:
        return True
