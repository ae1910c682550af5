"""A session tried out before it is planned: what each call would be answered, by the simulator with no model.

Outputs feed inputs here and where answers are made alike (`arguments_of`). Whether a call fails is the world's to say
and no matter of what a model writes, so a rehearsal knows it.
"""

from collections.abc import Mapping, Sequence

from gtm.carg.records import Plan, Step
from gtm.simulator.session import Session
from gtm.simulator.simulator import Simulator
from gtm.tools.view import View
from gtm.types import Json, Result, Tool
from gtm.world.tree import UNKNOWN, inside, steps_of


def arguments_of(step: Step, answers: Mapping[int, Json], tool: Tool | None) -> dict[str, Json] | None:
    """A step's arguments with what earlier answers give; None where an answer that it needs is missing.

    `answers` are the contents of earlier steps by index, errors left out. A number is written as text where the tool
    takes text.
    """
    arguments: Json = step.arguments
    for pointer, (source, place) in step.bind.items():
        value = answers.get(source, UNKNOWN)
        for part in steps_of(place):
            value = inside(value, part)
        if value is UNKNOWN or value is None or isinstance(value, dict | list):
            return None
        arguments = _with(arguments, steps_of(pointer), _fitted(value, steps_of(pointer), tool))
    return dict(arguments)


async def rehearse(simulator: Simulator, plan: Plan) -> list[tuple[dict[str, Json], Result] | None]:
    """The arguments and result of every step; None for a step that is left out."""
    played: list[tuple[dict[str, Json], Result] | None] = []
    answers: dict[int, Json] = {}
    session: Session
    async with simulator.session(
        seed=plan.seed, world=plan.world, faults=plan.faults, initial=plan.initial or None
    ) as session:
        for at, step in enumerate(plan.steps):
            arguments = arguments_of(step, answers, simulator.toolset.by_name.get(step.tool))
            if arguments is None:
                played.append(None)
                continue
            result = await session.acall(step.tool, arguments)
            played.append((arguments, result))
            if not result.is_error:
                answers[at] = result.content
    return played


def moved(steps: Sequence[Step], at: int) -> list[Step]:
    """The steps from `at` on, their sources one further where they stand behind it."""
    return [
        step.model_copy(update={"bind": {p: (s + (s >= at), w) for p, (s, w) in step.bind.items()}})
        for step in steps[at:]
    ]


def _fitted(value: Json, path: Sequence[str], tool: Tool | None) -> Json:
    view = View(tool.parameters, tool.parameters).at(tuple(path)) if tool is not None else None
    if view is None or isinstance(value, bool):
        return value
    if view.type == "string" and isinstance(value, int | float):
        return str(value)
    if view.type == "integer" and isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 18:
        return int(value)
    return value


def _with(value: Json, path: Sequence[str], new: Json) -> Json:
    if not path:
        return new
    return {**value, path[0]: _with(value.get(path[0]) or {}, path[1:], new)} if isinstance(value, dict) else value
