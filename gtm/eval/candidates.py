"""Who is measured: names -> candidates, and the baselines that need no model.

`simulator:MODEL` (plan, grammar and a model; `sampler` is `simulator:scripted`), `free:MODEL`, `emulator:MODEL` and
`mirror:MODEL` (the model is simply asked), `nearest` (recordings), and three floors: `always_success`,
`always_error`, `random`. Models are named as everywhere; one engine serves all candidates of a model. What a
local one wrote is kept on disk, so that another run of the same thing gives the same numbers; who measures the engine
itself asks it `fresh`.
"""

import json
import random
from collections.abc import Callable, Sequence

from gtm.engines.base import Engine
from gtm.engines.cache import CachedEngine
from gtm.engines.models import gtm_home, open_engine
from gtm.engines.openai import OpenAIEngine
from gtm.engines.scripted import ScriptedEngine
from gtm.errors import ConfigError
from gtm.eval.neighbour import Nearest, Pool
from gtm.eval.prompted import emulator, free, mirror
from gtm.eval.records import Answer, Candidate, Task
from gtm.eval.simulated import Simulated
from gtm.simulator.simulator import CACHE_FILE
from gtm.tools.sampler import sample
from gtm.tools.shape import Unsatisfiable
from gtm.types import Json
from gtm.world.services import seed_of

MADE: dict[str, Callable[[str, Engine], Candidate]] = {
    "simulator": Simulated,
    "free": free,
    "emulator": emulator,
    "mirror": mirror,
}
"""The word before the colon -> what it makes of a model's engine."""

FLOORS = ("always_success", "always_error", "random")

KNOWN = "simulator:MODEL, sampler, nearest, free:MODEL, emulator:MODEL, mirror:MODEL, " + ", ".join(FLOORS)


class Engines:
    """Engines by the name of their model, each opened once."""

    def __init__(self, opened: Callable[[str], Engine] = open_engine) -> None:
        self._open = opened
        self._engines: dict[str, Engine] = {}
        self._kept: dict[str, CachedEngine] = {}

    def get(self, model: str, *, fresh: bool = False) -> Engine:
        """The engine of a model, with what it ever wrote unless a fresh one is asked for. Raises ModelError."""
        if model not in self._engines:
            self._engines[model] = self._open(model)
        engine = self._engines[model]
        # A model behind a URL may be another one tomorrow under the same name.
        if fresh or isinstance(engine, ScriptedEngine | OpenAIEngine):
            return engine
        if model not in self._kept:
            self._kept[model] = CachedEngine(engine, gtm_home() / CACHE_FILE)
        return self._kept[model]

    async def aclose(self) -> None:
        """Close all of them."""
        for kept in self._kept.values():
            kept.close_file()
        self._kept.clear()
        for engine in self._engines.values():
            await engine.aclose()
        self._engines.clear()


class Floor:
    """A baseline that looks at nothing: always the same, or chance."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        """Its name in tables."""
        return self._name

    async def answer(self, tasks: Sequence[Task]) -> list[Answer]:
        """One answer a task, in order."""
        return [self._one(task) for task in tasks]

    async def aclose(self) -> None:
        """Nothing is held."""

    def _one(self, task: Task) -> Answer:
        if self._name == "always_success":
            return Answer(content={}, text="{}")
        if self._name == "always_error":
            return Answer(content="error", text="error", is_error=True)
        rng = random.Random(seed_of(task.seed, task.item, task.step))
        if rng.random() < 0.5:
            return Answer(content="error", text="error", is_error=True)
        content = _drawn(task, rng)
        return Answer(content=content, text=json.dumps(content, ensure_ascii=False))


def check_candidate(name: str) -> str:
    """A candidate's name as it stands in tables. Raises ConfigError where it is none."""
    kind, colon, model = name.partition(":")
    if name == "sampler":
        return "simulator:scripted"
    if name in ("nearest", *FLOORS) or (colon and kind in MADE and model):
        return name
    raise ConfigError(f"{name!r} is no candidate: use {KNOWN}")


def open_candidate(name: str, engines: Engines, pool: Pool, *, fresh: bool = False) -> Candidate:
    """A candidate by its name; `fresh`: nothing answers but its engine. Raises ConfigError and ModelError."""
    name = check_candidate(name)
    if name == "nearest":
        return Nearest(pool)
    if name in FLOORS:
        return Floor(name)
    kind, _, model = name.partition(":")
    return MADE[kind](name, engines.get(model, fresh=fresh))


def _drawn(task: Task, rng: random.Random) -> Json:
    if task.tool.output_schema is None:
        return {"result": "".join(rng.choices("abcdefghij ", k=20))}
    try:
        return sample(task.tool.output_schema, rng)
    except Unsatisfiable:
        return {}
