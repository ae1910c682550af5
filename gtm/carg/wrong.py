"""Calls that a tool refuses, one mistake each, as agents make them.

Each starts from a valid call. That the mistake is one, and the one it is called, is what
`gtm.simulator.lenient.accepted` says of the changed call; what it does not say is not planned.
"""

import json
import random
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from gtm.carg.records import Refusal
from gtm.errors import SpecError
from gtm.simulator.lenient import accepted
from gtm.simulator.validation import ArgumentReport
from gtm.tools.leaf import integer_bounds
from gtm.tools.merge import Schema
from gtm.types import Json, Tool
from gtm.world.words import words

KEYWORDS: dict[Refusal, frozenset[str]] = {
    "missing": frozenset({"required"}),
    "type": frozenset({"type"}),
    "enum": frozenset({"enum", "const"}),
    "range": frozenset(
        "minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength minItems maxItems multipleOf".split()
    ),
    "format": frozenset({"format", "pattern"}),
}
"""What the check must say of each mistake."""

ARGUMENT_REFUSALS: tuple[Refusal, ...] = ("missing", "type", "enum", "range", "format", "unknown_name")
TRIES = 6
MAX_TOO_LONG = 400
"""Characters of a text that is too long."""

_BAD_FORMATS: dict[str, tuple[str, ...]] = {
    "date-time": ("next Tuesday", "2024-13-45T99:00:00Z", "01/02/2024 5pm", "yesterday", "1717000000"),
    "date": ("tomorrow", "2024-02-31", "05/17/2024", "17 May"),
    "time": ("noon", "25:61", "half past two"),
    "email": ("jane.doe", "jane@@example", "jane at example.com"),
    "uuid": ("12345", "not-a-uuid", "3f2b8c1e-9a4d-4c6e-8f10"),
    "uri": ("example", "not a url", "//missing scheme"),
    "hostname": ("not a host", "-bad-.example"),
    "ipv4": ("256.1.1.1", "10.0.0", "localhost"),
    "ipv6": ("12345::1::2", "10.0.0.1"),
    "duration": ("2 hours", "90m"),
    "json-pointer": ("a/b",),
    "regex": ("[a-z", "(open"),
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A call that is wrong."""

    refusal: Refusal
    tool: str
    arguments: dict[str, Json]
    is_error: bool
    """False where the tool only ignores what is wrong (a name it does not know)."""


Spot = tuple[tuple[str | int, ...], Schema, Json]
"""Where a value stands, its shape, the value."""


def mistake(
    refusal: Refusal, tool: Tool, shape: Schema, arguments: dict[str, Json], rng: random.Random
) -> Mistake | None:
    """The call with one mistake of a kind; None where the tool leaves no room for it."""
    if refusal == "unknown_name":
        return _misnamed(tool, arguments, rng)
    if refusal == "missing":
        fewer = _without(tool, arguments, rng)
        return _checked("missing", tool, fewer) if fewer is not None else None
    change = _CHANGES.get(refusal)
    spots = list(_spots(shape, arguments, ()))
    if change is None or not spots:
        return None
    # Arguments themselves first: what is deep inside is seldom what agents get wrong.
    rng.shuffle(spots)
    spots.sort(key=lambda spot: len(spot[0]) > 1)
    found = ((spot, value) for spot in spots if (value := change(spot, rng)) is not None)
    for _, (spot, value) in zip(range(TRIES), found, strict=False):
        made = _checked(refusal, tool, _replaced(arguments, spot[0], value))
        if made is not None:
            return made
    return None


def unknown_tool(names: Collection[str], name: str, arguments: dict[str, Json], rng: random.Random) -> Mistake | None:
    """A call of a tool that the toolset does not have, called much like one that it has."""
    made = [other for other in _misspelt(name, rng) if other not in names and other]
    return Mistake("unknown_tool", rng.choice(made), arguments, True) if made else None


def _checked(refusal: Refusal, tool: Tool, arguments: dict[str, Json]) -> Mistake | None:
    report = _report(tool, arguments)
    if report is None or not report.violations:
        return None
    said = {violation.keyword for violation in report.violations}
    return Mistake(refusal, tool.name, arguments, True) if said <= KEYWORDS[refusal] else None


def _report(tool: Tool, arguments: dict[str, Json]) -> ArgumentReport | None:
    try:
        return accepted(tool, arguments)[1]
    except SpecError:
        return None


def _without(tool: Tool, arguments: dict[str, Json], rng: random.Random) -> dict[str, Json] | None:
    """The call without a required argument; now and then without all of them."""
    required = [name for name in tool.parameters.get("required") or () if name in arguments]
    if not required:
        return None
    gone = set(required) if len(required) > 1 and rng.random() < 0.1 else {rng.choice(required)}
    return {name: value for name, value in arguments.items() if name not in gone}


def _misnamed(tool: Tool, arguments: dict[str, Json], rng: random.Random) -> Mistake | None:
    """A name that the tool does not know: one of its own, misspelt, or one more."""
    declared = tool.parameters.get("properties") or {}
    if not declared:
        return None
    made = dict(arguments)
    if arguments and rng.random() < 0.75:
        old = rng.choice(sorted(arguments))
        forms = [form for form in _respelt(old) if form not in declared]
        if not forms:
            return None
        new = rng.choice(forms)
        made = {new if name == old else name: value for name, value in arguments.items()}
    else:
        name, value = rng.choice((("verbose", True), ("format", "json"), ("include_details", True), ("force", True)))
        if name in declared:
            return None
        made[name] = value
    report = _report(tool, made)
    if report is None:
        return None
    said = {violation.keyword for violation in report.violations}
    if said and not said <= {"required", "additionalProperties"}:
        return None
    return Mistake("unknown_name", tool.name, made, bool(said)) if said or report.unknown else None


def _respelt(name: str) -> list[str]:
    """Other spellings of a name: another case style, a shorter or a longer one."""
    parts = words(name)
    if not parts:
        return []
    snake, camel = "_".join(parts), parts[0] + "".join(part.title() for part in parts[1:])
    forms = [snake, camel, name + "s" if not name.endswith("s") else name[:-1]]
    forms += ["_".join(parts[:-1])] if len(parts) > 1 else [f"{name}_value", f"{name}Name"]
    forms += [parts[-1]] if len(parts) > 1 else []
    return [form for form in dict.fromkeys(forms) if form and form != name]


def _misspelt(name: str, rng: random.Random) -> list[str]:
    parts = words(name)
    swapped = [_VERBS.get(part, part) for part in parts]
    forms = [
        re.sub(re.escape(part), other, name, count=1, flags=re.I)
        for part, other in zip(parts, swapped, strict=True)
        if part != other
    ]
    forms += [name + "s" if not name.endswith("s") else name[:-1], f"{name}_v2", f"{name}ById"]
    forms += ["_".join(parts)] if "_" not in name else ["".join(part.title() for part in parts)]
    at = rng.randrange(len(name)) if name else 0
    return [*forms, name[:at] + name[at + 1 :]]


_VERBS = {
    "get": "fetch",
    "fetch": "get",
    "list": "getAll",
    "create": "add",
    "add": "create",
    "delete": "remove",
    "remove": "delete",
    "update": "modify",
    "search": "find",
    "find": "search",
    "put": "set",
    "describe": "show",
}


def _spots(shape: Schema, value: Json, path: tuple[str | int, ...]) -> Iterator[Spot]:
    """Every place of a call that its shape knows, those of arrays' first items only."""
    if path:
        yield path, shape, value
    if isinstance(value, dict) and shape.get("type") == "object":
        for name, inner in shape.get("properties", {}).items():
            if name in value:
                yield from _spots(inner, value[name], (*path, name))
    elif isinstance(value, list) and value and shape.get("type") == "array" and "items" in shape:
        yield from _spots(shape["items"], value[0], (*path, 0))


def _replaced(value: Json, path: tuple[str | int, ...], new: Json) -> Json:
    if not path:
        return new
    if isinstance(value, dict):
        return {name: _replaced(inner, path[1:], new) if name == path[0] else inner for name, inner in value.items()}
    return [_replaced(inner, path[1:], new) if at == path[0] else inner for at, inner in enumerate(value)]


def _wrong_type(spot: Spot, rng: random.Random) -> Json:
    """The value in a type that agents give instead."""
    _, _, value = spot
    choices: list[Json]
    if isinstance(value, bool):
        choices = ["true" if value else "false", "yes"]
    elif isinstance(value, int | float):
        choices = [str(value), "many", [value], {"value": value}]
    elif isinstance(value, str):
        number = rng.randint(1, 9_999)
        choices = [number, [value], {"value": value}, True]
    elif isinstance(value, list):
        simple = all(isinstance(item, str | int | float) for item in value)
        choices = [",".join(map(str, value)) if simple and value else json.dumps(value), {"items": value}]
        choices += value[:1]
    else:
        choices = [json.dumps(value), [value], "default"]
    return rng.choice(choices)


def _wrong_choice(spot: Spot, rng: random.Random) -> Json:
    """A value that is not among those allowed, though it looks so."""
    allowed = spot[1].get("enum")
    if not allowed:
        return None
    texts = [one for one in allowed if isinstance(one, str) and one]
    if not texts:
        numbers = [one for one in allowed if isinstance(one, int | float) and not isinstance(one, bool)]
        return max(numbers) + 1 if numbers else None
    one = rng.choice(texts)
    forms = [one.upper(), one.lower(), one.title(), f"{one}s", f"{one}_only", "default", "other", "unknown", "any"]
    forms = [form for form in forms if form not in allowed]
    return rng.choice(forms) if forms else None


def _out_of_range(spot: Spot, rng: random.Random) -> Json:
    """Just past a bound, or far."""
    _, shape, value = spot
    choices: list[Json] = []
    if isinstance(value, bool):
        return None
    if isinstance(value, int) and shape.get("type") == "integer":
        low, high = integer_bounds(shape)
        choices += [low - 1, low - 100] if low is not None else []
        choices += [high + 1, high * 10 + 1] if high is not None and high >= 0 else []
    elif isinstance(value, int | float):
        choices += [shape["minimum"] - 1] if "minimum" in shape else []
        choices += [shape["maximum"] + 1] if "maximum" in shape else []
    elif isinstance(value, str):
        choices += _wrong_length(value, shape)
    elif isinstance(value, list):
        high = shape.get("maxItems", 0)
        choices += [[]] if value else []
        choices += [[value[at % len(value)] for at in range(high + 1)]] if value and 0 < high < 40 else []
    return rng.choice(choices) if choices else None


def _wrong_length(value: str, shape: Schema) -> list[Json]:
    low, high = int(shape.get("minLength", 0)), shape.get("maxLength")
    choices: list[Json] = [value[: low - 1]] if 0 < low <= len(value) else []
    if high is not None and value and int(high) < MAX_TOO_LONG:
        repeated = value * (int(high) // len(value) + 2)
        choices.append(repeated[: int(high) + 1 + len(value) % 9])
    return choices


def _bad_format(spot: Spot, rng: random.Random) -> Json:
    """Text that is not of the format, a number beyond its width, text that does not match."""
    _, shape, value = spot
    form = shape.get("format")
    if isinstance(value, int) and not isinstance(value, bool):
        return {"int32": 2**31 + 7, "int64": 2**63 + 7}.get(str(form))
    if not isinstance(value, str):
        return None
    if form in _BAD_FORMATS:
        return rng.choice(_BAD_FORMATS[form])
    if "pattern" in shape:
        return rng.choice((f"{value} !", f"#{value}", "not valid!", "", f"{value}/..", f"<{value}>"))
    return None


_CHANGES: dict[Refusal, Callable[[Spot, random.Random], Json]] = {
    "type": _wrong_type,
    "enum": _wrong_choice,
    "range": _out_of_range,
    "format": _bad_format,
}
