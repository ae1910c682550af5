"""A real answer as what a model should have written: the shape it has, what was known before, and the rest.

The prompt is the one that the simulator would have used at that point of the session. Known are the places that code
fills when it serves (keys, times, what the caller or the world said), with their real values; where the plan says
another value than the real tool did, the place counts as unknown. What a model could not be asked for is left out of
the shape: fields of another type than declared, texts beyond the prompt's limit.
"""

from dataclasses import dataclass, replace

from gtm import prompt
from gtm.carg.records import Written
from gtm.engines.grammar import dump
from gtm.errors import SpecError
from gtm.prompt import Ask
from gtm.simulator.definitions import Definition
from gtm.simulator.prefill import has_service, is_served
from gtm.simulator.redact import recordable
from gtm.simulator.session import Snapshot
from gtm.simulator.simulator import Simulator
from gtm.tools.infer import schema_of
from gtm.tools.shape import Unsatisfiable, output_shape
from gtm.types import Json
from gtm.world import services
from gtm.world.outcome import Moment, Plan
from gtm.world.tree import UNKNOWN, missing, plain

MAX_ITEMS = 3
"""Items of an array that are shown, as many as `gtm.tools.shape` lets a model write."""

TEXT_LIMIT = 1200
"""Characters of a text answer that is learnt from; a longer one is none."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """A shape and a value made to agree."""

    shape: dict[str, Json]
    value: Json


def written_for(
    simulator: Simulator, definition: Definition, now: Snapshot, arguments: dict[str, Json], response: Json
) -> Written | None:
    """What a model should have written of a real success; None where nothing of it is a model's business."""
    arguments = recordable(definition.bound.parameters, arguments)
    at = simulator.moment(definition, now)
    plan = simulator.definitions.rules.plan(definition.bound, arguments, Moment(at.state, "open", at.seed, at.now))
    ask = simulator.ask(definition, now, arguments, plan)
    # A documented answer must not stand in the prompt that asks for it.
    ask = replace(
        ask,
        examples=tuple(e for e in ask.examples if e.response != response),
        variation=services.seed_of(*plan.seed_parts),
    )
    if isinstance(response, str):
        return _text(ask, response)
    return _json(definition, ask, plan, response)


def _text(ask: Ask, response: str) -> Written | None:
    if not response.strip() or len(response) > TEXT_LIMIT:
        return None
    rendered = prompt.render(ask, "text")
    messages = tuple((message.role, message.content) for message in rendered.messages)
    return Written(system="text", messages=messages, shape=None, target=response.strip(), cuts=rendered.cuts)


def _json(definition: Definition, ask: Ask, plan: Plan, response: Json) -> Written | None:
    schema = definition.tool.output_schema
    try:
        shape = output_shape(schema if isinstance(schema, dict) else schema_of([response]), examples=[response])
    except (Unsatisfiable, SpecError):
        return None
    cut = _agree(shape.schema, response)
    if cut is None:
        return None
    known = _known("", cut.shape, cut.value, plan.known)
    unknown = missing(cut.shape, known)
    if unknown is None:
        return None
    rendered = prompt.render(replace(ask, shape=unknown, known=plain(known)))
    return Written(
        system="system",
        messages=tuple((message.role, message.content) for message in rendered.messages),
        shape=unknown,
        target=dump(part_of(unknown, cut.value)),
        cuts=rendered.cuts,
    )


def part_of(shape: dict[str, Json], value: Json) -> Json:
    """The part of a value that a shape names; items of an array by their index where the shape does so."""
    if shape.get("type") == "object" and isinstance(value, list):
        return {name: part_of(sub, value[int(name)]) for name, sub in shape["properties"].items()}
    if shape.get("type") == "object" and isinstance(value, dict):
        return {name: part_of(sub, value[name]) for name, sub in shape["properties"].items() if name in value}
    if shape.get("type") == "array" and isinstance(value, list):
        return [part_of(shape["items"], item) for item in value]
    return value


def _agree(shape: dict[str, Json], value: Json) -> _Cut | None:
    """The shape cut to what the value has, and the value cut to that; None where they have nothing in common."""
    kind = shape.get("type")
    if kind == "object" and isinstance(value, dict):
        parts = {
            name: cut
            for name, sub in shape["properties"].items()
            if name in value and (cut := _agree(sub, value[name])) is not None
        }
        if not parts:
            return None
        return _Cut(_object({name: cut.shape for name, cut in parts.items()}), {n: c.value for n, c in parts.items()})
    if kind == "array" and isinstance(value, list):
        return _agree_items(shape, value)
    return _Cut(shape, value) if _is_leaf(shape, value) else None


def _agree_items(shape: dict[str, Json], value: list[Json]) -> _Cut | None:
    shown = value[:MAX_ITEMS]
    cuts = [cut for item in shown if (cut := _agree(shape["items"], item)) is not None]
    if len(cuts) < len(shown):
        return None
    items = shape["items"]
    for cut in cuts:
        items = _shared(items, cut.shape)
    values = [part_of(items, cut.value) for cut in cuts]
    if items.get("type") == "object" and not items["properties"]:
        return None
    return _Cut({**shape, "items": items, "minItems": len(values), "maxItems": len(values)}, values)


def _shared(left: dict[str, Json], right: dict[str, Json]) -> dict[str, Json]:
    """What two shapes of items have in common, by their names."""
    if left.get("type") == "object" and right.get("type") == "object":
        names = [name for name in left["properties"] if name in right["properties"]]
        return _object({name: _shared(left["properties"][name], right["properties"][name]) for name in names})
    if left.get("type") == "array" and right.get("type") == "array":
        bounds = {
            "minItems": min(left.get("minItems", 0), right["minItems"]),
            "maxItems": max(right["maxItems"], min(left.get("maxItems", 0), MAX_ITEMS)),
        }
        return {**right, "items": _shared(left["items"], right["items"]), **bounds}
    return right


def _object(properties: dict[str, Json]) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _is_leaf(shape: dict[str, Json], value: Json) -> bool:
    """Whether a scalar is one that the shape's leaf lets a model write."""
    if "const" in shape or "enum" in shape:
        return value in shape.get("enum", [shape.get("const")])
    kind = shape.get("type")
    if isinstance(value, bool) or value is None:
        return kind == ("null" if value is None else "boolean")
    if isinstance(value, str):
        fits = kind == "string" and len(value) <= int(shape.get("maxLength", prompt.STRING_LIMIT))
        return fits and len(value) <= prompt.STRING_LIMIT
    if isinstance(value, int):
        return kind in ("integer", "number")
    return isinstance(value, float) and kind == "number"


def _known(name: str, shape: dict[str, Json], value: Json, planned: Json) -> Json:
    """What is known before a model writes, with its real values."""
    if shape.get("type") == "object":
        told = planned if isinstance(planned, dict) else {}
        known = {
            field: part
            for field, sub in shape["properties"].items()
            if (part := _known(field, sub, value[field], told.get(field, UNKNOWN))) is not UNKNOWN
        }
        return known or UNKNOWN
    if shape.get("type") == "array":
        same = isinstance(planned, list) and len(planned) == len(value)
        if not (same or has_service(shape["items"])):
            return UNKNOWN
        told_items = planned if same else [UNKNOWN] * len(value)
        return [_known(name, shape["items"], *pair) for pair in zip(value, told_items, strict=True)]
    is_said = planned is not UNKNOWN and type(planned) is type(value) and planned == value
    return value if is_said or is_served(name, shape) else UNKNOWN
