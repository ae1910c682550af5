"""Consistency: a scripted agent makes, reads, changes, lists and deletes; where do answers contradict earlier ones?

The loop is closed: each answer stands on the candidate's own earlier ones. An oracle that sees answers only
(`gtm.eval.oracle`) says what cannot be true beside what was said before; what it cannot know it lets pass. The curve
is contradictions a step by the step's number. Families are those of the dev and test splits that write and show some
resource; a unit is one session. A candidate that never answers is never contradicted: see its share of errors.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence

from gtm.eval.closed import begin
from gtm.eval.oracle.facts import Contradiction
from gtm.eval.oracle.reading import Route, read_toolset
from gtm.eval.oracle.wanderer import Journey, Wanderer
from gtm.eval.records import Candidate, Score, SuiteName
from gtm.types import Json, Result, Toolset
from gtm.world.services import seed_of

STEPS = 24
"""Calls a session: drift shows beyond twenty."""

SESSIONS = 200
"""Where no limit is given; else a fifth of it, and at least eight."""


class ConsistencySuite:
    """One unit a session."""

    name: SuiteName = "consistency"
    at_once = 32

    def __init__(self, toolsets: Mapping[str, Toolset], sessions: int, seed: int, steps: int = STEPS) -> None:
        self._routes = {
            family: routes for family, toolset in toolsets.items() if fits(routes := read_toolset(toolset))
        }
        self._toolsets = toolsets
        self._seed = seed
        self._steps = steps
        order = sorted(self._routes)
        random.Random(seed).shuffle(order)
        self._units = [
            f"{order[index % len(order)]}#{index // len(order)}" for index in range(sessions if order else 0)
        ]

    def units(self, candidate: str) -> Sequence[str]:
        """The sessions."""
        return self._units

    async def measure(self, unit: str, candidate: Candidate) -> list[Score]:
        """One score a session."""
        family, _, number = unit.rpartition("#")
        toolset, routes = self._toolsets[family], self._routes[family]
        seed = seed_of(self._seed, int(number))
        session = await begin(candidate, toolset, seed, unit)
        loop = asyncio.get_running_loop()

        def send(name: str, arguments: dict[str, Json]) -> Result:
            return asyncio.run_coroutine_threadsafe(session.call(name, arguments), loop).result()

        journey = await asyncio.to_thread(_go, routes, f"{family} {number} {self._seed}", send, self._steps)
        return [score_of(self.name, candidate.name, unit, family, journey)]


def score_of(suite: SuiteName, candidate: str, unit: str, family: str, journey: Journey) -> Score:
    """What a session's score is made of; the counts hold the curve."""
    steps = len(journey.calls)
    counts: dict[str, int] = {f"steps@{k}": 1 for k in range(1, steps + 1)}
    for one in journey.found:
        for name in (f"contradictions@{one.step + 1}", f"kind: {one.kind}"):
            counts[name] = counts.get(name, 0) + 1
    return Score(
        suite=suite,
        candidate=candidate,
        item=unit,
        family=family,
        step=-1,
        values={
            "contradictions_per_step": len(journey.found) / max(1, steps),
            "sessions_without": float(not journey.found),
            "error_share": journey.errors / max(1, steps),
            "comparisons_per_step": journey.checks / max(1, steps),
        },
        counts=counts,
        show={"calls": journey.calls, "contradictions": [_shown(one) for one in journey.found[:5]]},
    )


def fits(routes: Sequence[Route]) -> bool:
    """Whether a family has a resource that is both written and shown."""
    shown = {route.template for route in routes if route.kind == "read"}
    return any(
        (route.kind == "create" and (*route.template, "{}") in shown)
        or (route.kind == "replace" and route.template in shown)
        for route in routes
    )


def _go(routes: Sequence[Route], seed: str, send: Callable[[str, dict[str, Json]], Result], steps: int) -> Journey:
    return Wanderer(routes, random.Random(seed), send).go(steps)


def _shown(found: Contradiction) -> dict[str, Json]:
    return {
        "kind": found.kind,
        "step": found.step + 1,
        "tool": found.tool,
        "expected": found.expected,
        "actual": found.actual,
    }
