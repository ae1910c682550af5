"""Calls that a definition refuses, made from recorded ones that it accepts: one argument spoilt in one way.

Whether a call is valid is asked of the plain JSON Schema validator (draft 2020-12, formats on), not of the checker
that the simulator uses (but where a recording does not show an argument: that fits anything). A change that the
validator accepts is no mutation. Which arguments and values are spoilt follows from a name, the same every time.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from gtm.errors import SpecError
from gtm.simulator.redact import REDACTED
from gtm.simulator.validation import check_arguments, compile_validator
from gtm.tools.validator import resolve
from gtm.types import Json, Tool

Fault = Literal["missing", "type", "enum", "range", "format", "unknown_name"]
FAULTS: tuple[Fault, ...] = get_args(Fault)

Change = tuple[str, dict[str, Json]]
"""An argument and all arguments with it spoilt."""
Changes = Iterator[Change]

_OTHER_TYPES: tuple[Json, ...] = ("not a number", 17, True, ["x"], {"x": 1})
_UNLIKELY = "no-such-value"
_MALFORMED = ("not/a format!", "~")
MAX_SIZE = 5_000
"""Characters or items to which a value is lengthened at most."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """An invalid call, what is wrong with it and where."""

    fault: Fault
    argument: str
    arguments: dict[str, Json]


def is_valid(tool: Tool, arguments: dict[str, Json]) -> bool:
    """Whether a definition accepts a call's arguments."""
    if REDACTED in json.dumps(arguments, ensure_ascii=False):
        return not check_arguments(tool, arguments).violations
    try:
        return compile_validator(tool.parameters).is_valid(arguments)
    except SpecError:
        return False


def mutations(tool: Tool, arguments: dict[str, Json], name: str) -> list[Mutation]:
    """One invalid call for every fault that this call can have; none where the call itself is invalid."""
    if not is_valid(tool, arguments):
        return []
    rng = random.Random(name)
    found = []
    for fault in FAULTS:
        changes = list(_CHANGES[fault](tool.parameters, arguments))
        rng.shuffle(changes)
        spoilt = next((change for change in changes if not is_valid(tool, change[1])), None)
        if spoilt is not None:
            found.append(Mutation(fault, *spoilt))
    return found


def _missing(schema: dict[str, Json], arguments: dict[str, Json]) -> Changes:
    for name in schema.get("required", ()):
        if name in arguments:
            yield name, {key: value for key, value in arguments.items() if key != name}


def _type(schema: dict[str, Json], arguments: dict[str, Json]) -> Changes:
    for name, part in _declared(schema, arguments):
        if part.get("type") and not _choices(part):
            for value in _OTHER_TYPES:
                if type(value) is not type(arguments[name]):
                    yield name, {**arguments, name: value}


def _enum(schema: dict[str, Json], arguments: dict[str, Json]) -> Changes:
    for name, part in _declared(schema, arguments):
        if _choices(part):
            yield name, {**arguments, name: _UNLIKELY if isinstance(arguments[name], str) else 987_654_321}


def _range(schema: dict[str, Json], arguments: dict[str, Json]) -> Changes:
    for name, part in _declared(schema, arguments):
        for value in _outside(part, arguments[name]):
            yield name, {**arguments, name: value}


def _outside(part: dict[str, Json], value: Json) -> Iterator[Json]:
    if isinstance(value, str | list):
        least, most = ("minLength", "maxLength") if isinstance(value, str) else ("minItems", "maxItems")
        if part.get(least):
            yield value[: part[least] - 1]
        if value and isinstance(part.get(most), int) and part[most] < MAX_SIZE:
            yield (value * (part[most] + 1))[: part[most] + 1]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        for keyword, step in (("minimum", -1), ("exclusiveMinimum", 0), ("maximum", 1), ("exclusiveMaximum", 0)):
            if isinstance(part.get(keyword), int | float):
                yield part[keyword] + step


def _format(schema: dict[str, Json], arguments: dict[str, Json]) -> Changes:
    for name, part in _declared(schema, arguments):
        if isinstance(arguments[name], str) and ("format" in part or "pattern" in part) and not _choices(part):
            yield from ((name, {**arguments, name: text}) for text in _MALFORMED)


def _unknown_name(_: dict[str, Json], arguments: dict[str, Json]) -> Changes:
    """An argument under a name that the tool does not have: refused where it is required, or names are closed."""
    for name in arguments:
        yield name, {f"{key}_x" if key == name else key: value for key, value in arguments.items()}


def _declared(schema: dict[str, Json], arguments: dict[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    """The arguments given, with what the schema says of each."""
    for name, part in schema.get("properties", {}).items():
        if isinstance(part, dict) and isinstance(part.get("$ref"), str):
            part = resolve(schema, part["$ref"])
        if name in arguments and isinstance(part, dict):
            yield name, part


def _choices(part: dict[str, Json]) -> bool:
    return "enum" in part or "const" in part


_CHANGES: dict[Fault, Callable[[dict[str, Json], dict[str, Json]], Changes]] = {
    "missing": _missing,
    "type": _type,
    "enum": _enum,
    "range": _range,
    "format": _format,
    "unknown_name": _unknown_name,
}
