"""The calls that the generation benchmarks make: real definitions from `examples/specs`, one fresh session each."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gtm import Simulator, Toolset, load_toolset
from gtm.engines.base import Completion, Engine, Request
from gtm.simulator.validation import check_arguments
from gtm.tools.sampler import sample_arguments
from gtm.types import Json, Tool

SPECS = Path(__file__).parents[2] / "examples" / "specs"


@dataclass(frozen=True, slots=True)
class Work:
    """One call in a fresh session."""

    toolset: Toolset
    tool: Tool
    arguments: dict[str, Json]
    seed: int


class Recorder:
    """An engine that notes what it is asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.requests: list[Request] = []
        self.completions: list[Completion] = []

    @property
    def name(self) -> str:
        return self._engine.name

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        self.requests.extend(requests)
        completions = await self._engine.generate(requests)
        self.completions.extend(completions)
        return completions

    async def aclose(self) -> None:
        await self._engine.aclose()


def works(count: int, scripted: Engine) -> list[Work]:
    """Calls that need exactly one generation, spread over all tools; the same list every time."""
    toolsets = [load_toolset(path) for path in sorted(SPECS.iterdir()) if path.suffix in {".yaml", ".json"}]
    found: list[Work] = []
    for seed in range(1, 200):
        for toolset in toolsets:
            for tool in toolset.tools:
                arguments = sample_arguments(tool, random.Random(seed))
                if not check_arguments(tool, arguments).violations and _generates(toolset, tool, arguments, scripted):
                    found.append(Work(toolset, tool, arguments, seed))
                if len(found) == count:
                    return found
    return found


def _generates(toolset: Toolset, tool: Tool, arguments: dict[str, Json], scripted: Engine) -> bool:
    recorder = Recorder(scripted)
    simulator = Simulator(toolset, model=recorder, cache=False)
    simulator.session(seed=1, world="open").call(tool.name, arguments)
    simulator.close()
    return len(recorder.requests) == 1


def simulators(engine: Engine, items: Sequence[Work]) -> dict[str, Simulator]:
    """One simulator a toolset, all on one engine."""
    toolsets = {work.toolset.name + work.toolset.digest: work.toolset for work in items}
    return {key: Simulator(toolset, model=engine, cache=False) for key, toolset in toolsets.items()}


def key_of(work: Work) -> str:
    return work.toolset.name + work.toolset.digest
