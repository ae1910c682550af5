"""The stage `calls`: what is called, in which order, with which arguments, and what is known of the outcome.

Recorded sessions and trustworthy documented examples as they are; ordinary, edge and wrong calls and whole sessions
planned beside them. A family's plans are a function of its records and the recipe alone.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gtm.carg.families import toolset_of
from gtm.carg.given import documented_plans, recorded_plans
from gtm.carg.planner import Planner
from gtm.carg.records import Entry, Plan, Recording, to_line
from gtm.carg.settings import CallsConfig
from gtm.carg.stage import Done, Progress, Unit
from gtm.types import Json

if TYPE_CHECKING:
    from gtm.carg.folder import RunFolder
    from gtm.carg.teacher import Teacher

__all__ = ["CallsConfig", "CallsStage", "plans_of"]

BYTES_PER_TAUGHT = 4_700
"""Bytes of entries to one call by a teacher if every tool that is cheap to ask about were taken (measured)."""


class CallsStage:
    """Plans calls, family by family."""

    name = "calls"
    files: tuple[str, ...] = ("calls",)

    def prepare(self, folder: "RunFolder", teacher: "Teacher", tell: Progress) -> dict[str, Json]:
        """Nothing is needed before."""
        return {}

    def units(self, folder: "RunFolder") -> Iterator[Unit]:
        """The families of the stage `sources`, then those of `tools`."""
        stages = (("sources", ("sources", "recordings")), ("tools", ("tools",)))
        size = sum(
            end - start
            for stage, files in stages
            for unit in folder.units_of(stage, files[0])
            for start, end in unit.spans.values()
        )
        for stage, files in stages:
            for unit in folder.units_of(stage, *files):
                yield Unit(unit.name, unit.spans, size)

    def work(self, folder: "RunFolder", unit: Unit) -> Done:
        """The plans of a family."""
        done = Done()
        entries = [entry for file in ("sources", "tools") for entry in folder.records(Entry, unit, file)]
        recordings = folder.records(Recording, unit, "recordings")
        recipe = folder.recipe
        # Without a teacher the same tools are called, and values answer.
        share = 0.0 if recipe.teacher.name == "none" else taught_share(recipe.calls, int(unit.given or 0))
        for plan in plans_of(entries, recordings, recipe.calls, recipe.seed, share, done.counts):
            done.add("calls", to_line(plan))
            done.counts["plans"] += 1
            done.counts["sessions"] += len(plan.steps) >= 3
            done.counts["sessions/recorded" if plan.real else "sessions/planned"] += len(plan.steps) >= 3
            done.counts["teacher"] += len(plan.steps) if plan.teacher else 0
            done.counts["noted"] += bool(plan.notes)
            for step in plan.steps:
                done.counts[f"calls/{step.kind}{f'/{step.refusal}' if step.refusal else ''}"] += 1
                done.counts["calls/real" if plan.real else "calls/planned"] += 1
                done.counts["errors"] += bool(step.expect_error)
        return done


def taught_share(config: CallsConfig, size: int) -> float:
    """The share of the cheap tools that a teacher is asked about, so that all families together reach the limit."""
    return min(1.0, config.teacher_calls * BYTES_PER_TAUGHT / size) if size else 1.0


def plans_of(
    entries: Sequence[Entry],
    recordings: Sequence[Recording],
    config: CallsConfig,
    seed: int,
    share: float,
    counts: Counter[str] | None = None,
) -> Iterator[Plan]:
    """All plans of a family; equal ones are one."""
    if not entries:
        return
    planner = Planner(toolset_of(entries[0].family, entries), entries, recordings, config, seed, share)
    seen: set[str] = set()
    given = (plan for entry in entries for plan in documented_plans(entry, seed))
    for plan in (*recorded_plans(entries, recordings, seed), *given, *planner.plans()):
        if plan.id not in seen:
            seen.add(plan.id)
            yield plan
    if counts is not None:
        counts.update(planner.counts)
