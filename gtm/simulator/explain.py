"""Why a result is what it is: the steps the call took and, field by field, where each value came from.

Reads what a session recorded (turns, provenance) and the toolset's definitions; nothing is simulated again. The turn
that a stored value came from is the latest earlier one on the same thing that shows the same value.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gtm.errors import SessionError
from gtm.simulator.definitions import Definition, Definitions
from gtm.types import Frozen, Json, Source, Turn
from gtm.world.bound import Bound
from gtm.world.state import key_text
from gtm.world.tree import inside, leaves, steps_of
from gtm.world.words import flat

if TYPE_CHECKING:
    from gtm.simulator.simulator import Simulator

MAX_FIELDS = 200
"""Fields that are explained one by one; a longer answer says how many are left out."""


class FieldReason(Frozen):
    """One value of a result."""

    pointer: str
    value: Json
    source: Source
    why: str


class Explanation(Frozen):
    """Why one call was answered as it was."""

    call: int
    """Its number in the session, from 1."""
    tool: str
    steps: tuple[str, ...]
    """What happened, in order: fault, check, plan, generate."""
    fields: tuple[FieldReason, ...] = ()
    omitted: int = 0
    """Fields beyond MAX_FIELDS."""


def explain(simulator: "Simulator", turns: Sequence[Turn], call: int = -1) -> Explanation:
    """Explain one of a session's turns (oldest first), by default the last.

    Raises:
        SessionError: the session has no such call.
    """
    index = call - 1 if call > 0 else len(turns) + call
    if not 0 <= index < len(turns):
        raise SessionError(f"the session has {len(turns)} calls; there is no call {call}")
    turn = turns[index]
    definition = simulator.definitions.get(turn.call.tool)
    if definition is None:
        return Explanation(call=index + 1, tool=turn.call.tool, steps=("check: the toolset has no such tool",))
    steps = tuple(_steps(definition, turn, simulator.model))
    reasons = [] if turn.result.is_error else list(_fields(simulator, turns, index, definition))
    return Explanation(
        call=index + 1,
        tool=turn.call.tool,
        steps=steps,
        fields=tuple(reasons[:MAX_FIELDS]),
        omitted=max(len(reasons) - MAX_FIELDS, 0),
    )


def _steps(definition: Definition, turn: Turn, model: str) -> Iterator[str]:
    result, effect = turn.result, definition.bound.effect
    if turn.observed:
        yield "observed: the turn happened elsewhere and was told to the session"
        return
    kind = result.error.kind if result.error else ""
    if result.fault is not None:
        hint = "an agent can get past it" if result.fault.solvable else "an agent cannot get past it"
        detail = f": {result.fault.detail}" if result.fault.detail else ""
        yield f"fault: {result.fault.kind} was injected by policy ({hint}){detail}"
    if result.delay_ms is not None:
        yield f"fault: a latency of {result.delay_ms:g} ms"
    if kind in {"invalid_arguments", "not_simulated"}:
        yield f"check: refused ({kind}); no model was asked and nothing changed"
        return
    if result.error is not None and result.error.injected and kind != "committed_timeout":
        return
    yield "check: the tool exists and its arguments are valid"
    thing = f" on {effect.resource!r}" if effect.resource else ""
    by = f" by {', '.join(effect.key)}" if effect.key else ""
    yield f"plan: {effect.kind}{thing}{by} (confidence {effect.confidence:.2f}: {effect.reason})"
    if result.error is not None and not result.error.injected:
        yield f"plan: refused ({kind}); no model was asked"
        return
    sources = set(result.provenance.values())
    if "cassette" in sources:
        yield "plan: a recorded or pinned answer was played"
    elif "model" in sources:
        yield f"generate: {model} wrote what was not known"
    else:
        yield "generate: everything was known; no model was asked"
    for warning in result.warnings:
        yield f"note: {warning}"


def _fields(
    simulator: "Simulator", turns: Sequence[Turn], index: int, definition: Definition
) -> Iterator[FieldReason]:
    turn = turns[index]
    content = turn.result.content
    tree = content if isinstance(content, dict | list) else None
    found = list(leaves(tree)) if tree is not None else [("", content)]
    for pointer, value in found:
        source = source_of(turn.result.provenance, pointer)
        yield FieldReason(
            pointer=pointer,
            value=value,
            source=source,
            why=_why(simulator, turns, index, definition, (pointer, value, source)),
        )


def source_of(provenance: dict[str, Source], pointer: str) -> Source:
    """Where the value at a pointer came from: the nearest pointer at or above it that has a source."""
    while pointer not in provenance:
        if not pointer:
            return "default"
        pointer = pointer.rpartition("/")[0]
    return provenance[pointer]


def _why(
    simulator: "Simulator",
    turns: Sequence[Turn],
    index: int,
    definition: Definition,
    field: tuple[str, Json, Source],
) -> str:
    pointer, value, source = field
    name = _last_name(pointer)
    if source == "argument":
        given = next((n for n, v in turns[index].call.arguments.items() if flat(n) == flat(name) or v == value), name)
        return f"the call's argument {given!r}"
    if source == "state":
        key = _key_at(definition.bound, turns[index], pointer)
        origin = _origin(simulator.definitions, turns[:index], definition.bound, (name, value, key))
        return "the world holds it" if origin is None else f"the world holds it since call {origin}"
    return {
        "computed": "a seeded service or a rule: key, time, count, status",
        "model": f"written by {simulator.model} under the output schema",
        "cassette": "recorded or pinned",
        "default": "the seeded sampler: the model left it out or broke the schema",
    }[source]


def _key_at(bound: Bound, turn: Turn, pointer: str) -> Json:
    """The key of the thing that a field belongs to; None where it has none."""
    here = turn.result.content
    found: Json = turn.call.arguments.get(bound.own_key) if bound.own_key else None
    for step in steps_of(pointer):
        if isinstance(here, dict) and bound.key_field in here:
            found = here[bound.key_field]
        here = inside(here, step)
    return found


def _origin(
    definitions: Definitions, before: Sequence[Turn], bound: Bound, wanted: tuple[str, Json, Json]
) -> str | None:
    """The last call that wrote the value of this thing, else the first that showed it."""
    name, value, key = wanted
    shown: str | None = None
    for number in range(len(before), 0, -1):
        turn = before[number - 1]
        other = definitions.get(turn.call.tool)
        if other is None or turn.result.is_error or other.bound.effect.resource != bound.effect.resource:
            continue
        said = [*leaves(turn.call.arguments), *leaves(turn.result.content)]
        concerns = key is None or any(key_text(v) == key_text(key) for _, v in said)
        if not concerns or not any(v == value and flat(_last_name(at)) == flat(name) for at, v in said):
            continue
        shown = f"{number} ({turn.call.tool})"
        if other.bound.effect.kind in {"create", "update"}:
            break
    return shown


def _last_name(pointer: str) -> str:
    """The last step of a pointer that is no index."""
    return next((step for step in reversed(steps_of(pointer)) if step and not step.isdigit()), "")
