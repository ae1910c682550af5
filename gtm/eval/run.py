"""A run: suites times candidates times units, each unit appended when it is finished, gone on with where it stopped.

The suites that share items run item by item, so that a candidate answers each step once and all of them score the
same answer; the others run one after the other, so that nothing disturbs a clock. What cannot be measured is left out
by name; only an engine or model that fails stops the run.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gtm.errors import EngineError, ModelError, RunError
from gtm.eval.candidates import Engines, open_candidate
from gtm.eval.folder import Folder, Line
from gtm.eval.neighbour import Pool
from gtm.eval.records import Candidate, Score, SuiteName
from gtm.eval.suite import Remembering, Suite

SUITES: tuple[SuiteName, ...] = ("format", "errors", "fidelity", "consistency", "determinism", "speed", "judge")

SHARE_ITEMS: frozenset[SuiteName] = frozenset(("format", "errors", "fidelity", "judge"))
OF_THE_ENGINE: frozenset[SuiteName] = frozenset(("determinism", "speed"))
"""What these measure, a kept answer would hide."""

ITEMS_AT_ONCE = 16
"""Items that a candidate answers at the same time: an engine writes for all of them in one batch."""

Tell = Callable[[int, int], None]
"""Told units that are done, and all."""


@dataclass(frozen=True)
class Bench:
    """What a run measures with."""

    suites: Sequence[Suite]
    engines: Engines
    pool: Pool
    """Recordings by the tools of their family, for the candidate that looks them up."""
    excluded: Mapping[str, str] = field(default_factory=dict)
    """Items that no suite could use -> why."""


@dataclass(frozen=True)
class _Job:
    """A unit, and the suites that measure it."""

    unit: str
    suites: tuple[Suite, ...]


async def run(bench: Bench, folder: Folder, tell: Tell) -> None:
    """Measure all that the folder's configuration asks for and that is not there yet.

    Raises:
        RunError: a suite has no units.
        EngineError: an engine failed; what was finished is kept.
        ModelError: a model cannot be opened.
    """
    empty = [suite.name for suite in bench.suites if not all(map(suite.units, folder.config.candidates))]
    if len(empty) == len(bench.suites):
        raise RunError(f"the suite {empty[0]!r} has nothing to measure; {_advice(bench)}")
    nothing = {f"suite {name}": "it has nothing to measure in these recordings" for name in empty}
    folder.left_out({**bench.excluded, **nothing})
    total = sum(len(suite.units(name)) for suite in bench.suites for name in folder.config.candidates)
    done = 0

    def finished(count: int) -> None:
        nonlocal done
        done += count
        tell(done, total)

    tell(0, total)
    for name in folder.config.candidates:
        candidate = open_candidate(name, bench.engines, bench.pool)
        fresh = open_candidate(name, bench.engines, bench.pool, fresh=True)
        try:
            await _measure(bench, folder, candidate, fresh, finished)
        finally:
            await candidate.aclose()
            await fresh.aclose()


async def _measure(
    bench: Bench, folder: Folder, candidate: Candidate, fresh: Candidate, finished: Callable[[int], None]
) -> None:
    """All suites of one candidate."""
    shared: dict[str, list[Suite]] = {}
    alone: list[tuple[Suite, list[str]]] = []
    for suite in bench.suites:
        done = folder.done(suite.name, candidate.name)
        every = suite.units(candidate.name)
        units = [unit for unit in every if unit not in done]
        finished(len(every) - len(units))
        if suite.name in SHARE_ITEMS:
            for unit in units:
                shared.setdefault(unit, []).append(suite)
        else:
            alone.append((suite, units))
    await _all(
        [_Job(unit, tuple(suites)) for unit, suites in shared.items()], ITEMS_AT_ONCE, folder, candidate, finished
    )
    for suite, units in alone:
        asked = fresh if suite.name in OF_THE_ENGINE else candidate
        await _all([_Job(unit, (suite,)) for unit in units], suite.at_once, folder, asked, finished)


async def _all(
    jobs: Iterable[_Job], at_once: int, folder: Folder, candidate: Candidate, finished: Callable[[int], None]
) -> None:
    """So many at a time; the first failure of an engine ends them all."""
    waiting = iter(jobs)

    async def worker() -> None:
        for job in waiting:
            # A closed loop and a clock need the candidate itself.
            share = len(job.suites) > 1
            asked: Candidate = Remembering(candidate) if share else candidate
            for suite in job.suites:
                folder.append(suite.name, candidate.name, await _unit(suite, job.unit, asked))
                finished(1)

    workers = [asyncio.create_task(worker()) for _ in range(at_once)]
    try:
        await asyncio.gather(*workers)
    finally:
        for one in workers:
            one.cancel()


async def _unit(suite: Suite, unit: str, candidate: Candidate) -> Line:
    """A unit's line."""
    try:
        scores: list[Score] = await suite.measure(unit, candidate)
    except (EngineError, ModelError, RunError):
        raise
    except Exception as error:  # one recording or definition that nothing can be made of must not end a run of hours
        return Line(unit=unit, excluded=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
    return Line(unit=unit, scores=tuple(scores)) if scores else Line(unit=unit, excluded="there is nothing to score")


def _advice(bench: Bench) -> str:
    if bench.excluded:
        name, why = next(iter(bench.excluded.items()))
        return f"{len(bench.excluded)} items were left out, the first, {name!r}, because {why}; give other --data"
    return "give recordings of tools that it can use, or a higher --limit"
